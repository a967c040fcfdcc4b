package respond

import (
	"context"
	"fmt"
	"slices"

	"toban/oncall"
	"toban/store"
)

// void drops what is due under a lower epoch than the incident's. What was claimed
// is read only then, and hung up when the step is written (hangUp): in this order
// a claim that slips in between is seen (R18).
func (s *step) void(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.DropOutbox(ctx, s.inc.ID, s.inc.Epoch); err != nil {
		return fmt.Errorf("incident %s: outbox: %w", s.inc.ID, err)
	}
	s.voided = true
	return nil
}

// withdraw drops the attempts that a step does not want any more and that are still
// due, unless they ended with their epoch.
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
	return nil
}

// ends reports whether a step ends any attempt that may be under way.
func (s *step) ends() bool { return s.voided || len(s.cancel) > 0 }

// over reports whether the step ends an attempt that a delivery tells of.
func (s *step) over(t store.Told) bool {
	switch {
	case t.Incident != s.inc.ID || t.Attempt == s.keep:
		return false
	case s.voided:
		return t.Epoch < s.inc.Epoch
	}
	return slices.Contains(s.cancel, t.Attempt)
}

// hangUp asks notify to end the live deliveries that tell of the steps' incidents
// by attempts that are over. They are locked in the order of their ids, whatever
// the incidents: two batches that share calls never wait for each other.
func hangUp(ctx context.Context, tx *store.Tx, steps []*step) error {
	of := make(map[oncall.IncidentID]*step, len(steps))
	var ids []oncall.DeliveryID
	for _, s := range steps {
		of[s.inc.ID] = s
		if !s.ends() {
			continue
		}
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
			if slices.ContainsFunc(told, s.over) {
				ids = append(ids, l.ID)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := end(ctx, tx, id, of); err != nil {
			return fmt.Errorf("delivery %s: %w", id, err)
		}
	}
	return nil
}

// end hangs up one delivery. A call that tells of several incidents is hung up
// only when every one of them has moved on (decision 12): the delivery is locked
// before the others are read, so of two acknowledgements at the same moment the
// second sees the first.
func end(ctx context.Context, tx *store.Tx, id oncall.DeliveryID, of map[oncall.IncidentID]*step) error {
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
		var other *oncall.Incident
		switch s := of[t.Incident]; {
		case s == nil:
			if other, err = tx.IncidentUnlocked(ctx, t.Incident); err != nil {
				return err
			}
		case s.over(t):
			continue
		case s.ends():
			return nil
		default: // changed in this transaction, perhaps not yet saved
			other = s.inc
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
