package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

var errMine = errors.New("mine")

func TestAFailingMemberLeavesItsNeighboursInPeace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				name := fmt.Sprintf("c%d", i)
				err := db.Tx(t.Context(), func(tx *store.Tx) error {
					if _, err := tx.NextCounter(t.Context(), name, 1); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return errMine
					case 2: // the statement fails, and its error is swallowed
						inc := trigger("twice").Incident
						_ = tx.InsertIncidents(t.Context(), []*oncall.Incident{inc, inc})
					}
					return nil
				})
				switch {
				case i%4 == 1 && !errors.Is(err, errMine):
					t.Errorf("member %d: got %v, want its own error", i, err)
				case i%4 == 2 && err == nil:
					t.Errorf("member %d committed though a statement of it had failed", i)
				case i%4 != 1 && i%4 != 2 && err != nil:
					t.Errorf("member %d: %v", i, err)
				}
			})
		}
		all.Wait()
		tx(t, db, func(tx *store.Tx) error {
			for i := range 200 {
				first, err := tx.NextCounter(t.Context(), fmt.Sprintf("c%d", i), 1)
				if err != nil {
					return err
				}
				want := int64(2)
				if i%4 == 1 || i%4 == 2 {
					want = 1
				}
				if first != want {
					t.Errorf("counter of member %d is at %d, want %d", i, first, want)
				}
			}
			return nil
		})
	})
}

func TestAPanicInATransactionIsThatOfItsCaller(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was lost")
				}
			}()
			db.Tx(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.NextCounter(t.Context(), "c", 5); err != nil {
					return err
				}
				panic("boom")
			})
		}()
		tx(t, db, func(tx *store.Tx) error {
			if first, err := tx.NextCounter(t.Context(), "c", 1); first != 1 || err != nil {
				t.Errorf("the counter is at %d (%v), want 1: nothing of it is committed", first, err)
			}
			return nil
		})
	})
}

func TestATransactionHasOneTimeCutToTheMillisecond(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			if !tx.Now.Equal(tx.Now.Truncate(time.Millisecond)) || tx.Now.Location() != time.UTC {
				t.Errorf("now is %v, want UTC milliseconds", tx.Now)
			}
			return nil
		})
	})
}

func TestReadSeesOneState(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		read(t, db, func(outer *store.Tx) error {
			if _, err := outer.Nodes(t.Context()); err != nil {
				return err
			}
			tx(t, db, func(tx *store.Tx) error {
				return enter(t, tx, store.NodeRow{ID: "a", LeaseUntil: tx.Now, StartedAt: tx.Now})
			})
			nodes, err := outer.Nodes(t.Context())
			if len(nodes) != 0 {
				t.Errorf("%d nodes, want those from before the transaction", len(nodes))
			}
			return err
		})
	})
}

func TestWhoGivesUpWhileWaitingGetsNothingCommitted(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	hold, held := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tx(t, db, func(*store.Tx) error { close(held); <-hold; return nil })
	})
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	accepted, ran := make(chan error, 1), make(chan error, 1)
	a := trigger("db-1")
	go func() {
		_, err := db.Accept(ctx, []store.Acceptance{a})
		accepted <- err
	}()
	go func() {
		ran <- db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.NextCounter(ctx, "c", 1)
			return err
		})
	}()
	cancel()
	if err := <-accepted; !errors.Is(err, context.Canceled) {
		t.Errorf("accept: %v, want canceled", err)
	}
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("tx: %v, want canceled", err)
	}
	close(hold)
	all.Wait()
	tx(t, db, func(tx *store.Tx) error {
		if first, err := tx.NextCounter(t.Context(), "c", 1); first != 1 || err != nil {
			t.Errorf("the counter is at %d (%v), want 1", first, err)
		}
		if _, err := tx.Incident(t.Context(), a.Incident.ID); !errors.Is(err, oncall.ErrUnknownIncident) {
			t.Errorf("incident: %v, want that it does not exist", err)
		}
		return nil
	})
}

func TestTooMuchWaitingIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.DSN(t, "sqlite"), store.Options{Queue: 4})
	hold, held := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tx(t, db, func(*store.Tx) error { close(held); <-hold; return nil })
	})
	<-held
	var refused int
	results := make(chan error, 10)
	for i := range 10 {
		all.Go(func() {
			_, err := db.Accept(t.Context(), []store.Acceptance{trigger(fmt.Sprint("k", i))})
			results <- err
		})
	}
	for range 6 { // those that are refused answer at once, the others wait
		err := <-results
		e, ok := errors.AsType[*oncall.Error](err)
		if !ok || e.Kind != oncall.Unavailable || !errors.Is(err, store.ErrOverloaded) {
			t.Errorf("got %v, want store.overloaded", err)
		}
		refused++
	}
	if !db.Overloaded() {
		t.Error("not overloaded, though it refuses")
	}
	close(hold)
	all.Wait()
	for range 4 {
		if err := <-results; err != nil {
			t.Errorf("one that could wait: %v", err)
		}
	}
	if db.Overloaded() {
		t.Error("overloaded, though nothing waits")
	}
}

func TestSQLiteBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "toban.db")
	db := storetest.Open(t, dsn, store.Options{})
	_, err := store.Open(t.Context(), dsn, store.Options{})
	if e, ok := errors.AsType[*oncall.Error](err); !ok || e.Kind != oncall.Unavailable || e.Code != "store.in_use" {
		t.Fatalf("a second store got %v, want store.in_use", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.Open(t, dsn, store.Options{})
}

func TestAnAddressThatIsNoneIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"", "toban.db", "mysql://x", "sqlite:", "sqlite::memory:", "postgres://user:secret@[bad/db"} {
		_, err := store.Open(t.Context(), dsn, store.Options{})
		if e, ok := errors.AsType[*oncall.Error](err); !ok || e.Kind != oncall.Invalid {
			t.Errorf("%q: got %v, want an Invalid error", dsn, err)
		}
	}
}

func TestWhatIsWrittenIsThereAfterClosingAndOpening(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, engine)
			db := storetest.Open(t, dsn, store.Options{})
			got := accept(t, db, trigger("db-1"))[0]
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Accept(t.Context(), []store.Acceptance{trigger("late")}); !errors.Is(err, store.ErrClosed) {
				t.Errorf("a closed store says %v", err)
			}
			if err := db.Tx(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
				t.Errorf("a closed store says %v", err)
			}
			if err := db.Read(t.Context(), func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
				t.Errorf("a closed store says %v", err)
			}
			db = storetest.Open(t, dsn, store.Options{}) // migrated again
			again := accept(t, db, trigger("db-1"), trigger("db-2"))
			if again[0].Incident != got.Incident || again[0].Number != got.Number {
				t.Errorf("got %+v, want the incident from before", again[0])
			}
			if again[1].Number <= got.Number {
				t.Errorf("number %d after %d", again[1].Number, got.Number)
			}
		})
	}
}

func TestSubscribersAreToldAfterTheCommit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		var told []store.Wake
		cancel := db.Subscribe(func(w store.Wake) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, w)
		})
		take := func() []store.Wake {
			mu.Lock()
			defer mu.Unlock()
			w := told
			told = nil
			return w
		}
		at := began().Add(time.Hour)
		timer := store.Timer{Kind: store.TimerSweep, Ref: "x", DueAt: at}
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			if err := tx.PutTimers(t.Context(), timer); err != nil {
				return err
			}
			return errMine
		})
		if w := take(); !errors.Is(err, errMine) || len(w) != 0 {
			t.Errorf("told %v of what is not committed (%v)", w, err)
		}
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.PutTimers(t.Context(), timer); err != nil {
				return err
			}
			if w := take(); len(w) != 0 {
				t.Errorf("told %v before the commit", w)
			}
			return tx.AddOutbox(t.Context(), store.OutboxRow{ID: "inc_1.1", Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: store.OutboxDue, DueAt: at})
		})
		w := take()
		if len(w) != 1 || len(w[0].Timers) != 1 || w[0].Timers[0] != timer || len(w[0].Outbox) != 1 || w[0].Outbox[0] != (store.OutboxHint{ID: "inc_1.1", DueAt: at}) {
			t.Errorf("told %+v, want the timer and the outbox row", w)
		}
		a := trigger("db-1")
		accept(t, db, a)
		if w := take(); len(w) != 1 || len(w[0].Timers) != 1 || w[0].Timers[0].Ref != string(a.Incident.ID) {
			t.Errorf("told %+v, want the timer of the new response", w)
		}
		cancel()
		accept(t, db, trigger("db-2"))
		if w := take(); len(w) != 0 {
			t.Errorf("told %v after the subscription ended", w)
		}
	})
}

func TestSubscribersHearOfARowInTheOrderOfItsCommits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		last := map[string]time.Time{} // by ref, as told; guarded by the order of the calls
		defer db.Subscribe(func(w store.Wake) {
			for _, timer := range w.Timers {
				last[timer.Ref] = timer.DueAt
			}
		})()
		at := began()
		var all sync.WaitGroup
		for worker := range 16 {
			all.Go(func() {
				for i := range 20 {
					tx(t, db, func(tx *store.Tx) error {
						return tx.PutTimers(t.Context(), store.Timer{Kind: store.TimerSweep, Ref: fmt.Sprint(i % 3), DueAt: at.Add(time.Duration(worker*1000+i) * time.Millisecond)})
					})
				}
			})
		}
		all.Wait()
		read(t, db, func(tx *store.Tx) error {
			timers, err := tx.OwnTimers(t.Context(), at.Add(time.Hour), 10)
			for _, timer := range timers {
				if !last[timer.Ref].Equal(timer.DueAt) {
					t.Errorf("the last word on %s was %v, the row says %v", timer.Ref, last[timer.Ref], timer.DueAt)
				}
			}
			if len(timers) != 3 {
				t.Errorf("%d timers, want 3", len(timers))
			}
			return err
		})
	})
}
