package detect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

func TestMain(m *testing.M) {
	// The PostgreSQL that all tests share ends with this process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"))
}

// target is something to be asked: it is up until somebody says otherwise.
type target struct {
	mu    sync.Mutex
	down  map[string]bool         // by address
	hangs map[string]bool         // nothing is reported of it
	own   map[string]probe.Reason // why toban can't ask it
	asked map[string]int
}

func newTarget() *target {
	return &target{down: map[string]bool{}, hangs: map[string]bool{}, own: map[string]probe.Reason{}, asked: map[string]int{}}
}

func (g *target) set(address string, down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down[address] = down
}

func (g *target) times(address string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[address]
}

// Check implements probe.Checker; an answer takes ten milliseconds.
func (g *target) Check(ctx context.Context, address string) *probe.Result {
	start := time.Now()
	<-time.NewTimer(10 * time.Millisecond).C
	g.mu.Lock()
	down, hangs, own := g.down[address], g.hangs[address], g.own[address]
	g.asked[address]++
	g.mu.Unlock()
	if hangs {
		return nil // the prober reports nothing
	}
	if own != "" {
		return &probe.Result{Reason: own, Message: "no further socket", Start: start, Duration: time.Since(start)}
	}
	r := &probe.Result{Up: !down, Start: start, Duration: time.Since(start)}
	if down {
		r.Reason, r.Message, r.Evidence = probe.ReasonStatus, "503, wanted 200", &probe.Evidence{Tried: []string{address}, Status: "HTTP/1.1 503"}
	}
	return r
}

// desk takes signals and can be out.
type desk struct {
	mu      sync.Mutex
	out     bool
	refuses string // the key of a signal that is never taken
	hangs   string // the key of a signal of which nothing comes back
	signals []oncall.Signal
	at      []time.Time
	tries   int
}

func (d *desk) Accept(ctx context.Context, signals []oncall.Signal) error {
	d.mu.Lock()
	hangs := d.hangs
	d.mu.Unlock()
	if slices.ContainsFunc(signals, func(s oncall.Signal) bool { return s.Key == hangs }) {
		<-ctx.Done()
		return errors.New("interrupted")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	if d.out || slices.ContainsFunc(signals, func(s oncall.Signal) bool { return s.Key == d.refuses }) {
		return errors.New("nobody is at the desk")
	}
	for _, s := range signals {
		d.signals = append(d.signals, s)
		d.at = append(d.at, time.Now())
	}
	return nil
}

func (d *desk) close(out bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out = out
}

// said is what came since it was last asked.
func (d *desk) said() (all []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.signals {
		all = append(all, string(s.Action)+" "+strings.TrimSuffix(s.Key, "@test"))
	}
	d.signals, d.at = nil, nil
	return all
}

// bench is monitors on a store, with a target and a desk.
type bench struct {
	t      *testing.T
	db     *store.DB
	target *target
	desk   *desk
	m      *Monitors
	fenced atomic.Bool
	stop   func()
}

// open makes a bench whose monitors do not run yet.
func open(t *testing.T, db *store.DB) *bench {
	t.Helper()
	return &bench{t: t, db: db, target: newTarget(), desk: &desk{}}
}

// start begins to watch; the monitors are those of a new process.
func (b *bench) start() *bench {
	b.t.Helper()
	b.m = New(Options{DB: b.db, Acceptor: b.desk, Fenced: b.fenced.Load, Log: slog.New(slog.DiscardHandler)})
	b.m.compile = func(m *oncall.Monitor) (probe.Checker, error) {
		if strings.HasPrefix(m.Target, "bad") {
			return nil, errors.New("its module can't be read")
		}
		return b.target, nil
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- b.m.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("run: %v", err)
		}
	}
	return b
}

// monitor is one that asks its own name.
func monitor(id string, change ...func(m *oncall.Monitor)) *oncall.Monitor {
	m := &oncall.Monitor{
		ID: oncall.MonitorID(id), Name: id, Kind: oncall.MonitorHTTP, Target: id, Module: "{}", Every: 15 * time.Second, Timeout: 10 * time.Second,
		Severity: oncall.Critical, Down: oncall.Threshold{Count: 2},
	}
	for _, f := range change {
		f(m)
	}
	return m
}

// apply makes these the configuration.
func (b *bench) apply(monitors []*oncall.Monitor, locations ...*oncall.Location) {
	b.t.Helper()
	objects := []store.Object{{Kind: store.ObjectSettings, Name: "settings", Body: []byte(`{"Zone":"Asia/Tokyo"}`)}}
	for _, m := range monitors {
		objects = append(objects, store.Object{Kind: store.ObjectMonitor, Name: string(m.ID), Body: encode(b.t, m)})
	}
	for _, l := range locations {
		objects = append(objects, store.Object{Kind: store.ObjectLocation, Name: l.Name, Body: encode(b.t, l)})
	}
	err := b.db.Tx(b.t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.Apply(b.t.Context(), objects)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (b *bench) want(lines ...string) {
	b.t.Helper()
	if got := b.desk.said(); !slices.Equal(got, lines) {
		b.t.Errorf("got %q, want %q", got, lines)
	}
}

// now is what a monitor is taken for.
func (b *bench) now(id string) oncall.MonitorStatus {
	b.t.Helper()
	s, err := b.m.Monitor(b.t.Context(), oncall.MonitorID(id))
	if err != nil {
		b.t.Fatal(err)
	}
	return s.State.Now()
}

// row is a saved state.
func (b *bench) row(id, location string) (s store.MonitorState) {
	b.t.Helper()
	err := b.db.Read(b.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.MonitorStates(b.t.Context(), []oncall.MonitorID{oncall.MonitorID(id)})
		for _, row := range rows {
			if row.Location == location {
				s = row
			}
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func names(prefix string, n int) (all []*oncall.Monitor) {
	for i := range n {
		all = append(all, monitor(fmt.Sprintf("%s%03d", prefix, i)))
	}
	return all
}
