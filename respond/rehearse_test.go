package respond_test

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/respond"
)

func TestARehearsalIsPlayedWithTheUrgencyAndThePolicyThatAreAskedFor(t *testing.T) {
	t.Parallel()
	user := func(id oncall.UserID) *oncall.User {
		return &oncall.User{ID: id, Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: "+819000000001", Verified: true}}}
	}
	policy := func(id oncall.PolicyID, who string) *oncall.Policy {
		target := oncall.Target{Kind: oncall.TargetUser, Name: who}
		return &oncall.Policy{ID: id, Levels: []oncall.Level{{Targets: []oncall.Target{target}, Wait: 5 * time.Minute}}, Fallback: target, Rounds: 1}
	}
	dir := &oncall.Directory{
		Users:    map[oncall.UserID]*oncall.User{"matsu": user("matsu"), "take": user("take")},
		Policies: map[oncall.PolicyID]*oncall.Policy{"own": policy("own", "matsu"), "other": policy("other", "take")},
		Services: []*oncall.Service{{ID: "checkout", Name: "決済", Policy: "own"}},
	}
	at := time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		asked   respond.Rehearsal
		who     oncall.UserID
		urgency oncall.Urgency
		within  time.Duration
	}{
		{"as the service says", respond.Rehearsal{Severity: oncall.Critical}, "matsu", oncall.High, 3 * time.Hour},
		{"of low urgency", respond.Rehearsal{Severity: oncall.Critical, Urgency: oncall.Low}, "matsu", oncall.Low, 8 * 24 * time.Hour},
		{"by another policy", respond.Rehearsal{Severity: oncall.Critical, Policy: dir.Policies["other"]}, "take", oncall.High, 3 * time.Hour},
		{"for ten minutes", respond.Rehearsal{Severity: oncall.Critical, Until: at.Add(10 * time.Minute)}, "matsu", oncall.High, 10 * time.Minute},
	} {
		tc.asked.Service, tc.asked.At = dir.Services[0], at
		steps, urgency := respond.Rehearse(dir, tc.asked)
		if urgency != tc.urgency {
			t.Errorf("%s: got urgency %s, want %s", tc.name, urgency, tc.urgency)
		}
		var who oncall.UserID
		for _, s := range steps {
			if s.At.After(at.Add(tc.within)) {
				t.Errorf("%s: a step at %v, want none behind %v", tc.name, s.At, tc.within)
			}
			if who == "" && s.Entry.Kind == oncall.EntryContact {
				who = s.Entry.Data.User
			}
		}
		if who != tc.who {
			t.Errorf("%s: %q is called first, want %q", tc.name, who, tc.who)
		}
	}
}
