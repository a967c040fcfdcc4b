package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	// frozen is how long after its claim a message may be sent without another
	// look: more means that the node stood still, and others may have acted.
	frozen = time.Second
	// quickRetries is how often a send is repeated where that helps (R25).
	quickRetries = 2
	// firstPause is the pause before the first repetition; the second is three
	// times as long.
	firstPause = 150 * time.Millisecond
	// providerTime is how long a provider may take for a request that does not
	// say otherwise.
	providerTime = 4 * time.Second
	// checkEvery is how often a call is asked about of which no callback has been
	// heard: the provider may not reach us.
	checkEvery = 5 * time.Second
	// slack is how much longer than it rings a call may take, for the provider's
	// queue and the network.
	slack = 20 * time.Second
)

// start sends j in a goroutine of its own, of which the budget bounds the
// number.
func (d *Dispatcher) start(ctx context.Context, j *job, claimedAt time.Time) {
	d.begun(j.provider)
	d.mu.Lock()
	d.inHand[j.delivery.ID] = true
	d.mu.Unlock()
	stop := ctx
	// Stopping does not break off a request that a provider may have taken.
	ctx = context.WithoutCancel(ctx)
	d.work.Go(func() {
		defer func() {
			d.mu.Lock()
			delete(d.inHand, j.delivery.ID)
			d.mu.Unlock()
			d.ended(j.provider)
		}()
		if !d.stillWanted(ctx, stop, j, claimedAt) {
			return
		}
		d.measure(j)
		r, f := d.send(ctx, j)
		if f != nil {
			d.undeliverable(ctx, j, f)
			return
		}
		d.confirm(ctx, j, r)
	})
}

// stillWanted looks again when time has passed since the claim, or this node is
// fenced: another node may have sent it, or somebody may have taken it (R18).
// The wall clock counts as well: a machine that was suspended does not see time
// pass otherwise.
func (d *Dispatcher) stillWanted(ctx, stop context.Context, j *job, claimedAt time.Time) bool {
	late := func() bool {
		return time.Since(claimedAt) > frozen || time.Now().Round(0).Sub(claimedAt.Round(0)) > frozen
	}
	if !d.o.Fenced() && !late() {
		return true
	}
	for d.o.Fenced() { // the node holds its work, it never drops it
		if stop.Err() != nil {
			return false // whoever comes next looks it up
		}
		rest(stop, busy)
	}
	return d.wantedNow(ctx, j)
}

// wantedNow reads whether j may still be sent, and ends it if nobody needs it.
func (d *Dispatcher) wantedNow(ctx context.Context, j *job) bool {
	s, err := d.read(ctx, j.delivery.ID)
	switch {
	case err != nil:
		d.log.ErrorContext(ctx, "delivery not read before sending", "delivery", j.delivery.ID, "err", err)
		return false // its timer looks after it
	case s.delivery.State != store.DeliveryClaimed || s.delivery.ProviderID != "":
		return false // somebody else looks after it
	case s.row == nil || s.row.Owner != d.db.Node():
		return false // another node has taken it over, and may have called already
	case s.over() || !s.delivery.CancelAt.IsZero():
		d.settle(ctx, j.delivery.ID, ending{outcome: oncall.Canceled, end: true, unsent: true})
		return false
	}
	return true
}

// send tries until the provider has taken the message, or it is clear that the
// next person is better.
func (d *Dispatcher) send(ctx context.Context, j *job) (Receipt, *Failure) {
	began := time.Now()
	for try := 0; ; try++ {
		r, f := d.sendOnce(ctx, j)
		if f == nil {
			return r, nil
		}
		d.log.WarnContext(ctx, "not taken by the provider", "delivery", j.delivery.ID, "provider", j.provider.Name, "class", f.Class, "code", f.Code, "try", try+1)
		if f.Class == Ambiguous {
			if r, found := d.taken(ctx, j); found {
				return r, nil
			}
		}
		pause := firstPause
		for range try {
			pause *= 3
		}
		pause += rand.N(pause / 2)
		if f.Class == Throttled {
			pause = f.After
		}
		if f.Class == BadAddress || f.Class == BadConfig || try == quickRetries || time.Since(began)+pause > d.o.Patience {
			return Receipt{}, f
		}
		rest(ctx, pause)
		if !d.wantedNow(ctx, j) {
			return Receipt{}, &Failure{Class: Transient, Code: "unwanted", Err: errUnwanted}
		}
	}
}

// errUnwanted is why a message is not sent again that nobody needs any more.
var errUnwanted = errors.New("it has moved on, or somebody else looks after it")

