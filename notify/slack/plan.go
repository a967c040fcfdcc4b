package slack

import (
	"slices"
	"strconv"
	"time"
	"unicode"

	"toban/i18n"
	"toban/oncall"
)

// wanted is how things stand now, as far as the chat shows them.
type wanted struct {
	Incident  *oncall.Incident
	Lines     []oncall.Entry // audible ones behind what was told
	Last      int64          // the last line that was read
	Directory *oncall.Directory
	NextAt    time.Time // what happens by itself next; zero = nothing
	NextWhy   oncall.Reason
	Now       time.Time

	Team      string                   // the team's channel, by name or id; "" = none
	Own       bool                     // it is to have a channel of its own
	Members   map[oncall.UserID]string // users who are in the workspace
	Concerned []oncall.UserID          // who belongs into its channel
	Page      string                   // address of its page; "" = unknown
	Link      string                   // the same without a login
	Quiet     time.Duration
	Settle    time.Duration
}

// verb is what an operation does with its part.
type verb string

// The verbs.
const (
	doPost    verb = "post"
	doUpdate  verb = "update"
	doCreate  verb = "create"
	doReopen  verb = "reopen"
	doInvite  verb = "invite"
	doTopic   verb = "topic"
	doArchive verb = "archive"
)

// op is one thing to do in Slack.
type op struct {
	Part   part
	Do     verb
	Text   string   // topic, or name of a channel
	Users  []string // members to invite
	Lines  []string // what is told
	Seq    int64    // the last line of the timeline that is told by it
	Remind bool     // with how long it has been firing
	Ask    bool     // with the button "still on it"
}

// plan says what is to be done so that Slack shows what is wanted, in order of
// importance, and when to look again although nothing has changed. What depends
// on the outcome of another operation is planned after that.
func plan(w wanted, have state) (ops []op, again time.Time) {
	if w.Team != "" && have.Refused[partTeam] == "" {
		ops, again = planTeam(w, have)
	}
	if have.Refused[partRoom] == "" && (w.Own || have.Room.ID != "") {
		more, at := planRoom(w, have)
		ops, again = append(ops, more...), sooner(again, at)
	}
	return ops, again
}

func planTeam(w wanted, have state) (ops []op, again time.Time) {
	shown := w.card(have.Room.ID)
	switch {
	case have.Digest != "":
		if have.Team.Shows != shown.Shows {
			ops = append(ops, op{Part: partDigest, Do: doUpdate})
		}
		if !w.talks(have) && w.repeats(have, have.Thread) {
			ops = append(ops, op{Part: partDigest, Do: doPost, Seq: w.Last, Remind: true})
		}
		return ops, again
	case have.Team.TS == "":
		if w.Incident.State == oncall.Resolved && w.Now.Sub(w.Incident.ResolvedAt) > fresh {
			return nil, again
		}
		return []op{{Part: partTeam, Do: doPost}}, again
	case have.Team.Gone:
		return nil, again
	}
	update, again := outdated(w, have.Team, shown)
	if update {
		ops = append(ops, op{Part: partTeam, Do: doUpdate})
	}
	if o, ok := w.tell(partThread, have, have.Thread, !w.talks(have)); ok {
		ops = append(ops, o)
	}
	return ops, again
}

// talks reports whether the incident has a channel of its own, where it is
// reminded of.
func (w wanted) talks(have state) bool { return have.Room.ID != "" && !have.Room.Archived }

// outdated reports whether a message has to be written again. That only the next
// action has moved is told every Settle.
func outdated(w wanted, p post, shown message) (update bool, again time.Time) {
	switch {
	case p.Shows != shown.Shows:
		return true, time.Time{}
	case p.Next == shown.Next:
		return false, time.Time{}
	}
	if at := p.At.Add(w.Settle); w.Now.Before(at) {
		return false, at
	}
	return true, time.Time{}
}

func planRoom(w wanted, have state) (ops []op, again time.Time) {
	over := w.Incident.State == oncall.Resolved
	r := have.Room
	switch {
	case r.ID == "" && over:
		return nil, again
	case r.ID == "":
		return []op{{Part: partRoom, Do: doCreate, Text: w.roomName(r.Taken)}}, again
	case r.Archived && !over && w.reopened(r.Told):
		return []op{{Part: partRoom, Do: doReopen}}, again
	case r.Archived:
		return nil, again
	}
	if users := w.invitees(have); len(users) > 0 {
		ops = append(ops, op{Part: partRoom, Do: doInvite, Users: users})
	}
	shown := w.card("")
	if r.Card.TS == "" {
		ops = append(ops, op{Part: partCard, Do: doPost})
	} else if !r.Card.Gone {
		update, at := outdated(w, r.Card, shown)
		if again = at; update {
			ops = append(ops, op{Part: partCard, Do: doUpdate})
		}
	}
	o, telling := w.tell(partTell, have, r.Told, true)
	if telling {
		ops = append(ops, o)
	}
	if topic := w.topic(); topic != r.Topic {
		ops = append(ops, op{Part: partRoom, Do: doTopic, Text: topic})
	}
	if over {
		if end := w.Incident.ResolvedAt.Add(w.Quiet); w.Now.Before(end) {
			again = sooner(again, end)
		} else if !telling {
			ops = append(ops, op{Part: partRoom, Do: doArchive})
		}
	}
	return ops, again
}

