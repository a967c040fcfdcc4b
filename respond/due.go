package respond

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
	"toban/store"
)

// lockedAgain is when a response is tried again whose incident somebody else
// has locked: soon enough for nobody to notice, late enough not to spin.
const lockedAgain = 10 * time.Millisecond

// due takes the responses whose timers have fired, as one set (decision 2).
// Incidents that somebody has locked are put off, not waited for, so it can't
// deadlock with what locks several rows in another order.
func (d *Driver) due(ctx context.Context, tx *store.Tx, refs []string) error {
	steps, locked, err := d.lockFree(ctx, tx, refs)
	if err != nil {
		return err
	}
	for _, s := range steps {
		in := oncall.Input{Kind: oncall.InDue}
		s.catchUp(d, in)
		s.take(d, in)
	}
	if err := d.write(ctx, tx, steps...); err != nil {
		return err
	}
	if len(locked) == 0 {
		return nil
	}
	later := make([]store.Timer, len(locked))
	for i, ref := range locked {
		later[i] = store.Timer{Kind: store.TimerResponse, Ref: ref, DueAt: tx.Now.Add(lockedAgain)}
	}
	if err := tx.PutTimers(ctx, later...); err != nil {
		return fmt.Errorf("timers: %w", err)
	}
	return nil
}

// lockFree locks the incidents that nobody holds, with their responses and
// worlds, and returns the refs of the others. A ref without a response is
// dropped.
func (d *Driver) lockFree(ctx context.Context, tx *store.Tx, refs []string) (steps []*step, locked []string, err error) {
	ids := make([]oncall.IncidentID, len(refs))
	for i, ref := range refs {
		ids[i] = oncall.IncidentID(ref)
	}
	incidents, err := tx.IncidentsSkipLocked(ctx, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("incidents: %w", err)
	}
	rows, err := tx.Responses(ctx, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("responses: %w", err)
	}
	for _, id := range ids {
		inc, row := incidents[id], rows[id]
		switch {
		case inc != nil:
			s := &step{inc: inc, row: row, now: tx.Now}
			if row != nil && row.NextAt.Before(s.now) {
				s.since = row.NextAt // its timer is this late
			}
			steps = append(steps, s)
		case row != nil:
			locked = append(locked, string(id))
		default:
			d.log.WarnContext(ctx, "a timer names no response", "incident", id)
		}
	}
	return steps, locked, d.worlds(ctx, tx, steps)
}
