package respond_test

import (
	"slices"
	"testing"
	"time"

	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
)

// deserted is Small with nobody but users who have left.
func deserted() *oncall.Policy {
	p := respondtest.Small()
	gone := oncall.Target{Kind: oncall.TargetUser, Name: "eve"}
	p.Levels = p.Levels[:1]
	p.Levels[0].Targets = []oncall.Target{gone}
	p.Fallback = gone
	return p
}

func TestR13_AnIncidentThatCanAskNobodyIsSaidAloudAndGoesOnWhenMended(t *testing.T) {
	rehearse(t, respondtest.Config{Policy: deserted(), Script: never}, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		after(2 * time.Second)
		e, ok := find(h.Timeline(id), oncall.EntryUnreachable)
		if !ok || e.Data.Until == nil {
			t.Errorf("unreachable = %+v, want when it is tried again", e)
		}
		if about := h.About("toban/nobody-reachable"); about == nil || about.Service != "other" {
			t.Errorf("incident about toban = %+v, want one in the catch-all service", about)
		}
		after(30 * time.Minute)
		if got := h.Response(id).Response.Round; got > 7 {
			t.Errorf("rounds in half an hour = %d, want fewer each time", got)
		}
		if lost := h.Lost(); len(lost) > 0 {
			t.Errorf("without a next action: %v", lost)
		}
		h.Apply(respondtest.Config{Policy: respondtest.Small()}) // the snapshot stays as it was
		after(3 * time.Second)
		var asked []oncall.UserID
		for _, c := range h.Phones.Claims() {
			if c.Row.Incident == id {
				asked = append(asked, c.Row.Payload.User)
			}
		}
		if want := []oncall.UserID{"dan"}; !slices.Equal(asked, want) {
			t.Errorf("asked = %v, want %v, the fallback of today", asked, want)
		}
	})
}

func TestR13_ABrokenResponseSaysWhomItsLastResortCannotReach(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, dsn string) {
		m := &faulty{}
		m.on.Store(true)
		c := respondtest.Config{Policy: deserted(), Script: never, Options: respond.WithMachine(m.advance)}
		live(t, dsn, c, func(t *testing.T, h *respondtest.House) {
			id := h.Open("down", oncall.Critical)
			after(time.Second)
			e, ok := find(h.Timeline(id), oncall.EntrySkipped)
			if !ok || e.Data.Why != oncall.WhyUnknownUser || e.Data.Target == nil || e.Data.Target.Name != "eve" {
				t.Errorf("skipped = %+v, want eve, who is unknown", e.Data)
			}
			if h.About("toban/nobody-reachable") == nil {
				t.Error("toban raised no incident about itself")
			}
		})
	})
}

// shop never calls, and its fallback has nothing but a phone.
func TestR13_ABrokenResponseRingsTheOnlyPhoneOfAServiceThatNeverCalls(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, dsn string) {
		policy := respondtest.Small()
		policy.ID, policy.Fallback = "quiet", oncall.Target{Kind: oncall.TargetUser, Name: "fay"}
		broken := func(r oncall.Response, in oncall.Input, w oncall.World, now time.Time) (oncall.Response, []oncall.Effect) {
			if r.Service == "quiet" {
				panic("a bug in the machine")
			}
			return r.Advance(in, w, now)
		}
		c := respondtest.Config{Script: never, Options: respond.WithMachine(broken), More: []store.Object{
			respondtest.Object(t, store.ObjectUser, "fay", oncall.User{ID: "fay", Contacts: []oncall.ContactMethod{
				{Name: "phone", Method: oncall.Call, Address: "+819000000009", Verified: true},
			}}),
			respondtest.Object(t, store.ObjectPolicy, "quiet", policy),
			respondtest.Object(t, store.ObjectService, "quiet", oncall.Service{ID: "quiet", Policy: "quiet", NoCalls: true}),
		}}
		live(t, dsn, c, func(t *testing.T, h *respondtest.House) {
			for severity, want := range map[oncall.Severity]int{oncall.Critical: 1, oncall.Info: 0} {
				id, err := respondtest.Signal(t.Context(), h.DB, "quiet", string(severity), oncall.Trigger, severity)
				if err != nil {
					t.Fatal(err)
				}
				after(time.Second)
				calls := 0
				for _, c := range h.Phones.Claims() {
					if c.Row.Incident == id && c.Row.Payload.User == "fay" {
						calls++
					}
				}
				if calls != want {
					t.Errorf("%s: calls to fay = %d, want %d", severity, calls, want)
				}
				if _, skipped := find(h.Timeline(id), oncall.EntrySkipped); skipped != (want == 0) {
					t.Errorf("%s: skip on the timeline = %t, want %t", severity, skipped, want == 0)
				}
			}
		})
	})
}
