package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toban/access"
	"toban/config"
	"toban/detect/saying"
	"toban/detect/standing"
	"toban/internal/child"
	"toban/oncall"
)

func TestEveryAddressOfPrometheusHasItsRole(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		request string
		role    access.Role // "" = not passed on
	}{
		{"GET /prometheus/api/v1/query", access.Viewer},
		{"POST /prometheus/api/v1/query_range", access.Viewer},
		{"DELETE /prometheus/api/v1/query", ""},
		{"GET /prometheus/api/v1/label/job/values", access.Viewer},
		{"GET /prometheus/api/v1/label/a/b/values", ""},
		{"GET /prometheus/api/v1/label/values", ""},
		{"POST /prometheus/api/v1/label/job/values", ""},
		{"POST /prometheus/api/v1/read", access.Viewer},
		{"GET /prometheus/api/v1/status/config", access.Admin},
		{"GET /prometheus/api/v1/status/buildinfo", access.Viewer},
		{"HEAD /prometheus/-/ready", access.Viewer},
		{"GET /prometheus/metrics", access.Viewer},
		{"POST /prometheus/-/reload", access.Admin},
		{"GET /prometheus/-/reload", ""},
		{"POST /prometheus/-/quit", ""},
		{"POST /prometheus/api/v1/write", ""}, // has a way of its own
		{"POST /prometheus/api/v1/admin/tsdb/delete_series", ""},
		{"POST /prometheus/api/v1/otlp/v1/metrics", ""},
		{"GET /prometheus/graph", ""},
		{"GET /prometheus/", ""},
		{"GET /elsewhere", ""},
	} {
		method, path, _ := strings.Cut(tc.request, " ")
		role, ok := metricsRole(httptest.NewRequest(method, path, nil))
		if ok != (tc.role != "") || ok && role != tc.role {
			t.Errorf("%s: got %q %t, want %q", tc.request, role, ok, tc.role)
		}
	}
}