// invitees are the members who are not in the channel yet, one at a time when
// several together were refused.
func (w wanted) invitees(have state) (users []string) {
	for _, u := range w.Concerned {
		if m := w.Members[u]; m != "" && !slices.Contains(have.Room.Invited, m) && !slices.Contains(users, m) {
			users = append(users, m)
		}
	}
	const most = 30
	if have.Room.Singly && len(users) > 1 {
		return users[:1]
	}
	return users[:min(len(users), most)]
}

func (w wanted) reopened(since int64) bool {
	return slices.ContainsFunc(w.Lines, func(e oncall.Entry) bool { return e.Seq > since && e.Kind == oncall.EntryReopened })
}

const (
	maxLines = 20
	maxLine  = 1200 // characters of one line; the rest is on the page
)

// tell folds what has not been told into one post. A reminder is one line,
// however often the sender repeated it.
func (w wanted) tell(p part, have state, told int64, remind bool) (op, bool) {
	o := op{Part: p, Do: doPost, Seq: told}
	var behind []oncall.Entry
	for _, e := range w.Lines {
		switch {
		case e.Seq <= told:
		case e.Kind != oncall.EntryRepeated:
			behind = append(behind, e)
		}
	}
	o.Remind = remind && w.repeats(have, told)
	o.Seq = max(o.Seq, w.Last)
	if len(behind) > maxLines {
		o.Seq, o.Remind = behind[maxLines-1].Seq, false
		behind = behind[:maxLines]
	}
	for _, e := range behind {
		line := escape(clip(i18n.EntrySentence(w.language(), e, w.names()), maxLine))
		if len(behind) > 1 {
			line = clock(e.At, w.zone()) + " " + line
		}
		o.Lines = append(o.Lines, line)
		o.Ask = o.Ask || e.Kind == oncall.EntryAsked && w.Incident.State == oncall.Acknowledged
	}
	if o.Remind {
		o.Lines = append(o.Lines, w.reminder())
	}
	return o, len(o.Lines) > 0
}

// repeats reports whether the sender has said again that it fires, and it is time
// to say so.
func (w wanted) repeats(have state, told int64) bool {
	since := later(have.Reminded, w.Incident.TriggeredAt)
	return w.Incident.State != oncall.Resolved && w.Now.Sub(since) >= remindEvery &&
		slices.ContainsFunc(w.Lines, func(e oncall.Entry) bool { return e.Seq > told && e.Kind == oncall.EntryRepeated })
}

// roomName is the name of the incident's channel; taken is how many names others
// had already.
func (w wanted) roomName(taken int) string {
	name := "inc-" + strconv.FormatInt(w.Incident.Number, 10) + "-" + slug(string(w.Incident.Service))
	suffix := ""
	if taken > 0 {
		suffix = "-" + strconv.Itoa(taken+1)
	}
	const longest = 80
	runes := []rune(name)
	return string(runes[:min(len(runes), longest-len(suffix))]) + suffix
}

// slug is a name as channels take it: letters of scripts without upper case are
// allowed, so that a Japanese one stays readable.
func slug(name string) string {
	var out []rune
	for _, r := range name {
		r = unicode.ToLower(r)
		switch {
		case r == '_', unicode.IsLetter(r) && !unicode.IsUpper(r) && !unicode.IsTitle(r), unicode.IsNumber(r), unicode.IsMark(r):
			out = append(out, r)
		case len(out) > 0 && out[len(out)-1] != '-':
			out = append(out, '-')
		}
	}
	for len(out) > 0 && out[len(out)-1] == '-' {
		out = out[:len(out)-1]
	}
	if len(out) == 0 {
		return "incident"
	}
	return string(out)
}

// wantsRoom reports whether an incident of that service gets a channel of its
// own.
func wantsRoom(s *oncall.Service, inc *oncall.Incident) bool {
	if s == nil {
		return false
	}
	switch s.Chat.PerIncident {
	case oncall.ChatAlways:
		return true
	case oncall.ChatHigh:
		return inc.Urgency == oncall.High
	case oncall.ChatOffHours:
		return !s.SupportHours.Contains(inc.TriggeredAt)
	}
	return false
}

// sooner is the earlier of two times, where zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
