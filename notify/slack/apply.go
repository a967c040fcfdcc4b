package slack

import (
	"context"
	"slices"
	"time"

	"toban/notify"
	"toban/oncall"
)

const (
	// firstRetry is when a failed operation is tried again; then twice as long
	// each time, up to lastRetry.
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
	// lookAgain is when the fate of a post is looked up that was not answered.
	lookAgain = time.Second
	// maxTaken is how many names of a channel are tried.
	maxTaken = 20
)

// do does one operation and saves what has come of it.
func (t *task) do(ctx context.Context, o op) {
	switch {
	case o.Part == partTeam && o.Do == doPost:
		t.postTeam(ctx, o)
	case o.Part == partTeam:
		t.rewrite(ctx, o, &t.st.Team, t.w.card(t.st.Room.ID))
	case o.Part == partCard && o.Do == doPost:
		t.posting(ctx, o, intent{Channel: t.st.Room.ID}, t.w.card(""))
	case o.Part == partCard:
		t.rewrite(ctx, o, &t.st.Room.Card, t.w.card(""))
	case o.Part == partDigest:
		t.tellDigest(ctx, o)
	case o.Part == partThread:
		t.posting(ctx, o, intent{Channel: t.st.Team.Channel, Thread: t.st.Team.TS, Seq: o.Seq}, t.w.lines(o))
	case o.Part == partTell:
		t.posting(ctx, o, intent{Channel: t.st.Room.ID, Seq: o.Seq}, t.w.lines(o))
	case o.Do == doCreate:
		t.create(ctx, o)
	case o.Do == doReopen:
		t.reopen(ctx, o)
	case o.Do == doInvite:
		t.invite(ctx, o)
	case o.Do == doTopic:
		t.settle(ctx, o, t.ws.setTopic(ctx, t.st.Room.ID, o.Text), func() { t.st.Room.Topic = o.Text })
	case o.Do == doArchive:
		t.settle(ctx, o, t.ws.archive(ctx, t.st.Room.ID), func() { t.st.Room.Archived = true })
	}
}

// posting posts m: first the intent is saved, then it is sent, then its answer is
// saved.
func (t *task) posting(ctx context.Context, o op, in intent, m message) {
	if wait := t.ws.gate.free(in.Channel); wait > 0 { // no intent for what is not sent
		t.later(o, wait+busyPause)
		return
	}
	t.st.N++
	in.Part, in.N, in.At = o.Part, t.st.N, time.Now()
	t.st.Intent = &in
	if !t.save(ctx) {
		return
	}
	channel, ts, failure := t.ws.post(ctx, in.Channel, m, tag{Ref: t.chat.Ref, N: in.N}, in.Thread, o.Remind && in.Thread != "")
	if failure != nil && failure.Class == notify.Ambiguous {
		t.later(o, lookAgain)
		t.next = time.Now().Add(lookAgain)
		t.stop() // the fate of this one comes first
		return
	}
	t.st.Intent = nil
	t.settle(ctx, o, failure, func() {
		t.st.adopt(in, channel, ts)
		switch o.Part {
		case partTeam:
			t.ws.healed("channel " + t.w.Team)
			t.st.Team.Shows, t.st.Team.Next = m.Shows, m.Next
		case partCard:
			t.st.Room.Card.Shows, t.st.Room.Card.Next = m.Shows, m.Next
		}
		if o.Remind {
			t.st.Reminded = in.At
		}
	})
}

// stop lets everything wait until the next turn.
func (t *task) stop() {
	ops, _ := plan(t.w, t.st)
	for _, o := range ops {
		t.later(o, lookAgain)
	}
}

// rewrite updates a message in its place.
func (t *task) rewrite(ctx context.Context, o op, p *post, m message) {
	t.settle(ctx, o, t.ws.update(ctx, *p, m, tag{Ref: t.chat.Ref}), func() {
		p.Shows, p.Next, p.At = m.Shows, m.Next, time.Now()
	})
}

// settle saves what follows from an answer: well is called when it was good.
func (t *task) settle(ctx context.Context, o op, failure *notify.Failure, well func()) {
	if failure == nil {
		well()
		t.st.Tries = 0
		t.save(ctx)
		return
	}
	if failure.Code != codePace {
		t.f.log.WarnContext(ctx, "not taken by slack", "incident", t.chat.Ref, "part", string(o.Part), "do", string(o.Do), "class", string(failure.Class), "code", failure.Code)
	}
	switch failure.Class {
	case notify.Throttled:
		t.later(o, failure.After+busyPause)
		if t.st.Intent == nil && o.Do == doPost || o.Do == doCreate {
			t.save(ctx) // without the intent
		}
	case notify.BadConfig:
		t.f.trouble(ctx, t.ws, t.w.Directory, string(o.Part)+"."+string(o.Do), failure)
		t.tryAgain(ctx, o)
	case notify.BadAddress:
		t.unwanted(ctx, o, failure)
	default:
		t.tryAgain(ctx, o)
	}
}

// tryAgain lets an operation wait the longer the more often it has failed.
func (t *task) tryAgain(ctx context.Context, o op) {
	pause := min(firstRetry<<min(t.st.Tries, 10), lastRetry)
	t.st.Tries++
	t.later(o, pause)
	t.save(ctx)
}