func TestTheChildIsGivenNoneOfTobansSecrets(t *testing.T) {
	t.Parallel()
	got := metricsEnvironment([]string{
		"PATH=/bin", "HOME=/root", "TOBAN_KEY=00", "TWILIO_TOKEN=s", "SLACK_TOKEN=s", "https_proxy=http://p", "TOBAN_PROXY=x", "AWS_REGION=x", "LC_ALL=C", "SSL_CERT_DIR=/c", "odd",
	})
	want := []string{"PATH=/bin", "HOME=/root", "https_proxy=http://p", "AWS_REGION=x", "LC_ALL=C", "SSL_CERT_DIR=/c"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEachMonitorThatIsARuleIsAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	m := testMetrics(t)
	long := oncall.MonitorID(strings.Repeat("当", 63)) // more than a file's name may be long
	monitor := func(id oncall.MonitorID, expr string) *oncall.Monitor {
		return &oncall.Monitor{ID: id, Name: string(id), Kind: oncall.MonitorPromQL, PromQL: expr, Every: time.Minute, Severity: oncall.Critical}
	}
	if err := os.MkdirAll(m.data.MetricsRules(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.data.MetricsRules(), "another.yml"), []byte("groups: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		monitors []*oncall.Monitor
		want     int
	}{
		{nil, 0},
		{[]*oncall.Monitor{monitor("disk", "a"), monitor(long, "b")}, 2},
		{[]*oncall.Monitor{monitor("disk", "c"), monitor(long, "b")}, 2},
		{[]*oncall.Monitor{monitor("disk", "c")}, 1},
		{nil, 0},
	} {
		if err := m.WriteRules(tc.monitors, saying.Words{}); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(m.data.MetricsRules(), "*"))
		if len(files) != tc.want {
			t.Errorf("got %q, want %d files", files, tc.want)
		}
		for _, one := range tc.monitors {
			body, err := os.ReadFile(filepath.Join(m.data.MetricsRules(), ruleFile(one.ID)))
			if err != nil || !strings.Contains(string(body), "expr: \""+one.PromQL+"\"") {
				t.Errorf("%s: got %s %v", one.ID, body, err)
			}
		}
	}
}

func TestAVersionThatIsRolledBackToFindsNoRulesOfThisOne(t *testing.T) {
	t.Parallel()
	m := testMetrics(t)
	old := filepath.Join(m.data.Dir, "metrics-rules") // where earlier versions write one file, and read all
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(old, "monitors.yml"), []byte("groups: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.run(ctx) }()
	disk := &oncall.Monitor{ID: "disk", Name: "disk", Kind: oncall.MonitorPromQL, PromQL: "a", Every: time.Minute, Severity: oncall.Critical}
	if err := m.WriteRules([]*oncall.Monitor{disk}, saying.Words{}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(old, "*")); len(files) > 0 {
		t.Errorf("got %q, want nothing where an earlier version reads", files)
	}
	if files, _ := filepath.Glob(filepath.Join(m.data.MetricsRules(), "*.yml")); len(files) != 1 {
		t.Errorf("got %q, want the rule of disk", files)
	}
}

// testMetrics are metrics without an app around them.
func testMetrics(t *testing.T) *metrics {
	t.Helper()
	return newMetrics(Data{t.TempDir()}, Options{Log: slog.New(slog.DiscardHandler), Metrics: true}, func() string { return "" }, &metricsAlarm{nudged: make(chan struct{}, 1)}, &metricsAlarm{nudged: make(chan struct{}, 1)})
}

// board is what an alarm has said.
type board struct {
	mu   sync.Mutex
	said []oncall.Signal
	at   []time.Time
	fail bool
}

func (b *board) accept(_ context.Context, signals []oncall.Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail {
		return errors.New("the store is away")
	}
	for _, s := range signals {
		b.said, b.at = append(b.said, s), append(b.at, time.Now())
	}
	return nil
}

func (b *board) actions() (all []oncall.Action) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.said {
		all = append(all, s.Action)
	}
	return all
}

func alarmed(t *testing.T, f func(a *metricsAlarm, b *board)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &board{}
		a := &metricsAlarm{
			accept: b.accept, key: "toban/metrics", log: slog.New(slog.DiscardHandler), nudged: make(chan struct{}, 1),
			service: func(context.Context) (oncall.ServiceID, error) { return "rest", nil },
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { a.run(ctx); close(done) }() // ends with cancel
		f(a, b)
		cancel()
		<-done
	})
}

func TestADeadChildIsAnAlertThatEndsWhenItIsBack(t *testing.T) {
	t.Parallel()
	alarmed(t, func(a *metricsAlarm, b *board) {
		a.died(errors.New("signal: killed"), 1)
		synctest.Wait()
		if got := len(b.actions()); got != 1 {
			t.Fatalf("got %d signals at once, want 1", got)
		}
		b.mu.Lock()
		s := b.said[0]
		b.mu.Unlock()
		if s.Action != oncall.Trigger || s.Severity != oncall.Warning || s.Service != "rest" || s.Annotations["detail"] != "signal: killed" || time.Until(s.EndsAt) != 10*time.Minute {
			t.Errorf("got %+v", s)
		}
		time.Sleep(4*time.Minute + time.Second)
		if got := len(b.actions()); got != 3 {
			t.Errorf("got %d signals in four minutes, want it said every two", got)
		}
		a.up()
		time.Sleep(5 * time.Second)
		a.died(errors.New("again"), 2) // it was not back for long
		time.Sleep(time.Second)
		a.up()
		time.Sleep(9 * time.Second)
		if all := b.actions(); slices.Contains(all, oncall.Resolve) {
			t.Errorf("got %v before it was back for ten seconds", all)
		}
		time.Sleep(2 * time.Second)
		if all := b.actions(); all[len(all)-1] != oncall.Resolve {
			t.Errorf("got %v, want it resolved", all)
		}
		n := len(b.actions())
		time.Sleep(time.Hour)
		if got := len(b.actions()); got != n {
			t.Errorf("got %d more signals in an hour of quiet", got-n)
		}
	})
}

