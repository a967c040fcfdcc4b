package respond_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"

	"toban/respond/respondtest"
	"toban/store"
	"toban/store/storetest"
)

// rehearse runs f in a bubble of virtual time, on each engine, in a house that
// runs.
func rehearse(t *testing.T, c respondtest.Config, f func(t *testing.T, h *respondtest.House)) {
	t.Helper()
	t.Parallel()
	each(t, func(t *testing.T, dsn string) { live(t, dsn, c, f) })
}

// each runs f as a parallel subtest for each engine, with an empty database.
func each(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Helper()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(t, storetest.DSN(t, engine))
		})
	}
}

// live runs f in a bubble, in a house over the database at dsn that runs.
func live(t *testing.T, dsn string, c respondtest.Config, f func(t *testing.T, h *respondtest.House)) {
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), dsn, store.Options{Node: "one"})
		if err != nil {
			t.Fatal(err)
		}
		h := respondtest.Move(t, db, c)
		stop := h.Run(t.Context())
		defer func() {
			stop()
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		f(t, h)
	})
}

// never is the script of phones that ring on for as long as they may.
func never(store.OutboxRow) respondtest.Answer { return respondtest.Answer{Never: true} }

// busy is the script of phones on which people talk.
func busy(store.OutboxRow) respondtest.Answer {
	return respondtest.Answer{Outcome: oncall.Busy, After: 2 * time.Second}
}

func after(d time.Duration) {
	time.Sleep(d) // virtual: every test here runs in a bubble
	synctest.Wait()
}

func paged(h *respondtest.House) (out []oncall.UserID) {
	for _, c := range h.Phones.Claims() {
		out = append(out, c.Row.Payload.User)
	}
	return out
}

func find(all []oncall.Entry, kind oncall.EntryKind) (e oncall.Entry, ok bool) {
	i := slices.IndexFunc(all, func(e oncall.Entry) bool { return e.Kind == kind })
	if i < 0 {
		return e, false
	}
	return all[i], true
}

func TestR11_BusyMovesOnWithinASecond(t *testing.T) {
	rehearse(t, respondtest.Config{Script: busy}, func(t *testing.T, h *respondtest.House) {
		h.Open("down", oncall.Critical)
		after(20 * time.Second)
		claims := h.Phones.Claims()
		if got, want := paged(h), []oncall.UserID{"ann", "ben", "cho", "dan"}; !slices.Equal(got, want) {
			t.Fatalf("paged = %v, want %v", got, want)
		}
		for i, c := range claims[1:] {
			if late := c.At.Sub(claims[i].At.Add(2 * time.Second)); late < 0 || late > time.Second {
				t.Errorf("%s was called %s after the one before was busy, want at most 1s", c.Row.Payload.User, late)
			}
		}
	})
}

func TestR12_GoesOnUntilSomebodyHasIt(t *testing.T) {
	rehearse(t, respondtest.Config{Script: busy}, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		after(30 * time.Minute)
		if got := len(paged(h)); got < 4*25 {
			t.Errorf("calls in half an hour = %d, want a round of four a minute", got)
		}
		if lost := h.Lost(); len(lost) > 0 {
			t.Errorf("without a next action: %v", lost)
		}
		if got := h.Response(id).Response.Pages; len(got) > 20 {
			t.Errorf("pages kept = %d: endless rounds must not grow the row", len(got))
		}
	})
}

func TestR14_AnEditedContactIsTriedAtOnce(t *testing.T) {
	policy := respondtest.Small()
	policy.Levels[0].Targets = []oncall.Target{{Kind: oncall.TargetSchedule, Name: "night"}}
	policy.Levels[0].OnNoAnswer = oncall.GoAgain
	night := func(who oncall.UserID) oncall.Schedule {
		return oncall.Schedule{ID: "night", Zone: "UTC", Layers: []oncall.Layer{{Name: "all", Users: []oncall.UserID{who}}}}
	}
	more := []store.Object{respondtest.Object(t, store.ObjectSchedule, "night", night("ann"))}
	rehearse(t, respondtest.Config{Policy: policy, Script: never, More: more}, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		after(10 * time.Second)
		now := respondtest.Config{Policy: policy, More: []store.Object{respondtest.Object(t, store.ObjectSchedule, "night", night("cho"))}}
		h.Apply(now)
		after(3 * time.Second)
		if got, want := paged(h), []oncall.UserID{"ann", "cho"}; !slices.Equal(got, want) {
			t.Errorf("paged = %v, want %v", got, want)
		}
		if e, ok := find(h.Timeline(id), oncall.EntryWorldChanged); !ok || e.Data.Why != "schedule night" {
			t.Errorf("world changed = %+v, want schedule night", e)
		}
	})
}

