package metrics_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"

	"toban/internal/remotewrite"
)

// What toban sends is read here by Prometheus' own decoder.
func FuzzPrometheusReadsWhatTobanWrites(f *testing.F) {
	f.Add("up", "job", "node", int64(1_700_000_000_000), 1.5)
	f.Add("probe_duration_seconds", "target", "https://shop.example.jp/健康", int64(-1), math.Inf(-1))
	f.Add("x", "a", "", int64(math.MaxInt64), math.NaN())
	f.Fuzz(func(t *testing.T, metric, name, text string, at int64, v float64) {
		series, err := remotewrite.NewSeries(metric, map[string]string{name: text})
		if err != nil {
			return
		}
		got := received(t, remotewrite.Sample{Series: series, At: at, Value: v}, remotewrite.Sample{Series: series, At: at, Value: v})
		if len(got.Timeseries) != 2 {
			t.Fatalf("got %d series, want 2", len(got.Timeseries))
		}
		for _, s := range got.Timeseries {
			if len(s.Samples) != 1 || s.Samples[0].Timestamp != at || math.Float64bits(s.Samples[0].Value) != math.Float64bits(v) {
				t.Errorf("got %v, want %d %v", s.Samples, at, v)
			}
			want := map[string]string{"__name__": metric}
			if text != "" {
				want[name] = text
			}
			before := ""
			for _, l := range s.Labels {
				if want[l.Name] != l.Value || l.Name <= before && before != "" {
					t.Errorf("got the labels %v, want %v in order", s.Labels, want)
				}
				delete(want, l.Name)
				before = l.Name
			}
			if len(want) > 0 {
				t.Errorf("got the labels %v without %v", s.Labels, want)
			}
		}
	})
}

func TestTheEndOfASeriesIsPrometheusOwnMark(t *testing.T) {
	t.Parallel()
	if got := math.Float64bits(remotewrite.Stale()); got != value.StaleNaN {
		t.Errorf("got %x", got)
	}
}

// received sends samples and returns the request as Prometheus reads it.
func received(t *testing.T, samples ...remotewrite.Sample) (got prompb.WriteRequest) {
	t.Helper()
	raw := make(chan []byte, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		packed, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		body, err := snappy.Decode(nil, packed)
		if err != nil {
			t.Error(err)
		}
		raw <- body
	}))
	defer server.Close()
	s := remotewrite.New(remotewrite.Options{Target: remotewrite.Target{URL: server.URL}, Every: time.Microsecond, Log: slog.New(slog.DiscardHandler)})
	s.Append(samples)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }() // ends with cancel
	if err := got.Unmarshal(<-raw); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	return got
}