// killedBySomebody is how a process ends that is killed.
func killedBySomebody(t *testing.T) error {
	t.Helper()
	err := exec.Command("/bin/sh", "-c", "kill -9 $$").Run()
	if err == nil {
		t.Fatal("it was not killed")
	}
	return fmt.Errorf("%w: its last line", err)
}

func TestAKilledChildThatIsBackSoonIsNoAlert(t *testing.T) {
	t.Parallel()
	death := killedBySomebody(t)
	hung := fmt.Errorf("%w (%w)", child.ErrHung, death)
	triggers := func(b *board) (n int) {
		synctest.Wait()
		for _, action := range b.actions() {
			if action == oncall.Trigger {
				n++
			}
		}
		return n
	}
	for name, f := range map[string]func(t *testing.T, a *metricsAlarm, b *board){
		"back at once": func(t *testing.T, a *metricsAlarm, b *board) {
			a.died(death, 1)
			time.Sleep(300 * time.Millisecond)
			a.up()
			time.Sleep(time.Hour)
			if n := triggers(b); n != 0 {
				t.Errorf("told %d times of a gap of 0.3 s", n)
			}
		},
		"not back": func(t *testing.T, a *metricsAlarm, b *board) {
			began := time.Now()
			a.died(death, 1)
			time.Sleep(14 * time.Second)
			if n := triggers(b); n != 0 {
				t.Errorf("told %d times within 14 s", n)
			}
			time.Sleep(2 * time.Second)
			if n := triggers(b); n != 1 {
				t.Fatalf("told %d times within 16 s, want once", n)
			}
			if s := b.said[len(b.said)-1]; !s.StartsAt.Equal(began) || s.Severity != oncall.Warning {
				t.Errorf("got %+v, want a warning since the death", s)
			}
			a.up()
			time.Sleep(time.Minute)
			if all := b.actions(); all[len(all)-1] != oncall.Resolve {
				t.Errorf("got %v, want it resolved", all)
			}
		},
		"the third time": func(t *testing.T, a *metricsAlarm, b *board) {
			for restarts := 1; restarts <= 3; restarts++ {
				if n := triggers(b); n != 0 {
					t.Errorf("told %d times before the third death", n)
				}
				time.Sleep(12 * time.Second)
				a.died(death, restarts)
				if n := triggers(b); restarts == 3 && n != 1 {
					t.Errorf("told %d times of the third death, want once, at once", n)
				}
				time.Sleep(time.Second)
				a.up()
			}
		},
		"without having been back": func(t *testing.T, a *metricsAlarm, b *board) {
			for restarts := 1; restarts <= 3; restarts++ { // dies while it starts
				a.died(death, restarts)
				time.Sleep(100 * time.Millisecond)
			}
			if n := triggers(b); n != 1 {
				t.Errorf("told %d times of the third death, want once, at once", n)
			}
		},
		"hung": func(t *testing.T, a *metricsAlarm, b *board) {
			a.died(hung, 1)
			if n := triggers(b); n != 1 {
				t.Errorf("told %d times, want once, at once: it stood still for long", n)
			}
		},
		"by itself": func(t *testing.T, a *metricsAlarm, b *board) {
			a.died(errors.New("exit status 2: fatal error: out of memory"), 1)
			if n := triggers(b); n != 1 {
				t.Errorf("told %d times, want once, at once", n)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alarmed(t, func(a *metricsAlarm, b *board) { f(t, a, b) })
		})
	}
}

