package remotewrite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"

	"toban/internal/remotewrite"
)

// receiver takes remote write in process.
type receiver struct {
	mu       sync.Mutex
	series   []decoded
	requests []*http.Request
	answer   func(n int) (int, error) // of the n-th request, from 1; nil = 204
}

// RoundTrip implements http.RoundTripper.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	packed, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	raw, err := snappy.Decode(nil, packed)
	if err != nil {
		return nil, err
	}
	all, err := decode(raw)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, req)
	status := http.StatusNoContent
	if r.answer != nil {
		if status, err = r.answer(len(r.requests)); err != nil {
			return nil, err
		}
	}
	if status/100 == 2 {
		r.series = append(r.series, all...)
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader("because")), Header: http.Header{}}, nil
}

func (r *receiver) took() []decoded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.series
}

func (r *receiver) asked() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// begin runs a sender in a bubble until stop is called.
func begin(t *testing.T, o remotewrite.Options, r *receiver) (s *remotewrite.Sender, stop func()) {
	t.Helper()
	o.Transport = r
	if o.Target.URL == "" {
		o.Target.URL = "http://prometheus/api/v1/write"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s = remotewrite.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }() // ends with cancel
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func series(t testing.TB, metric string, labels map[string]string) *remotewrite.Series {
	t.Helper()
	s, err := remotewrite.NewSeries(metric, labels)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSamplesArriveWithTheirLabelsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		s, stop := begin(t, remotewrite.Options{}, r)
		up := series(t, "probe_success", map[string]string{"target": "https://shop.example.jp/健康", "protocol": "http", "empty": "", "A": "b"})
		now := time.Now()
		s.Append([]remotewrite.Sample{{Series: up, At: remotewrite.At(now), Value: 0.25}, {Series: up, At: -1, Value: math.Inf(1)}})
		s.Append([]remotewrite.Sample{{Series: series(t, "x", nil), At: 0, Value: 0}})
		if time.Sleep(499 * time.Millisecond); len(r.asked()) != 0 {
			t.Error("it did not wait for others")
		}
		if time.Sleep(2 * time.Millisecond); len(r.asked()) != 1 {
			t.Errorf("got %d requests, want one after 500 ms", len(r.asked()))
		}
		labels := []string{"A=b", "__name__=probe_success", "protocol=http", "target=https://shop.example.jp/健康"}
		want := []decoded{
			{labels, []point{{now.UnixMilli(), 0.25}}},
			{labels, []point{{-1, math.Inf(1)}}},
			{[]string{"__name__=x"}, []point{{0, 0}}},
		}
		if diff := cmp.Diff(want, r.took(), cmp.AllowUnexported(decoded{}, point{})); diff != "" {
			t.Errorf("what arrived differs (-want +got):\n%s", diff)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0", "Authorization": "",
		} {
			if got := r.asked()[0].Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		stop()
		if got := s.Stats(); got.Sent != 3 || got.Dropped+got.Refused+got.Failed != 0 || got.Waiting != 0 {
			t.Errorf("got %+v, want three sent", got)
		}
	})
}

func TestAFullBatchDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		s, stop := begin(t, remotewrite.Options{Batch: 10, Every: time.Hour}, r)
		s.Append(many(series(t, "x", nil), 0, 35))
		synctest.Wait()
		if got := len(r.asked()); got != 3 && got != 4 {
			t.Errorf("got %d requests at once, want those of the whole batches", got)
		}
		stop()
		inOrder(t, r, 0, 35)
	})
}

func TestWhatIsToBeSentSoonTakesTheRestAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		s, stop := begin(t, remotewrite.Options{Every: time.Hour}, r)
		all := many(series(t, "x", nil), 0, 3)
		s.Append(all[:1])
		if time.Sleep(time.Minute); len(r.asked()) != 0 {
			t.Error("it did not wait for others")
		}
		all[1].Soon = true
		s.Append(all[1:2])
		time.Sleep(time.Millisecond)
		s.Append(all[2:])
		if time.Sleep(time.Millisecond + time.Microsecond); len(r.asked()) != 1 {
			t.Errorf("got %d requests, want one after 2 ms", len(r.asked()))
		}
		inOrder(t, r, 0, 3)
		stop()
	})
}

