package notify

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"toban/internal/due"
	"toban/internal/metric"
	"toban/oncall"
	"toban/store"

	"golang.org/x/time/rate"
)

// Options say what a Dispatcher works with.
type Options struct {
	Outcomes Outcomes
	Keys     Keys
	// Channels returns the channel of a stage for a method, or nil when no
	// provider is configured for it.
	Channels func(stage oncall.Stage, m oncall.Method) Channel
	// Shadow is the channel that reaches nobody (R27). Without one, what is in
	// shadow mode ends undeliverable.
	Shadow Channel
	// Fenced reports whether this node may not act now; nil = never. It then
	// holds its work.
	Fenced func() bool
	// Key makes the hashes of addresses that the store keeps; the same on all
	// nodes. Without it the hash of a number can be guessed.
	Key []byte
	// Concurrency bounds the sends under way at one provider; zero = 64.
	Concurrency int
	// Patience is how long a send may take with its retries before the next
	// person is better; zero = 6 s.
	Patience time.Duration
	// Metrics counts how soon providers are asked; nil = nobody does.
	Metrics *metric.Registry
}

// Dispatcher claims, sends, and follows deliveries. Make it with New; it does
// nothing before Run.
type Dispatcher struct {
	db  *store.DB
	log *slog.Logger
	o   Options

	delay  *metric.Histogram
	nudged chan struct{} // something is to be claimed or looked at
	work   sync.WaitGroup

	mu        sync.Mutex
	wanted    map[oncall.AttemptID]*wanted
	order     []*wanted // as they came
	looks     map[oncall.DeliveryID]bool
	looking   map[oncall.DeliveryID]bool
	inHand    map[oncall.DeliveryID]bool   // being sent by this process: not lost
	unsettled map[oncall.DeliveryID]ending // outcomes that the store did not take yet
	providers map[string]*provider
	toRefuse  []refusal
	refusing  map[oncall.AttemptID]bool // those, and those in hand
	refusers  int
}

// wanted is an outbox row that is to be claimed.
type wanted struct {
	id       oncall.AttemptID
	at       time.Time // not before
	tries    int
	provider Provider // that it waits for; its name is "" when not known yet
	hinted   bool     // again, since it was last tried
}

// provider is what is known of one provider, guarded by Dispatcher.mu.
type provider struct {
	limit   *rate.Limiter // nil = none
	sending int
	health  Health
}

const (
	// maxWanted bounds the hints in memory; the sweep finds the others again.
	maxWanted = 10_000
	// claimBatch is how many rows are claimed in one transaction.
	claimBatch = 64
	// maxLooking bounds how many deliveries are looked after at a time.
	maxLooking = 16
	// longestLook is how far ahead the timer of a live delivery may lie.
	longestLook = 10 * time.Minute
	// workTime bounds one transaction.
	workTime = 10 * time.Second
)

// New makes a Dispatcher.
func New(db *store.DB, log *slog.Logger, o Options) *Dispatcher {
	if o.Fenced == nil {
		o.Fenced = func() bool { return false }
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 64
	}
	if o.Patience <= 0 {
		o.Patience = 6 * time.Second
	}
	if o.Channels == nil {
		o.Channels = func(oncall.Stage, oncall.Method) Channel { return nil }
	}
	return &Dispatcher{
		db: db, log: log, o: o, delay: newDelay(o.Metrics),
		nudged:    make(chan struct{}, 1),
		wanted:    map[oncall.AttemptID]*wanted{},
		looks:     map[oncall.DeliveryID]bool{},
		looking:   map[oncall.DeliveryID]bool{},
		inHand:    map[oncall.DeliveryID]bool{},
		unsettled: map[oncall.DeliveryID]ending{},
		providers: map[string]*provider{},
		refusing:  map[oncall.AttemptID]bool{},
	}
}

// Register makes d the handler of outbox rows and of the timers of kind
// "delivery".
func (d *Dispatcher) Register(q *due.Queue) {
	q.Handle(store.TimerDelivery, due.Options{}, d.due)
	q.HandleOutbox(d.Due)
}