func TestTheFirstStartResolvesWhatAnEarlierLifeHasSaid(t *testing.T) {
	t.Parallel()
	alarmed(t, func(a *metricsAlarm, b *board) {
		time.Sleep(time.Minute) // a long start is no death
		if all := b.actions(); len(all) != 0 {
			t.Errorf("got %v while it starts", all)
		}
		a.up()
		time.Sleep(time.Minute)
		if all := b.actions(); !slices.Equal(all, []oncall.Action{oncall.Resolve}) {
			t.Errorf("got %v, want one resolve", all)
		}
	})
}

func TestWhatLastsIsAsBadAsWhatIsNotSeenMeanwhile(t *testing.T) {
	t.Parallel()
	alarmed(t, func(a *metricsAlarm, b *board) {
		var worst atomic.Value
		worst.Store(oncall.Critical)
		a.worst = func() oncall.Severity { return worst.Load().(oncall.Severity) }
		last := func() oncall.Signal {
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.said[len(b.said)-1]
		}
		began := time.Now()
		a.died(errors.New("x"), 1)
		time.Sleep(4*time.Minute + 30*time.Second)
		a.up() // for a moment only: that is not back
		time.Sleep(5 * time.Second)
		a.died(errors.New("y"), 7)
		if s := last(); s.Severity != oncall.Warning {
			t.Errorf("got %s after four minutes, want a warning still", s.Severity)
		}
		time.Sleep(30 * time.Second)
		if s := last(); s.Severity != oncall.Critical || !s.StartsAt.Equal(began) || !strings.Contains(s.Annotations["detail"], "7 times in a row") {
			t.Errorf("got %+v after five minutes, want it critical, since %s", s, began)
		}
		a.up()
		time.Sleep(time.Minute)
		a.died(errors.New("z"), 1)
		if s := last(); s.Severity != oncall.Warning {
			t.Errorf("got %s of another outage, want a warning first", s.Severity)
		}
		worst.Store(oncall.Info)
		time.Sleep(time.Hour)
		if s := last(); s.Severity != oncall.Warning {
			t.Errorf("got %s where nothing depends on it, want a warning", s.Severity)
		}
	})
}

func TestRulesThatAreNotEvaluatedAreNamed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	rule := func(id oncall.MonitorID, severity oncall.Severity) *oncall.Monitor {
		return &oncall.Monitor{ID: id, Every: 15 * time.Second, Severity: severity}
	}
	var b blindness
	b.want([]*oncall.Monitor{rule("good", oncall.Critical), rule("failed", oncall.Failure), rule("left", oncall.Warning), rule("never", oncall.Info)})
	for id := range b.from {
		b.from[id] = at
	}
	by := map[oncall.MonitorID]standing.Evaluation{"good": {At: at}, "failed": {At: at, Problem: "the last evaluation failed: x"}, "never": {}}
	if got := b.look(by, "", at); len(got) != 0 {
		t.Errorf("got %v at once, want time to mend it", got)
	}
	if got := b.look(by, "", at.Add(time.Minute)); len(got) != 0 {
		t.Errorf("got %v after a minute", got)
	}
	all := b.look(by, "", at.Add(4*time.Minute))
	detail, worst := describe(all)
	if want := "failed: the last evaluation failed: x\nleft: its rule was left out; the log of toban says why\nnever: it has never been evaluated"; detail != want || worst != oncall.Failure {
		t.Errorf("got %q, %s, want %q and the worst of those", detail, worst, want)
	}
	by = map[oncall.MonitorID]standing.Evaluation{"good": {At: at}, "failed": {At: at}, "left": {At: at}, "never": {At: at}}
	if got := b.look(by, "", at.Add(5*time.Minute)); len(got) != 0 {
		t.Errorf("got %v though all are evaluated", got)
	}
	if b.look(nil, "metrics.enabled is false", at.Add(6*time.Minute)); b.worst() != oncall.Critical {
		t.Errorf("got %s, want the worst of all", b.worst())
	}
	if got := b.look(nil, "metrics.enabled is false", at.Add(9*time.Minute)); len(got) != 4 {
		t.Errorf("got %v, want all where nothing evaluates", got)
	}
}

