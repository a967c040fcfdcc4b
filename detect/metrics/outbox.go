package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"

	"toban/internal/wait"
)

const (
	// maxAlerts bounds how many alerts are known at a time.
	maxAlerts = 10_000
	// batchSize is how many alerts one post has at most, as Prometheus' own.
	batchSize = 64
	// The wait after a failed post doubles from the first to the last.
	firstRetry, lastRetry = 100 * time.Millisecond, 5 * time.Second
	// keepEvery is how often the file of alerts forgets what has been resolved.
	keepEvery = 5 * time.Second
	// complainEvery is how often a receiver that is away is logged.
	complainEvery = time.Minute
	// lastPost bounds how long the telling may hold up the end of the process.
	lastPost = 2 * time.Second
)

// outbox carries alerts to toban and does not let go of one before it has been
// taken: Prometheus posts an alert once a minute and forgets a resolved one
// after fifteen, and what it has told is gone with the process. Here every
// alert waits until a 2xx, and what was told as firing is on disk before it is
// told, so that the next start can take it back.
type outbox struct {
	log      *slog.Logger
	to       *post
	kept     firingFile
	external *url.URL
	figures  *figures
	wake     chan struct{} // has room for one hint that something is due

	mu       sync.Mutex
	dressing dressing
	told     map[string]*told // by the labels as they are sent
	turn     uint64
	stale    bool            // the file has alerts that told has not
	leftOut  map[string]bool // alerts whose rules are left out, by their names
	dropped  time.Time       // when one found no place last
}

// told is an alert that toban has been told of, or is about to be.
type told struct {
	alert   alert
	rule    string // alertname, before any relabelling
	firing  bool
	due     bool // waits to be posted
	turn    uint64
	inFile  bool
	refused bool // told once already that toban does not take it
}

func newOutbox(to *post, kept firingFile, external *url.URL, f *figures, log *slog.Logger) *outbox {
	b := &outbox{log: log, to: to, kept: kept, external: external, figures: f, wake: make(chan struct{}, 1), told: map[string]*told{}}
	for _, k := range kept.read(log) {
		if len(b.told) == maxAlerts {
			break
		}
		b.told[labels.FromMap(k.Alert.Labels).String()] = &told{alert: k.Alert, rule: k.Rule, firing: true, inFile: true}
	}
	return b
}

// apply takes a new configuration: what alerts are dressed with.
func (b *outbox) apply(d dressing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dressing = d
}

// take is a rules.NotifyFunc. It never blocks on anything but memory.
func (b *outbox) take(_ context.Context, expr string, alerts ...*rules.Alert) {
	if len(alerts) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	generator := explore(b.external, expr)
	for _, a := range alerts {
		as, keep := b.dressing.dress(a.Labels)
		if !keep {
			continue
		}
		b.tell(as.String(), a.Labels.Get(labels.AlertName), wire(a, as, generator), a.ResolvedAt.IsZero())
	}
	b.count()
	b.hint()
}

// tell makes an alert due, for count and hint to follow. The lock is held.
func (b *outbox) tell(key, rule string, a alert, firing bool) {
	t := b.told[key]
	switch {
	case t == nil && !firing:
		return // told as firing never, or its end has been taken: rules repeat an end for 15 minutes
	case t == nil && len(b.told) >= maxAlerts:
		b.drop(time.Now())
		return
	case t == nil:
		t = &told{}
		b.told[key] = t
	case firing && t.firing && t.alert.StartsAt.Before(a.StartsAt):
		a.StartsAt = t.alert.StartsAt // it fires since then; the rules have been started anew
	case !firing && !t.firing:
		return // its end is on its way
	}
	b.turn++
	t.alert, t.rule, t.firing, t.due, t.turn = a, rule, firing, true, b.turn
}

// count shows how much is due. The lock is held.
func (b *outbox) count() {
	n := 0
	for _, t := range b.told {
		if t.due {
			n++
		}
	}
	b.figures.waiting.Set(float64(n))
}

func (b *outbox) hint() {
	select {
	case b.wake <- struct{}{}:
	default: // there is a hint already
	}
}

