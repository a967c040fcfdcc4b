package live

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"toban/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The PostgreSQL that all tests of the package share ends with the process.
		goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"),
	)
}

// table is a feed that a test writes to.
type table struct {
	mu     sync.Mutex
	rows   []store.Change
	told   func([]store.Change)
	broken error
}

func (f *table) OnChange(told func([]store.Change)) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = told
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told = nil
	}
}

func (f *table) Changes(_ context.Context, after int64, limit int) (list []store.Change, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.rows {
		if c.Seq > after && len(list) < limit {
			list = append(list, c)
		}
	}
	return list, f.broken
}

// write adds changes as another node does: nobody is told.
func (f *table) write(list ...store.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, list...)
	slices.SortFunc(f.rows, func(a, b store.Change) int { return int(a.Seq - b.Seq) })
}

// fail makes reading fail; nil ends that.
func (f *table) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = err
}

// commit adds changes as this node does.
func (f *table) commit(list ...store.Change) {
	f.write(list...)
	f.mu.Lock()
	told := f.told
	f.mu.Unlock()
	if told != nil {
		told(list)
	}
}

// change is one of an incident, now.
func change(ref string) store.Change {
	return store.Change{Seq: store.SeqAt(time.Now()) + sequence.Add(1), Topic: store.TopicIncident, Ref: ref}
}

var sequence atomic.Int64

// wire is the client's end of a stream.
type wire struct {
	mu     sync.Mutex
	text   strings.Builder
	head   http.Header
	status int
	stuck  chan struct{} // non-nil: writes wait for it
}

func (w *wire) Header() http.Header { return w.head }

func (w *wire) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
}

func (w *wire) Write(b []byte) (int, error) {
	if w.stuck != nil {
		<-w.stuck
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *wire) Flush() {}

// events are those of one name, each as its data.
func (w *wire) events(name string) (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for block := range strings.SplitSeq(w.text.String(), "\n\n") {
		var data []string
		is := false
		for line := range strings.SplitSeq(block, "\n") {
			is = is || line == "event: "+name
			if text, ok := strings.CutPrefix(line, "data: "); ok {
				data = append(data, text)
			}
		}
		if is {
			list = append(list, strings.Join(data, "\n"))
		}
	}
	return list
}

// last is the id of the last message.
func (w *wire) last() (id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.SplitSeq(w.text.String(), "\n") {
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = text
		}
	}
	return id
}

// bench is a hub that runs in a bubble, and its feed.
type bench struct {
	*table
	hub  *Hub
	done sync.WaitGroup
	stop context.CancelFunc
}

func run(t *testing.T, polls bool, o Options) *bench {
	t.Helper()
	b := &bench{table: &table{}}
	b.hub = newHub(b.table, polls, nil, o)
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	b.done.Go(func() {
		if err := b.hub.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		b.done.Wait()
	})
	synctest.Wait()
	return b
}

// open begins a stream; leave ends it and waits until it is gone.
func (b *bench) open(view View, last string) (w *wire, leave func()) {
	w = &wire{head: http.Header{}}
	return w, b.openOn(w, view, last)
}

func (b *bench) openOn(w *wire, view View, last string) (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/live", nil)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	var done sync.WaitGroup
	done.Go(func() { b.hub.Serve(w, r, view) })
	b.done.Go(done.Wait)
	return func() {
		cancel()
		done.Wait()
	}
}

// page is a view of some incidents that says which ones it was drawn for.
func page(key string, refs ...string) (View, *atomic.Int32) {
	var drawn atomic.Int32
	return View{
		Key: key,
		Topics: func(c store.Change) bool {
			return c.Topic == store.TopicIncidents || len(refs) == 0 || slices.Contains(refs, c.Ref)
		},
		Render: func(_ context.Context, list []store.Change) ([]Patch, error) {
			drawn.Add(1)
			var ids []string
			for _, c := range list {
				ids = append(ids, c.Topic+":"+c.Ref)
			}
			return []Patch{{HTML: strings.Join(ids, " ")}}, nil
		},
	}, &drawn
}
