// Package due is everything that waits: the steps of responses, changed alerts,
// deliveries that are given up, sweeps, and outbox rows that may be claimed.
//
// What waits is a row in the store, written in the transaction that decided the
// wait. The queue here keeps hints of this node's rows in memory and calls the
// handler of their kind when they come due; the handler's transaction deletes
// the rows first, and what was not there to be deleted is not handled. So a
// hint may be wrong, early, late or twice without anything happening twice, and
// a lost hint is found again by a sweep: the rows decide, the heap only makes
// it quick.
//
// The queue never drops work: what fails is tried again for ever with a growing
// delay, and a node that may no longer act (package lease) holds its work.
package due

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

// Options say how a kind of timer is handled.
type Options struct {
	Batch   int // refs in one transaction at most; zero = 64
	Workers int // transactions of this kind at the same time; zero = 2
	// Rank orders kinds when more is due than can be worked on: 0 goes first. A
	// kind of rank n gives way by n quarters of a second, then it is its turn,
	// so that no kind is starved.
	Rank int
}

// Handler handles refs whose timer rows have just been taken in tx. When it
// fails or panics nothing of tx is kept and the refs are tried again.
type Handler func(ctx context.Context, tx *store.Tx, refs []string) error

const (
	defaultBatch   = 64
	defaultWorkers = 2
	// maxRunning bounds the transactions of all kinds of timer together, so that
	// the order of importance decides and the pool is left to others as well.
	maxRunning = 4
	// outboxWorkers and outboxBatch bound what is being claimed at a time.
	outboxWorkers = 4
	outboxBatch   = 64
	// patience is by how much a kind gives way to one that is a rank before it.
	patience = 250 * time.Millisecond
	// handlerTime bounds one transaction of a handler: a batch that hangs is
	// taken apart, see Queue.fire.
	handlerTime = 10 * time.Second
	// turnTime bounds a transaction with the wait for its turn before it.
	turnTime = 30 * time.Second
	// holdCheck is how often a queue that is held looks whether it still is.
	holdCheck = 20 * time.Millisecond
)

// Queue calls handlers when what they wait for comes due. Register the handlers
// before Run.
type Queue struct {
	db   *store.DB
	log  *slog.Logger
	held func() bool
	page int // rows read at a time

	nudged chan struct{} // something changed that the loop may be waiting for
	swept  chan struct{} // a sweep is wanted now
	work   sync.WaitGroup

	mu      sync.Mutex
	kinds   map[string]*kind
	order   []*kind // in the order of registration
	outbox  *kind
	armed   time.Time // until when the loop sleeps
	horizon time.Time // later hints are left to the store
	running int       // batches of timers in hand
	foreign int       // overdue rows of kinds without a handler, at the last sweep
	trouble trouble
}

// kind is one kind of timer, or the outbox.
type kind struct {
	name   string
	o      Options
	free   bool // not counted in maxRunning
	fire   func(ctx context.Context, k *kind, batch []*wait)
	handle Handler

	// Guarded by Queue.mu.
	waits   waits
	failing map[string]*failure
	running int
	inHand  map[string]struct{} // refs of the running batches
	stats   KindStats
}

// New makes a queue over the rows of db's node. It does nothing before Run.
func New(db *store.DB, log *slog.Logger) *Queue {
	return &Queue{
		db: db, log: log,
		held:   func() bool { return false },
		page:   pageSize,
		nudged: make(chan struct{}, 1),
		swept:  make(chan struct{}, 1),
		kinds:  map[string]*kind{},
	}
}

// HoldWhile makes the queue start nothing while held says so, such as
// lease.Node.Fenced. What comes due meanwhile is started when it ends.
func (q *Queue) HoldWhile(held func() bool) { q.held = held }

// Handle registers the handler of a kind of timer. It is given at most o.Batch
// refs, in the order in which they came due, whose rows it has just taken
// (deleted) in tx. When a batch fails it is halved, until the ref that fails is
// alone: that one is tried again after 100 ms to 30 s, and the others are not
// kept waiting. What the handler cannot do now, it puts back itself with
// tx.PutTimers.
func (q *Queue) Handle(name string, o Options, h func(ctx context.Context, tx *store.Tx, refs []string) error) {
	if o.Batch <= 0 {
		o.Batch = defaultBatch
	}
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	k := newKind(name, o)
	k.handle, k.fire = h, q.fireTimers
	q.kinds[name] = k
	q.order = append(q.order, k)
}

