package mackerel

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
	"toban/internal/remotewrite"
	"toban/oncall"
	sim "toban/sim/mackerel"
	"toban/store"
	"toban/store/storetest"
)

// The PostgreSQL that the tests share ends with this process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"))
}

const senderKey = "metrics-key-0123456789"

// stage is what the alert stage is: it keeps what it is told.
type stage struct {
	mu      sync.Mutex
	signals []oncall.Signal
	refuses error
}

func (s *stage) accept(_ context.Context, signals []oncall.Signal) error {
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
		list = append(list, fmt.Sprintf("%s %s %s", each.Action, each.Severity, each.Title))
	}
	s.signals = nil
	return list
}

// bench is Metrics with their queue over a store of their own.
type bench struct {
	testing.TB
	dsn, node string
	stage     *stage
	real      *sim.Server // what points are passed on to; nil = nothing
	db        *store.DB
	q         *due.Queue
	m         *Metrics
	held      atomic.Bool
	mu        sync.Mutex
	samples   []remotewrite.Sample
	stop      func()
	told      counted // what is logged
}

func (b *bench) open(monitors ...*oncall.Monitor) {
	b.Helper()
	db, err := store.Open(b.Context(), b.dsn, store.Options{Node: b.node})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(&b.told)
	b.db, b.q = db, due.New(db, log)
	b.q.HoldWhile(b.held.Load)
	o := Options{DB: db, Accept: b.stage.accept, Append: b.append, Fenced: b.held.Load, Log: log}
	if b.real != nil {
		o.Transport = b.real.Transport()
	}
	b.m = New(o)
	if b.real != nil {
		b.m.Forward(&Destination{Key: "real-key"})
	}
	b.m.Register(b.q)
	if err := b.m.Apply(b.Context(), monitors); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { b.m.talk(ctx) })
	running.Go(func() { b.m.pass(ctx) })
	running.Go(func() {
		if err := b.q.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.stop = func() { cancel(); running.Wait() }
}

func (b *bench) append(samples []remotewrite.Sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.samples = append(b.samples, samples...)
}

func (b *bench) close() {
	b.stop()
	if err := b.db.Close(); err != nil {
		b.Error(err)
	}
}

// inBubble runs f with an open bench, whose clock is virtual.
func inBubble(t *testing.T, real *sim.Server, monitors []*oncall.Monitor, f func(b *bench)) {
	t.Helper()
	t.Parallel()
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "toban.db")
	synctest.Test(t, func(t *testing.T) {
		b := &bench{TB: t, dsn: dsn, node: "local", stage: &stage{}, real: real}
		b.open(monitors...)
		defer func() { b.close() }()
		f(b)
	})
}

// onEach runs f on each engine, in real time.
func onEach(t *testing.T, f func(b *bench)) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(&bench{TB: t, dsn: storetest.DSN(t, engine), node: "a", stage: &stage{}})
		})
	}
}

// until waits for what happens by itself.
func (b *bench) until(what string, f func() bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.Fatalf("not within 20 s: %s", what)
		}
	}
}

// admit is what the intake says of keys.
func admit(_ *http.Request, key string) (*oncall.Integration, error) {
	switch key {
	case senderKey:
		return &oncall.Integration{ID: "jobs", Dialect: "mackerel"}, nil
	case "other":
		return nil, &oncall.Error{Kind: oncall.NotFound, Code: "intake.wrong_dialect"}
	case "often":
		return nil, &oncall.Error{Kind: oncall.Limited, Code: "intake.rate"}
	case "broken":
		return nil, io.ErrUnexpectedEOF
	}
	return nil, &oncall.Error{Kind: oncall.Denied, Code: "intake.unknown_key"}
}

// ask sends a request as Mackerel's client for Go does.
func (b *bench) ask(method, path, key, body string) (int, string) {
	r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", key)
	r.Header.Set("User-Agent", "mackerel-client-go")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.m.Handler(admit).ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// post posts one value of now and wants it taken.
func (b *bench) post(name string, value float64) {
	b.Helper()
	b.postAll(fmt.Sprintf(`{"name":%q,"time":%d,"value":%v}`, name, time.Now().Unix(), value))
}

func (b *bench) postAll(points ...string) {
	b.Helper()
	// The client's encoder ends with a new line.
	status, text := b.ask("POST", "/api/v0/services/ORGANIZATION/tsdb", senderKey, "["+strings.Join(points, ",")+"]\n")
	if status != http.StatusOK || text != `{"success":true}` {
		b.Fatalf("post: %d %s", status, text)
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

// failed is the monitor of S4: a job has failed when its metric is above 0.
func failed(id oncall.MonitorID, name string, change ...func(*oncall.Monitor)) *oncall.Monitor {
	none := 0.0
	m := &oncall.Monitor{
		ID: id, Name: string(id), Kind: oncall.MonitorMetric, Every: time.Minute, Severity: oncall.Critical, Service: "batch", Labels: map[string]string{"team": "data"},
		Metric: &oncall.ServiceMetric{Service: "ORGANIZATION", Name: name, Operator: ">", Critical: &none, Points: 1},
	}
	for _, f := range change {
		f(m)
	}
	return m
}
