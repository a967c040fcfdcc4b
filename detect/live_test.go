package detect

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"toban/alert"
	"toban/config"
	"toban/detect/probe"
	"toban/incident"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/store/storetest"
)

func timeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// eventually waits in real time for something to become true.
func eventually(t *testing.T, what string, within time.Duration, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Since(start) > within {
			t.Fatalf("after %s still not: %s", within, what)
		}
		<-tick.C
	}
	return time.Since(start)
}

// sink counts what is measured.
type sink struct{ n atomic.Int64 }

func (s *sink) Append(*oncall.Monitor, string, time.Time, *probe.Result) { s.n.Add(1) }

const liveFolder = `
users: { ann: { contacts: { phone: { call: "+819000000001" } } } }
policies: { p: { levels: { targets: { user: ann } }, fallback: { user: ann } } }
services: { checkout: { policy: p, match: { product: shop } }, rest: { policy: p, catch_all: true } }
monitors:
  shop: { http: TARGET, every: 1s, down_after: 2x, private: true, labels: { product: shop }, expect: { json: '.ok' } }
`

func apply(t *testing.T, db *store.DB, yaml string) {
	t.Helper()
	c, problems := config.LoadFS(fstest.MapFS{"toban.yaml": {Data: []byte(yaml)}})
	if c == nil {
		t.Fatal(problems)
	}
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, _, err := config.Apply(t.Context(), tx, c.Objects())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func incidents(t *testing.T, db *store.DB) (list []oncall.Incident) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.ListIncidents(t.Context(), store.IncidentFilter{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A target on this machine goes down and comes back: an incident of its service
// is opened and resolved.
func TestARealTargetThatFailsOpensAnIncidentOfItsService(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var broken atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if broken.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = w.Write([]byte(`{"ok":true}`))
		}))
		defer server.Close()
		log := slog.New(slog.DiscardHandler)
		apply(t, db, strings.Replace(liveFolder, "TARGET", server.URL, 1))
		accept := alert.New(db, incident.New(db, respond.New(db, log, respond.Options{}), log), log)
		measured := &sink{}
		m := New(Options{DB: db, Acceptor: accept, Sink: measured, Log: log})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		is := func(want oncall.MonitorStatus) func() bool {
			return func() bool {
				s, err := m.Monitor(t.Context(), "shop")
				return err == nil && s.State.Now() == want
			}
		}
		eventually(t, "up", 5*time.Second, is(oncall.MonitorUp))
		broken.Store(true)
		var opened oncall.Incident
		took := eventually(t, "an incident is open", 10*time.Second, func() bool {
			list := incidents(t, db)
			if len(list) == 1 {
				opened = list[0]
			}
			return len(list) == 1
		})
		t.Logf("an incident was open %s after the target broke; an interval and a second failure take at most 2 s", took)
		if opened.Service != "checkout" || !strings.HasPrefix(opened.Title, "shop: ") || opened.Severity != oncall.Critical {
			t.Errorf("got %+v", opened)
		}
		eventually(t, "its failure is kept", 5*time.Second, func() bool {
			var failures []store.MonitorFailure
			err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
				failures, err = tx.MonitorFailures(t.Context(), "shop")
				return err
			})
			return err == nil && len(failures) > 0 && failures[0].Reason == "status" && strings.Contains(string(failures[0].Evidence), "503")
		})
		r, err := m.Check(t.Context(), "shop")
		if err != nil || r.Up || r.Evidence == nil {
			t.Errorf("by hand: got %+v %v", r, err)
		}
		broken.Store(false)
		eventually(t, "up again", 10*time.Second, is(oncall.MonitorUp))
		eventually(t, "the alert has cleared", 10*time.Second, func() bool {
			state := ""
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				alerts, err := tx.Alerts(t.Context(), opened.ID, 10)
				if len(alerts) == 1 {
					state = string(alerts[0].State)
				}
				return err
			})
			return err == nil && state != "firing" && state != ""
		})
		if measured.n.Load() < 4 {
			t.Errorf("got %d results in the metrics", measured.n.Load())
		}
	})
}

func TestACheckByHandIsOfAMonitorThatAsks(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.New(t, "sqlite"))
	b.apply([]*oncall.Monitor{monitor("shop"), {ID: "backup", Kind: oncall.MonitorHeartbeat, Severity: oncall.Warning, Heartbeat: &oncall.Heartbeat{Period: time.Hour}}})
	b.start()
	defer b.stop()
	eventually(t, "the configuration is taken over", 5*time.Second, func() bool { _, err := b.m.Monitor(t.Context(), "shop"); return err == nil })
	if r, err := b.m.Check(t.Context(), "shop"); err != nil || !r.Up {
		t.Errorf("got %+v %v, want it up", r, err)
	}
	for id, want := range map[oncall.MonitorID]string{"none": "monitor.not_found", "backup": "monitor.asks_nobody"} {
		_, err := b.m.Check(t.Context(), id)
		if e, ok := errors.AsType[*oncall.Error](err); !ok || e.Code != want {
			t.Errorf("%s: got %v, want %s", id, err, want)
		}
	}
}

