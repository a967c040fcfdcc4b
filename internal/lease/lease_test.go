package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/testserver"
	"toban/store"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, dsn, node string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), dsn, store.Options{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestOnSQLiteAProcessIsNeverFencedAndHasWhatEarlierOnesLeft(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "toban.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		old := open(t, "sqlite:"+path, "old")
		err := old.Tx(ctx, func(tx *store.Tx) error {
			return tx.PutTimers(ctx, store.Timer{Kind: "x", Ref: "a", DueAt: tx.Now}, store.Timer{Kind: "x", Ref: "b", DueAt: tx.Now.Add(time.Hour)})
		})
		if err != nil {
			t.Fatal(err)
		}
		old.Close()

		db := open(t, "sqlite:"+path, "new")
		defer db.Close()
		n, err := Join(ctx, db, quiet(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var own []store.Timer
		err = db.Read(ctx, func(tx *store.Tx) (err error) {
			own, err = tx.OwnTimers(ctx, tx.Now.Add(2*time.Hour), 10)
			return err
		})
		if err != nil || len(own) != 2 {
			t.Errorf("own timers = %v, %v; want both", own, err)
		}
		run, cancel := context.WithCancel(ctx)
		done := make(chan error)
		go func() { done <- n.Run(run) }()
		time.Sleep(time.Hour)
		if n.Fenced() {
			t.Error("fenced")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAnotherProcessUnderTheSameNameIsRefused(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	survivor(t, dsn, "a", store.Options{})
	db := open(t, dsn, "a")
	defer db.Close()
	if _, err := Join(t.Context(), db, quiet(), Options{TTL: 200 * time.Millisecond}); !errors.Is(err, ErrTaken) {
		t.Errorf("joined under a taken name: %v", err)
	}
}

// Whoever ends a life by mistake, the node finds out, holds its work and joins
// again, and others may have taken its rows meanwhile.
func TestANodeThatWasTakenForDeadJoinsAgain(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	a := survivor(t, dsn, "a", store.Options{})
	conn := connect(t, dsn)
	first := number(t, conn, "SELECT started_at FROM nodes WHERE id = 'a'")
	if err := a.put(t.Context(), "w", 500, 0, 4*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	survivor(t, dsn, "b", store.Options{})
	err := a.db.Tx(t.Context(), func(tx *store.Tx) error {
		ok, err := tx.EndNode(t.Context(), "a", time.UnixMilli(first))
		if !ok {
			t.Error("the node was not there to be ended")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node lives again, as another one", func() bool {
		return number(t, conn, "SELECT coalesce(max(started_at), 0) FROM nodes WHERE id = 'a' AND lease_until > 0") > first && !a.node.Fenced()
	})
	t.Logf("taken for dead: the latest of 500 waits was %s late", firedOnce(t, conn, 500))
}

func TestANodeThatLosesItsHeartbeatConnectionJoinsAgain(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	a, b := survivor(t, dsn, "a", store.Options{}), survivor(t, dsn, "b", store.Options{})
	for _, p := range []*party{a, b} {
		if err := p.put(t.Context(), p.db.Node(), 500, 0, 4*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	conn := connect(t, dsn)
	lives := number(t, conn, "SELECT sum(started_at) FROM nodes")
	// Both session locks of this database, not those of other tests.
	ended := number(t, conn, `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS t`)
	if ended < 2 {
		t.Fatalf("ended %d sessions, want those of both nodes", ended)
	}
	eventually(t, "both nodes live again", func() bool {
		return number(t, conn, "SELECT coalesce(sum(started_at), 0) FROM nodes WHERE lease_until > 0") > lives && !a.node.Fenced() && !b.node.Fenced()
	})
	t.Logf("heartbeat connections lost: the latest of 1000 waits was %s late", firedOnce(t, conn, 1000))
}

// The pool is taken by work that hangs for longer than a lease.
func TestABusyPoolDoesNotStarveTheHeartbeat(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	a := survivor(t, dsn, "a", store.Options{Conns: 2})
	survivor(t, dsn, "b", store.Options{})
	conn := connect(t, dsn)
	first := number(t, conn, "SELECT started_at FROM nodes WHERE id = 'a'")
	release := make(chan struct{})
	done := make(chan error)
	const busy = 8
	for range busy {
		go func() {
			done <- a.db.Tx(context.Background(), func(*store.Tx) error { <-release; return nil })
		}()
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); pass(10 * time.Millisecond) {
		if a.node.Fenced() {
			t.Fatal("fenced by its own pool")
		}
	}
	close(release)
	for range busy {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := number(t, conn, "SELECT started_at FROM nodes WHERE id = 'a'"); got != first {
		t.Error("the node was taken for dead meanwhile")
	}
}

// Two nodes whose clocks are an hour off, one each way: they live as long as
// they beat, and are dead a lease after the last beat, by the clock of who looks.
func TestClocksThatDifferMakeNoNodeDeadAndNoneImmortal(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	conn := connect(t, dsn)
	db := open(t, dsn, "skewed")
	defer db.Close()
	ctx := t.Context()
	off := map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour}
	started := map[string]time.Time{}
	for name, by := range off {
		lock, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if ok, err := db.LockSession(ctx, lock, name); err != nil || !ok {
			t.Fatalf("lock: %t, %v", ok, err)
		}
		err = db.Tx(ctx, func(tx *store.Tx) (err error) {
			at := time.Now().Add(by)
			started[name], err = tx.EnterNode(ctx, store.NodeRow{ID: name, StartedAt: at, LeaseUntil: at.Add(time.Second)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	survivor(t, dsn, "judge", store.Options{})
	beat := func(name string) {
		var ok bool
		err := db.Tx(ctx, func(tx *store.Tx) (err error) {
			ok, err = tx.BeatNode(ctx, name, started[name], time.Now().Add(off[name]+time.Second))
			return err
		})
		if err != nil || !ok {
			t.Errorf("beat of %s: %t, %v", name, ok, err)
		}
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); pass(250 * time.Millisecond) {
		beat("ahead")
		beat("behind")
	}
	last := time.Now()
	eventually(t, "both are dead", func() bool {
		return number(t, conn, "SELECT count(*) FROM nodes WHERE id IN ('ahead', 'behind') AND lease_until > 0") == 0
	})
	if took := time.Since(last); took < time.Second {
		t.Errorf("taken for dead %s after the last beat, want about %s", took, defaultTTL)
	}
}

func TestRowsWhoseOwnerIsNoNodeAreAdopted(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	stray := open(t, dsn, "stray")
	err := stray.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.PutTimers(t.Context(), store.Timer{Kind: "x", Ref: refOf("s", tx.Now), DueAt: tx.Now})
	})
	if err != nil {
		t.Fatal(err)
	}
	stray.Close()
	survivor(t, dsn, "a", store.Options{})
	firedOnce(t, connect(t, dsn), 1)
}

// Whoever is told of adopted rows finds them as its own: the claim is committed.
func TestATakeOverIsToldAfterItIsCommitted(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	stray := open(t, dsn, "stray")
	const rows = adoptSize + 100
	err := stray.Tx(t.Context(), func(tx *store.Tx) error {
		timers := make([]store.Timer, rows)
		for i := range timers {
			timers[i] = store.Timer{Kind: "x", Ref: fmt.Sprint(i), DueAt: tx.Now.Add(time.Hour)}
		}
		return tx.PutTimers(t.Context(), timers...)
	})
	if err != nil {
		t.Fatal(err)
	}
	stray.Close()
	told := make(chan [2]int, 10) // rows in the call, own rows at that time
	p, err := enter(t.Context(), dsn, "a", store.Options{}, func(p *party) {
		p.node.OnTakeOver(func(ctx context.Context, w store.Wake) {
			err := p.db.Read(ctx, func(tx *store.Tx) error {
				own, err := tx.OwnTimers(ctx, tx.Now.Add(2*time.Hour), 10*rows)
				told <- [2]int{len(w.Timers), len(own)}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	if got, want := [2][2]int{<-told, <-told}, [2][2]int{{adoptSize, adoptSize}, {rows - adoptSize, rows}}; got != want {
		t.Errorf("told of %v, want %v", got, want)
	}
}

func TestANameThatTheDatabaseWouldCutIsRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a": true, "toban-1.example.jp_x": true, "": false, "当番": false, "a b": false,
		"a123456789b123456789c123456789d123456789e1234567890": false,
	} {
		if got := nameOK(name); got != want {
			t.Errorf("nameOK(%q) = %t, want %t", name, got, want)
		}
	}
}
