package respond

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
	"toban/store"
)

// Forecast says what will happen to an incident until then if nobody does
// anything but what is assumed. It reads, and changes nothing: a round robin
// whose turn is not taken yet is shown with the turn that it would take now.
func (d *Driver) Forecast(ctx context.Context, id oncall.IncidentID, assume oncall.Assumptions, until time.Time) ([]oncall.Step, error) {
	var out []oncall.Step
	err := d.db.Read(ctx, func(tx *store.Tx) error {
		inc, err := tx.IncidentUnlocked(ctx, id)
		if err != nil {
			return err
		}
		rows, err := tx.Responses(ctx, []oncall.IncidentID{id})
		if err != nil {
			return err
		}
		row := rows[id]
		if row == nil {
			return fmt.Errorf("incident %s has no response", id)
		}
		w, err := d.worldOf(ctx, tx, inc, row)
		if err != nil {
			return err
		}
		out = oncall.Forecast(row.Response, w, assume, until)
		return nil
	})
	return out, err
}

// worldOf is the world of one response for looking only: it takes no turn.
func (d *Driver) worldOf(ctx context.Context, tx *store.Tx, inc *oncall.Incident, row *store.ResponseRow) (w oncall.World, err error) {
	if w.Directory, err = tx.Directory(ctx); err != nil {
		return w, err
	}
	if w.Policy, err = tx.Policy(ctx, row.Response.Policy); err != nil {
		return w, err
	}
	if w.CappedUntil, err = d.spend.cappedUntil(ctx, tx, w.Directory, d.log); err != nil {
		return w, err
	}
	if row.Response.Turns != nil || row.Response.Round > 0 {
		return w, nil
	}
	for i, l := range w.Policy.Levels {
		if l.Strategy != oncall.RoundRobin {
			continue
		}
		next, err := tx.Counter(ctx, counter(w.Policy.ID, i))
		if err != nil {
			return w, err
		}
		if w.Turns == nil {
			w.Turns = map[int]int64{}
		}
		w.Turns[i] = next
	}
	return w, nil
}
