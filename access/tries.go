package access

import (
	"fmt"
	"sync"
	"time"

	"toban/oncall"
)

// How many times something may be tried in a window. A place may be an office.
const (
	triesOfAccount = 10
	triesOfPlace   = 30
	triesWindow    = 10 * time.Minute
	maxTried       = 10_000 // accounts or places that are remembered
)

// TriesError says that there were too many tries, and when the next one is
// listened to. It is an *oncall.Error, Limited, access.tries, for errors.As.
type TriesError struct {
	Until time.Time
	err   *oncall.Error
}

func tooMany(now, until time.Time) error {
	minutes := int((until.Sub(now) + time.Minute - 1) / time.Minute)
	return &TriesError{Until: until, err: &oncall.Error{
		Kind: oncall.Limited, Code: "access.tries", Message: fmt.Sprintf("too many tries; the next one is possible in %d min", minutes),
	}}
}

func (e *TriesError) Error() string { return e.err.Error() }

// Unwrap returns the *oncall.Error.
func (e *TriesError) Unwrap() error { return e.err }

// tries counts tries by key, each in a window that begins with its first one.
// What is counted is lost with the process and not shared by nodes: both are
// much slower than guessing.
type tries struct {
	mu    sync.Mutex
	most  int
	tried map[string]tried
}

type tried struct {
	since time.Time
	n     int
}

func newTries(most int) *tries { return &tries{most: most, tried: map[string]tried{}} }

// take counts a try before it is made, so that a hundred at the same moment are
// a hundred; or fails with a TriesError.
func (t *tries) take(key string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, known := t.tried[key]
	if !known || now.Sub(was.since) >= triesWindow {
		if !known && len(t.tried) >= maxTried {
			t.shed(now)
		}
		was = tried{since: now}
	}
	if was.n >= t.most {
		return tooMany(now, was.since.Add(triesWindow))
	}
	was.n++
	t.tried[key] = was
	return nil
}

// shed makes room: what is over, or else a tenth of what there is, by chance, so
// that nobody can choose whose tries are forgotten.
func (t *tries) shed(now time.Time) {
	for key, each := range t.tried {
		if now.Sub(each.since) >= triesWindow {
			delete(t.tried, key)
		}
	}
	for key := range t.tried { // in no order
		if len(t.tried) <= maxTried*9/10 {
			return
		}
		delete(t.tried, key)
	}
}

// give takes back a try that was none.
func (t *tries) give(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.tried[key]
	if was.n--; was.n <= 0 {
		delete(t.tried, key)
		return
	}
	t.tried[key] = was
}

// forget begins anew.
func (t *tries) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tried, key)
}