// unwanted decides what follows when Slack does not want this very thing.
func (t *task) unwanted(ctx context.Context, o op, failure *notify.Failure) {
	room := o.Part == partRoom || o.Part == partCard || o.Part == partTell
	switch code := failure.Code; {
	case o.Do == doUpdate && (code == codeNoMessage || code == codeCantUpdate || code == codeEditClosed):
		if o.Part == partTeam {
			t.st.Team.Gone = true
		} else {
			t.st.Room.Card.Gone = true
		}
		t.save(ctx)
	case o.Do == doInvite:
		t.uninvited(ctx, o)
	case room && o.Do != doCreate && (code == codeArchived || code == codeInactive || code == codeNoChannel || code == codeNotInChannel):
		t.st.Room.Archived = true // somebody closed it, and knows why
		t.st.Room.Told = max(t.st.Room.Told, t.w.Last)
		t.save(ctx)
	case o.Do == doCreate && code == codeNameTaken && t.st.Room.Taken < maxTaken:
		t.st.Room.Taken++
		t.save(ctx)
	case room:
		text := "slack_no_room"
		if code == codeRestricted {
			text = "slack_restricted_action"
		}
		t.giveUp(ctx, partRoom, code, text)
	case code == codeArchived || code == codeInactive || code == codeNoChannel || code == codeNotInChannel:
		t.f.raise(ctx, t.ws, "channel "+t.w.Team, printer(t.w.Directory).Say("slack.alarm.channel", "channel", t.w.Team, "code", code))
		if t.w.Incident.State == oncall.Resolved && t.st.Tries > 3 {
			t.giveUp(ctx, partTeam, code, "slack_no_post")
			return
		}
		t.tryAgain(ctx, o)
	default:
		t.giveUp(ctx, partTeam, code, "slack_no_post")
	}
}

// giveUp leaves a part alone for good, and says so on the timeline.
func (t *task) giveUp(ctx context.Context, p part, code, text string) {
	t.st.refuse(p, code)
	t.note(ctx, oncall.Entry{Kind: oncall.EntryDelivery, Data: oncall.EntryData{Method: oncall.Slack, Text: text, Why: code}})
}

func (t *task) create(ctx context.Context, o op) {
	t.st.N++
	in := intent{Part: partRoom, Name: o.Text, N: t.st.N, At: time.Now()}
	t.st.Intent = &in
	if !t.save(ctx) {
		return
	}
	id, failure := t.ws.createChannel(ctx, o.Text)
	if failure != nil && failure.Class == notify.Ambiguous {
		t.next = sooner(t.next, time.Now().Add(lookAgain))
		t.later(o, lookAgain)
		t.stop()
		return
	}
	t.st.Intent = nil
	t.settle(ctx, o, failure, func() { t.st.adopt(in, id, "") })
}

// reopen opens the incident's channel again, or makes another one: a bot may not
// unarchive what it has archived in every workspace.
func (t *task) reopen(ctx context.Context, o op) {
	failure := t.ws.unarchive(ctx, t.st.Room.ID)
	if failure != nil && failure.Class == notify.BadAddress && failure.Code != "not_archived" {
		told := t.st.Room.Told
		t.st.Room = room{Taken: t.st.Room.Taken + 1, Told: told}
		t.save(ctx)
		return
	}
	if failure != nil && failure.Code == "not_archived" {
		failure = nil
	}
	t.settle(ctx, o, failure, func() { t.st.Room.Archived = false })
}

func (t *task) invite(ctx context.Context, o op) {
	t.settle(ctx, o, t.ws.invite(ctx, t.st.Room.ID, o.Users), func() {
		t.st.Room.Invited = append(t.st.Room.Invited, o.Users...)
	})
}

// uninvited: one of several can't come, so they are asked one by one; who can't
// is not asked again.
func (t *task) uninvited(ctx context.Context, o op) {
	if len(o.Users) > 1 {
		t.st.Room.Singly = true
	} else {
		t.st.Room.Invited = append(t.st.Room.Invited, o.Users...)
	}
	t.save(ctx)
}

// recover finds out what became of a post that was not answered (R23). It
// returns false when that can't be known yet.
func (t *task) recover(ctx context.Context) bool {
	in := *t.st.Intent
	var id, ts string
	var found bool
	var failure *notify.Failure
	if in.Part == partRoom {
		id, failure = t.ws.created(ctx, in.Name, in.At)
		found = id != ""
	} else {
		ts, found, failure = t.ws.find(ctx, in.Channel, in.Thread, tag{Ref: t.chat.Ref, N: in.N}, in.At)
		if failure == nil && found {
			id, failure = t.ws.channelID(ctx, in.Channel)
		}
	}
	if failure != nil && slices.Contains([]notify.Class{notify.Throttled, notify.Transient, notify.Ambiguous}, failure.Class) {
		pause := max(failure.After, min(firstRetry<<min(t.st.Tries, 10), lastRetry))
		t.st.Tries++
		t.next = sooner(t.next, time.Now().Add(pause))
		t.save(ctx)
		return false
	}
	if failure != nil { // it can't be known here: a second post is better than none
		t.f.log.WarnContext(ctx, "post can't be looked up and is repeated", "incident", t.chat.Ref, "code", failure.Code)
		if tokenCode(failure.Code) {
			t.f.trouble(ctx, t.ws, t.w.Directory, string(in.Part), failure)
			t.next = sooner(t.next, time.Now().Add(deadToken))
			return false
		}
	}
	t.st.Intent, t.st.Tries = nil, 0
	if found {
		t.st.adopt(in, id, ts)
	}
	return t.save(ctx)
}