func (d *Dispatcher) sendOnce(ctx context.Context, j *job) (Receipt, *Failure) {
	ctx, cancel := context.WithTimeout(ctx, timeout(j.provider))
	defer cancel()
	began := time.Now()
	r, err := j.channel.Send(ctx, j.message)
	if err == nil {
		d.note(j.provider, time.Since(began), nil)
		return r, nil
	}
	f := failure(err)
	d.note(j.provider, time.Since(began), f)
	return Receipt{}, f
}

func timeout(p Provider) time.Duration {
	if p.Timeout > 0 {
		return p.Timeout
	}
	return providerTime
}

// taken looks whether the provider took a message whose answer was lost (R23).
func (d *Dispatcher) taken(ctx context.Context, j *job) (Receipt, bool) {
	if s, err := d.read(ctx, j.delivery.ID); err == nil && s.delivery.ProviderID != "" {
		return Receipt{ProviderID: s.delivery.ProviderID, State: s.delivery.State}, true // a callback was quicker
	}
	report, found, err := d.find(ctx, j.route, &j.delivery)
	if err != nil || !found {
		return Receipt{}, false
	}
	return Receipt{ProviderID: report.ProviderID, State: report.State}, true
}

// confirm records that the provider has taken j.
func (d *Dispatcher) confirm(ctx context.Context, j *job, r Receipt) {
	if r.Outcome != "" {
		d.settle(ctx, j.delivery.ID, ending{outcome: r.Outcome, providerID: r.ProviderID, end: true, minutes: 1})
		return
	}
	var stray string
	cancel := false
	err := d.tx(ctx, func(tx *store.Tx) error {
		stray = ""
		dl, err := tx.Delivery(ctx, j.delivery.ID)
		if err != nil {
			return err
		}
		cancel = !dl.CancelAt.IsZero()
		if dl.ProviderID != "" && dl.ProviderID != r.ProviderID {
			stray = r.ProviderID // an earlier try was taken after all, and its callback came first
			return nil
		}
		if dl.ProviderID != "" && dl.State != store.DeliveryClaimed || dl.State == store.DeliveryEnded {
			return nil // a callback was quicker and knows more
		}
		dl.ProviderID, dl.State, dl.SentAt = r.ProviderID, store.DeliverySent, tx.Now
		dl.GiveUpAt = tx.Now.Add(lasts(j.message, r))
		if err := tx.SaveDelivery(ctx, dl); err != nil {
			return err
		}
		if err := changed(ctx, tx, dl.ID); err != nil {
			return err
		}
		return tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(dl.ID), DueAt: nextLook(dl, j.channel, tx.Now)})
	})
	switch {
	case err != nil:
		d.log.ErrorContext(ctx, "receipt not recorded; its timer looks it up", "delivery", j.delivery.ID, "err", err)
	case stray != "":
		d.hangUpStray(ctx, j.route, stray)
	case cancel:
		d.look(j.delivery.ID)
	}
}

// lasts is when a call that nothing is heard of is given up.
func lasts(m Message, r Receipt) time.Duration {
	if r.Lasts > 0 {
		return r.Lasts
	}
	return m.Ring + slack
}

// nextLook is when a delivery on its way is looked at by itself.
func nextLook(dl *store.Delivery, ch Channel, now time.Time) time.Time {
	if _, ok := ch.(Finder); ok && dl.State == store.DeliverySent {
		if soon := now.Add(checkEvery); soon.Before(dl.GiveUpAt) {
			return soon
		}
	}
	return dl.GiveUpAt
}

// hangUpStray ends a second call that was made for the same delivery: nobody is
// called twice at the same moment for the same thing (R23).
func (d *Dispatcher) hangUpStray(ctx context.Context, r route, providerID string) {
	c, ok := r.channel.(Canceler)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout(r.provider))
	defer cancel()
	if err := c.Cancel(ctx, Receipt{ProviderID: providerID, State: store.DeliveryRinging}); err != nil {
		d.log.WarnContext(ctx, "second call not hung up", "provider", r.provider.Name, "err", err)
	}
}

// undeliverable ends j; the next person follows at once (R11, R25).
func (d *Dispatcher) undeliverable(ctx context.Context, j *job, f *Failure) {
	if errors.Is(f, errUnwanted) {
		return
	}
	d.count(j.provider, func(h *Health) { h.Undone++ })
	d.settle(ctx, j.delivery.ID, ending{outcome: oncall.Undeliverable, end: true, unsent: true, code: f.Code, text: string(f.Class)})
}

func rest(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// tx runs f within workTime.
func (d *Dispatcher) tx(ctx context.Context, f func(tx *store.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	return d.db.Tx(ctx, f)
}
