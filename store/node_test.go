package store_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/store"
	"toban/store/storetest"
)

func TestNodesAreListedWithTheirLastHeartbeat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := began()
		a := store.NodeRow{ID: "a", LeaseUntil: at, StartedAt: at, Address: "10.0.0.1", Version: "1"}
		b := store.NodeRow{ID: "b", LeaseUntil: at, StartedAt: at}
		for _, n := range []store.NodeRow{b, a} {
			tx(t, db, func(tx *store.Tx) error { return enter(t, tx, n) })
		}
		a.LeaseUntil = at.Add(time.Second)
		tx(t, db, func(tx *store.Tx) error {
			_, err := tx.BeatNode(t.Context(), "a", a.StartedAt, a.LeaseUntil)
			return err
		})
		read(t, db, func(tx *store.Tx) error {
			got, err := tx.Nodes(t.Context())
			if diff := cmp.Diff([]store.NodeRow{a, b}, got); diff != "" {
				t.Errorf("nodes differ (-want +got):\n%s", diff)
			}
			return err
		})
	})
}

func TestASessionLockEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "postgres")
	connect := func() *sql.Conn {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	lock := func(conn *sql.Conn) bool {
		ok, err := db.LockSession(t.Context(), conn, "node a")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	first, second := connect(), connect()
	if !lock(first) || lock(second) {
		t.Fatal("the lock is not that of the first connection alone")
	}
	if err := db.UnlockSession(t.Context(), first, "node a"); err != nil {
		t.Fatal(err)
	}
	if !lock(second) || lock(first) {
		t.Fatal("the lock was not given up")
	}
	second.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !lock(first) { // the server notices a moment later
		if ctx.Err() != nil {
			t.Fatal("the lock outlived its connection")
		}
	}
}

func TestATransactionOnAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "postgres")
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = db.TxOn(t.Context(), conn, func(tx *store.Tx) error {
		return enter(t, tx, store.NodeRow{ID: "a", LeaseUntil: tx.Now, StartedAt: tx.Now})
	})
	if err != nil {
		t.Fatal(err)
	}
	read(t, db, func(tx *store.Tx) error {
		nodes, err := tx.Nodes(t.Context())
		if len(nodes) != 1 {
			t.Errorf("%d nodes, want 1", len(nodes))
		}
		return err
	})
}

func TestKeysAreKnownUntilTheyAreRevoked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			for _, hash := range []string{"h1", "h2", "h1"} {
				if err := tx.AddKey(t.Context(), hash, "prometheus"); err != nil {
					return err
				}
			}
			return tx.AddKey(t.Context(), "h3", "other")
		})
		tx(t, db, func(tx *store.Tx) error { return tx.RevokeKey(t.Context(), "h2") })
		read(t, db, func(tx *store.Tx) error {
			if name, err := tx.KeyIntegration(t.Context(), "h1"); name != "prometheus" || err != nil {
				t.Errorf("key h1 is of %q (%v)", name, err)
			}
			if name, err := tx.KeyIntegration(t.Context(), "h2"); err == nil {
				t.Errorf("the revoked key is of %q", name)
			}
			keys, err := tx.Keys(t.Context(), "prometheus")
			if len(keys) != 2 || keys[0].Hash != "h1" || keys[1].RevokedAt.IsZero() {
				t.Errorf("keys %+v", keys)
			}
			if err != nil {
				return err
			}
			all, err := tx.Keys(t.Context(), "")
			if len(all) != 3 {
				t.Errorf("%d keys, want 3", len(all))
			}
			return err
		})
	})
}
