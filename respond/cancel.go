package respond

import (
	"context"
	"fmt"
	"slices"

	"toban/oncall"
	"toban/store"
)

// void ends everything that was asked for under a lower epoch than the
// incident's: what is due is dropped first, then what was claimed is read and
// hung up. In this order a claim that slips in between is seen (R18).
func (s *step) void(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.DropOutbox(ctx, s.inc.ID, s.inc.Epoch); err != nil {
		return fmt.Errorf("incident %s: outbox: %w", s.inc.ID, err)
	}
	s.voided = true
	return s.hangUp(ctx, tx, func(t store.Told) bool {
		return t.Epoch < s.inc.Epoch && t.Attempt != s.keep
	})
}

// withdraw ends the attempts that a step does not want any more, unless they ended
// with their epoch.
func (s *step) withdraw(ctx context.Context, tx *store.Tx) error {
	if len(s.cancel) == 0 || s.voided {
		return nil
	}
	unwanted := func(a oncall.AttemptID) bool { return a != s.keep && slices.Contains(s.cancel, a) }
	s.outbox = slices.DeleteFunc(s.outbox, func(o store.OutboxRow) bool { return unwanted(o.ID) })
	for _, id := range s.cancel {
		if !unwanted(id) {
			continue
		}
		row, err := tx.OutboxRow(ctx, id)
		if err != nil {
			return fmt.Errorf("attempt %s: %w", id, err)
		}
		if row == nil || row.State != store.OutboxDue {
			continue
		}
		row.State = store.OutboxDropped
		if err := tx.SaveOutbox(ctx, *row); err != nil {
			return fmt.Errorf("attempt %s: %w", id, err)
		}
	}
	return s.hangUp(ctx, tx, func(t store.Told) bool { return unwanted(t.Attempt) })
}

// hangUp asks notify to end the live deliveries that tell of inc by an attempt
// that is over. A call that tells of several incidents is hung up only when
// every one of them has moved on (decision 12): the delivery is locked before
// the others are read, so of two acknowledgements at the same moment the second
// sees the first.
func (s *step) hangUp(ctx context.Context, tx *store.Tx, over func(store.Told) bool) error {
	live, err := tx.LiveDeliveries(ctx, s.inc.ID)
	if err != nil {
		return fmt.Errorf("incident %s: live deliveries: %w", s.inc.ID, err)
	}
	for _, l := range live {
		if !l.CancelAt.IsZero() {
			continue
		}
		told, err := tx.Told(ctx, l.ID)
		if err != nil {
			return fmt.Errorf("delivery %s: %w", l.ID, err)
		}
		if !slices.ContainsFunc(told, func(t store.Told) bool { return t.Incident == s.inc.ID && over(t) }) {
			continue
		}
		if err := s.end(ctx, tx, l.ID, over); err != nil {
			return fmt.Errorf("delivery %s: %w", l.ID, err)
		}
	}
	return nil
}

func (s *step) end(ctx context.Context, tx *store.Tx, id oncall.DeliveryID, over func(store.Told) bool) error {
	l, err := tx.Delivery(ctx, id)
	if err != nil {
		return err
	}
	if l.State == store.DeliveryEnded || !l.CancelAt.IsZero() {
		return nil
	}
	told, err := tx.Told(ctx, id)
	if err != nil {
		return err
	}
	for _, t := range told {
		if t.Incident == s.inc.ID {
			if !over(t) {
				return nil
			}
			continue
		}
		other, ok := s.batch[t.Incident] // changed in this transaction, not yet saved
		if !ok {
			if other, err = tx.IncidentUnlocked(ctx, t.Incident); err != nil {
				return err
			}
		}
		if other.State == oncall.Triggered && other.Epoch == t.Epoch {
			return nil // it still tells of something that nobody has
		}
	}
	l.CancelAt = tx.Now
	if err := tx.SaveDelivery(ctx, l); err != nil {
		return err
	}
	return tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(id), DueAt: tx.Now})
}