func TestR10_RoundRobinTakesTurns(t *testing.T) {
	policy := respondtest.Small()
	policy.Levels = policy.Levels[1:]
	policy.Levels[0].Strategy = oncall.RoundRobin
	rehearse(t, respondtest.Config{Policy: policy, Script: never}, func(t *testing.T, h *respondtest.House) {
		for _, key := range []string{"a", "b", "c", "d"} {
			id := h.Open(key, oncall.Critical)
			after(time.Second)
			err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
				inc, err := tx.Incident(t.Context(), id)
				if err != nil {
					return err
				}
				said := inc.Resolve("ann", tx.Now, "api")
				return h.Driver.Take(t.Context(), tx, inc, oncall.Input{Kind: oncall.InResolved, By: "ann"}, said...)
			})
			if err != nil {
				t.Fatal(err)
			}
			after(time.Second)
		}
		got := paged(h)
		if len(got) != 4 || got[0] == got[1] || got[0] != got[2] || got[1] != got[3] {
			t.Errorf("paged first = %v, want ben and cho in turn", got)
		}
	})
}

func TestR12_TheSpendCapStopsCallsAndSaysSo(t *testing.T) {
	c := respondtest.Config{Script: busy, Settings: oncall.Settings{Spend: oncall.Spend{PerHour: 1}}}
	rehearse(t, c, func(t *testing.T, h *respondtest.House) {
		err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.InsertDelivery(t.Context(), store.Delivery{
				ID: "dlv_spent", Outbox: "inc_x.1", Attempt: 1, Channel: oncall.SMS, AddressHash: "x", Provider: "test",
				State: store.DeliveryEnded, ClaimedAt: tx.Now, EndedAt: tx.Now, CostMicros: 5,
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		id := h.Open("down", oncall.Critical)
		after(10 * time.Minute)
		if got := paged(h); len(got) != 0 {
			t.Errorf("paged = %v, want nobody: the cap stands", got)
		}
		if _, ok := find(h.Timeline(id), oncall.EntryCapped); !ok {
			t.Error("the timeline does not say that the cap stands")
		}
		after(time.Hour) // the next hour by the clock
		if got := paged(h); len(got) == 0 {
			t.Error("nobody was called after the cap had ended")
		}
	})
}

func TestR27_ShadowAndStageGoWithEveryAttempt(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never, Settings: oncall.Settings{Shadow: true}}, func(t *testing.T, h *respondtest.House) {
		h.Open("down", oncall.Critical)
		after(time.Second)
		row := h.Phones.Claims()[0].Row
		if !row.Payload.Shadow || row.Payload.Stage != oncall.Production || row.Payload.User != "ann" || row.Payload.Contact != "phone" {
			t.Errorf("payload = %+v, want ann's phone in shadow mode", row.Payload)
		}
	})
}

func TestR13_TheAuditorStartsALostResponseAgain(t *testing.T) {
	rehearse(t, respondtest.Config{Script: busy}, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		after(20 * time.Second) // everybody was busy: the next round waits
		err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.DeleteTimers(t.Context(), store.TimerResponse, string(id))
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Lost(); !slices.Equal(got, []oncall.IncidentID{id}) {
			t.Fatalf("lost = %v, want %s", got, id)
		}
		after(6 * time.Second)
		if got := h.Lost(); len(got) != 0 {
			t.Errorf("lost after the audit = %v, want none", got)
		}
		if _, ok := find(h.Timeline(id), oncall.EntryRestarted); !ok {
			t.Error("the timeline does not say that the response was restarted")
		}
		about := h.About("toban/no-next-action")
		if about == nil || about.Service != "other" {
			t.Errorf("incident about toban = %+v, want one in the catch-all service", about)
		}
	})
}

func TestR13_AnIncidentWithoutAResponseGetsOne(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *respondtest.House) {
		inc := &oncall.Incident{
			ID: "inc_bare", Service: "shop", GroupKey: "bare", State: oncall.Triggered, Severity: oncall.Critical, Urgency: oncall.High,
			Title: "bare", Stage: oncall.Production, Epoch: 1, Count: 1, TriggeredAt: time.Now(),
		}
		if err := h.DB.Tx(t.Context(), func(tx *store.Tx) error { return tx.InsertIncidents(t.Context(), []*oncall.Incident{inc}) }); err != nil {
			t.Fatal(err)
		}
		after(15 * time.Second)
		if got := paged(h); !slices.Contains(got, "ann") {
			t.Errorf("paged = %v, want ann", got)
		}
	})
}

func TestForecastIsReadOnlyAndNamesTheNextPerson(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		before := h.Response(id)
		steps, err := h.Driver.Forecast(t.Context(), id, oncall.Assumptions{}, time.Now().Add(20*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		var users []oncall.UserID
		for _, s := range steps {
			if s.Entry.Kind == oncall.EntryContact && !slices.Contains(users, s.Entry.Data.User) {
				users = append(users, s.Entry.Data.User)
			}
		}
		if want := []oncall.UserID{"ann", "ben", "cho", "dan"}; !slices.Equal(users, want) {
			t.Errorf("forecast calls %v, want %v", users, want)
		}
		if got := h.Response(id).Version; got != before.Version {
			t.Errorf("version after a forecast = %d, want %d", got, before.Version)
		}
		if _, err := h.Driver.Forecast(t.Context(), "inc_none", oncall.Assumptions{}, time.Now()); err == nil {
			t.Error("forecast of an unknown incident: no error")
		}
	})
}