// Due takes outbox rows that have come due. It returns at once: they are claimed
// in their order, as fast as their providers bear it.
func (d *Dispatcher) Due(_ context.Context, ids []oncall.AttemptID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		if w := d.wanted[id]; w != nil {
			w.hinted = true // perhaps it is being looked at this moment, as it was before
			continue
		}
		if len(d.order) >= maxWanted {
			continue
		}
		w := &wanted{id: id}
		d.wanted[id] = w
		d.order = append(d.order, w)
	}
	d.nudge()
}

func (d *Dispatcher) nudge() {
	select {
	case d.nudged <- struct{}{}:
	default: // it is already on its way
	}
}

// Run works until ctx ends, and then until what is being sent has been answered
// by its provider.
func (d *Dispatcher) Run(ctx context.Context) error {
	defer d.work.Wait()
	d.recover(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.nudged:
		case <-timer.C:
		}
		d.startLooks(ctx)
		timer.Reset(time.Until(d.claimWanted(ctx)))
	}
}

// recover looks at once after all live deliveries of this node: what was claimed
// and never answered is not being sent by this process, and what was on its way
// may have ended while nobody listened.
func (d *Dispatcher) recover(ctx context.Context) {
	var open []store.Delivery
	var timers []store.Timer
	err := d.db.Read(ctx, func(tx *store.Tx) (err error) {
		if open, err = tx.OpenDeliveries(ctx, maxWanted); err != nil {
			return err
		}
		timers, err = tx.OwnTimers(ctx, tx.Now.Add(longestLook), 2*maxWanted)
		return err
	})
	if err != nil {
		d.log.WarnContext(ctx, "open deliveries were not read; their timers will", "err", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, each := range open {
		d.looks[each.ID] = true
	}
	for _, each := range timers {
		if each.Kind == store.TimerDelivery {
			d.looks[oncall.DeliveryID(each.Ref)] = true
		}
	}
}

// TakeOver looks after the deliveries of a dead node that this node has adopted.
func (d *Dispatcher) TakeOver(ctx context.Context) {
	d.recover(ctx)
	d.nudge()
}

// idle is how long the loop sleeps when nothing is known to wait.
const idle = time.Minute

// claimWanted claims what can be claimed now and returns when to try again.
func (d *Dispatcher) claimWanted(ctx context.Context) time.Time {
	for ctx.Err() == nil {
		if d.o.Fenced() {
			return time.Now().Add(busy)
		}
		ids, next := d.ready()
		if len(ids) == 0 {
			return next
		}
		d.claim(ctx, ids)
	}
	return time.Now().Add(idle)
}

// ready returns the rows to claim now, in the order in which they came, or when
// there will be some. Rows of a provider that bears no more now are left out.
func (d *Dispatcher) ready() (ids []oncall.AttemptID, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.budget()
	next = b.now.Add(idle)
	for _, w := range d.order {
		at := w.at
		if !at.After(b.now) && w.provider.Name != "" {
			_, at = b.spend(w.provider)
		}
		if at.After(b.now) {
			next = earlier(next, at)
			continue
		}
		w.hinted = false
		if ids = append(ids, w.id); len(ids) == claimBatch {
			break
		}
	}
	return ids, next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// later keeps rows for another try; the others of ids are forgotten, unless they
// were hinted at again while they were tried.
func (d *Dispatcher) later(ids []oncall.AttemptID, again map[oncall.AttemptID]later) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		w := d.wanted[id]
		if w == nil {
			continue
		}
		l, ok := again[id]
		if w.tries++; w.tries > maxTries || !ok && !w.hinted {
			delete(d.wanted, id)
			continue
		}
		w.at, w.provider = l.at, l.provider
	}
	d.order = slices.DeleteFunc(d.order, func(w *wanted) bool { return d.wanted[w.id] != w })
}

// maxTries is how often a row is tried before it is left to the sweep.
const maxTries = 1000

// of returns the state of a provider. d.mu is held.
func (d *Dispatcher) of(p Provider) *provider {
	known := d.providers[p.Name]
	if known == nil {
		known = &provider{health: Health{Provider: p.Name}}
		d.providers[p.Name] = known
	}
	if p.PerSecond > 0 && (known.limit == nil || known.limit.Limit() != rate.Limit(p.PerSecond)) {
		known.limit = rate.NewLimiter(rate.Limit(p.PerSecond), max(1, int(p.PerSecond)))
	}
	return known
}
