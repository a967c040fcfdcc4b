package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/access"
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

func TestRulesOfOursLieInAFolderOfTheirOwn(t *testing.T) {
	t.Parallel()
	m := &metrics{data: Data{t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	file := filepath.Join(m.data.MetricsRules(), "monitors.yml")
	for _, body := range []string{"", "groups: []\n", "groups: []\n", "groups: [ ]\n", ""} {
		if err := m.WriteRules("monitors", []byte(body)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if body == "" && !errors.Is(err, os.ErrNotExist) || body != "" && string(got) != body {
			t.Errorf("got %q, %v, want %q", got, err, body)
		}
	}
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
		a.down(errors.New("signal: killed"), 1)
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
		a.down(errors.New("again"), 2) // it was not back for long
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

func TestAnAlarmThatCouldNotBeKeptIsSaidAgain(t *testing.T) {
	t.Parallel()
	alarmed(t, func(a *metricsAlarm, b *board) {
		b.mu.Lock()
		b.fail = true
		b.mu.Unlock()
		a.down(errors.New("x"), 1)
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
