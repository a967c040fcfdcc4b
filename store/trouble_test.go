package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"toban/internal/id"
	"toban/internal/testserver"
	"toban/oncall"
)

func oneSignal(key string) []Acceptance {
	at := now()
	inc := &oncall.Incident{
		ID: oncall.IncidentID(id.New(id.Incident)), Service: "s", GroupKey: key, State: oncall.Triggered, Severity: oncall.Failure,
		Urgency: oncall.High, Title: key, Stage: oncall.Production, Epoch: 1, Count: 1, TriggeredAt: at,
	}
	return []Acceptance{{
		Signal: oncall.Signal{
			ID: oncall.SignalID(id.New(id.Signal)), Service: "s", Key: key, Action: oncall.Trigger, Severity: oncall.Failure, ReceivedAt: at,
			Annotations: map[string]string{"description": fmt.Sprintf("%8000d", 1)}, // a full page or two
		},
		Incident: inc,
	}}
}

func isUnavailable(err error) bool {
	e, ok := errors.AsType[*oncall.Error](err)
	return ok && e.Kind == oncall.Unavailable
}

func TestAFullDiskRefusesSignalsUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "toban.db"), Options{Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	limit := func(pages int) { // within a transaction, as only its goroutine may use the connection
		db.Tx(t.Context(), func(tx *Tx) error {
			_, err := tx.exec(t.Context(), &sentence{text: fmt.Sprintf("PRAGMA max_page_count = %d", pages)}, nil)
			return err
		})
	}
	limit(1) // as small as it is
	var refused error
	for i := 0; refused == nil && i < 1000; i++ {
		_, refused = db.Accept(t.Context(), oneSignal(fmt.Sprint("a", i)))
	}
	if !isUnavailable(refused) {
		t.Fatalf("a full disk says %v, want an Unavailable error", refused)
	}
	if !db.Failing() {
		t.Error("the store is said to keep what it has just refused")
	}
	err = db.Tx(t.Context(), func(tx *Tx) error {
		for i := range 1000 {
			if err := tx.PutTimers(t.Context(), Timer{Kind: TimerSweep, Ref: fmt.Sprintf("%1000d", i), DueAt: tx.Now}); err != nil {
				return err
			}
		}
		return nil
	})
	if !isUnavailable(err) {
		t.Errorf("a transaction on a full disk says %v, want an Unavailable error", err)
	}
	limit(1 << 30)
	if _, err := db.Accept(t.Context(), oneSignal("b")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := db.Keeps(t.Context()); err != nil || db.Failing() {
		t.Errorf("with room again: got %v, want it to keep what it is told", err)
	}
}

func TestAStoreThatFailedIsFoundWellByWhoAsks(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "toban.db"), Options{Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.health.failing.Store(true)
	db.health.tried = time.Now()
	if err := db.Keeps(t.Context()); !isUnavailable(err) {
		t.Errorf("within a second of a try: got %v, want no further one", err)
	}
	db.health.tried = time.Time{}
	if err := db.Keeps(t.Context()); err != nil || db.Failing() {
		t.Errorf("got %v, want it to have been tried with a write that worked", err)
	}
}

func TestTheStoreGoesOnAfterPostgresWasKilled(t *testing.T) {
	t.Parallel()
	server := testserver.PostgresServer(t)
	dsn, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), dsn, Options{Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Accept(t.Context(), oneSignal("before")); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Log(err)
	}
	if _, err := db.Accept(t.Context(), oneSignal("meanwhile")); !isUnavailable(err) {
		t.Errorf("accept without a server says %v, want an Unavailable error", err)
	}
	if err := db.Tx(t.Context(), func(*Tx) error { return nil }); !isUnavailable(err) {
		t.Errorf("a transaction without a server says %v, want an Unavailable error", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := 0; ; i++ { // the server may still say that it is starting
		_, err := db.Accept(ctx, oneSignal(fmt.Sprint("after", i)))
		if err == nil {
			break
		}
		if !isUnavailable(err) || ctx.Err() != nil {
			t.Fatalf("with the server back: %v", err)
		}
	}
	err = db.Tx(ctx, func(tx *Tx) error {
		_, err := tx.OpenIncident(ctx, "s", "before")
		return err
	})
	if err != nil {
		t.Errorf("what was accepted before: %v", err)
	}
}

func TestAServerThatIsNotDurableIsRefused(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	_, err := Open(t.Context(), dsn+"&synchronous_commit=off", Options{Node: "test"})
	if e, ok := errors.AsType[*oncall.Error](err); !ok || e.Code != "store.not_durable" {
		t.Errorf("got %v, want store.not_durable", err)
	}
}
