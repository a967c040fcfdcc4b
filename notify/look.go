package notify

import (
	"context"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	// sureAfter is how long after its claim a delivery that the provider does
	// not know is surely lost: whoever claimed it sends within a second or looks
	// again.
	sureAfter = 1500 * time.Millisecond
	// findTime is how long a provider that can't be asked is waited for before a
	// second call is better than none (R23).
	findTime = 10 * time.Second
	// again is when a delivery is looked at again that is not over yet.
	again = time.Second
	// soon is when a call is hung up again that does not say that it has ended.
	soon = 400 * time.Millisecond
	// hangUpTime is how long one request to hang up may take: it can be repeated
	// without harm, so it is rather repeated than waited for.
	hangUpTime = 1500 * time.Millisecond
	// grace is how long after its time a delivery is waited for at the most.
	grace = 10 * time.Second
	// skew is by how much the provider's clock may be behind ours. An older call
	// that is found so is known by another delivery.
	skew = 5 * time.Second
	// maxLost is how often an attempt may be lost before it is undeliverable.
	maxLost = 3
	// safety is when a delivery is looked at again if this process ends while it
	// looks.
	safety = 2 * time.Second
)

// due handles the timers of deliveries. Providers are asked outside of the
// transaction, so it only notes what to look at, and leaves a later timer in
// case nobody gets to it.
func (d *Dispatcher) due(ctx context.Context, tx *store.Tx, refs []string) error {
	timers := make([]store.Timer, len(refs))
	for i, ref := range refs {
		timers[i] = store.Timer{Kind: store.TimerDelivery, Ref: ref, DueAt: tx.Now.Add(safety)}
	}
	if err := tx.PutTimers(ctx, timers...); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, ref := range refs {
		d.looks[oncall.DeliveryID(ref)] = true
	}
	d.nudge()
	return nil
}

// look wants a delivery looked at now.
func (d *Dispatcher) look(id oncall.DeliveryID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks[id] = true
	d.nudge()
}

// lookIn wants a delivery looked at after a while. When it was asked meanwhile to
// be hung up, which who looked had not seen, that is now.
func (d *Dispatcher) lookIn(ctx context.Context, seen *store.Delivery, after time.Duration) {
	err := d.tx(ctx, func(tx *store.Tx) error {
		dl, err := tx.Delivery(ctx, seen.ID)
		if err != nil {
			return err
		}
		if dl.State == store.DeliveryEnded {
			return tx.DeleteTimers(ctx, store.TimerDelivery, string(dl.ID))
		}
		at := tx.Now.Add(after)
		if !dl.CancelAt.Equal(seen.CancelAt) {
			at = tx.Now
		}
		return tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(dl.ID), DueAt: at})
	})
	if err != nil {
		d.log.WarnContext(ctx, "timer of a delivery not set; the one before holds", "delivery", seen.ID, "err", err)
	}
}

// startLooks looks after what is wanted, each delivery by one goroutine at a
// time.
func (d *Dispatcher) startLooks(ctx context.Context) {
	if d.o.Fenced() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.looks {
		if len(d.looking) >= maxLooking {
			return
		}
		if d.looking[id] {
			continue // looked at again when that look is over
		}
		delete(d.looks, id)
		d.looking[id] = true
		d.work.Go(func() {
			defer func() {
				d.mu.Lock()
				delete(d.looking, id)
				d.nudge()
				d.mu.Unlock()
			}()
			d.lookAt(context.WithoutCancel(ctx), id)
		})
	}
}

// task is what is to be done about a delivery.
type task int

const (
	doNothing task = iota
	doWait         // until at
	doFind         // nobody knows what the provider knows
	doHangUp
	doFetch // ask how it stands
	doEnd   // its time is over and there is nobody to ask
)

// next decides what is to be done about a delivery, and when to look again.
func (s standing) next(inHand bool, now time.Time) (do task, at time.Time) {
	dl := s.delivery
	_, finder := s.channel.(Finder)
	switch {
	case dl.State == store.DeliveryEnded:
		return doNothing, time.Time{}
	case inHand && dl.ProviderID == "":
		return doWait, now.Add(again)
	case dl.ProviderID == "":
		return doFind, now
	case !dl.CancelAt.IsZero():
		return doHangUp, now
	case finder:
		return doFetch, now // a callback would have put this look off
	case now.Before(dl.GiveUpAt):
		return doWait, dl.GiveUpAt
	}
	return doEnd, now
}

