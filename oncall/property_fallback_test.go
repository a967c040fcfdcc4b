package oncall

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whoever has left since the snapshot: as long as the fallback of today can be
// reached, each round of a high urgency pages it; without it the rounds go on, at
// most an hour apart.
func TestR13_NoHighRoundEndsInSilenceWhileSomebodyCanBeAsked(t *testing.T) {
	t.Parallel()
	zone := tokyo(t)
	rapid.Check(t, func(t *rapid.T) {
		d := dice{t}
		w, begin := d.world(zone)
		w.Directory.Users["boss"] = &User{ID: "boss", Contacts: []ContactMethod{{Name: "phone", Method: Call, Verified: true}}}
		w.Directory.Policies = map[PolicyID]*Policy{"rest": {ID: "rest", Fallback: Target{Kind: TargetUser, Name: "boss"}}}
		w.Directory.Services = append(w.Directory.Services, &Service{ID: "rest", Policy: "rest", CatchAll: true})
		w.Policy.Fallback = Target{Kind: TargetUser, Name: "nemo"}
		span := time.Hour / 2
		if d.yes(30, "nobody left") {
			delete(w.Directory.Users, "boss")
			span = 4 * time.Hour
		}
		s := newStage(t, w, High, begin)
		s.silent = true
		s.calls = d.reactions(false, true)
		s.run(begin.Add(span))

		last, asked := begin, true
		for _, e := range s.notes {
			switch {
			case e.Kind == EntryRound:
				if e.At.Sub(last) > 2*time.Hour || !asked && w.Directory.Users["boss"] != nil {
					t.Fatalf("at %s round %d begins; the one before began at %s and has asked the fallback: %t", s.clock(e.At), e.Data.Round, s.clock(last), asked)
				}
				last, asked = e.At, false
			case e.Kind == EntryPage && e.Data.Level == AtFallback:
				asked = true
			case e.Kind == EntryUnreachable && w.Directory.Users["boss"] != nil:
				t.Fatalf("at %s there is nobody to be asked", s.clock(e.At))
			}
		}
		s.replayed()
	})
}
