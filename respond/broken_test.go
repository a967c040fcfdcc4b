package respond_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
)

// faulty is a machine with a fault about which switch decides, in responses of
// incidents whose service is "shop".
type faulty struct{ on atomic.Bool }

func (f *faulty) advance(r oncall.Response, in oncall.Input, w oncall.World, now time.Time) (oncall.Response, []oncall.Effect) {
	if f.on.Load() && r.Service == "shop" {
		panic("a bug in the machine")
	}
	return r.Advance(in, w, now)
}

// withFaulty runs f in a house whose machine has a fault that can be switched.
func withFaulty(t *testing.T, f func(t *testing.T, h *respondtest.House, m *faulty)) {
	t.Helper()
	t.Parallel()
	each(t, func(t *testing.T, dsn string) {
		m := &faulty{}
		c := respondtest.Config{Script: never, Options: respond.WithMachine(m.advance)}
		live(t, dsn, c, func(t *testing.T, h *respondtest.House) { f(t, h, m) })
	})
}

func acknowledge(t *testing.T, h *respondtest.House, id oncall.IncidentID, by oncall.UserID) {
	t.Helper()
	err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
		inc, err := tx.Incident(t.Context(), id)
		if err != nil {
			return err
		}
		said := inc.Acknowledge(by, tx.Now, tx.Now.Add(30*time.Minute), "api")
		return h.Driver.Take(t.Context(), tx, inc, oncall.Input{Kind: oncall.InAcknowledged, By: by, Until: tx.Now.Add(30 * time.Minute)}, said...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBrokenMachinePagesTheFallbackEveryMinute(t *testing.T) {
	withFaulty(t, func(t *testing.T, h *respondtest.House, f *faulty) {
		f.on.Store(true)
		h.Script(func(store.OutboxRow) respondtest.Answer {
			return respondtest.Answer{Outcome: oncall.NoAnswer, After: 25 * time.Second}
		})
		id := h.Open("down", oncall.Critical)
		after(3*time.Minute + 10*time.Second)
		var got []oncall.UserID
		for _, e := range h.Timeline(id) {
			if e.Kind == oncall.EntryContact {
				got = append(got, e.Data.User)
			}
		}
		if want := []oncall.UserID{"dan", "dan", "dan", "dan"}; !slices.Equal(got, want) {
			t.Errorf("asked for = %v, want %v", got, want)
		}
		if got := paged(h); !slices.Contains(got, "dan") {
			t.Errorf("paged = %v, want dan", got)
		}
		e, ok := find(h.Timeline(id), oncall.EntryBroken)
		if !ok || !strings.Contains(e.Data.Text, "a bug in the machine") || strings.Contains(e.Data.Text, "goroutine") {
			t.Errorf("broken entry = %+v, want the panic without its stack", e)
		}
		if about := h.About("toban/response-broken"); about == nil {
			t.Error("toban raised no incident about itself")
		}
		acknowledge(t, h, id, "dan")
		before := len(h.Phones.Claims())
		after(5 * time.Minute)
		for _, c := range h.Phones.Claims()[before:] {
			if c.Row.Incident == id {
				t.Errorf("%s was paged after the acknowledgement", c.Row.Payload.User)
			}
		}
	})
}

func TestR18_AcknowledgingWorksWhileTheMachineIsBroken(t *testing.T) {
	withFaulty(t, func(t *testing.T, h *respondtest.House, f *faulty) {
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		f.on.Store(true)
		acknowledge(t, h, id, "ben")
		inc := h.Incident(id)
		if inc.State != oncall.Acknowledged || inc.Epoch != 2 {
			t.Errorf("state, epoch = %s, %d, want acknowledged, 2", inc.State, inc.Epoch)
		}
		after(time.Second)
		if live := h.Phones.Live(t.Context(), id); len(live) != 0 {
			t.Errorf("live calls = %d, want 0: what rings is hung up", len(live))
		}
		f.on.Store(false) // the new version is rolled out
		after(2 * time.Minute)
		r := h.Response(id).Response
		if r.Phase != oncall.Held || r.Holder != "ben" || r.Epoch != inc.Epoch {
			t.Errorf("response = %s by %q at epoch %d, want held by ben at %d", r.Phase, r.Holder, r.Epoch, inc.Epoch)
		}
		if lost := h.Lost(); len(lost) > 0 {
			t.Errorf("without a next action: %v", lost)
		}
	})
}

func TestR16_LapsesEvenWhileTheMachineIsBroken(t *testing.T) {
	withFaulty(t, func(t *testing.T, h *respondtest.House, f *faulty) {
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		f.on.Store(true)
		acknowledge(t, h, id, "ben")
		before := len(h.Phones.Claims())
		after(31 * time.Minute)
		if got := h.Incident(id).State; got != oncall.Triggered {
			t.Errorf("state = %s, want triggered: the acknowledgement has run out", got)
		}
		if got := paged(h)[before:]; !slices.Contains(got, "dan") {
			t.Errorf("paged = %v, want dan, the fallback", got)
		}
		f.on.Store(false)
		after(2 * time.Minute)
		if r := h.Response(id); r.Response.Phase != oncall.Escalating || r.Response.Epoch != h.Incident(id).Epoch {
			t.Errorf("response = %s at epoch %d, want escalating again", r.Response.Phase, r.Response.Epoch)
		}
	})
}

func TestABrokenResponseDoesNotHarmItsBatch(t *testing.T) {
	f := func(r oncall.Response, in oncall.Input, w oncall.World, now time.Time) (oncall.Response, []oncall.Effect) {
		if r.Service == "shop" && r.Urgency == oncall.Low {
			panic("low")
		}
		return r.Advance(in, w, now)
	}
	rehearse(t, respondtest.Config{Script: never, Options: respond.WithMachine(f)}, func(t *testing.T, h *respondtest.House) {
		var good, bad []oncall.IncidentID
		for i := range 20 {
			key := string(rune('a' + i))
			if i%4 == 0 {
				bad = append(bad, h.Open(key, oncall.Info))
			} else {
				good = append(good, h.Open(key, oncall.Critical))
			}
		}
		after(2 * time.Second)
		for _, id := range good {
			if r := h.Response(id).Response; r.Round != 1 {
				t.Errorf("%s is in round %d, want 1", id, r.Round)
			}
		}
		for _, id := range bad {
			if _, ok := find(h.Timeline(id), oncall.EntryBroken); !ok {
				t.Errorf("%s has no broken entry", id)
			}
		}
	})
}

func TestAnUnknownPolicySnapshotPagesTheServicesFallback(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Incident(t.Context(), id); err != nil {
				return err
			}
			rows, err := tx.Responses(t.Context(), []oncall.IncidentID{id})
			if err != nil {
				return err
			}
			rows[id].Response.Policy = "no-such-hash"
			if err := tx.SaveResponses(t.Context(), []*store.ResponseRow{rows[id]}); err != nil {
				return err
			}
			return tx.PutTimers(t.Context(), store.Timer{Kind: store.TimerResponse, Ref: string(id), DueAt: tx.Now})
		})
		if err != nil {
			t.Fatal(err)
		}
		after(2 * time.Second)
		if got := paged(h); !slices.Contains(got, "dan") {
			t.Errorf("paged = %v, want dan, the fallback", got)
		}
	})
}