// Run posts what is due until ctx ends, and then once more: what was found last
// is told before the process ends.
func (b *outbox) Run(ctx context.Context) {
	defer b.last(context.WithoutCancel(ctx))
	keep := time.NewTicker(keepEvery)
	defer keep.Stop()
	retry := firstRetry
	var said time.Time
	for {
		sent, err := b.send(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			b.figures.failed.Inc()
			if now := time.Now(); now.Sub(said) > complainEvery {
				b.log.Warn("alerts could not be told; they are kept and told again", "err", err)
				said = now
			}
			if !wait.For(ctx, retry) {
				return
			}
			retry = min(retry*2, lastRetry)
		case sent:
			retry = firstRetry
		default:
			select {
			case <-ctx.Done():
				return
			case <-b.wake:
			case <-keep.C:
				b.forget()
			}
		}
	}
}

// last tells what is due without trying again; the file has what is not taken.
func (b *outbox) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastPost)
	defer cancel()
	for {
		if sent, err := b.send(ctx); !sent || err != nil {
			break
		}
	}
	b.forget()
}

// parcel is a told alert on its way: what it was when it left.
type parcel struct {
	key   string
	alert alert
	turn  uint64
}

// send posts one batch of what is due, the oldest first, and says whether there
// was any.
func (b *outbox) send(ctx context.Context) (bool, error) {
	batch, err := b.batch()
	if err != nil {
		// Telling is more than remembering: without the file only an alert that
		// heals while this process is down would stay open until its time is up.
		b.log.Error("the alerts told can't be kept on disk", "err", err)
	}
	if len(batch) == 0 {
		return false, nil
	}
	return true, b.deliver(ctx, batch)
}

// batch takes what is due, and sees that all of it that fires is in the file.
func (b *outbox) batch() ([]parcel, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var due []parcel
	write := false
	for key, t := range b.told {
		if t.due {
			due = append(due, parcel{key, t.alert, t.turn})
			write = write || t.firing && !t.inFile
		}
	}
	var err error
	if write {
		err = b.keep()
	}
	slices.SortFunc(due, func(x, y parcel) int { return cmp.Compare(x.turn, y.turn) })
	return due[:min(len(due), batchSize)], err
}

// deliver posts parcels together; what toban does not take as they are it is
// given one by one, so that an invalid alert never holds up its neighbours.
func (b *outbox) deliver(ctx context.Context, batch []parcel) error {
	alerts := make([]alert, len(batch))
	for i, p := range batch {
		alerts[i] = p.alert
	}
	refused, err := b.to.post(ctx, alerts)
	switch {
	case err == nil:
		b.taken(batch)
		return nil
	case !refused:
		return err
	case len(batch) == 1:
		b.refuse(batch[0], err)
		return nil
	}
	for i := range batch {
		if err := b.deliver(ctx, batch[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// taken lets go of what has not changed since it was posted.
func (b *outbox) taken(batch []parcel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range batch {
		t := b.told[p.key]
		if t == nil || t.turn != p.turn {
			continue
		}
		t.due = false
		if !t.firing {
			delete(b.told, p.key)
			b.stale = b.stale || t.inFile
		}
	}
	b.figures.delivered.Add(float64(len(batch)))
	b.count()
}

// refuse gives an alert up that toban will never take as it is. It stays known
// while it fires, so that this is logged once.
func (b *outbox) refuse(p parcel, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.figures.refused.Inc()
	t := b.told[p.key]
	if t == nil || t.turn != p.turn {
		return
	}
	if !t.refused {
		b.log.Error("toban does not take an alert", "rule", t.rule, "err", err)
	}
	t.due, t.refused = false, true
	if !t.firing {
		delete(b.told, p.key)
		b.stale = b.stale || t.inFile
	}
	b.count()
}

// keep writes the file. The lock is held: what is told next must be in it.
func (b *outbox) keep() error {
	var firing []keptAlert
	for _, t := range b.told {
		if t.firing || t.due { // an end that has not been taken yet is still to be told after a start
			firing = append(firing, keptAlert{Rule: t.rule, Alert: t.alert})
		}
	}
	if err := b.kept.write(firing); err != nil {
		return err
	}
	for _, t := range b.told {
		t.inFile = true
	}
	b.stale = false
	return nil
}

// forget writes the file when something in it has been resolved. One that is in
// it for too long would do no harm: its end would be told twice.
func (b *outbox) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stale {
		return
	}
	if err := b.keep(); err != nil {
		b.log.Error("the alerts told can't be kept on disk", "err", err)
	}
}
