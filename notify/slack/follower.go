package slack

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"toban/internal/due"
	"toban/oncall"
	"toban/store"
)

// Follower keeps the workspaces' channels up to date. Make it with New; it does
// nothing before Run.
type Follower struct {
	db  *store.DB
	log *slog.Logger
	o   Options

	work  sync.WaitGroup
	calls sync.WaitGroup // callbacks
	desk  desks
	duty  duties
	seen  seen
	hand  chan struct{} // bounds the callbacks that are worked on
	moved chan struct{} // what the chats are made by may be another one
	voice chan struct{} // bounds those who are being told what became of it

	mu      sync.Mutex
	queue   []string        // refs, in the order in which they came
	queued  map[string]bool // those, and those being worked on
	again   map[string]bool // of those being worked on: look once more
	nudged  *sync.Cond
	closing bool
}

const (
	// safety is when a chat is looked at again if this process ends meanwhile.
	safety = 45 * time.Second
	// claimTime is how long a chat is ours without another word of us.
	claimTime = 30 * time.Second
	// maxQueue bounds what is known in memory to be done; the rest has its row.
	maxQueue = 20_000
	// workTime bounds one transaction.
	workTime = 10 * time.Second
	// pausing is when who could not be worked on is looked at again.
	pausing = time.Second
)

// New makes a Follower of db's incidents. Let db.Follow(store.TimerChat, …)
// say that they are followed.
func New(db *store.DB, log *slog.Logger, o Options) *Follower {
	f := &Follower{
		db: db, log: log, o: o.withDefaults(),
		queued: map[string]bool{}, again: map[string]bool{}, hand: make(chan struct{}, maxCallbacks), voice: make(chan struct{}, maxVoices),
		moved: make(chan struct{}, 1),
	}
	f.nudged = sync.NewCond(&f.mu)
	return f
}

// Register makes f the handler of the timers of kind "chat".
func (f *Follower) Register(q *due.Queue) {
	q.Handle(store.TimerChat, due.Options{Rank: 3, Workers: 1}, f.due)
}

// due notes what is to be looked at. Slack is asked outside of the transaction;
// a later timer stays in case nobody gets to it.
func (f *Follower) due(ctx context.Context, tx *store.Tx, refs []string) error {
	timers := make([]store.Timer, len(refs))
	for i, ref := range refs {
		timers[i] = store.Timer{Kind: store.TimerChat, Ref: ref, DueAt: tx.Now.Add(safety)}
	}
	if err := tx.PutTimers(ctx, timers...); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ref := range refs {
		switch {
		case f.queued[ref]:
			f.again[ref] = true
		case len(f.queue) < maxQueue:
			f.queued[ref] = true
			f.queue = append(f.queue, ref)
		}
	}
	f.nudged.Broadcast()
	return nil
}

// Run works until ctx ends, and then until what is being asked of Slack has been
// answered.
func (f *Follower) Run(ctx context.Context) error {
	f.mu.Lock()
	f.closing = false
	f.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		f.mu.Lock()
		f.closing = true
		f.mu.Unlock()
		f.nudged.Broadcast()
	})
	defer stop()
	for range f.o.Workers {
		f.work.Go(func() { f.worker(ctx) })
	}
	f.work.Go(func() { f.followDuty(ctx) })
	f.work.Go(func() { f.followSettings(ctx) })
	<-ctx.Done()
	f.work.Wait()
	f.calls.Wait()
	return nil
}

// worker works on one ref after the other. Nobody else works on it meanwhile.
func (f *Follower) worker(ctx context.Context) {
	for {
		ref, ok := f.next()
		if !ok {
			return
		}
		// Stopping does not break off what Slack may have taken already.
		again := f.look(context.WithoutCancel(ctx), ref)
		f.done(ref, again)
	}
}

func (f *Follower) next() (ref string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) == 0 && !f.closing {
		f.nudged.Wait()
	}
	if f.closing {
		return "", false
	}
	ref, f.queue = f.queue[0], f.queue[1:]
	delete(f.again, ref) // what it says is seen from now on
	return ref, true
}

// done lets ref be worked on again, at once when something has happened since.
func (f *Follower) done(ref string, again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if again || f.again[ref] {
		f.queue = append(f.queue, ref)
		return
	}
	delete(f.queued, ref)
}

func (f *Follower) ending() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closing
}

// look works on one ref. A panic is one chat's trouble, not that of the others.
func (f *Follower) look(ctx context.Context, ref string) (again bool) {
	defer func() {
		if p := recover(); p != nil {
			f.log.ErrorContext(ctx, "chat not updated", "incident", ref, "err", p)
			again = false // its timer looks at it again
		}
	}()
	if f.o.Fenced() {
		f.postpone(ctx, ref, pausing)
		return false
	}
	if strings.HasPrefix(ref, store.DigestChat+"_") {
		return f.lookAtDigest(ctx, ref)
	}
	return f.lookAtIncident(ctx, oncall.IncidentID(ref))
}

// postpone lets ref be looked at later.
func (f *Follower) postpone(ctx context.Context, ref string, in time.Duration) {
	err := f.tx(ctx, func(tx *store.Tx) error { return tx.DeferChat(ctx, ref, tx.Now.Add(in)) })
	if err != nil {
		f.log.WarnContext(ctx, "timer of a chat not set; the one before holds", "incident", ref, "err", err)
	}
}

// tx runs g within workTime.
func (f *Follower) tx(ctx context.Context, g func(tx *store.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	return f.db.Tx(ctx, g)
}

func (f *Follower) read(ctx context.Context, g func(tx *store.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	return f.db.Read(ctx, g)
}

var (
	errMoved = errors.New("it has changed meanwhile")
	errTaken = errors.New("another node works on it")
)
