package alert

import (
	"context"
	"errors"
	"sync"
	"time"

	"toban/internal/due"
	"toban/oncall"
	"toban/store"
)

// Some senders say again and again what fires, and until when it holds if they
// don't: what was not said again by then is over. That is so only while toban
// listens. Silence of our own making ends nothing: not after a start, not after
// a pause of the process or the store, and not while signals are refused.
const (
	// hearAgain is how long senders have to say again what fires, after toban
	// could not hear them. Prometheus repeats every minute and holds for four.
	hearAgain = 5 * time.Minute
	// endingEvery is the time between two looks, endingSoon that to the next one
	// when there is more to do than one may.
	endingEvery = 10 * time.Second
	endingSoon  = 100 * time.Millisecond
	// unheard is a time between two looks in which signals may have been missed.
	unheard     = time.Minute
	endingBatch = 256
	endingRef   = "alerts"
)

// own is a sender that is part of toban: its silence means nothing while it can't
// speak, which is nobody else's silence.
type own struct {
	integration oncall.IntegrationID
	mute        func() bool
}

// SilentWhile says when the silence of one integration means nothing because it is
// part of toban and can't speak, as rules while nobody evaluates them.
func (a *Acceptor) SilentWhile(integration oncall.IntegrationID, mute func() bool) {
	a.own.Store(&own{integration, mute})
}

// Register makes q clear alerts that were not said again in time, and begins to
// listen: nothing ends within the next five minutes. Call it before q runs.
func (a *Acceptor) Register(ctx context.Context, q *due.Queue) error {
	a.hearing.begin(time.Now())
	a.ownHearing.begin(time.Now())
	q.Handle(store.TimerEnding, due.Options{Batch: 1, Workers: 1, Rank: 3}, a.clearEnded)
	return a.db.Tx(ctx, func(tx *store.Tx) error { return lookAgain(ctx, tx, endingEvery) })
}

func (a *Acceptor) clearEnded(ctx context.Context, tx *store.Tx, refs []string) error {
	if refs[0] != endingRef {
		return nil // of another version
	}
	var but oncall.IntegrationID // that alerts stand of
	if own := a.own.Load(); own != nil && !a.ownHearing.look(tx.Now, own.mute()) {
		but = own.integration
	}
	if !a.hearing.look(tx.Now, a.db.Overloaded()) {
		return lookAgain(ctx, tx, endingEvery)
	}
	ended, err := tx.ClearEnded(ctx, endingBatch, but)
	if err != nil {
		return err
	}
	if len(ended) > 0 {
		a.log.InfoContext(ctx, "alerts that were not said again are over", "alerts", len(ended), "first", ended[0].Fingerprint, "service", ended[0].Service)
	}
	if len(ended) == endingBatch {
		return lookAgain(ctx, tx, endingSoon)
	}
	return lookAgain(ctx, tx, endingEvery)
}

func lookAgain(ctx context.Context, tx *store.Tx, after time.Duration) error {
	return tx.PutTimers(ctx, store.Timer{Kind: store.TimerEnding, Ref: endingRef, DueAt: tx.Now.Add(after)})
}

// hearing says whether silence means anything. Its zero value has heard nothing
// yet.
type hearing struct {
	mu     sync.Mutex
	looked time.Time
	until  time.Time // until then senders have to be given time to say it again
	missed bool      // a signal since the last look
}

// begin starts to listen at now.
func (h *hearing) begin(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looked, h.until = now, now.Add(hearAgain)
}

// miss notes that a signal could not be kept.
func (h *hearing) miss() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.missed = true
}

// look reports whether what was not said again by now is over. deaf says that
// signals are being refused.
func (h *hearing) look(now time.Time, deaf bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if deaf || h.missed || now.Sub(h.looked) > unheard {
		h.until = now.Add(hearAgain)
	}
	h.looked, h.missed = now, false
	return !now.Before(h.until)
}

// lost reports whether an error of Accept means that a signal which its sender
// was right to send was not kept. One who went away is not among them: who does
// so all the time would keep every alert of others alive.
func lost(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	e, known := errors.AsType[*oncall.Error](err)
	return !known || e.Kind == oncall.Unavailable || e.Kind == oncall.Internal
}
