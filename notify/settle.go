package notify

import (
	"context"
	"errors"
	"fmt"

	"toban/oncall"
	"toban/store"
)

// ending is how a delivery ends, or how its attempts do while it still lasts.
type ending struct {
	outcome    oncall.Outcome // "" = what the delivery's own course says
	end        bool           // the delivery is over, not only its attempts
	unsent     bool           // the provider never took it, as far as is known
	providerID string         // whose end; "" = whatever the delivery is known by
	code       string         // the provider's reason
	minutes    int64          // billed; 0 = not said, or none
	unbilled   bool
	text       string // of an entry, a code of i18n; "" = none
}

// settle tells the response of every incident that a delivery tells of how its
// attempt ended: one transaction each, which locks the incident first. The last
// one ends the delivery as well, so that whatever fails in between is found
// again by the delivery's timer. Doing it twice is doing it once.
func (d *Dispatcher) settle(ctx context.Context, id oncall.DeliveryID, e ending) {
	err := d.trySettle(ctx, id, e)
	d.mu.Lock()
	if err != nil {
		d.unsettled[id] = e
	} else {
		delete(d.unsettled, id)
	}
	d.mu.Unlock()
	if err != nil {
		d.log.ErrorContext(ctx, "outcome not recorded; the delivery's timer tries again", "delivery", id, "outcome", e.outcome, "err", err)
		d.retryLook(ctx, id)
	}
}

// retryLook brings forward the look at a delivery whose end was not recorded.
func (d *Dispatcher) retryLook(ctx context.Context, id oncall.DeliveryID) {
	err := d.tx(ctx, func(tx *store.Tx) error {
		return tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(id), DueAt: tx.Now.Add(again)})
	})
	if err != nil {
		d.log.WarnContext(ctx, "timer of a delivery not set; the one before holds", "delivery", id, "err", err)
	}
}

func (d *Dispatcher) trySettle(ctx context.Context, id oncall.DeliveryID, e ending) error {
	told, err := d.toldOf(ctx, id)
	if err != nil {
		return err
	}
	if len(told) == 0 {
		return d.tx(ctx, func(tx *store.Tx) error {
			dl, err := tx.Delivery(ctx, id)
			if err != nil {
				return err
			}
			return d.close(ctx, tx, dl, e)
		})
	}
	for i, t := range told {
		last := i == len(told)-1
		if err := d.tx(ctx, func(tx *store.Tx) error { return d.settleOne(ctx, tx, id, t, e, last) }); err != nil {
			return fmt.Errorf("delivery %s: attempt %s: %w", id, t.Attempt, err)
		}
	}
	return nil
}

func (d *Dispatcher) toldOf(ctx context.Context, id oncall.DeliveryID) (told []store.Told, err error) {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	err = d.db.Read(ctx, func(tx *store.Tx) error {
		told, err = tx.Told(ctx, id)
		return err
	})
	return told, err
}

func (d *Dispatcher) settleOne(ctx context.Context, tx *store.Tx, id oncall.DeliveryID, t store.Told, e ending, last bool) error {
	inc, err := tx.Incident(ctx, t.Incident)
	if err != nil && !errors.Is(err, oncall.ErrUnknownIncident) {
		return err
	}
	dl, err := tx.Delivery(ctx, id)
	if err != nil {
		return err
	}
	if dl.State == store.DeliveryEnded || stray(dl, e.providerID) {
		return nil
	}
	e.outcome = outcomeOf(dl, e)
	if dl.Outcome == "" { // the same for all its incidents, and for a second try
		dl.Outcome = e.outcome
		if !last || !e.end {
			if err := tx.SaveDelivery(ctx, dl); err != nil {
				return err
			}
		}
	}
	if inc != nil {
		if err := d.finish(ctx, tx, inc, t, id, e); err != nil {
			return err
		}
	}
	if last && e.end {
		return d.close(ctx, tx, dl, e)
	}
	return nil
}

