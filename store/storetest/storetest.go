// Package storetest gives tests a store of their own, on SQLite and on
// PostgreSQL: what holds on one engine has to hold on the other.
package storetest

import (
	"path/filepath"
	"testing"

	"toban/internal/testserver"
	"toban/store"
)

// Engines are the names of the engines that New knows.
func Engines() []string { return []string{"sqlite", "postgres"} }

// Each runs f as a subtest on each engine, with a fresh store that is closed when
// it ends. The subtests run in parallel.
func Each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(t, New(t, engine))
		})
	}
}

// New returns a fresh store on that engine, closed when the test ends. Its node
// is called "test".
func New(t testing.TB, engine string) *store.DB {
	t.Helper()
	return Open(t, DSN(t, engine), store.Options{})
}

// DSN returns the address of a fresh, empty database on that engine.
func DSN(t testing.TB, engine string) string {
	t.Helper()
	switch engine {
	case "sqlite":
		return "sqlite:" + filepath.Join(t.TempDir(), "toban.db")
	case "postgres":
		return testserver.Postgres(t)
	}
	t.Fatalf("no engine %q", engine)
	return ""
}

// Open opens the store at dsn until the test ends. The node is called "test"
// unless o says otherwise; what the store logs goes to the test's log.
func Open(t testing.TB, dsn string, o store.Options) *store.DB {
	t.Helper()
	if o.Node == "" {
		o.Node = "test"
	}
	db, err := store.Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return db
}
