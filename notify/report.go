package notify

import (
	"context"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

// Report takes what a provider says of a delivery, by a callback or because it
// was asked. It may come twice, late, or out of order: a state never goes back,
// and what has ended has ended. A delivery whose provider's id was not known
// yet is adopted by its first report (R23).
func (d *Dispatcher) Report(ctx context.Context, id oncall.DeliveryID, r Report) error {
	if r.State == store.DeliveryEnded {
		return d.trySettle(ctx, id, ending{
			outcome: r.Outcome, end: true, providerID: r.ProviderID, code: r.Code, minutes: max(r.Minutes, 0), unbilled: r.Minutes == 0,
		})
	}
	var was then
	err := d.tx(ctx, func(tx *store.Tx) (err error) {
		was, err = d.progress(ctx, tx, id, r)
		return err
	})
	if err != nil {
		return err
	}
	switch was {
	case secondCall:
		if s, err := d.read(ctx, id); err == nil {
			d.hangUpStray(ctx, s.route, r.ProviderID)
		}
	case firstWord:
		d.noteAll(ctx, id, "answered")
	}
	return nil
}

// then is what follows a report of progress.
type then int

const (
	nothingMore then = iota
	firstWord        // the phone has been answered
	secondCall       // it is not the delivery's call, and nobody needs it
)

// progress records that a delivery goes on.
func (d *Dispatcher) progress(ctx context.Context, tx *store.Tx, id oncall.DeliveryID, r Report) (then, error) {
	dl, err := tx.Delivery(ctx, id)
	if err != nil {
		return nothingMore, err
	}
	switch {
	case stray(dl, r.ProviderID):
		if r.State == store.DeliveryAnswered {
			return nothingMore, nil // somebody hears it already; their key counts
		}
		return secondCall, nil
	case dl.State == store.DeliveryEnded && dl.ProviderID != "":
		return nothingMore, nil // late
	case dl.State == store.DeliveryEnded:
		if ok, err := d.revive(ctx, tx, dl); err != nil || !ok {
			return secondCall, err
		}
	case dl.ProviderID != "" && !after(r.State, dl.State):
		return nothingMore, nil
	}
	follows := nothingMore
	switch {
	case r.State == store.DeliveryAnswered:
		follows = firstWord
		dl.GiveUpAt = tx.Now.Add(max(r.Talk, time.Minute) + slack)
	case dl.State == store.DeliveryClaimed:
		dl.GiveUpAt = tx.Now.Add(ringing + slack)
	}
	if dl.State == store.DeliveryClaimed {
		dl.SentAt = tx.Now
	}
	dl.ProviderID = r.ProviderID
	if after(r.State, dl.State) {
		dl.State = r.State
	}
	if err := tx.SaveDelivery(ctx, dl); err != nil {
		return nothingMore, err
	}
	if err := changed(ctx, tx, dl.ID); err != nil {
		return nothingMore, err
	}
	due := earlier(dl.GiveUpAt, tx.Now.Add(heardWithin(dl.State)))
	if !dl.CancelAt.IsZero() {
		due = tx.Now // it was to be hung up as soon as it is known by a name
	}
	return follows, tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(id), DueAt: due})
}

// changed makes the pages of the incidents that a delivery tells of draw its way
// anew.
func changed(ctx context.Context, tx *store.Tx, id oncall.DeliveryID) error {
	told, err := tx.Told(ctx, id)
	for _, t := range told {
		tx.Changed(store.TopicIncident, string(t.Incident))
	}
	return err
}

// heardWithin is when the next word of a call should have come; without one the
// provider is asked, whose callback may be lost.
func heardWithin(state store.DeliveryState) time.Duration {
	switch state {
	case store.DeliveryRinging:
		return ringing + 3*time.Second
	case store.DeliveryAnswered:
		return time.Minute
	}
	return checkEvery
}

// revive takes back the end of a delivery that was given up because nobody knew
// whether the provider had it: it has, and now it rings. So an acknowledgement
// hangs it up like any other. Its attempt is over and stays so. ok is false when
// nobody needs the call, or another one to that number has taken its place.
func (d *Dispatcher) revive(ctx context.Context, tx *store.Tx, dl *store.Delivery) (ok bool, err error) {
	live, err := tx.LiveCall(ctx, dl.AddressHash)
	if err != nil || live != nil || dl.Channel != oncall.Call {
		return false, err
	}
	told, err := tx.Told(ctx, dl.ID)
	if err != nil {
		return false, err
	}
	for _, t := range told {
		inc, err := tx.IncidentUnlocked(ctx, t.Incident)
		if err != nil {
			return false, err
		}
		if inc.State == oncall.Triggered && inc.Epoch == t.Epoch {
			dl.State, dl.Outcome, dl.EndedAt = store.DeliveryClaimed, "", time.Time{}
			return true, nil
		}
	}
	return false, nil
}

// order is the order in which a delivery passes its states.
var order = []store.DeliveryState{
	store.DeliveryClaimed, store.DeliverySent, store.DeliveryRinging, store.DeliveryAnswered, store.DeliveryEnded,
}

func after(a, b store.DeliveryState) bool { return slices.Index(order, a) > slices.Index(order, b) }

// noteAll writes a line on the timelines of all incidents that a delivery tells
// of. It is only for people: a failure is logged and nothing depends on it.
func (d *Dispatcher) noteAll(ctx context.Context, id oncall.DeliveryID, text string) {
	told, err := d.toldOf(ctx, id)
	for _, t := range told {
		err = d.tx(ctx, func(tx *store.Tx) error {
			inc, err := tx.Incident(ctx, t.Incident)
			if err != nil {
				return err
			}
			row, err := tx.OutboxRow(ctx, t.Attempt)
			if err != nil || row == nil {
				return err
			}
			if err := tx.AddEntries(ctx, inc, entryOf(tx, oncall.EntryDelivery, row, id, text)); err != nil {
				return err
			}
			return tx.SaveIncidents(ctx, []*oncall.Incident{inc})
		})
		if err != nil {
			break
		}
	}
	if err != nil {
		d.log.WarnContext(ctx, "not on the timeline", "delivery", id, "text", text, "err", err)
	}
}

// NoInput is told that an answered call got no key until the end of the second
// reading: nobody is there, and the next person need not wait for the call to
// end (R11, R21).
func (d *Dispatcher) NoInput(ctx context.Context, id oncall.DeliveryID, providerID string) error {
	return d.trySettle(ctx, id, ending{outcome: oncall.NoInput, providerID: providerID})
}

// Press passes a key on to whoever acts on it, and remembers that somebody was
// there: the call ends as answered.
func (d *Dispatcher) Press(ctx context.Context, id oncall.DeliveryID, providerID, digit string) (Said, error) {
	said, err := d.o.Keys.Press(ctx, id, digit)
	if err != nil || said.Kind == SaidUnknown {
		return said, err
	}
	err = d.tx(ctx, func(tx *store.Tx) error {
		dl, err := tx.Delivery(ctx, id)
		if err != nil || dl.State == store.DeliveryEnded || dl.Outcome != "" || stray(dl, providerID) {
			return err
		}
		dl.Outcome = oncall.Answered
		return tx.SaveDelivery(ctx, dl)
	})
	if err != nil {
		// What the key did is done; only the record of the call is poorer.
		d.log.WarnContext(ctx, "answer not recorded", "delivery", id, "err", err)
	}
	return said, nil
}
