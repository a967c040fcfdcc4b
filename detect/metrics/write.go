package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"toban/internal/remotewrite"
)

// writer takes remote write 1.0 as toban's own monitors send it: the same series
// again and again, labels and samples and nothing else. It knows a series by the
// bytes of its labels, and decodes and looks it up only once. Everything else is
// left to Prometheus' own handler.
type writer struct {
	series *series
	others http.Handler
	log    *slog.Logger
	keys   remotewrite.Keys

	mu   sync.RWMutex
	refs map[remotewrite.Key]storage.SeriesRef

	packed, raw sync.Pool // of *[]byte
}

const (
	// maxKnown bounds the series that are known; then it begins anew.
	maxKnown = 1 << 18
	// maxUnpacked bounds a request, in bytes.
	maxUnpacked = 32 << 20
	// maxAhead is how far a sample may be in the future, as for Prometheus' own
	// handler.
	maxAhead = 10 * time.Minute
	// maxBuffer is up to which size a buffer is kept for the next request.
	maxBuffer = 1 << 20
)

func newWriter(to *series, others http.Handler, log *slog.Logger) *writer {
	w := &writer{series: to, others: others, log: log, keys: remotewrite.NewKeys(), refs: map[remotewrite.Key]storage.SeriesRef{}}
	for _, pool := range []*sync.Pool{&w.packed, &w.raw} {
		pool.New = func() any { return new([]byte) }
	}
	return w
}

func (w *writer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	db := w.series.alone()
	kind := r.Header.Get("Content-Type")
	if db == nil || r.Method != http.MethodPost || r.Header.Get("Content-Encoding") != "snappy" ||
		kind != "application/x-protobuf" && !strings.HasPrefix(kind, "application/x-protobuf;proto=prometheus.WriteRequest") {
		w.others.ServeHTTP(rw, r)
		return
	}
	packed := w.packed.Get().(*[]byte)
	defer giveBack(&w.packed, packed)
	var err error
	if *packed, err = readAll((*packed)[:0], r.Body); err != nil {
		apiError(rw, http.StatusBadRequest, "bad_data", "the request can't be read: "+err.Error())
		return
	}
	refused, err := w.take(r.Context(), db, *packed)
	switch {
	case errors.Is(err, errOther):
		r.Body = io.NopCloser(bytes.NewReader(*packed))
		w.others.ServeHTTP(rw, r)
	case err != nil:
		w.log.WarnContext(r.Context(), "samples were not taken", "err", err)
		apiError(rw, http.StatusInternalServerError, "execution", err.Error())
	case refused.n > 0:
		apiError(rw, http.StatusBadRequest, "bad_data", fmt.Sprintf("%d samples were left out, the others are taken: %s", refused.n, refused.first))
	default:
		rw.WriteHeader(http.StatusNoContent)
	}
}

// errOther says that a request is for Prometheus' own handler.
var errOther = errors.New("not a plain request")

// refusals are samples that can't be taken, whoever sends them again.
type refusals struct {
	n     int
	first error
}

func (f *refusals) add(err error) {
	if f.n++; f.first == nil {
		f.first = err
	}
}

// take commits what a request brings. Samples that are refused keep back no
// others.
func (w *writer) take(ctx context.Context, db *tsdb.DB, packed []byte) (refused refusals, err error) {
	if n, err := snappy.DecodedLen(packed); err != nil || n > maxUnpacked {
		return refused, errOther
	}
	buffer := w.raw.Get().(*[]byte)
	defer giveBack(&w.raw, buffer)
	raw, err := snappy.Decode((*buffer)[:cap(*buffer)], packed)
	if err != nil {
		return refused, errOther
	}
	*buffer = raw
	app := db.Appender(ctx)
	b := batch{writer: w, app: app, latest: time.Now().Add(maxAhead).UnixMilli()}
	if err = b.append(raw); err != nil {
		err = errors.Join(err, app.Rollback())
		if errors.Is(err, remotewrite.ErrMalformed) || errors.Is(err, remotewrite.ErrUnusual) || errors.Is(err, errOther) {
			err = errOther
		}
		return refused, err
	}
	if err := app.Commit(); err != nil {
		return refused, err
	}
	b.learn()
	return b.refused, nil
}

// batch is one request on its way.
type batch struct {
	*writer
	app     storage.Appender
	latest  int64
	refused refusals
	learnt  map[remotewrite.Key]storage.SeriesRef
	builder labels.ScratchBuilder
}

func (b *batch) append(raw []byte) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return remotewrite.Scan(raw, func(of []byte, p remotewrite.Point) error {
		if p.At > b.latest {
			b.refused.add(fmt.Errorf("%w: more than %s ahead", storage.ErrOutOfBounds, maxAhead))
			return nil
		}
		key := b.keys.Of(of)
		if ref, known := b.refs[key]; known {
			_, err := b.app.Append(ref, labels.EmptyLabels(), p.At, p.Value)
			if !errors.Is(err, tsdb.ErrInvalidSample) {
				return b.judge(err)
			}
			// It has left the head since.
		}
		set, err := b.labels(of)
		if err != nil {
			return err
		}
		ref, err := b.app.Append(0, set, p.At, p.Value)
		if err == nil {
			if b.learnt == nil {
				b.learnt = map[remotewrite.Key]storage.SeriesRef{}
			}
			b.learnt[key] = ref
		}
		return b.judge(err)
	})
}

// judge lets samples go that nobody can take.
func (b *batch) judge(err error) error {
	if errors.Is(err, storage.ErrOutOfOrderSample) || errors.Is(err, storage.ErrOutOfBounds) ||
		errors.Is(err, storage.ErrDuplicateSampleForTimestamp) || errors.Is(err, storage.ErrTooOldSample) {
		b.refused.add(err)
		return nil
	}
	return err
}

// labels decodes those of a series; what is wrong with them is for Prometheus'
// own handler to say.
func (b *batch) labels(of []byte) (labels.Labels, error) {
	b.builder.Reset()
	if err := remotewrite.ScanLabels(of, func(name, value []byte) { b.builder.Add(string(name), string(value)) }); err != nil {
		return labels.EmptyLabels(), err
	}
	b.builder.Sort()
	set := b.builder.Labels()
	if _, twice := set.HasDuplicateLabelNames(); twice || !set.Has(model.MetricNameLabel) || !set.IsValid(model.UTF8Validation) {
		return labels.EmptyLabels(), errOther
	}
	return set, nil
}

// learn keeps what is known after a commit.
func (b *batch) learn() {
	if len(b.learnt) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.refs)+len(b.learnt) > maxKnown {
		clear(b.refs)
	}
	maps.Copy(b.refs, b.learnt)
}

// readAll is io.ReadAll into a buffer that is there.
func readAll(to []byte, r io.Reader) ([]byte, error) {
	b := bytes.NewBuffer(to)
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

func giveBack(pool *sync.Pool, buffer *[]byte) {
	if cap(*buffer) <= maxBuffer {
		pool.Put(buffer)
	}
}
