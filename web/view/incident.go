package view

import (
	"slices"
	"strconv"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// IncidentPage is one incident with everything about it.
type IncidentPage struct {
	Row       IncidentRow
	ServiceID oncall.ServiceID
	Stage     oncall.Stage // shown where it is not production
	Policy    string
	Says      string // what is said of it now, where the title does not
	Shadow    bool
	Doing     Doing
	Next      []StairStep
	NextNote  string // said above or instead of the stair
	Lines     []TimelineLine
	Older     string // path of the lines before; "" for none
	Alerts    []AlertView
	Reached   []Reached
	Summary   *Summary // nil while it is open
	// Voices are the users in whose name a reader without one acts; empty where
	// the reader is a user.
	Voices   []Option
	Users    []Option
	Policies []Option
	Wrong    map[string]string // by field, of a form that comes back
	Note     string            // kept when it comes back
	Until    string            // of the snooze form, kept when it comes back
}

// AlertView is what a sender keeps saying.
type AlertView struct {
	Key         string
	Firing      bool
	Severity    oncall.Severity
	Count       int64
	First, Last time.Time
	Labels      []Hidden // name and value, in order
	Notes       []Hidden // annotations
	// Monitor is the monitor of toban's own that says so, "" for any other sender's
	// or where its page is not the reader's.
	Monitor oncall.MonitorID
}

// Reached is one call or message and how it went: queued, sent, delivered,
// answered.
type Reached struct {
	Who     string
	Method  oncall.Method
	At      time.Time
	Stages  []string // in words, the last one is where it stands
	Outcome oncall.Outcome
	Live    bool
	Cost    string // "" where no tariff is known
}

// Summary is what it took.
type Summary struct {
	ToAcknowledge time.Duration // negative: nobody took it
	ToResolve     time.Duration
	Calls         int
	Messages      int
	People        int
	Cost          string // "" where no tariff is known
}

// SummaryOf counts what a resolved incident took.
func SummaryOf(inc *oncall.Incident, deliveries []Reached, cost string) *Summary {
	if inc.State != oncall.Resolved {
		return nil
	}
	sum := &Summary{ToAcknowledge: -1, ToResolve: inc.ResolvedAt.Sub(inc.TriggeredAt), Cost: cost}
	if !inc.AcknowledgedAt.IsZero() {
		sum.ToAcknowledge = inc.AcknowledgedAt.Sub(inc.TriggeredAt)
	}
	var who []string
	for _, d := range deliveries {
		if d.Method == oncall.Call {
			sum.Calls++
		} else {
			sum.Messages++
		}
		if d.Who != "" && !slices.Contains(who, d.Who) {
			who = append(who, d.Who)
		}
	}
	sum.People = len(who)
	return sum
}

// mostNext is how many steps of what happens next are drawn.
const mostNext = 8

// NextOf is what happens next, as a stair that ticks: what goes on now, then the
// calls and levels to come with their reasons, until it repeats. What a neighbour
// says better is left out.
func NextOf(s Shell, names i18n.Names, inc *oncall.Incident, doing Doing, steps []oncall.Step) (stair []StairStep, note string) {
	if inc.State == oncall.Triggered && doing.Now {
		stair = append(stair, StairStep{Sentence: doing.Text, Kind: "call", Now: true})
	}
	paged := map[oncall.UserID]time.Time{}
	rounds := 0
	for i := range steps {
		step := &steps[i]
		e := &step.Entry
		if e.Kind == oncall.EntryRound {
			rounds++
		}
		if e.Kind == oncall.EntryRound && e.Data.Round > 1 && inc.Urgency == oncall.High && rounds > 1 || len(stair) >= mostNext {
			note = s.T("next.goeson")
			break
		}
		if e.Kind == oncall.EntryPage {
			paged[e.Data.User] = step.At
		}
		if redundant(steps, i) || e.Kind == oncall.EntryTold || e.Kind == oncall.EntryOutcome {
			continue
		}
		line := StairStep{
			At: step.At, Sentence: i18n.EntrySentence(s.Lang, *e, names), Kind: stairKind(e), Icon: stairIcon(e),
			Why: stepReason(s, names, step, paged[e.Data.User]),
		}
		if line.Icon == "" && line.Kind == "" {
			line.Icon = lineIcon(e)
		}
		stair = append(stair, line)
	}
	return stair, note
}

// foldFrom is from how many lines of a machine on they are folded into one.
const foldFrom = 3

// LinesOf are entries, the latest first, as lines of a timeline. What machines
// say about deliveries is folded where there is much of it.
func LinesOf(s Shell, names i18n.Names, entries []oncall.Entry) []TimelineLine {
	var lines []TimelineLine
	for i := 0; i < len(entries); {
		n := 0
		for i+n < len(entries) && isDelivery(entries[i+n].Kind) {
			n++
		}
		if n < foldFrom {
			for range max(n, 1) {
				lines = append(lines, lineOf(s, names, &entries[i]))
				i++
			}
			continue
		}
		outer := lineOf(s, names, &entries[i])
		for j := range n {
			outer.Folded = append(outer.Folded, lineOf(s, names, &entries[i+j]))
		}
		outer.ID = "lines-" + strconv.FormatInt(entries[i+n-1].Seq, 10) // stays when more comes on top
		lines = append(lines, outer)
		i += n
	}
	return lines
}

func lineOf(s Shell, names i18n.Names, e *oncall.Entry) TimelineLine {
	line := TimelineLine{
		ID: "line-" + strconv.FormatInt(e.Seq, 10), Seq: e.Seq, At: e.At, Icon: lineIcon(e), Human: isHuman(e),
		Sentence: i18n.EntrySentence(s.Lang, *e, names),
	}
	if e.Kind == oncall.EntryNote {
		line.Sentence, line.Note = s.T("line.note", "actor", names.Actor(i18n.In(s.Lang), e.Actor)), e.Data.Text
	}
	return line
}

// isDelivery reports whether a line is about the way of a call or message.
func isDelivery(kind oncall.EntryKind) bool {
	switch kind {
	case oncall.EntryContact, oncall.EntryOutcome, oncall.EntryDelivery, oncall.EntryTold, oncall.EntryShadow,
		oncall.EntryPage, oncall.EntryUnreached, oncall.EntryInput, oncall.EntryWorldChanged:
		return true
	}
	return false
}

// isHuman reports whether somebody did it, or it is what the page is about.
func isHuman(e *oncall.Entry) bool {
	switch e.Kind {
	case oncall.EntryTriggered, oncall.EntryReopened, oncall.EntryNote, oncall.EntryDeclined, oncall.EntryResolved,
		oncall.EntryAcknowledged, oncall.EntryRenewed, oncall.EntrySnoozed, oncall.EntryEscalated, oncall.EntryRedirected,
		oncall.EntryResponder, oncall.EntryTooLate:
		return true
	}
	return false
}

func lineIcon(e *oncall.Entry) string {
	switch e.Kind {
	case oncall.EntryTriggered, oncall.EntryReopened, oncall.EntryLapsed, oncall.EntryRaised:
		return "triggered"
	case oncall.EntryAcknowledged, oncall.EntryRenewed:
		return "acknowledged"
	case oncall.EntryResolved:
		return "resolved"
	case oncall.EntrySnoozed:
		return "snooze"
	case oncall.EntryNote:
		return "note"
	case oncall.EntryEscalated:
		return "up"
	case oncall.EntryRedirected, oncall.EntryDeclined:
		return "next"
	case oncall.EntryResponder:
		return "users"
	case oncall.EntryLevel, oncall.EntryRound, oncall.EntryFallback:
		return "stair"
	case oncall.EntryWaiting, oncall.EntryAsked:
		return "clock"
	case oncall.EntryRepeated, oncall.EntryReminded:
		return "repeat"
	case oncall.EntrySkipped, oncall.EntryUnreached, oncall.EntryUnreachable, oncall.EntryOutcome:
		return "cross"
	case oncall.EntryCapped, oncall.EntryUnanswered, oncall.EntryBroken, oncall.EntryRestarted, oncall.EntrySeverityUnknown, oncall.EntryTooLate:
		return "alert"
	case oncall.EntryTold:
		return "bell"
	case oncall.EntryWorldChanged:
		return "gear"
	case oncall.EntryPage, oncall.EntryContact, oncall.EntryDelivery, oncall.EntryShadow:
		return methodIcon(e.Data.Method)
	}
	return "dot"
}

func methodIcon(m oncall.Method) string {
	switch m {
	case oncall.SMS, oncall.Push, oncall.Email:
		return string(m)
	case oncall.Slack:
		return "chat"
	case oncall.Events:
		return "plug"
	}
	return "phone"
}

// act is an action of the page: the reader stays on it.
func (p IncidentPage) act(s Shell, verb, icon string) Action {
	return Action{Label: s.T("act." + verb), Path: p.Row.path() + "/" + verb, Icon: icon}
}

func (p IncidentPage) keyed(s Shell, verb, icon, key string) Action {
	a := p.act(s, verb, icon)
	a.Key = key
	return a
}

// asking is an action that asks first.
func (p IncidentPage) asking(s Shell, verb, icon string) Action {
	a := p.act(s, verb, icon)
	a.Confirm = s.T("act." + verb + ".confirm")
	return a
}

// snooze is one of the usual lengths.
func (p IncidentPage) snooze(s Shell, minutes string) Action {
	a := p.act(s, "snooze", "snooze")
	a.Label = s.T("act.snooze." + minutes)
	a.Fields = []Hidden{{Name: "minutes", Value: minutes}}
	return a
}

func (p IncidentPage) open() bool { return p.Row.State != oncall.Resolved }

// acts reports whether the reader may act on it: in their own name, or in one they choose.
func (p IncidentPage) acts(s Shell) bool { return s.ActsByName() || s.Acts() && len(p.Voices) > 0 }

// number is a count in digits.
func number(n int) string { return strconv.Itoa(n) }

// shownReached is how many calls and messages are shown unfolded.
const shownReached = 6

func noteHint(s Shell, p IncidentPage) string {
	if p.Row.State == oncall.Acknowledged {
		return s.T("note.hint")
	}
	return ""
}

// Money is an amount in millionths of a currency, as people write it; "" where
// there is nothing to say.
func Money(lang string, micros int64, currency string) string {
	if micros <= 0 || currency == "" {
		return ""
	}
	const whole = 1_000_000
	if currency == "JPY" {
		yen := strconv.FormatInt((micros+whole/2)/whole, 10)
		if i18n.In(lang).Language() == i18n.Japanese {
			return yen + "円"
		}
		return "¥" + yen
	}
	return strconv.FormatFloat(float64(micros)/whole, 'f', 2, 64) + " " + currency
}
