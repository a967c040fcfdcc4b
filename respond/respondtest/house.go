package respondtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"toban/internal/due"
	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// House is a small installation over a store: people, a policy, two services,
// the driver of responses and the phones.
type House struct {
	DB     *store.DB
	Queue  *due.Queue
	Driver *respond.Driver
	Phones *Phones

	t      testing.TB
	mu     sync.Mutex
	script func(store.OutboxRow) Answer
}

// Config is what a House is made of. Zero members are those of Small.
type Config struct {
	Policy   *oncall.Policy
	Settings oncall.Settings
	Script   func(store.OutboxRow) Answer
	Options  respond.Options
	Rules    func(oncall.UserID) map[oncall.Urgency][]oncall.NotificationRule // nil: call at once
	More     []store.Object
}

// Users of every house, in the order of the policy of Small.
var Users = []oncall.UserID{"ann", "ben", "cho", "dan"}

// Small is the policy that a house has by itself: ann, then ben and cho in
// order, then dan as the fallback.
func Small() *oncall.Policy {
	return &oncall.Policy{
		ID: "main", Name: "main",
		Levels: []oncall.Level{
			{Targets: []oncall.Target{user("ann")}, Strategy: oncall.InOrder, Wait: 5 * time.Minute, OnNoAnswer: oncall.GoNext},
			{Targets: []oncall.Target{user("ben"), user("cho")}, Strategy: oncall.InOrder, Wait: 6 * time.Minute, OnNoAnswer: oncall.GoNext},
		},
		Rounds: 2, Fallback: user("dan"), AcknowledgementTimeout: 30 * time.Minute,
	}
}

func user(name string) oncall.Target { return oncall.Target{Kind: oncall.TargetUser, Name: name} }

// Move builds a house over db: its configuration is applied, nothing runs yet.
func Move(t testing.TB, db *store.DB, c Config) *House {
	t.Helper()
	if c.Policy == nil {
		c.Policy = Small()
	}
	h := &House{DB: db, t: t, script: c.Script}
	h.Apply(c)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	h.Queue = due.New(db, log)
	h.Driver = respond.New(db, log, c.Options)
	h.Driver.Register(h.Queue)
	h.Phones = New(db, h.Driver, h.answer, func(err error) { t.Errorf("phones: %v", err) })
	return h
}

