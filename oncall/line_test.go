package oncall

import (
	"fmt"
	"strings"
)

// line is an entry in a few words.
func line(e Entry) string {
	d := e.Data
	var w []string
	add := func(words ...string) {
		for _, x := range words {
			if x != "" {
				w = append(w, x)
			}
		}
	}
	target := ""
	if d.Target != nil {
		target = d.Target.Name
	}
	level := ""
	switch {
	case d.Level > 0:
		level = fmt.Sprint(d.Level)
	case d.Level == AtFirst:
		level = "first"
	case d.Level == AtFallback:
		level = "fallback"
	}
	second := ""
	if d.Nth > 1 {
		second = "2nd"
	}
	contact := d.Contact
	if contact == "phone" || contact == string(d.Method) {
		contact = ""
	}
	switch e.Kind {
	case EntryInput:
		return ""
	case EntryRound:
		add("round", fmt.Sprint(d.Round))
	case EntryLevel:
		add("level", level)
	case EntryFallback:
		add("fallback", target)
	case EntrySkipped:
		add("skip", target, d.Contact, d.Why)
	case EntryPage:
		add("page", string(d.User), target, d.Why)
	case EntryContact:
		add(string(d.Method), string(d.User), contact, second)
	case EntryOutcome:
		add(" ", string(d.User), contact, string(d.Outcome), d.Why)
	case EntryUnreached:
		add("unreached", string(d.User), target, d.Why)
		if d.Until != nil {
			add("again")
		}
	default:
		add(string(e.Kind), e.Actor, string(d.User), d.Text, d.Why)
		for _, u := range d.Users {
			add(string(u))
		}
	}
	return strings.Join(w, " ")
}
