package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestR1_AnAcceptedTriggerIsStoredWithWhatWillActOnIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a := trigger("db-1")
		got := accept(t, db, a)[0]
		if want := (store.Accepted{Incident: a.Incident.ID, Number: got.Number, New: true, Edge: true}); got != want {
			t.Fatalf("accepted %+v, want %+v", got, want)
		}
		f := about(t, db, a.Incident.ID)
		want := *a.Incident
		want.Number, want.Entries, want.Version = got.Number, 1, 1
		if diff := cmp.Diff(want, f.Incident); diff != "" {
			t.Errorf("incident differs (-want +got):\n%s", diff)
		}
		if got.Number <= 0 {
			t.Errorf("number %d, want one that people can say", got.Number)
		}
		response := *a.Response
		response.Version = 1
		if diff := cmp.Diff(&response, f.Response); diff != "" {
			t.Errorf("response differs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]oncall.EntryKind{oncall.EntryTriggered}, f.Kinds); diff != "" {
			t.Errorf("timeline differs (-want +got):\n%s", diff)
		}
		if !f.TimerOf[store.TimerResponse] || f.TimerOf[store.TimerIncident] {
			t.Errorf("timers %v, want that of the response alone", f.TimerOf)
		}
		if f.Firing != 1 || f.Worst != oncall.Failure {
			t.Errorf("%d firing, worst %q, want 1 and error", f.Firing, f.Worst)
		}
		if diff := cmp.Diff(a.Signal.Labels, f.Alerts[0].Labels); diff != "" {
			t.Errorf("labels differ (-want +got):\n%s", diff)
		}
	})
}

func TestR2_ARepetitionCountsAndPagesNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := accept(t, db, trigger("db-1"))[0]
		again := accept(t, db, trigger("db-1"), trigger("db-1"))
		for _, got := range again {
			if want := (store.Accepted{Incident: first.Incident, Number: first.Number}); got != want {
				t.Errorf("repetition is %+v, want %+v", got, want)
			}
		}
		f := about(t, db, first.Incident)
		if f.Incident.Count != 3 || f.Alerts[0].Count != 3 {
			t.Errorf("counted %d for the incident and %d for the alert, want 3 and 3", f.Incident.Count, f.Alerts[0].Count)
		}
		if f.TimerOf[store.TimerIncident] {
			t.Error("a plain repetition woke the handler")
		}
		if len(f.Kinds) != 1 {
			t.Errorf("timeline %v, want no line about a repetition within a minute", f.Kinds)
		}
	})
}

func TestR2_AlertsOfOneGroupMakeOneIncident(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("a", group("g")), trigger("b", group("g")), trigger("c", group("g")))
		if !got[0].New || got[1].New || got[2].New {
			t.Errorf("new %v %v %v, want only the first", got[0].New, got[1].New, got[2].New)
		}
		if !got[0].Edge || !got[1].Edge || !got[2].Edge {
			t.Errorf("every alert began to fire, got %+v", got)
		}
		if f := about(t, db, got[0].Incident); f.Firing != 3 || f.Incident.Count != 3 {
			t.Errorf("%d firing, counted %d, want 3 and 3", f.Firing, f.Incident.Count)
		}
	})
}

func TestR2_ConcurrentTriggersOfOneKeyMakeOneIncident(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const callers, each = 64, 20
		var mu sync.Mutex
		var opened int
		incidents := map[oncall.IncidentID]bool{}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range each {
					got, err := db.Accept(t.Context(), []store.Acceptance{trigger("db-1")})
					if err != nil {
						t.Errorf("accept: %v", err)
						return
					}
					mu.Lock()
					incidents[got[0].Incident] = true
					if got[0].New {
						opened++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(incidents) != 1 || opened != 1 {
			t.Fatalf("%d incidents, %d times new, want one", len(incidents), opened)
		}
		for id := range incidents {
			if f := about(t, db, id); f.Incident.Count != callers*each {
				t.Errorf("counted %d, want %d", f.Incident.Count, callers*each)
			}
		}
	})
}

