package detect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	// same reports whether this node still lives the life in which all of this was
	// decided; false once it does again.
	same func(ctx context.Context) (bool, error)
	wake chan struct{}

	mu      sync.Mutex
	ready   []*watched
	known   map[*watched]*errand
	times   store.MonitorTimes // of what is gone or changed, until they are saved
	stopped bool

	unsure int // how often it could not be told whether this life goes on; of run alone
}

// errand is what there is to do for one monitor.
type errand struct {
	again bool // something has come since it was begun
	alone bool // it has held up others and is tried without them
	tries int
	timer *time.Timer // until it is tried again
}

const (
	// batch is how many monitors are said and saved together.
	batch      = 256
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	heldRetry  = 50 * time.Millisecond
	// sayTime bounds one try, aloneTime that of a monitor that has held up others.
	sayTime   = 30 * time.Second
	aloneTime = 5 * time.Second
	maxKept   = 200_000 // days and hours
)

func newCourier(o Options, left func(w *watched), same func(ctx context.Context) (bool, error)) *courier {
	return &courier{o: o, log: o.Log, left: left, same: same, wake: make(chan struct{}, 1), known: map[*watched]*errand{}}
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

// once carries a batch and reports whether there was one. While this node is
// fenced all of it waits; when it comes back as another life, because others have
// taken over meanwhile, what it had decided is not said any more.
func (c *courier) once(ctx context.Context) bool {
	for c.o.Fenced() {
		if !wait.For(ctx, heldRetry) {
			return false
		}
	}
	c.mu.Lock()
	waits := len(c.ready) > 0
	c.mu.Unlock()
	if !waits || ctx.Err() != nil {
		return false
	}
	if same, err := c.same(ctx); err != nil {
		if c.unsure++; c.unsure == 1 || c.unsure%10 == 0 {
			c.log.WarnContext(ctx, "what monitors have found is said and saved later", "tries", c.unsure, "err", err)
		}
		return wait.For(ctx, min(firstRetry<<min(c.unsure-1, 20), lastRetry))
	} else if c.unsure = 0; !same {
		return true
	}
	todo, within := c.next()
	err := c.carry(ctx, todo, within)
	if err == nil || len(todo) == 1 {
		if errors.Is(err, context.DeadlineExceeded) {
			c.separate(todo[0], nil)
		}
		for _, w := range todo {
			c.done(ctx, w, err)
		}
		return true
	}
	for i, w := range todo { // one of them may be what fails
		err := c.carry(ctx, []*watched{w}, aloneTime)
		if late := errors.Is(err, context.DeadlineExceeded); late && ctx.Err() == nil {
			c.separate(w, todo[i+1:])
			c.done(ctx, w, err)
			return true
		}
		c.done(ctx, w, err)
	}
	return true
}

// next takes what is carried together: those that hold up nobody, or else one that
// does.
func (c *courier) next() (todo []*watched, within time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := c.ready[:0:0]
	for _, w := range c.ready {
		if len(todo) < batch && !c.known[w].alone {
			todo = append(todo, w)
		} else {
			rest = append(rest, w)
		}
	}
	if within = sayTime; len(todo) == 0 {
		todo, rest, within = rest[:1:1], rest[1:], aloneTime
	}
	c.ready = rest
	for _, w := range todo {
		c.known[w].again = false
	}
	return todo, within
}

// separate keeps w, on which time ran out, from holding up those that came behind
// it: they are next, without it.
func (c *courier) separate(w *watched, behind []*watched) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[w].alone = true
	c.ready = append(slices.Clone(behind), c.ready...)
	c.nudge()
}

// carry says and saves what these monitors have decided.
func (c *courier) carry(ctx context.Context, todo []*watched, within time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer func() {
		if ended := ctx.Err(); err != nil && ended != nil { // not every engine says so itself
			err = fmt.Errorf("%w: %w", ended, err)
		}
	}()
	type load struct {
		w       *watched
		signals int
		rows    []store.MonitorState
		life    int
	}
	var signals []oncall.Signal
	var rows []store.MonitorState
	loads := make([]load, len(todo))
	for i, w := range todo {
		w.mu.Lock()
		loads[i] = load{w, len(w.signals), w.rows(), w.life}
		signals = append(signals, w.signals...)
		clear(w.dirty) // what changes from here on is for the next time
		w.mu.Unlock()
		rows = append(rows, loads[i].rows...)
	}
	giveBack := func() {
		for _, l := range loads {
			l.w.mu.Lock()
			for _, row := range l.rows {
				if l.life == l.w.life {
					l.w.dirty[row.Location] = true
				}
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
		if l.life == l.w.life {
			l.w.signals = append([]oncall.Signal(nil), l.w.signals[l.signals:]...)
		}
		l.w.mu.Unlock()
	}
	if len(rows) == 0 {
		return nil
	}
	var lost []store.MonitorState
	err = c.o.DB.Tx(ctx, func(tx *store.Tx) (err error) {
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
			if l.life == l.w.life && !missing[rowName{row.Monitor, row.Location}] {
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
// monitor before, and its last word came late, or it watches it now. What it wrote
// stands: whoever goes on with the monitor goes on from there. A monitor that is
// retired here is ended all the same.
func (c *courier) recover(ctx context.Context, todo []*watched, lost []store.MonitorState) error {
	if len(lost) == 0 {
		return nil
	}
	names := make([]oncall.MonitorID, len(lost))
	for i, row := range lost {
		names[i] = row.Monitor
	}
	found := map[oncall.MonitorID][]store.MonitorState{}
	err := c.o.DB.Read(ctx, func(tx *store.Tx) error {
		clear(found)
		rows, err := tx.MonitorStates(ctx, names)
		for _, row := range rows {
			found[row.Monitor] = append(found[row.Monitor], row)
		}
		return err
	})
	for _, w := range todo {
		w.mu.Lock()
		reloaded := false
		for _, row := range lost {
			switch {
			case row.Monitor != w.id || w.handed || reloaded: // what was handed over is the other node's to save
			case err == nil && !w.halted:
				w.reload(found[w.id], time.Now())
				w.unsure.down, reloaded = true, true // it was said, whatever it was
			default:
				w.dirty[row.Location] = true
				for _, is := range found[w.id] {
					if is.Location == row.Location && err == nil {
						w.versions[row.Location] = is.Version
					}
				}
				c.take(w)
			}
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
		e.tries, e.alone = 0, false
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

// keep holds what was counted that nobody else has any more.
func (c *courier) keep(t store.MonitorTimes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.times.Days)+len(c.times.Hours)+len(t.Days)+len(t.Hours) <= maxKept {
		c.times.Add(t)
	}
}

func (c *courier) kept() store.MonitorTimes {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.times
	c.times = store.MonitorTimes{}
	return t
}