// lookAt does what is to be done about a delivery now.
func (d *Dispatcher) lookAt(ctx context.Context, id oncall.DeliveryID) {
	s, err := d.read(ctx, id)
	if err != nil {
		d.log.WarnContext(ctx, "delivery not read", "delivery", id, "err", err)
		return // its timer stands
	}
	d.mu.Lock()
	inHand := d.inHand[id]
	e, unsettled := d.unsettled[id]
	d.mu.Unlock()
	if unsettled {
		d.settle(ctx, id, e)
		return
	}
	switch do, at := s.next(inHand, s.now); do {
	case doNothing:
		d.forget(ctx, id)
	case doWait:
		d.lookIn(ctx, &s.delivery, max(at.Sub(s.now), time.Millisecond))
	case doFind:
		d.lookUp(ctx, s)
	case doHangUp:
		d.hangUp(ctx, s)
	case doFetch:
		d.fetch(ctx, s)
	case doEnd:
		d.settle(ctx, id, ending{outcome: s.silent(), end: true})
	}
}

// silent is the outcome of a delivery of which nothing more is heard.
func (s standing) silent() oncall.Outcome {
	switch s.delivery.State {
	case store.DeliveryAnswered:
		return oncall.NoInput
	case store.DeliveryClaimed:
		return oncall.Undeliverable
	case store.DeliverySent:
		if _, finder := s.channel.(Finder); finder {
			return oncall.Undeliverable // the provider had time to say more
		}
	}
	return oncall.NoAnswer
}

func (d *Dispatcher) forget(ctx context.Context, id oncall.DeliveryID) {
	err := d.tx(ctx, func(tx *store.Tx) error { return tx.DeleteTimers(ctx, store.TimerDelivery, string(id)) })
	if err != nil {
		d.log.WarnContext(ctx, "timer of an ended delivery not deleted", "delivery", id, "err", err)
	}
}

// hangUp ends a call that nobody needs any more, again and again until the
// provider says that it has ended (R15, R18).
func (d *Dispatcher) hangUp(ctx context.Context, s standing) {
	id := s.delivery.ID
	c, ok := s.channel.(Canceler)
	if !ok || s.now.After(s.delivery.GiveUpAt.Add(grace)) {
		d.settle(ctx, id, ending{outcome: oncall.Canceled, end: true})
		return
	}
	asked, cancel := context.WithTimeout(ctx, min(timeout(s.provider), hangUpTime))
	defer cancel()
	err := c.Cancel(asked, Receipt{ProviderID: s.delivery.ProviderID, State: s.delivery.State})
	next := soon
	switch f, ok := s.channel.(Finder); {
	case err != nil:
		d.log.WarnContext(ctx, "call not hung up; it is tried again", "delivery", id, "err", err)
		if s.now.Sub(s.delivery.CancelAt) > 5*again {
			next = 2 * again // the provider is in trouble
		}
	case ok && s.now.Sub(s.delivery.CancelAt) >= again:
		// It should have said so by now. Perhaps its callback does not reach us.
		if d.ask(ctx, s, f) {
			return
		}
	}
	d.lookIn(ctx, &s.delivery, next)
}

// fetch asks how a delivery stands that is silent.
func (d *Dispatcher) fetch(ctx context.Context, s standing) {
	id := s.delivery.ID
	f, ok := s.channel.(Finder)
	if !ok {
		d.settle(ctx, id, ending{outcome: s.silent(), end: true})
		return
	}
	ended := d.ask(ctx, s, f)
	switch {
	case ended:
	case s.now.After(s.delivery.GiveUpAt.Add(grace)):
		d.settle(ctx, id, ending{outcome: s.silent(), end: true, text: "gave_up"})
	case s.now.Before(s.delivery.GiveUpAt):
		d.lookIn(ctx, &s.delivery, min(checkEvery, s.delivery.GiveUpAt.Sub(s.now)))
	default: // its time is over: it must not go on ringing
		d.lookIn(ctx, &s.delivery, 2*again)
		if c, ok := s.channel.(Canceler); ok {
			asked, cancel := context.WithTimeout(ctx, timeout(s.provider))
			defer cancel()
			if err := c.Cancel(asked, Receipt{ProviderID: s.delivery.ProviderID, State: s.delivery.State}); err != nil {
				d.log.WarnContext(ctx, "overdue call not hung up", "delivery", id, "err", err)
			}
		}
	}
}

// ask fetches how a delivery stands, records it, and reports whether it has
// ended.
func (d *Dispatcher) ask(ctx context.Context, s standing, f Finder) bool {
	asked, cancel := context.WithTimeout(ctx, timeout(s.provider))
	defer cancel()
	report, err := f.Fetch(asked, Receipt{ProviderID: s.delivery.ProviderID, State: s.delivery.State})
	if err == nil {
		err = d.Report(ctx, s.delivery.ID, report)
	}
	if err != nil {
		d.log.WarnContext(ctx, "how a delivery stands was not learned", "delivery", s.delivery.ID, "err", err)
		return false
	}
	return report.State == store.DeliveryEnded
}