func TestR6_AWorseSignalLeavesTheIncidentToItsHandler(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("db-1", severity(oncall.Warning, oncall.Low)))[0]
		if f := about(t, db, got.Incident); f.TimerOf[store.TimerIncident] {
			t.Fatal("a new incident woke the handler")
		}
		accept(t, db, trigger("db-1", severity(oncall.Critical, oncall.High)))
		f := about(t, db, got.Incident)
		if f.Incident.Severity != oncall.Warning || f.Incident.Urgency != oncall.Low {
			t.Errorf("the incident is %s, %s: only its handler may raise it", f.Incident.Severity, f.Incident.Urgency)
		}
		if !f.TimerOf[store.TimerIncident] {
			t.Error("no timer for the handler")
		}
		if f.Worst != oncall.Critical {
			t.Errorf("the worst that fires is %s, want critical", f.Worst)
		}
	})
}

func TestR3_AResolveOfWhatNobodyKnowsIsAcceptedAndMakesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if got := accept(t, db, resolve("nobody"))[0]; got != (store.Accepted{}) {
			t.Errorf("accepted %+v, want nothing", got)
		}
		read(t, db, func(tx *store.Tx) error {
			list, err := tx.ListIncidents(t.Context(), store.IncidentFilter{})
			if len(list) != 0 {
				t.Errorf("%d incidents, want none", len(list))
			}
			return err
		})
	})
}

func TestAResolveClearsTheAlertAndWakesTheHandler(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		opened := accept(t, db, trigger("db-1"))[0]
		got := accept(t, db, resolve("db-1"), resolve("db-1"))
		if want := (store.Accepted{Incident: opened.Incident, Edge: true}); got[0] != want {
			t.Errorf("resolve is %+v, want %+v", got[0], want)
		}
		if got[1] != (store.Accepted{}) {
			t.Errorf("the second resolve is %+v, want nothing", got[1])
		}
		f := about(t, db, opened.Incident)
		if f.Firing != 0 || f.Alerts[0].State != oncall.Cleared || f.Alerts[0].EndsAt.IsZero() {
			t.Errorf("alert %+v, want it cleared", f.Alerts[0])
		}
		if !f.TimerOf[store.TimerIncident] {
			t.Error("no timer for the handler")
		}
		if f.Incident.State != oncall.Triggered {
			t.Errorf("the incident is %s: only its handler may resolve it", f.Incident.State)
		}
	})
}

func TestWhatIsSaidLaterInACallIsStoredLater(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("a"), resolve("a"), trigger("b"), resolve("b"), trigger("b"))
		if f := about(t, db, got[0].Incident); f.Firing != 0 || !f.TimerOf[store.TimerIncident] {
			t.Errorf("a: %d firing, timers %v, want it cleared and its handler woken", f.Firing, f.TimerOf)
		}
		if f := about(t, db, got[2].Incident); f.Firing != 1 || f.Incident.Count != 2 {
			t.Errorf("b: %d firing, counted %d, want 1 and 2", f.Firing, f.Incident.Count)
		}
		if got[4].New || got[4].Incident != got[2].Incident {
			t.Errorf("b again: %+v, want the same incident", got[4])
		}
		accept(t, db, resolve("a"), trigger("b"), resolve("b"))
		if f := about(t, db, got[2].Incident); f.Firing != 0 {
			t.Errorf("b: %d firing, want none", f.Firing)
		}
	})
}

func TestR4_ATriggerSoonAfterTheEndIsBoundToTheSameIncident(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		opened := accept(t, db, trigger("db-1"))[0]
		tx(t, db, func(tx *store.Tx) error {
			inc, err := tx.Incident(t.Context(), opened.Incident)
			if err != nil {
				return err
			}
			inc.Resolve("matsu", tx.Now, "web")
			if err := tx.SaveIncidents(t.Context(), []*oncall.Incident{inc}); err != nil {
				return err
			}
			if err := tx.ClearAlerts(t.Context(), inc.ID); err != nil {
				return err
			}
			return tx.PutRecent(t.Context(), inc, tx.Now.Add(15*time.Minute))
		})
		got := accept(t, db, trigger("db-1"))[0]
		if want := (store.Accepted{Incident: opened.Incident, Edge: true}); got != want {
			t.Fatalf("accepted %+v, want %+v", got, want)
		}
		f := about(t, db, opened.Incident)
		if !f.TimerOf[store.TimerIncident] || f.Firing != 1 {
			t.Errorf("timers %v, %d firing: the handler has to be told that it fires again", f.TimerOf, f.Firing)
		}
		tx(t, db, func(tx *store.Tx) error { return tx.DropRecent(t.Context(), "checkout", "db-1") })
		if got := accept(t, db, trigger("db-1"))[0]; !got.New || got.Incident == opened.Incident {
			t.Errorf("accepted %+v after it was forgotten, want a new incident", got)
		}
	})
}

