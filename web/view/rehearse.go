package view

import (
	"slices"
	"strconv"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// Rehearsal is the question "who would be paged if this broke then?" as a form
// that asks by GET, so that the address of the answer can be passed on.
type Rehearsal struct {
	Path     string // of the page that asks
	Services []Option
	Service  string
	Severity string
	Urgency  string // "" = as the service has it for the severity
	At       string // 2026-11-21T03:00 by the clock of Zone; "" = now
	Zone     string
	People   []Meeting
	Wrong    map[string]string // by field, what can't be read
	Answer   *Rehearsed        // nil where nothing was asked
}

// Meeting is how somebody meets a call in a rehearsal.
type Meeting struct {
	Field string // of the form
	Who   string
	Value string // as oncall.ParseReaction reads it; "" = no answer
}

// Rehearsed is the answer.
type Rehearsed struct {
	At    time.Time
	First string // whose phone rings first, in a sentence
	End   string // how it ends or goes on
	Duty  []string
	Steps []StairStep
}

// reactions are the ways to meet a call that a form offers.
func reactions(s Shell, given string) []Option {
	words := []string{"", "busy", "rejects", "voicemail", "undeliverable", "2", "1 after 20s"}
	keys := []string{"none", "busy", "rejects", "voicemail", "undeliverable", "passes", "takes"}
	var all []Option
	known := false
	for i, word := range words {
		all = append(all, Option{Value: word, Label: s.T("rehearse.meets." + keys[i])})
		known = known || word == given
	}
	if !known {
		all = append(all, Option{Value: given, Label: given})
	}
	return all
}

func severities(s Shell) []Option {
	var all []Option
	for _, v := range []oncall.Severity{oncall.Critical, oncall.Failure, oncall.Warning, oncall.Info} {
		all = append(all, Option{Value: string(v), Label: s.T("severity." + string(v))})
	}
	return all
}

func urgencies(s Shell) []Option {
	return []Option{
		{Value: "", Label: s.T("rehearse.urgency.service")},
		{Value: string(oncall.High), Label: s.T("urgency.high")},
		{Value: string(oncall.Low), Label: s.T("urgency.low")},
	}
}

// mostRehearsed is how many steps of a forecast are drawn.
const mostRehearsed = 60

// RehearsedOf is a forecast that begins at a time as a stair: each step with how
// long after the beginning, and its reason. What says the same as its neighbour
// is left out, and from the second round of a high urgency on it only says that
// it goes on.
func RehearsedOf(s Shell, names i18n.Names, at time.Time, urgency oncall.Urgency, steps []oncall.Step) *Rehearsed {
	p := i18n.In(s.Lang)
	out := &Rehearsed{At: at, First: s.T("rehearse.nobody")}
	rung, ended := false, false
	paged := map[oncall.UserID]time.Time{}
	for i := range steps {
		step := &steps[i]
		e := &step.Entry
		if e.Kind == oncall.EntryRound && e.Data.Round > 1 && urgency == oncall.High || len(out.Steps) == mostRehearsed {
			out.End = s.T("rehearse.goeson", "round", strconv.Itoa(max(e.Data.Round, 2)), "in", offset(step.At.Sub(at)))
			break
		}
		if e.Kind == oncall.EntryPage {
			paged[e.Data.User] = step.At
		}
		if e.Kind == oncall.EntryContact && e.Data.Method == oncall.Call && !rung {
			rung = true
			out.First = s.T("rehearse.first", "who", names.User(p, e.Data.User), "in", offset(step.At.Sub(at)))
		}
		if redundant(steps, i) {
			continue
		}
		out.Steps = append(out.Steps, StairStep{
			At: step.At, In: offset(step.At.Sub(at)), Sentence: i18n.EntrySentence(s.Lang, *e, names),
			Kind: stairKind(e), Icon: stairIcon(e), Why: stepReason(s, names, step, paged[e.Data.User]),
		})
		ended = ended || e.Kind == oncall.EntryAcknowledged || e.Kind == oncall.EntryResolved || e.Kind == oncall.EntryUnanswered
	}
	switch {
	case out.End != "" || len(out.Steps) == 0:
	case !ended:
		out.End = s.T("rehearse.continues")
	}
	return out
}

// FirstReached are those whom a forecast reaches first, each with how, and when;
// "" for nobody.
func FirstReached(lang string, names i18n.Names, steps []oncall.Step) (who string, at time.Time) {
	p := i18n.In(lang)
	var all []string
	for i := range steps {
		e := &steps[i].Entry
		if e.Kind != oncall.EntryContact {
			continue
		}
		if at.IsZero() {
			at = steps[i].At
		}
		if !steps[i].At.Equal(at) {
			break
		}
		name := reaches(p, names, e)
		if e.Data.Method != "" {
			name = p.Say("reaches.by", "who", name, "method", p.Say("method."+string(e.Data.Method)))
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return p.List(all), at
}

// redundant reports whether a line of a forecast says what a neighbour of the
// same instant says better.
func redundant(steps []oncall.Step, i int) bool {
	e := &steps[i].Entry
	same := func(j int, kind oncall.EntryKind) bool {
		o := &steps[j].Entry
		return o.Kind == kind && steps[j].At.Equal(steps[i].At) && o.Data.User == e.Data.User && o.Data.User != ""
	}
	switch e.Kind {
	case oncall.EntryRound:
		return e.Data.Round <= 1
	case oncall.EntryPage: // the contact says how
		for j := i + 1; j < len(steps) && steps[j].At.Equal(steps[i].At); j++ {
			if same(j, oncall.EntryContact) {
				return true
			}
		}
	case oncall.EntryOutcome:
		return e.Data.Outcome == oncall.Sent || e.Data.Outcome == oncall.Answered
	case oncall.EntryUnreached: // the outcome says why
		for j := i - 1; j >= 0 && steps[j].At.Equal(steps[i].At); j-- {
			if same(j, oncall.EntryOutcome) {
				return true
			}
		}
	}
	return false
}

// stepReason says why a step follows: what went before it, or the person's own
// rules.
func stepReason(s Shell, names i18n.Names, step *oncall.Step, paged time.Time) string {
	e, p := &step.Entry, i18n.In(s.Lang)
	if e.Kind != oncall.EntryPage && e.Kind != oncall.EntryContact {
		return ""
	}
	code := step.Why
	reason := p.Or(p.Or(code, "outcome."+code), "why."+code)
	switch {
	case e.Kind == oncall.EntryContact && e.Data.Nth > 1:
		return s.T("rehearse.why.second")
	case code == "" || p.Has("rehearse.entry."+code):
	case step.Of != "" && step.Of != e.Data.User:
		return s.T("rehearse.why.of", "who", names.User(p, step.Of), "why", reason)
	case e.Data.Why == "": // what went before it was
		return s.T("rehearse.why.before", "why", reason)
	default:
		return reason
	}
	if e.Kind == oncall.EntryContact && !paged.IsZero() && step.At.After(paged) {
		return s.T("rehearse.why.rule", "who", names.User(p, e.Data.User), "after", Span(s.Lang, step.At.Sub(paged)))
	}
	if code != "" {
		return s.T("rehearse.entry." + code)
	}
	return ""
}

// stairKind is the look of a line of the timeline in a stair.
func stairKind(e *oncall.Entry) string {
	switch e.Kind {
	case oncall.EntryContact, oncall.EntryPage:
		switch e.Data.Method {
		case oncall.Slack:
			return "chat"
		case oncall.SMS, oncall.Push, oncall.Email:
			return string(e.Data.Method)
		}
		return "call"
	case oncall.EntryLevel:
		return "level"
	case oncall.EntryRound:
		return "repeat"
	case oncall.EntryWaiting:
		return "wait"
	case oncall.EntryFallback:
		return "fallback"
	case oncall.EntrySkipped, oncall.EntryUnreachable, oncall.EntryUnanswered, oncall.EntryCapped, oncall.EntryBroken:
		return "missed"
	case oncall.EntryAcknowledged, oncall.EntrySnoozed, oncall.EntryRenewed:
		return "taken"
	case oncall.EntryResolved:
		return "done"
	}
	return ""
}

func stairIcon(e *oncall.Entry) string {
	switch e.Kind {
	case oncall.EntryOutcome, oncall.EntryUnreached:
		return "cross"
	case oncall.EntryDeclined:
		return "next"
	case oncall.EntryTold:
		return "bell"
	case oncall.EntryPage:
		if e.Data.Target != nil && e.Data.Target.Kind == oncall.TargetPager {
			return "plug"
		}
	}
	return ""
}

// offset is how long after the beginning something happens: +0:25, +1:02:10.
func offset(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	h, m, sec := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second
	if h > 0 {
		return "+" + strconv.Itoa(int(h)) + ":" + two(m) + ":" + two(sec)
	}
	return "+" + strconv.Itoa(int(m)) + ":" + two(sec)
}

// meets reports whether something was said about anybody.
func (r Rehearsal) meets() bool {
	for _, m := range r.People {
		if m.Value != "" {
			return true
		}
	}
	return false
}