// What was said before a crash may not have been saved: it is said again.
func TestWhatACrashHasLeftOpenIsEnded(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.New(t, "sqlite"))
	b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Every, m.Timeout = time.Second, 500*time.Millisecond }), monitor("cart")})
	now := time.Now().Add(-time.Minute)
	err := b.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SaveMonitorStates(t.Context(), []store.MonitorState{
			{Monitor: "shop", Status: oncall.MonitorUp, Since: now, State: encode(t, oncall.MonitorState{Status: oncall.MonitorUp, Since: now})},
			{Monitor: "shop", Location: "here", Status: oncall.MonitorUp, Since: now, State: encode(t, oncall.PlaceState{
				Status: oncall.MonitorUp, Known: oncall.MonitorUp, Since: now, At: now, Pending: oncall.Pending{To: oncall.MonitorDown, Since: now, Count: 1},
			})},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.start()
	defer b.stop()
	var got []string
	eventually(t, "the alert that may be open is ended", 5*time.Second, func() bool { got = append(got, b.desk.said()...); return len(got) > 0 })
	if got[0] != "resolve shop" {
		t.Errorf("got %q", got)
	}
}

// Two nodes share the monitors; when one dies the other asks all of them and
// goes on with what was known.
func TestANodeThatDiesIsReplacedAndNothingIsAskedTwice(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	a, b := open(t, storetest.Open(t, dsn, store.Options{Node: "a"})), open(t, storetest.Open(t, dsn, store.Options{Node: "b"}))
	started := map[string]time.Time{}
	for _, each := range []*bench{a, b} {
		err := each.db.Tx(t.Context(), func(tx *store.Tx) (err error) {
			started[each.db.Node()], err = tx.EnterNode(t.Context(), store.NodeRow{ID: each.db.Node(), StartedAt: tx.Now, LeaseUntil: tx.Now.Add(time.Hour)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	all := names("m", 40)
	for _, m := range all {
		m.Every, m.Timeout = time.Second, 500*time.Millisecond
	}
	a.apply(all)
	a.target.set("m007", true)
	b.target.set("m007", true)
	a.start()
	b.start()
	defer b.stop()
	asks := func(of *bench, name string) bool { return of.target.times(name) > 0 }
	eventually(t, "every monitor is asked", 10*time.Second, func() bool {
		for _, m := range all {
			if asks(a, m.Target) == asks(b, m.Target) {
				return false
			}
		}
		return true
	})
	mine := 0
	for _, m := range all {
		if asks(a, m.Target) {
			mine++
		}
	}
	if mine < 8 || mine > 32 {
		t.Errorf("one node asks %d of %d, want about half", mine, len(all))
	}
	eventually(t, "m007 is said to be down", 10*time.Second, func() bool { return b.row("m007", "").Status == oncall.MonitorDown })
	since := b.row("m007", "").Since
	a.stop()
	err := b.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, err := tx.EndNode(t.Context(), "a", started["a"])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	took := eventually(t, "the other asks all", 10*time.Second, func() bool {
		for _, m := range all {
			if !asks(b, m.Target) {
				return false
			}
		}
		return true
	})
	t.Logf("all were asked by the other %s after the end was known", took)
	if s, err := b.m.Monitor(t.Context(), "m007"); err != nil || s.State.Now() != oncall.MonitorDown || s.State.Since.UnixMilli() != since.UnixMilli() {
		t.Errorf("got %+v %v, want it down since before", s.State, err)
	}
}

func BenchmarkResult(b *testing.B) {
	db := storetest.New(b, "sqlite")
	m := New(Options{DB: db, Acceptor: &desk{}, Sink: &sink{}})
	w := newWatched(m, monitor("shop"))
	w.begin(nil, time.Now())
	m.watched["shop"] = w
	defer m.stop()
	b.ReportAllocs()
	for b.Loop() {
		m.Result("shop", oncall.Here, &probe.Result{Up: true, Start: time.Now(), Duration: time.Nanosecond})
	}
}

// The service of a monitor changes, and so does who answers for its labels, while
// its alert is open.
func TestAnAlertDoesNotStayOpenAtAServiceThatItsMonitorHasLeft(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var broken atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if broken.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = w.Write([]byte(`{"ok":true}`))
		}))
		defer server.Close()
		log := slog.New(slog.DiscardHandler)
		folder := strings.Replace(liveFolder, "TARGET", server.URL, 1)
		apply(t, db, folder)
		accept := alert.New(db, incident.New(db, respond.New(db, log, respond.Options{}), log), log)
		m := New(Options{DB: db, Acceptor: accept, Log: log})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		// firing are the services at which the monitor's alert is open.
		firing := func() (services []string) {
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				list, err := tx.ListIncidents(t.Context(), store.IncidentFilter{})
				for _, inc := range list {
					alerts, err := tx.Alerts(t.Context(), inc.ID, 10)
					if err != nil {
						return err
					}
					for _, a := range alerts {
						if a.State == oncall.Firing {
							services = append(services, string(inc.Service))
						}
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return services
		}
		is := func(want ...string) func() bool { return func() bool { return slices.Equal(firing(), want) } }
		broken.Store(true)
		eventually(t, "it fires at checkout", 10*time.Second, is("checkout"))
		apply(t, db, strings.Replace(folder, "labels:", "service: rest, labels:", 1))
		eventually(t, "it fires at rest alone", 10*time.Second, is("rest"))
		apply(t, db, folder)
		eventually(t, "it fires at checkout alone", 10*time.Second, is("checkout"))
		apply(t, db, strings.Replace(folder, "match: { product: shop }", "match: { product: book }", 1)) // the monitor stays as it is
		eventually(t, "it fires at rest alone", 10*time.Second, is("rest"))
		broken.Store(false)
		eventually(t, "it fires nowhere", 10*time.Second, is())
	})
}
