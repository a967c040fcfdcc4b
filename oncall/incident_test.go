package oncall

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Each row is what happens to an incident one after the other, and where that
// leaves it: state, holder, epoch, and the kinds of entry.
func TestR15_R18_WhatPeopleDoToAnIncident(t *testing.T) {
	t.Parallel()
	at := week(t)
	until := at.Add(time.Hour)
	for _, tc := range []struct{ name, do, want string }{
		{"acknowledged", "ack:a", "acknowledged a 2: acknowledged"},
		{"acknowledged again by its holder", "ack:a ack:a", "acknowledged a 2: acknowledged renewed"},
		{"the first holder stays", "ack:a ack:b", "acknowledged a 2: acknowledged too_late"},
		{"acknowledged without a holder", "ack: ack:b", "acknowledged  2: acknowledged renewed"},
		{"renewed by another", "ack:a renew:b", "acknowledged a 2: acknowledged renewed"},
		{"acknowledged too late", "resolve: ack:a", "resolved  2: resolved too_late"},
		{"resolved by somebody", "resolve:a", "resolved  2: resolved"},
		{"resolved twice by hand", "resolve:a resolve:b", "resolved  2: resolved too_late"},
		{"cleared after it was resolved", "resolve:a resolve:", "resolved  2: resolved"},
		{"snoozed", "snooze:a", "acknowledged a 2: snoozed"},
		{"snoozed by another", "ack:a snooze:b", "acknowledged a 2: acknowledged snoozed"},
		{"snoozed too late", "resolve: snooze:a", "resolved  2: resolved too_late"},
		{"renewed", "ack:a renew:a", "acknowledged a 2: acknowledged renewed"},
		{"nothing to renew", "renew:a", "triggered  1:"},
		{"lapsed", "ack:a lapse:", "triggered  3: acknowledged"},
		{"nothing to lapse", "lapse:", "triggered  1:"},
		{"redirected while triggered", "redirect:", "triggered  2:"},
		{"redirected from its holder", "ack:a redirect:", "triggered  3: acknowledged"},
		{"redirected too late", "resolve: redirect:", "resolved  2: resolved"},
		{"reopened for its last holder", "ack:a resolve: reopen:a", "triggered  4: acknowledged resolved reopened"},
		{"reopened for nobody", "resolve: reopen:", "triggered  3: resolved reopened"},
		{"not reopened while open", "reopen:", "triggered  1:"},
		{"raised", "raise:high", "triggered  2: raised"},
		{"raised twice", "raise:high raise:high", "triggered  2: raised"},
		{"raised while held pages nobody", "ack:a raise:high", "acknowledged a 2: acknowledged raised"},
		{"never lowered", "raise:high raise:low", "triggered  2: raised"},
		{"not raised when it is over", "resolve: raise:high", "resolved  2: resolved"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			inc := &Incident{ID: "inc_1", State: Triggered, Severity: Warning, Urgency: Low, Epoch: 1, TriggeredAt: at}
			var all []Entry
			for act := range strings.FieldsSeq(tc.do) {
				verb, who, _ := strings.Cut(act, ":")
				by := UserID(who)
				switch verb {
				case "ack":
					all = append(all, inc.Acknowledge(by, at, until, "web")...)
				case "resolve":
					all = append(all, inc.Resolve(by, at, "web")...)
				case "snooze":
					all = append(all, inc.Snooze(by, at, until)...)
				case "renew":
					all = append(all, inc.Renew(by, at, until)...)
				case "lapse":
					inc.Lapse()
				case "redirect":
					if inc.Redirect() != (inc.State == Triggered) {
						t.Error("Redirect does not say whether it was open")
					}
				case "reopen":
					first, entries := inc.Reopen(at)
					if first != by {
						t.Errorf("first = %q, want %q", first, by)
					}
					all = append(all, entries...)
				case "raise":
					severity := Critical
					if who == "low" {
						severity = Info
					}
					pages, entries := inc.Raise(severity, Urgency(who), at)
					if pages != (len(entries) > 0 && inc.State == Triggered) {
						t.Errorf("pages = %t in state %s", pages, inc.State)
					}
					all = append(all, entries...)
				}
			}
			got := fmt.Sprintf("%s %s %d:", inc.State, inc.AcknowledgedBy, inc.Epoch)
			for _, e := range all {
				got += " " + string(e.Kind)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestR2_ASeverityThatBecomesCriticalPagesAgain(t *testing.T) {
	t.Parallel()
	inc := &Incident{State: Triggered, Severity: Failure, Urgency: High, Epoch: 1}
	if pages, _ := inc.Raise(Critical, High, week(t)); !pages || inc.Epoch != 2 {
		t.Errorf("got pages=%t epoch=%d, want true and 2", pages, inc.Epoch)
	}
}
