package heartbeat

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"toban/internal/due"
	"toban/oncall"
	"toban/store"
)

// The PostgreSQL that the tests share ends with this process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"))
}

var installationKey = []byte("0123456789abcdef0123456789abcdef")

// stage is what the alert stage is to a Listener: it keeps what it is told.
type stage struct {
	mu      sync.Mutex
	signals []oncall.Signal
	refuses error
	slow    time.Duration
}

func (s *stage) accept(ctx context.Context, signals []oncall.Signal) error {
	if s.slow > 0 {
		select {
		case <-time.After(s.slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses != nil {
		return s.refuses
	}
	s.signals = append(s.signals, signals...)
	return nil
}

func (s *stage) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = err
}

// said is what it was told since the last call.
func (s *stage) said() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range s.signals {
		list = append(list, string(each.Action)+" "+each.Key+": "+each.Title)
	}
	s.signals = nil
	return list
}

// bench is a Listener with its queue over a store of its own.
type bench struct {
	testing.TB
	dsn, node string
	stage     *stage
	db        *store.DB
	q         *due.Queue
	l         *Listener
	held      atomic.Bool
	stop      func()
}

func (b *bench) open(monitors ...*oncall.Monitor) {
	b.Helper()
	db, err := store.Open(b.Context(), b.dsn, store.Options{Node: b.node})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	b.db, b.q = db, due.New(db, log)
	b.q.HoldWhile(b.held.Load)
	b.l = New(Options{DB: db, Accept: b.stage.accept, Key: installationKey, Log: log})
	b.l.Register(b.q)
	if err := b.l.Apply(b.Context(), monitors); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { b.l.talk(ctx) })
	running.Go(func() {
		if err := b.q.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.stop = func() { cancel(); running.Wait() }
}

func (b *bench) close() {
	b.stop()
	if err := b.db.Close(); err != nil {
		b.Error(err)
	}
}

// inBubble runs f with an open bench, whose clock is virtual.
func inBubble(t *testing.T, monitors []*oncall.Monitor, f func(b *bench)) {
	t.Helper()
	t.Parallel()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "toban.db")
	synctest.Test(t, func(t *testing.T) {
		b := &bench{TB: t, dsn: dsn, node: "local", stage: &stage{}}
		b.open(monitors...)
		defer func() { b.close() }()
		f(b)
	})
}

// ask sends a request to the handler, as "POST /ping/…", and returns the answer.
func (b *bench) ask(request, body string) *http.Response {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
	r.Header.Set("User-Agent", "curl/8.5.0")
	w := httptest.NewRecorder()
	b.l.Handler().ServeHTTP(w, r)
	return w.Result()
}

// ping pings a heartbeat with what comes behind its address and wants it taken.
func (b *bench) ping(id oncall.MonitorID, behind string) {
	b.Helper()
	if got := b.ask("GET "+b.l.Addresses().Path(id)+behind, ""); got.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(got.Body)
		b.Fatalf("ping of %s%s: %d %s", id, behind, got.StatusCode, text)
	}
}

// after lets d pass and wants the alert stage to be told that meanwhile.
func (b *bench) after(d time.Duration, want ...string) {
	b.Helper()
	time.Sleep(d)
	synctest.Wait()
	if got := b.stage.said(); fmt.Sprint(got) != fmt.Sprint(want) {
		b.Errorf("told %q, want %q", got, want)
	}
}

func (b *bench) status(id oncall.MonitorID) Status {
	b.Helper()
	s, ok, err := b.l.StatusOf(b.Context(), id)
	if err != nil || !ok {
		b.Fatalf("status of %s: %t %v", id, ok, err)
	}
	return s
}

// hourly is a heartbeat of every hour with ten minutes of grace.
func hourly(id oncall.MonitorID) *oncall.Monitor {
	return &oncall.Monitor{
		ID: id, Name: string(id), Kind: oncall.MonitorHeartbeat, Severity: oncall.Warning, Service: "checkout", Labels: map[string]string{"team": "infra"},
		Heartbeat: &oncall.Heartbeat{Slug: string(id), Period: time.Hour, Grace: 10 * time.Minute},
	}
}

func changed(m *oncall.Monitor, f func(m *oncall.Monitor)) *oncall.Monitor {
	other, heartbeat := *m, *m.Heartbeat
	other.Heartbeat = &heartbeat
	f(&other)
	return &other
}
