package detect

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"toban/internal/wait"
	"toban/oncall"
	"toban/store"
)

// courier says and saves what monitors have decided: for each of them in order,
// first the signals, then the state. What fails is tried again for ever; one
// monitor that fails holds up no other.
type courier struct {
	o    Options
	log  *slog.Logger
	left func(w *watched) // told when all of a monitor was said and saved
	wake chan struct{}

	mu      sync.Mutex
	ready   []*watched
	known   map[*watched]*errand
	days    []store.MonitorDay // of what is gone or changed, until they are saved
	stopped bool
}

// errand is what there is to do for one monitor.
type errand struct {
	again bool // something has come since it was begun
	tries int
	timer *time.Timer // until it is tried again
}

const (
	// batch is how many monitors are said and saved together.
	batch      = 256
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	heldRetry  = 50 * time.Millisecond
	// sayTime bounds one try.
	sayTime = 30 * time.Second
	maxKept = 100_000 // days
)

func newCourier(o Options, left func(w *watched)) *courier {
	return &courier{o: o, log: o.Log, left: left, wake: make(chan struct{}, 1), known: map[*watched]*errand{}}
}

// take sends the courier on its way for w. It does not block.
func (c *courier) take(w *watched) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.known[w]; e != nil {
		e.again = true
		return
	}
	c.known[w] = &errand{}
	c.ready = append(c.ready, w)
	c.nudge()
}

func (c *courier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends.
func (c *courier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			c.mu.Lock()
			c.stopped = true
			for _, e := range c.known {
				if e.timer != nil {
					e.timer.Stop()
				}
			}
			c.mu.Unlock()
			return
		case <-c.wake:
		}
		for c.once(ctx) {
		}
	}
}

// once carries a batch and reports whether there was one.
func (c *courier) once(ctx context.Context) bool {
	for c.o.Fenced() {
		if !wait.For(ctx, heldRetry) {
			return false
		}
	}
	c.mu.Lock()
	n := min(len(c.ready), batch)
	todo := append([]*watched(nil), c.ready[:n]...)
	c.ready = append(c.ready[:0], c.ready[n:]...)
	for _, w := range todo {
		c.known[w].again = false
	}
	c.mu.Unlock()
	if n == 0 || ctx.Err() != nil {
		return false
	}
	if err := c.carry(ctx, todo); err != nil {
		for _, w := range todo { // one of them may be what fails
			if len(todo) > 1 {
				err = c.carry(ctx, []*watched{w})
			}
			c.done(ctx, w, err)
		}
		return true
	}
	for _, w := range todo {
		c.done(ctx, w, nil)
	}
	return true
}

// carry says and saves what these monitors have decided.
func (c *courier) carry(ctx context.Context, todo []*watched) error {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	type load struct {
		w       *watched
		signals int
		rows    []store.MonitorState
	}
	var signals []oncall.Signal
	var rows []store.MonitorState
	loads := make([]load, len(todo))
	for i, w := range todo {
		w.mu.Lock()
		loads[i] = load{w, len(w.signals), w.rows()}
		signals = append(signals, w.signals...)
		clear(w.dirty) // what changes from here on is for the next time
		w.mu.Unlock()
		rows = append(rows, loads[i].rows...)
	}
	giveBack := func() {
		for _, l := range loads {
			l.w.mu.Lock()
			for _, row := range l.rows {
				l.w.dirty[row.Location] = true
			}
			l.w.mu.Unlock()
		}
	}
	if len(signals) > 0 {
		if err := c.o.Acceptor.Accept(ctx, signals); err != nil {
			giveBack()
			return err
		}
	}
	for _, l := range loads { // said: a repetition would do no harm, but is not needed
		l.w.mu.Lock()
		l.w.signals = append([]oncall.Signal(nil), l.w.signals[l.signals:]...)
		l.w.mu.Unlock()
	}
	if len(rows) == 0 {
		return nil
	}
	var lost []store.MonitorState
	err := c.o.DB.Tx(ctx, func(tx *store.Tx) (err error) {
		lost, err = tx.SaveMonitorStates(ctx, rows)
		tx.MonitorsTurned(turned(rows)...)
		return err
	})
	if err != nil {
		giveBack()
		return err
	}
	missing := map[rowName]bool{}
	for _, row := range lost {
		missing[rowName{row.Monitor, row.Location}] = true
	}
	for _, l := range loads {
		l.w.mu.Lock()
		for _, row := range l.rows {
			if !missing[rowName{row.Monitor, row.Location}] {
				l.w.versions[row.Location] = row.Version + 1
			}
		}
		l.w.mu.Unlock()
	}
	return c.recover(ctx, todo, lost)
}

