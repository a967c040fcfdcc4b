package notify

import (
	"context"

	"toban/oncall"
	"toban/store"
)

// lookUp finds out what became of a delivery that was claimed and of which
// nothing else is known (R23).
func (d *Dispatcher) lookUp(ctx context.Context, s standing) {
	id := s.delivery.ID
	age := s.now.Sub(s.delivery.ClaimedAt)
	if s.channel != nil {
		report, found, err := d.find(ctx, s.route, &s.delivery)
		switch {
		case err != nil && age < findTime:
			d.lookIn(ctx, &s.delivery, 2*again)
			return
		case found:
			d.adopt(ctx, s, report)
			return
		case age < sureAfter:
			d.lookIn(ctx, &s.delivery, sureAfter-age)
			return
		}
	}
	if s.over() || !s.delivery.CancelAt.IsZero() {
		d.settle(ctx, id, ending{outcome: oncall.Canceled, end: true, unsent: true})
		return
	}
	if s.row != nil && s.row.Attempts >= maxLost || s.channel == nil {
		d.settle(ctx, id, ending{outcome: oncall.Undeliverable, end: true, unsent: true, code: "lost", text: "gave_up"})
		return
	}
	d.sendAgain(ctx, s)
}

// find asks a provider for a message of which no other delivery knows.
func (d *Dispatcher) find(ctx context.Context, r route, dl *store.Delivery) (Report, bool, error) {
	f, ok := r.channel.(Finder)
	if !ok || r.message.To == "" {
		return Report{}, false, nil
	}
	d.count(r.provider, func(h *Health) { h.Looked++ })
	asked, cancel := context.WithTimeout(ctx, timeout(r.provider))
	defer cancel()
	reports, err := f.Find(asked, r.message, dl.ClaimedAt.Add(-skew))
	if err != nil {
		return Report{}, false, err
	}
	for _, report := range reports {
		var other oncall.DeliveryID
		err := d.tx(ctx, func(tx *store.Tx) error {
			other = ""
			known, err := tx.DeliveryByProvider(ctx, dl.Provider, report.ProviderID)
			if unknown(err) {
				return nil
			} else if err != nil {
				return err
			}
			other = known.ID
			return nil
		})
		if err != nil {
			return Report{}, false, err
		}
		if other == "" || other == dl.ID {
			return report, true, nil
		}
	}
	return Report{}, false, nil
}

// adopt takes over what the provider knows of a delivery.
func (d *Dispatcher) adopt(ctx context.Context, s standing, report Report) {
	id := s.delivery.ID
	early := report
	if report.State == store.DeliveryEnded { // first by its name, then how it ended
		early.State, early.Outcome = store.DeliverySent, ""
	}
	err := d.Report(ctx, id, early)
	if err == nil && report.State == store.DeliveryEnded {
		err = d.Report(ctx, id, report)
	}
	if err != nil {
		d.log.WarnContext(ctx, "found delivery not recorded", "delivery", id, "err", err)
		d.lookIn(ctx, &s.delivery, again)
		return
	}
	d.noteAll(ctx, id, "adopted")
	switch {
	case !s.delivery.CancelAt.IsZero():
		d.look(id)
	case report.State != store.DeliveryEnded:
		d.lookIn(ctx, &s.delivery, checkEvery) // its callbacks may be lost with whoever asked for them
	}
}

// sendAgain ends a lost delivery without an outcome and makes its rows due
// again: a second call is better than none.
func (d *Dispatcher) sendAgain(ctx context.Context, s standing) {
	id := s.delivery.ID
	d.log.WarnContext(ctx, "delivery lost; it is sent again", "delivery", id, "provider", s.delivery.Provider)
	for i, t := range s.told {
		last := i == len(s.told)-1
		err := d.tx(ctx, func(tx *store.Tx) error {
			inc, err := tx.Incident(ctx, t.Incident)
			if err != nil {
				return err
			}
			dl, err := tx.Delivery(ctx, id)
			if err != nil || dl.State == store.DeliveryEnded || dl.ProviderID != "" {
				return err // a callback has adopted it
			}
			row, err := tx.OutboxRow(ctx, t.Attempt)
			if err != nil {
				return err
			}
			if row != nil && row.State == store.OutboxClaimed && row.Epoch == inc.Epoch {
				row.State, row.DueAt, row.LastError = store.OutboxDue, tx.Now, "lost"
				if err := tx.SaveOutbox(ctx, *row); err != nil {
					return err
				}
				if err := tx.AddEntries(ctx, inc, entryOf(tx, oncall.EntryDelivery, row, id, "lost")); err != nil {
					return err
				}
				if err := tx.SaveIncidents(ctx, []*oncall.Incident{inc}); err != nil {
					return err
				}
			}
			if !last {
				return nil
			}
			dl.State, dl.EndedAt, dl.CostMicros = store.DeliveryEnded, tx.Now, 0
			if err := tx.SaveDelivery(ctx, dl); err != nil {
				return err
			}
			if err := tx.DeleteTimers(ctx, store.TimerDelivery, string(id)); err != nil {
				return err
			}
			return d.wakeWaiting(ctx, tx, dl.AddressHash)
		})
		if err != nil {
			d.log.ErrorContext(ctx, "lost delivery not sent again; its timer tries", "delivery", id, "err", err)
			d.lookIn(ctx, &s.delivery, again)
			return
		}
	}
}