func TestRulesThatNothingEvaluatesAreAnAlertWhateverTheReason(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wanted metricsPlan
		want   bool
	}{
		"switched off":           {metricsPlan{never: true}, true},
		"another Prometheus":     {metricsPlan{settings: &config.Metrics{URL: "http://prom"}}, true},
		"a child that is not up": {metricsPlan{settings: &config.Metrics{}}, false}, // that is told by itself
	} {
		m := testMetrics(t)
		m.wanted = tc.wanted
		if err := m.WriteRules([]*oncall.Monitor{{ID: "disk", Name: "disk", Kind: oncall.MonitorPromQL, PromQL: "up", Every: time.Minute, Severity: oncall.Critical}}, saying.Words{}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		m.watchRules(t.Context(), now)
		m.watchRules(t.Context(), now.Add(3*time.Minute))
		if got := m.alarmBlind.state.down; got != tc.want {
			t.Errorf("%s: got %t, want %t: %s", name, got, tc.want, m.alarmBlind.state.detail)
		}
		if tc.want && m.alarmBlind.worst() != oncall.Critical {
			t.Errorf("%s: got %s when it lasts, want it as bad as the monitor", name, m.alarmBlind.worst())
		}
	}
}

func TestAChildThatNeverGetsReadyIsAnAlert(t *testing.T) {
	t.Parallel()
	m := testMetrics(t)
	c := child.New(child.Options{Name: "x", Path: "/nowhere/at/all", Log: slog.New(slog.DiscardHandler)})
	m.now.Store(&metricsSeat{child: c})
	m.watchChild(time.Now().Add(time.Hour)) // it waits for Run, and has not ended
	if m.alarm.state.down {
		t.Error("told of a child that nobody has run yet")
	}
	o := child.Options{Name: "x", Path: "/bin/sleep", Args: []string{"60"}, Ready: "never", StopWithin: time.Second, Log: slog.New(slog.DiscardHandler)}
	c = child.New(o)
	m.now.Store(&metricsSeat{child: c})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	for tick := time.NewTicker(time.Millisecond); c.State().PID == 0; {
		<-tick.C
	}
	m.watchChild(time.Now().Add(time.Minute))
	if m.alarm.state.down {
		t.Error("told of a start of one minute")
	}
	m.watchChild(time.Now().Add(6 * time.Minute))
	if !m.alarm.state.down || !strings.Contains(m.alarm.state.detail, "it has been starting since") {
		t.Errorf("got %+v, want it told", m.alarm.state)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAnAlarmThatCouldNotBeKeptIsSaidAgain(t *testing.T) {
	t.Parallel()
	alarmed(t, func(a *metricsAlarm, b *board) {
		b.mu.Lock()
		b.fail = true
		b.mu.Unlock()
		a.died(errors.New("x"), 1)
		time.Sleep(30 * time.Second)
		b.mu.Lock()
		b.fail = false
		b.mu.Unlock()
		time.Sleep(2 * time.Second)
		if all := b.actions(); !slices.Equal(all, []oncall.Action{oncall.Trigger}) {
			t.Errorf("got %v, want it said as soon as it could be", all)
		}
	})
}

func TestRequestsHaveTheirBounds(t *testing.T) {
	t.Parallel()
	p := newMetricsProxy(&metrics{log: slog.New(slog.DiscardHandler)})
	p.m.now.Store(&metricsSeat{base: "http://127.0.0.1:1", transport: &http.Transport{}})
	for range proxyAtOnce {
		p.places <- struct{}{}
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/prometheus/api/v1/query", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d with as many under way as there may be, want 503", w.Code)
	}
	<-p.places
	w = httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/prometheus/api/v1/query", nil))
	if w.Code != http.StatusServiceUnavailable || len(p.places) != proxyAtOnce-1 {
		t.Errorf("got %d of a Prometheus that is away, and %d places taken", w.Code, len(p.places))
	}
}
