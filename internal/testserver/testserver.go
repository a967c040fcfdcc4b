// Package testserver starts real servers for tests and for the bench:
// PostgreSQL, Prometheus, Alertmanager, the blackbox exporter and nginx, each on
// loopback, on a free port, in a folder of its own.
//
// A server ends with the test that asked for it, and with the process even when
// that is killed with SIGKILL. A program that is not on the machine fails the
// test and says what to run; a test is never passed over because of it. The
// package does not import testing, since toban bench uses it too.
//
// Servers are started outside of synctest bubbles: waiting for a child process
// would hold a bubble's clock.
package testserver

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// startLimit is how long a server may take to answer; on a loaded machine with
// two cores a start of half a second was seen to take five.
const startLimit = 30 * time.Second

// T is what testserver needs of *testing.T and *testing.B.
type T interface {
	Helper()
	Cleanup(f func())
	Failed() bool
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Postgres returns the DSN of a fresh, empty database, dropped when the test
// ends. All databases of a test binary are in one PostgreSQL, started by the
// first call and ended with the process; it runs with PostgreSQL's own
// defaults, so a commit is on disk when it returns.
func Postgres(t T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	server, err := shared.get(ctx)
	if err != nil {
		t.Fatalf("postgres: %v", err)
	}
	from := server.logSize()
	dsn, err := server.Database(ctx)
	if err != nil {
		t.Fatalf("postgres: %v\n%s", err, server.logSince(from))
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		if err := server.drop(ctx, dsn); err != nil {
			t.Logf("postgres: %v", err) // the folder goes with the process
		}
		if t.Failed() {
			t.Logf("PostgreSQL (shared by all tests of this package) said meanwhile:\n%s", server.logSince(from))
		}
	})
	return dsn
}

// PostgresServer starts a PostgreSQL for this test alone, to be killed and
// restarted as it likes. It is stopped and removed when the test ends.
func PostgresServer(t T) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	server, err := StartPostgres(ctx, "")
	if err != nil {
		t.Fatalf("postgres: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("PostgreSQL said:\n%s", server.Log())
		}
		if err := server.Stop(); err != nil {
			t.Logf("postgres: %v", err)
		}
	})
	return server
}

// shared is the one PostgreSQL of a test binary. It has to be a variable of the
// package: tests know nothing of each other, and a cluster each would cost a
// second and 40 MB per test.
var shared sharedServer

type sharedServer struct {
	mu     sync.Mutex
	server *Server
	err    error // kept, so that a missing program does not cost every test the same wait
}

func (s *sharedServer) get(ctx context.Context) (*Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil && s.err == nil {
		s.server, s.err = StartPostgres(ctx, "")
	}
	return s.server, s.err
}

// ownFolder makes a temporary folder that is removed by the returned function
// or, at the latest, when this process is gone.
func ownFolder(pattern string) (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp("", pattern)
	if err != nil {
		return "", nil, err
	}
	guard, err := guardFolder(dir)
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("guard %s: %w", dir, err)
	}
	return dir, guard, nil
}