// finish ends one attempt and tells its response.
func (d *Dispatcher) finish(ctx context.Context, tx *store.Tx, inc *oncall.Incident, t store.Told, id oncall.DeliveryID, e ending) error {
	row, err := tx.OutboxRow(ctx, t.Attempt)
	if err != nil || row == nil || row.State != store.OutboxClaimed {
		return err // told before
	}
	row.State, row.LastError = store.OutboxDone, e.code
	if err := tx.SaveOutbox(ctx, *row); err != nil {
		return err
	}
	if e.text != "" {
		if err := tx.AddEntries(ctx, inc, entryOf(tx, oncall.EntryDelivery, row, id, e.text)); err != nil {
			return err
		}
		if err := tx.SaveIncidents(ctx, []*oncall.Incident{inc}); err != nil {
			return err
		}
	}
	return d.o.Outcomes.Outcome(ctx, tx, t.Attempt, e.outcome)
}

// stray reports whether a provider's id is another call than the delivery's.
func stray(dl *store.Delivery, providerID string) bool {
	return providerID != "" && dl.ProviderID != "" && dl.ProviderID != providerID
}

// outcomeOf is how a delivery ended: what was settled before holds; a call that
// was completed without a key was nobody (R21); and one that ended because it
// was hung up is canceled.
func outcomeOf(dl *store.Delivery, e ending) oncall.Outcome {
	switch {
	case dl.Outcome != "":
		return dl.Outcome
	case !dl.CancelAt.IsZero() && (e.outcome == "" || e.outcome == oncall.Canceled || e.outcome == oncall.NoAnswer):
		return oncall.Canceled
	case e.outcome == "":
		return oncall.NoInput
	case e.outcome == oncall.Canceled && e.providerID != "":
		return oncall.NoAnswer // by somebody else, at the provider
	}
	return e.outcome
}

// close ends the delivery, and lets what waits for its number be told.
func (d *Dispatcher) close(ctx context.Context, tx *store.Tx, dl *store.Delivery, e ending) error {
	if dl.State == store.DeliveryEnded {
		return nil
	}
	if dl.Outcome == "" {
		dl.Outcome = outcomeOf(dl, e)
	}
	if dl.ProviderID == "" {
		dl.ProviderID = e.providerID
	}
	if dl.SentAt.IsZero() && !e.unsent {
		dl.SentAt = tx.Now
	}
	dl.CostMicros = cost(dl, e)
	dl.State, dl.EndedAt = store.DeliveryEnded, tx.Now
	if err := tx.SaveDelivery(ctx, dl); err != nil {
		return err
	}
	if err := changed(ctx, tx, dl.ID); err != nil {
		return err
	}
	if err := tx.DeleteTimers(ctx, store.TimerDelivery, string(dl.ID)); err != nil {
		return err
	}
	if dl.Channel != oncall.Call {
		return nil
	}
	return d.wakeWaiting(ctx, tx, dl.AddressHash)
}

// cost corrects the estimate of the claim, which is that of one minute, by what
// the provider says. A call that nobody answered costs nothing.
func cost(dl *store.Delivery, e ending) int64 {
	switch {
	case e.minutes > 0:
		return dl.CostMicros * e.minutes
	case e.unsent || e.unbilled:
		return 0
	case dl.Channel == oncall.Call && dl.Outcome != oncall.Answered && dl.Outcome != oncall.NoInput && dl.State != store.DeliveryAnswered:
		return 0
	}
	return dl.CostMicros
}

// maxFold is how many waiting incidents are woken for the next call; what is
// more is told in the one after.
const maxFold = 256

// wakeWaiting makes the rows that wait for a number due together, so that they
// fold into one call (R24).
func (d *Dispatcher) wakeWaiting(ctx context.Context, tx *store.Tx, hash string) error {
	rows, err := tx.WaitingFor(ctx, hash, maxFold)
	if err != nil || len(rows) == 0 {
		return err
	}
	for i := range rows {
		rows[i].DueAt = tx.Now
	}
	return tx.SaveOutbox(ctx, rows...)
}

func unknown(err error) bool { return errors.Is(err, store.ErrUnknownDelivery) }