func TestR4_AfterItsTimeAResolvedIncidentIsNotReopened(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		opened := accept(t, db, trigger("db-1"))[0]
		tx(t, db, func(tx *store.Tx) error {
			inc, err := tx.Incident(t.Context(), opened.Incident)
			if err != nil {
				return err
			}
			inc.Resolve("matsu", tx.Now, "web")
			if err := tx.PutRecent(t.Context(), inc, tx.Now); err != nil {
				return err
			}
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		if got := accept(t, db, trigger("db-1"))[0]; !got.New {
			t.Errorf("accepted %+v, want a new incident", got)
		}
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.PutRecent(t.Context(), &oncall.Incident{ID: opened.Incident, Service: "checkout", GroupKey: "db-1"}, tx.Now); err != nil {
				return err
			}
			n, _, err := tx.Sweep(t.Context(), 100)
			if n != 1 {
				t.Errorf("swept %d, want 1", n)
			}
			return err
		})
	})
}

func TestADeliveryThatItsSenderRepeatsIsKeptOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		numbered := func(a *store.Acceptance) { a.Signal.SenderKey = "message-1" }
		first := accept(t, db, trigger("db-1", numbered), trigger("db-1", numbered))
		again := accept(t, db, trigger("db-1", numbered))
		for _, got := range []store.Accepted{first[1], again[0]} {
			if !got.Duplicate || got.New || got.Edge {
				t.Errorf("accepted %+v, want a duplicate", got)
			}
		}
		if again[0].Incident != first[0].Incident {
			t.Errorf("the duplicate is of %s, want %s", again[0].Incident, first[0].Incident)
		}
		if f := about(t, db, first[0].Incident); f.Incident.Count != 1 {
			t.Errorf("counted %d, want 1", f.Incident.Count)
		}
	})
}

func TestOnePoisonedSignalAloneGetsItsError(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		known := accept(t, db, trigger("known"))[0]
		taken := about(t, db, known.Incident)
		signals := make([]store.Acceptance, 256)
		for i := range signals {
			signals[i] = trigger(fmt.Sprintf("key-%d", i))
		}
		signals[77].Incident.ID = known.Incident // its primary key exists: only the engine can tell
		got, err := db.Accept(t.Context(), signals)
		if err == nil {
			t.Fatal("the poisoned signal was accepted")
		}
		for i, a := range got {
			if poisoned := i == 77; poisoned == a.New {
				t.Errorf("signal %d: %+v", i, a)
			}
		}
		if f := about(t, db, known.Incident); f.Incident.Version != taken.Incident.Version || f.Firing != 1 {
			t.Errorf("the incident whose id was used again has changed: %+v", f.Incident)
		}
		numbers := map[int64]bool{}
		for _, a := range got {
			if a.New && numbers[a.Number] {
				t.Errorf("number %d was given twice", a.Number)
			}
			numbers[a.Number] = true
		}
	})
}

func TestASignalThatMakesNoSenseIsRefusedByName(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	for name, change := range map[string]func(*store.Acceptance){
		"no id":             func(a *store.Acceptance) { a.Signal.ID = "" },
		"no key":            func(a *store.Acceptance) { a.Signal.Key = "" },
		"no service":        func(a *store.Acceptance) { a.Signal.Service = "" },
		"key too long":      func(a *store.Acceptance) { a.Signal.Key = string(make([]byte, 1025)) },
		"an acknowledgment": func(a *store.Acceptance) { a.Signal.Action = oncall.Acknowledge },
		"no incident":       func(a *store.Acceptance) { a.Incident = nil },
	} {
		_, err := db.Accept(t.Context(), []store.Acceptance{trigger("fine"), trigger("db-1", change)})
		if e, ok := errors.AsType[*oncall.Error](err); !ok || e.Kind != oncall.Invalid {
			t.Errorf("%s: got %v, want an Invalid error", name, err)
		}
	}
}

func TestTextThatNoDatabaseTakesIsMadeFit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("a\x00b", func(a *store.Acceptance) {
			a.Incident.Title, a.Signal.Labels["x"] = "broken \xff\x00", "\x00\xff"
		}))[0]
		if f := about(t, db, got.Incident); f.Incident.Title != "broken \uFFFD\uFFFD" {
			t.Errorf("title %q", f.Incident.Title)
		}
		if again := accept(t, db, trigger("a\x00b"))[0]; again.New {
			t.Error("the same broken key opened a second incident")
		}
	})
}