// turned are the monitors that rows tell of as a whole.
func turned(rows []store.MonitorState) (ids []oncall.MonitorID) {
	for _, row := range rows {
		if row.Location == "" {
			ids = append(ids, row.Monitor)
		}
	}
	return ids
}

type rowName struct {
	monitor  oncall.MonitorID
	location string
}

// recover looks at rows that another node has written meanwhile: it watched the
// monitor before, and its last word came late, or it watches it now.
func (c *courier) recover(ctx context.Context, todo []*watched, lost []store.MonitorState) error {
	if len(lost) == 0 {
		return nil
	}
	names := make([]oncall.MonitorID, len(lost))
	for i, row := range lost {
		names[i] = row.Monitor
	}
	versions := map[rowName]int64{}
	err := c.o.DB.Read(ctx, func(tx *store.Tx) error {
		clear(versions)
		found, err := tx.MonitorStates(ctx, names)
		for _, row := range found {
			versions[rowName{row.Monitor, row.Location}] = row.Version
		}
		return err
	})
	for _, w := range todo {
		w.mu.Lock()
		for _, row := range lost {
			if row.Monitor != w.id || w.handed {
				continue // what was handed over is the other node's to save
			}
			w.dirty[row.Location] = true
			if version, found := versions[rowName{row.Monitor, row.Location}]; found || err == nil {
				w.versions[row.Location] = version
			}
			c.take(w)
		}
		w.mu.Unlock()
	}
	return err
}

// done ends an errand, or plans when it is tried again.
func (c *courier) done(ctx context.Context, w *watched, err error) {
	if c.ended(ctx, w, err) {
		c.left(w)
	}
}

func (c *courier) ended(ctx context.Context, w *watched, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[w]
	switch {
	case err != nil:
		if e.tries++; e.tries == 1 || e.tries%10 == 0 {
			c.log.WarnContext(ctx, "what a monitor has found is said and saved later", "monitor", w.id, "tries", e.tries, "err", err)
		}
		wait := min(firstRetry<<min(e.tries-1, 20), lastRetry)
		if !c.stopped {
			e.timer = time.AfterFunc(wait, func() { c.again(w) })
		}
	case e.again:
		e.tries = 0
		c.ready = append(c.ready, w)
		c.nudge()
	default:
		delete(c.known, w)
		return true
	}
	return false
}

// again makes w ready after a failure.
func (c *courier) again(w *watched) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	c.ready = append(c.ready, w)
	c.nudge()
}

// drain waits until nothing is left to say and save, or ctx ends.
func (c *courier) drain(ctx context.Context) {
	for {
		c.mu.Lock()
		left := len(c.known)
		c.mu.Unlock()
		if left == 0 {
			return
		}
		if !wait.For(ctx, 5*time.Millisecond) {
			c.log.WarnContext(ctx, "the end came before all was said; what was not is found again at the next check", "monitors", left)
			return
		}
	}
}

// keep holds days that nobody else has any more.
func (c *courier) keep(days []store.MonitorDay) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.days)+len(days) <= maxKept {
		c.days = append(c.days, days...)
	}
}

func (c *courier) kept() []store.MonitorDay {
	c.mu.Lock()
	defer c.mu.Unlock()
	days := c.days
	c.days = nil
	return days
}
