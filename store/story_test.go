package store_test

import (
	"testing"
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// began is the time of signals in stories whose clock does not matter.
func began() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// trigger is a signal that says key of service checkout fires, with what follows
// if it opens an incident.
func trigger(key string, change ...func(*store.Acceptance)) store.Acceptance {
	at := began()
	inc := &oncall.Incident{
		ID: oncall.IncidentID(id.New(id.Incident)), Service: "checkout", GroupKey: key, State: oncall.Triggered,
		Severity: oncall.Failure, Urgency: oncall.High, Title: key + " is down", Stage: oncall.Production,
		Epoch: 1, Count: 1, TriggeredAt: at,
	}
	a := store.Acceptance{
		Signal: oncall.Signal{
			ID: oncall.SignalID(id.New(id.Signal)), Integration: "prometheus", Stage: oncall.Production, Service: "checkout",
			Key: key, GroupKey: key, Action: oncall.Trigger, Severity: oncall.Failure, Title: key + " is down",
			Labels: map[string]string{"job": "checkout", "instance": key}, Annotations: map[string]string{"summary": "down"},
			StartsAt: at, ReceivedAt: at,
		},
		Incident: inc,
		Response: &store.ResponseRow{
			Response: oncall.Response{Incident: inc.ID, Service: "checkout", Epoch: 1, Policy: "p1", Urgency: oncall.High, Phase: oncall.Escalating, Began: at},
			NextAt:   at, NextWhy: oncall.NextStart,
		},
		Entries: []oncall.Entry{{At: at, Kind: oncall.EntryTriggered, Actor: "prometheus", Data: oncall.EntryData{
			Title: key + " is down", Severity: oncall.Failure, Urgency: oncall.High, Service: "checkout",
		}}},
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

// resolve is a signal that says that key of service checkout is well again.
func resolve(key string) store.Acceptance {
	a := trigger(key)
	a.Signal.Action = oncall.Resolve
	return store.Acceptance{Signal: a.Signal}
}

// group puts a signal into an incident group of several keys.
func group(name string) func(*store.Acceptance) {
	return func(a *store.Acceptance) { a.Signal.GroupKey, a.Incident.GroupKey = name, name }
}

// severity makes a signal as bad as that.
func severity(sev oncall.Severity, urg oncall.Urgency) func(*store.Acceptance) {
	return func(a *store.Acceptance) {
		a.Signal.Severity, a.Incident.Severity, a.Incident.Urgency = sev, sev, urg
	}
}

// accept accepts signals in one call and fails the test when one is refused.
func accept(t *testing.T, db *store.DB, signals ...store.Acceptance) []store.Accepted {
	t.Helper()
	got, err := db.Accept(t.Context(), signals)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	return got
}

// tx runs f in a transaction and fails the test when it fails.
func tx(t *testing.T, db *store.DB, f func(*store.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), f); err != nil {
		t.Fatalf("transaction: %v", err)
	}
}

// read runs f in a read-only transaction and fails the test when it fails.
func read(t *testing.T, db *store.DB, f func(*store.Tx) error) {
	t.Helper()
	if err := db.Read(t.Context(), f); err != nil {
		t.Fatalf("read: %v", err)
	}
}

// enter begins the life of a node.
func enter(t *testing.T, tx *store.Tx, n store.NodeRow) error {
	_, err := tx.EnterNode(t.Context(), n)
	return err
}

// facts is what the store says of an incident.
type facts struct {
	Incident oncall.Incident
	Kinds    []oncall.EntryKind
	Alerts   []oncall.Alert
	Firing   int
	Worst    oncall.Severity
	Response *store.ResponseRow
	TimerOf  map[string]bool // its kinds of timer
}

// about reads everything about an incident.
func about(t *testing.T, db *store.DB, id oncall.IncidentID) facts {
	t.Helper()
	var f facts
	read(t, db, func(tx *store.Tx) error {
		inc, err := tx.IncidentUnlocked(t.Context(), id)
		if err != nil {
			return err
		}
		f.Incident = *inc
		entries, err := tx.Timeline(t.Context(), id, 0, 0)
		if err != nil {
			return err
		}
		for i, e := range entries {
			if e.Seq != int64(i+1) {
				t.Errorf("line %d of the timeline has seq %d", i+1, e.Seq)
			}
			f.Kinds = append(f.Kinds, e.Kind)
		}
		if int64(len(entries)) != inc.Entries {
			t.Errorf("the timeline has %d lines, the incident says %d", len(entries), inc.Entries)
		}
		if f.Alerts, err = tx.Alerts(t.Context(), id, 0); err != nil {
			return err
		}
		firing, err := tx.FiringOf(t.Context(), []oncall.IncidentID{id})
		if err != nil {
			return err
		}
		f.Firing, f.Worst = firing[id].Count, firing[id].Worst
		responses, err := tx.Responses(t.Context(), []oncall.IncidentID{id})
		if err != nil {
			return err
		}
		f.Response = responses[id]
		timers, err := tx.OwnTimers(t.Context(), time.Now().Add(24*time.Hour), 10000)
		if err != nil {
			return err
		}
		f.TimerOf = map[string]bool{}
		for _, timer := range timers {
			if timer.Ref == string(id) {
				f.TimerOf[timer.Kind] = true
			}
		}
		return nil
	})
	return f
}
