package metrics

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
)

// writing is a TSDB with toban's way in and Prometheus' own.
type writing struct {
	db     *tsdb.DB
	series *series
	lean   *writer
	others http.Handler
	asked  int // how often Prometheus' own was
}

func newWriting(t testing.TB) *writing {
	t.Helper()
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, &tsdb.Options{
		RetentionDuration: time.Hour.Milliseconds(), MinBlockDuration: tsdb.DefaultBlockDuration, MaxBlockDuration: tsdb.DefaultBlockDuration, StripeSize: 1 << 10, NoLockfile: true,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &writing{db: db, series: &series{}}
	w.series.set(db)
	own := remote.NewWriteHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry(), w.series,
		remoteapi.MessageTypes{remoteapi.WriteV1MessageType}, false, false, false)
	w.others = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked++
		own.ServeHTTP(rw, r)
	})
	w.lean = newWriter(w.series, w.others, slog.New(slog.DiscardHandler))
	return w
}

// post sends a request and returns its status.
func (w *writing) post(to http.Handler, body []byte) int {
	r := httptest.NewRequest(http.MethodPost, "/write", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	rec := httptest.NewRecorder()
	to.ServeHTTP(rec, r)
	return rec.Code
}

// all is everything that is kept, one line a sample.
func (w *writing) all(t *testing.T) string {
	t.Helper()
	q, err := w.db.Querier(0, time.Now().Add(time.Hour).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var b strings.Builder
	set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next() != 0; {
			at, v := it.At()
			fmt.Fprintln(&b, set.At().Labels(), at, v)
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return b.String()
}

func packed(t testing.TB, of ...prompb.TimeSeries) []byte {
	t.Helper()
	raw, err := (&prompb.WriteRequest{Timeseries: of}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, raw)
}

func timeSeries(at time.Time, v float64, pairs ...string) prompb.TimeSeries {
	s := prompb.TimeSeries{Samples: []prompb.Sample{{Timestamp: at.UnixMilli(), Value: v}}}
	for i := 0; i < len(pairs); i += 2 {
		s.Labels = append(s.Labels, prompb.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	return s
}

func TestWhatIsWrittenIsWhatPrometheusOwnHandlerWouldKeep(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Millisecond)
	exemplar := timeSeries(now, 1, "__name__", "with_exemplar")
	exemplar.Exemplars = []prompb.Exemplar{{Labels: []prompb.Label{{Name: "trace", Value: "1"}}, Value: 1, Timestamp: now.UnixMilli()}}
	several := timeSeries(now, 1, "__name__", "several", "job", "a")
	several.Samples = append(several.Samples, prompb.Sample{Timestamp: now.Add(time.Second).UnixMilli(), Value: 2})
	for name, requests := range map[string][][]byte{
		"plain, and again":       {packed(t, timeSeries(now, 1, "__name__", "up", "job", "a")), packed(t, timeSeries(now.Add(time.Second), 2, "__name__", "up", "job", "a"))},
		"several samples":        {packed(t, several)},
		"labels out of order":    {packed(t, timeSeries(now, 1, "z", "1", "__name__", "up", "a", "2"))},
		"the same in two orders": {packed(t, timeSeries(now, 1, "z", "1", "__name__", "up")), packed(t, timeSeries(now.Add(time.Second), 2, "__name__", "up", "z", "1"))},
		"an empty label":         {packed(t, timeSeries(now, 1, "__name__", "up", "a", ""))},
		"an exemplar":            {packed(t, exemplar)},
		"no name":                {packed(t, timeSeries(now, 1, "job", "a"), timeSeries(now, 1, "__name__", "up"))},
		"a label twice":          {packed(t, timeSeries(now, 1, "__name__", "up", "a", "1", "a", "2"), timeSeries(now, 1, "__name__", "down"))},
		"no UTF-8":               {packed(t, timeSeries(now, 1, "__name__", "up", "a", "\xff"), timeSeries(now, 1, "__name__", "down"))},
		"the same value again":   {packed(t, timeSeries(now, 1, "__name__", "up")), packed(t, timeSeries(now, 1, "__name__", "up"))},
		"not packed":             {[]byte("nonsense")},
		"no request":             {snappy.Encode(nil, []byte("\x0a\xff\xff\xff\xff\x0f"))},
		"nothing":                {packed(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lean, own := newWriting(t), newWriting(t)
			for _, request := range requests {
				got, want := lean.post(lean.lean, request), own.post(own.others, request)
				if got != want {
					t.Errorf("got %d, want %d", got, want)
				}
			}
			if diff := cmp.Diff(own.all(t), lean.all(t)); diff != "" {
				t.Errorf("what is kept (-Prometheus' own +ours):\n%s", diff)
			}
		})
	}
}

func TestASampleThatIsRefusedKeepsBackNoOther(t *testing.T) {
	t.Parallel()
	w, now := newWriting(t), time.Now()
	first := packed(t, timeSeries(now, 1, "__name__", "a"), timeSeries(now, 1, "__name__", "b"))
	if got := w.post(w.lean, first); got != http.StatusNoContent {
		t.Fatalf("got %d", got)
	}
	later := now.Add(time.Second)
	mixed := packed(t, timeSeries(now.Add(-time.Minute), 0, "__name__", "a"), timeSeries(later, 2, "__name__", "b"), timeSeries(now.Add(time.Hour), 9, "__name__", "c"))
	if got := w.post(w.lean, mixed); got != http.StatusBadRequest {
		t.Errorf("one too old, one of the future: got %d, want 400", got)
	}
	want := fmt.Sprintf("{__name__=\"a\"} %d 1\n{__name__=\"b\"} %d 1\n{__name__=\"b\"} %d 2\n", now.UnixMilli(), now.UnixMilli(), later.UnixMilli())
	if got := w.all(t); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if w.asked != 0 {
		t.Errorf("Prometheus' own handler was asked %d times, want 0", w.asked)
	}
}

func TestASeriesThatHasLeftTheHeadIsWrittenAgain(t *testing.T) {
	t.Parallel()
	w := newWriting(t)
	old := time.Now().Add(-3 * time.Hour)
	if got := w.post(w.lean, packed(t, timeSeries(old, 1, "__name__", "up", "job", "a"))); got != http.StatusNoContent {
		t.Fatalf("got %d", got)
	}
	if err := w.db.CompactHead(tsdb.NewRangeHead(w.db.Head(), 0, old.Add(time.Hour).UnixMilli())); err != nil {
		t.Fatal(err)
	}
	if n := w.db.Head().NumSeries(); n != 0 {
		t.Fatalf("the head still has %d series", n)
	}
	if got := w.post(w.lean, packed(t, timeSeries(time.Now(), 2, "__name__", "up", "job", "a"))); got != http.StatusNoContent {
		t.Fatalf("got %d", got)
	}
	if n := w.db.Head().NumSeries(); n != 1 {
		t.Errorf("got %d series in the head, want 1", n)
	}
}

func TestSamplesForARemoteStorageTooGoThePlainWay(t *testing.T) {
	t.Parallel()
	w := newWriting(t)
	w.series.set(storage.NewFanout(slog.New(slog.DiscardHandler), w.db))
	if got := w.post(w.lean, packed(t, timeSeries(time.Now(), 1, "__name__", "up"))); got != http.StatusNoContent || w.asked != 1 {
		t.Errorf("got %d by Prometheus' own handler %d times, want once", got, w.asked)
	}
}

// The usual load: 67 checks in a request, 26 samples each, series that are known.
func BenchmarkWrite(b *testing.B) {
	for _, way := range []string{"toban", "prometheus"} {
		b.Run(way, func(b *testing.B) {
			w := newWriting(b)
			to := w.others
			if way == "toban" {
				to = w.lean
			}
			at := time.Now().Add(-time.Hour)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				at = at.Add(time.Millisecond)
				var all []prompb.TimeSeries
				for i := range 67 * 26 {
					all = append(all, timeSeries(at, 1, "__name__", "probe_http_duration_seconds", "instance", "https://shop.example.jp/health",
						"location", "here", "monitor", fmt.Sprintf("shop-%d", i/26), "phase", fmt.Sprintf("phase-%d", i%26)))
				}
				request := packed(b, all...)
				b.StartTimer()
				if got := w.post(to, request); got != http.StatusNoContent {
					b.Fatalf("got %d", got)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(67*26), "ns/sample")
		})
	}
}