// HandleOutbox registers who claims outbox rows that have come due. It is not
// in a transaction and ctx ends after 10 s, which is for claiming, not for
// sending. Ids that it does not claim are found again by the sweep, after about
// 5 s, or when it gives them back with Wake.
func (q *Queue) HandleOutbox(h func(ctx context.Context, ids []oncall.AttemptID)) {
	k := newKind(Outbox, Options{Batch: outboxBatch, Workers: outboxWorkers, Rank: -1})
	k.free = true
	k.fire = func(ctx context.Context, k *kind, batch []*wait) { q.fireOutbox(ctx, k, batch, h) }
	q.outbox = k
	q.order = append(q.order, k)
}

func newKind(name string, o Options) *kind {
	return &kind{name: name, o: o, waits: newWaits(), failing: map[string]*failure{}, inHand: map[string]struct{}{}}
}

// Wake takes hints of rows that are this node's. It does not block and may be
// called from anywhere; the queue subscribes it to db by itself.
func (q *Queue) Wake(w store.Wake) {
	q.mu.Lock()
	defer q.mu.Unlock()
	early := false
	for _, t := range w.Timers {
		early = q.hint(q.kinds[t.Kind], t.Ref, t.DueAt) || early
	}
	for _, o := range w.Outbox {
		early = q.hint(q.outbox, string(o.ID), o.DueAt) || early
	}
	if early {
		q.nudge()
	}
}

// hint notes that the store has said when ref is due, and reports whether the
// loop would sleep too long. Of two hints the earlier stays: commits may be told
// of in another order than they happened, being early costs one look at the row
// (see lookAgain), and being late is what must not happen. A kind without a
// handler is another version's business and stays in the store.
func (q *Queue) hint(k *kind, ref string, due time.Time) (early bool) {
	if k == nil || due.After(q.horizon) {
		return false
	}
	at := due
	if f := k.failing[ref]; f != nil && f.notBefore.After(at) {
		at = f.notBefore
	}
	return k.waits.put(ref, due, at) && at.Before(q.armed)
}

func (q *Queue) nudge() {
	select {
	case q.nudged <- struct{}{}:
	default: // it is already on its way
	}
}

// Run fires what comes due until ctx ends, and returns when the last handler
// has: each may finish its transaction.
func (q *Queue) Run(ctx context.Context) error {
	q.mu.Lock()
	q.horizon = time.Now().Add(horizon)
	q.mu.Unlock()
	cancel := q.db.Subscribe(q.Wake) // before the rows are read, so that none falls between
	defer cancel()
	q.work.Go(func() { q.sweep(ctx) })
	defer q.work.Wait()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-q.nudged:
		}
		timer.Reset(time.Until(q.dispatch(ctx)))
	}
}

// dispatch starts what is due as far as there are free workers, and returns
// when it wants to be called again at the latest. A worker that becomes free
// nudges the loop.
func (q *Queue) dispatch(ctx context.Context) (next time.Time) {
	held := q.held()
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { q.armed = next }()
	now := time.Now()
	switch {
	case held:
		return now.Add(holdCheck)
	case now.Before(q.trouble.until):
		return q.trouble.until
	}
	for k := q.mostUrgent(now); k != nil; k = q.mostUrgent(now) {
		q.start(ctx, k, k.waits.popDue(now, k.o.Batch, k.alone))
	}
	next = now.Add(time.Hour)
	for _, k := range q.order {
		if head := k.waits.head(); head != nil && q.hasWorker(k) && head.at.Before(next) {
			next = head.at
		}
	}
	return next
}

// mostUrgent returns the kind to start next, or nil.
func (q *Queue) mostUrgent(now time.Time) (best *kind) {
	var bestAt time.Time
	for _, k := range q.order {
		head := k.waits.head()
		if head == nil || head.at.After(now) || !q.hasWorker(k) {
			continue
		}
		at := head.at.Add(time.Duration(k.o.Rank) * patience)
		if best == nil || at.Before(bestAt) {
			best, bestAt = k, at
		}
	}
	return best
}

func (q *Queue) hasWorker(k *kind) bool {
	return k.running < k.o.Workers && (k.free || q.running < maxRunning)
}

// start hands batch to a goroutine of its own; hasWorker bounds how many there
// are, and Run waits for them.
func (q *Queue) start(ctx context.Context, k *kind, batch []*wait) {
	q.count(k, 1)
	for _, each := range batch {
		k.inHand[each.ref] = struct{}{}
	}
	q.work.Go(func() {
		k.fire(ctx, k, batch)
		q.mu.Lock()
		q.count(k, -1)
		for _, each := range batch {
			delete(k.inHand, each.ref)
		}
		q.mu.Unlock()
		q.nudge()
	})
}

func (q *Queue) count(k *kind, batches int) {
	k.running += batches
	if !k.free {
		q.running += batches
	}
}