// Apply applies another configuration, of which Policy is given.
func (h *House) Apply(c Config) {
	h.t.Helper()
	err := h.DB.Tx(h.t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.Apply(h.t.Context(), objects(h.t, c))
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// About returns the open incident about toban itself with that key, or nil.
func (h *House) About(key string) (inc *oncall.Incident) {
	h.t.Helper()
	h.read(func(tx *store.Tx) (err error) {
		inc, err = tx.OpenIncident(h.t.Context(), "other", key)
		if errors.Is(err, oncall.ErrUnknownIncident) {
			err = nil
		}
		return err
	})
	return inc
}

// Script changes how attempts end from now on.
func (h *House) Script(f func(store.OutboxRow) Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.script = f
}

// answer is what the script says; without one nobody picks up.
func (h *House) answer(row store.OutboxRow) Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.script == nil {
		return Answer{Outcome: oncall.NoAnswer, After: 25 * time.Second}
	}
	return h.script(row)
}

// Run runs the queue and the driver until stop is called, which waits for them.
func (h *House) Run(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	h.Phones.Register(ctx, h.Queue)
	var work sync.WaitGroup
	work.Go(func() { _ = h.Queue.Run(ctx) })
	work.Go(func() { _ = h.Driver.Run(ctx) })
	return func() {
		cancel()
		work.Wait()
		h.Phones.Wait()
	}
}

// Open opens an incident of a service by a signal with that key.
func (h *House) Open(key string, sev oncall.Severity) oncall.IncidentID {
	h.t.Helper()
	id, err := Signal(h.t.Context(), h.DB, "shop", key, oncall.Trigger, sev)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// Signal has the store accept a signal as package alert would.
func Signal(ctx context.Context, db *store.DB, service oncall.ServiceID, key string, action oncall.Action, sev oncall.Severity) (oncall.IncidentID, error) {
	var dir *oncall.Directory
	if err := db.Read(ctx, func(tx *store.Tx) (err error) {
		dir, err = tx.Directory(ctx)
		return err
	}); err != nil {
		return "", err
	}
	a := respond.Opening(dir, dir.Service(service), oncall.Signal{Key: key, Severity: sev, Title: key}, "", "", time.Now())
	if a.Signal.Action = action; action != oncall.Trigger {
		a.Incident, a.Response, a.Entries = nil, nil, nil
	}
	got, err := db.Accept(ctx, []store.Acceptance{a})
	if err != nil {
		return "", err
	}
	return got[0].Incident, nil
}

// Incident reads an incident.
func (h *House) Incident(id oncall.IncidentID) (inc *oncall.Incident) {
	h.t.Helper()
	h.read(func(tx *store.Tx) (err error) {
		inc, err = tx.IncidentUnlocked(h.t.Context(), id)
		return err
	})
	return inc
}

// Response reads a response.
func (h *House) Response(id oncall.IncidentID) (row *store.ResponseRow) {
	h.t.Helper()
	h.read(func(tx *store.Tx) error {
		rows, err := tx.Responses(h.t.Context(), []oncall.IncidentID{id})
		row = rows[id]
		return err
	})
	return row
}

// Timeline reads the whole timeline of an incident and checks that it has no
// gap.
func (h *House) Timeline(id oncall.IncidentID) (all []oncall.Entry) {
	h.t.Helper()
	h.read(func(tx *store.Tx) error {
		all = nil
		for {
			page, err := tx.Timeline(h.t.Context(), id, int64(len(all)), 500)
			if err != nil || len(page) == 0 {
				return err
			}
			all = append(all, page...)
		}
	})
	for i, e := range all {
		if e.Seq != int64(i+1) {
			h.t.Fatalf("incident %s: entry %d has seq %d", id, i+1, e.Seq)
		}
	}
	return all
}

// Lost returns the incidents without a next action.
func (h *House) Lost() (ids []oncall.IncidentID) {
	h.t.Helper()
	h.read(func(tx *store.Tx) (err error) {
		ids, err = tx.Lost(h.t.Context(), tx.Now.Add(time.Second), 100)
		return err
	})
	return ids
}

func (h *House) read(f func(*store.Tx) error) {
	h.t.Helper()
	if err := h.DB.Read(h.t.Context(), f); err != nil {
		h.t.Fatal(err)
	}
}

func objects(t testing.TB, c Config) []store.Object {
	t.Helper()
	if c.Rules == nil {
		c.Rules = func(oncall.UserID) map[oncall.Urgency][]oncall.NotificationRule {
			at := []oncall.NotificationRule{{Via: []string{"phone"}}}
			return map[oncall.Urgency][]oncall.NotificationRule{oncall.High: at, oncall.Low: at}
		}
	}
	out := []store.Object{Object(t, store.ObjectSettings, "settings", c.Settings)}
	for i, id := range Users {
		out = append(out, Object(t, store.ObjectUser, string(id), oncall.User{
			ID: id, Name: string(id),
			Contacts: []oncall.ContactMethod{
				{Name: "phone", Method: oncall.Call, Address: fmt.Sprintf("+8190000000%02d", i+1), Verified: true},
				{Name: "sms", Method: oncall.SMS, Address: fmt.Sprintf("+8190000000%02d", i+1), Verified: true},
			},
			Rules: c.Rules(id),
		}))
	}
	out = append(out,
		Object(t, store.ObjectPolicy, string(c.Policy.ID), c.Policy),
		Object(t, store.ObjectService, "shop", oncall.Service{ID: "shop", Name: "Shop", Policy: c.Policy.ID}),
		Object(t, store.ObjectService, "other", oncall.Service{ID: "other", Name: "Other", Policy: c.Policy.ID, CatchAll: true}),
	)
	for _, o := range c.More { // one that is there already takes its place
		out = slices.DeleteFunc(out, func(is store.Object) bool { return is.Kind == o.Kind && is.Name == o.Name })
	}
	return append(out, c.More...)
}

// Object is a piece of configuration.
func Object(t testing.TB, kind, name string, v any) store.Object {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return store.Object{Kind: kind, Name: name, Body: body, File: "house.yaml", Line: 1}
}