// many are samples of a series whose values and times count up.
func many(s *remotewrite.Series, from, to int) (all []remotewrite.Sample) {
	for i := from; i < to; i++ {
		all = append(all, remotewrite.Sample{Series: s, At: time.Now().UnixMilli(), Value: float64(i)})
	}
	return all
}

func inOrder(t *testing.T, r *receiver, from, to int) {
	t.Helper()
	took := r.took()
	if len(took) != to-from {
		t.Fatalf("got %d samples, want %d", len(took), to-from)
	}
	for i, d := range took {
		if got, want := d.samples[0].value, float64(from+i); got != want {
			t.Fatalf("sample %d is %v, want %v", i, got, want)
		}
	}
}

func TestAReceiverThatIsAwayCostsTheOldestOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		r := &receiver{answer: func(n int) (int, error) {
			switch {
			case away.Load() && n%2 == 0:
				return 0, errors.New("connection refused")
			case away.Load():
				return http.StatusServiceUnavailable, nil
			}
			return http.StatusOK, nil
		}}
		var log bytes.Buffer
		s, stop := begin(t, remotewrite.Options{Batch: 10, Queue: 100, Log: slog.New(slog.NewTextHandler(&log, nil))}, r)
		x := series(t, "x", nil)
		s.Append(many(x, 0, 10)) // in hand from now on
		time.Sleep(time.Second)
		for i := 10; i < 510; i += 10 {
			s.Append(many(x, i, i+10))
		}
		time.Sleep(50 * time.Second)
		if got := s.Stats(); got.Waiting != 100 || got.Dropped != 400 || got.Failed < 5 || got.Failed > 30 {
			t.Errorf("got %+v, want 100 waiting, 400 dropped and a few tries", got)
		}
		away.Store(false)
		time.Sleep(6 * time.Second)
		stop()
		took := r.took()
		if len(took) != 110 || took[0].samples[0].value != 0 || took[10].samples[0].value != 410 || took[109].samples[0].value != 509 {
			t.Errorf("got %d samples, from %v, want the batch in hand and the newest 100", len(took), took[0])
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 {
			t.Errorf("got %d lines about it within a minute, want 1:\n%s", n, log.String())
		}
	})
}

func TestWhatIsRefusedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(n int) (int, error) {
			if n == 1 {
				return http.StatusBadRequest, nil
			}
			return http.StatusOK, nil
		}}
		s, stop := begin(t, remotewrite.Options{}, r)
		x := series(t, "x", nil)
		s.Append(many(x, 0, 3))
		time.Sleep(time.Second)
		s.Append(many(x, 3, 5))
		time.Sleep(time.Second)
		stop()
		inOrder(t, r, 3, 5)
		if got := s.Stats(); got.Refused != 3 || got.Sent != 2 || got.Failed != 0 {
			t.Errorf("got %+v, want three refused and two sent", got)
		}
	})
}

func TestWhatCouldNotBeSentForLongIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(int) (int, error) { return 0, errors.New("connection refused") }}
		s, stop := begin(t, remotewrite.Options{}, r)
		s.Append(many(series(t, "x", nil), 0, 3))
		time.Sleep(6 * time.Minute)
		if got := s.Stats(); got.Dropped != 3 || got.Waiting != 0 {
			t.Errorf("got %+v, want three dropped", got)
		}
		stop()
	})
}

func TestTheEndSendsWhatWaitsAndTakesNotLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		s, stop := begin(t, remotewrite.Options{Every: time.Hour, Batch: 10}, r)
		s.Append(many(series(t, "x", nil), 0, 9))
		synctest.Wait()
		stop()
		inOrder(t, r, 0, 9)

		dead := &receiver{answer: func(int) (int, error) { return 0, errors.New("connection refused") }}
		s, stop = begin(t, remotewrite.Options{}, dead)
		s.Append(many(series(t, "x", nil), 0, 9))
		time.Sleep(time.Minute)
		began := time.Now()
		stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the end took %s, want at most a second", took)
		}
	})
}

func TestWhoSendsSaysWhoItIsAndTheLogDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for want, target := range map[string]remotewrite.Target{
			"Basic dTpzM2NyZXQ=": {User: "u", Password: "s3cret"},
			"Bearer s3cret":      {Token: "s3cret"},
		} {
			var log bytes.Buffer
			r := &receiver{answer: func(int) (int, error) { return http.StatusUnauthorized, nil }}
			s, stop := begin(t, remotewrite.Options{Target: target, Log: slog.New(slog.NewTextHandler(&log, nil))}, r)
			s.Append(many(series(t, "x", nil), 0, 1))
			time.Sleep(time.Second)
			stop()
			if got := r.asked()[0].Header.Get("Authorization"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if log.Len() == 0 || strings.Contains(log.String(), "s3cret") {
				t.Errorf("got the log %q, want trouble without a secret", log.String())
			}
		}
	})
}

func TestSamplesGoOverASocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got <- r.URL.Path
	})}}
	srv.Start()
	defer srv.Close()
	s := remotewrite.New(remotewrite.Options{
		Target: remotewrite.Target{URL: "http://metrics/prometheus/api/v1/write", Socket: path}, Every: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.Append(many(series(t, "x", nil), 0, 1))
	if path := <-got; path != "/prometheus/api/v1/write" {
		t.Errorf("got a request for %s", path)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoSeriesIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, labels := range map[string]map[string]string{
		"a name of its own":   {"__name__": "x"},
		"no name":             {"": "x"},
		"no UTF-8":            {"a": "\xff"},
		"a name of no UTF-8":  {"\xff": "a"},
		"a value too long":    {"a": strings.Repeat("x", 9000)},
		"a name too long":     {strings.Repeat("x", 2000): "a"},
		"too much altogether": {"a": strings.Repeat("x", 8000), "b": strings.Repeat("x", 8000), "c": strings.Repeat("x", 8000), "d": strings.Repeat("x", 8000), "e": strings.Repeat("x", 8000)},
	} {
		if s, err := remotewrite.NewSeries("m", labels); !errors.Is(err, remotewrite.ErrSeries) || s != nil {
			t.Errorf("%s: got %v, want ErrSeries", name, err)
		}
	}
	if _, err := remotewrite.NewSeries("", nil); !errors.Is(err, remotewrite.ErrSeries) {
		t.Errorf("no metric: got %v, want ErrSeries", err)
	}
}

// What Prometheus itself reads is in the tests of detect/metrics.
func FuzzEncoding(f *testing.F) {
	f.Add("up", "job", "node", int64(1_700_000_000_000), 1.5)
	f.Add("probe", "a", strings.Repeat("x", 200), int64(-1), math.Inf(-1))
	f.Fuzz(func(t *testing.T, metric, name, value string, at int64, v float64) {
		s, err := remotewrite.NewSeries(metric, map[string]string{name: value})
		if err != nil {
			return
		}
		raw := remotewrite.AppendSample(nil, remotewrite.Sample{Series: s, At: at, Value: v})
		all, err := decode(raw)
		if err != nil || len(all) != 1 || len(all[0].samples) != 1 {
			t.Fatalf("got %v, %v, want one sample", all, err)
		}
		p := all[0].samples[0]
		if p.at != at || math.Float64bits(p.value) != math.Float64bits(v) {
			t.Errorf("got %v, want %d %v", p, at, v)
		}
		for _, label := range all[0].labels {
			if label != "__name__="+metric && label != name+"="+value {
				t.Errorf("got the label %q", label)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s := remotewrite.New(remotewrite.Options{Log: slog.New(slog.DiscardHandler)})
	samples := ofOneProbe(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Append(samples)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(samples)), "ns/sample")
}

// The whole way: append, encode, pack and hand over to the transport.
func BenchmarkSend(b *testing.B) {
	sink := sinkhole{}
	s := remotewrite.New(remotewrite.Options{Target: remotewrite.Target{URL: "http://x/"}, Transport: sink, Log: slog.New(slog.DiscardHandler)})
	samples := ofOneProbe(b)
	b.ReportAllocs()
	for b.Loop() {
		for range 200 {
			s.Append(samples)
		}
		remotewrite.SendOne(b.Context(), s)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*200*len(samples)), "ns/sample")
}

type sinkhole struct{}

func (sinkhole) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Header: http.Header{}}, nil
}

// ofOneProbe are the 25 samples that a probe makes.
func ofOneProbe(b *testing.B) (all []remotewrite.Sample) {
	for i := range 25 {
		all = append(all, remotewrite.Sample{
			Series: series(b, fmt.Sprintf("probe_metric_of_some_length_%d", i), map[string]string{"job": "probe", "instance": "https://shop-017.example.jp/health", "phase": "connect"}),
			At:     time.Now().UnixMilli(), Value: float64(i) * 1.1,
		})
	}
	return all
}
