package respond

import (
	"context"
	"errors"
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
		if _, err := tx.IncidentUnlocked(ctx, id); err != nil {
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
		w, err := d.worldOf(ctx, tx, row)
		if err != nil {
			return err
		}
		out = oncall.Forecast(row.Response, w, assume, until)
		return nil
	})
	return out, err
}

// NextSteps say what people notice next of each response that goes on (see
// oncall.NextStep), by incident: for lists, whose rows share what is read. A
// response that can't be foretold is left out, so that it hides no other.
func (d *Driver) NextSteps(ctx context.Context, tx *store.Tx, rows map[oncall.IncidentID]*store.ResponseRow, from time.Time) (map[oncall.IncidentID]oncall.Step, error) {
	out := make(map[oncall.IncidentID]oncall.Step, len(rows))
	worlds := worlds{d: d}
	for id, row := range rows {
		if row == nil || row.Response.Phase == oncall.Over {
			continue
		}
		w, err := worlds.of(ctx, tx, row)
		if e, ok := errors.AsType[*oncall.Error](err); ok && e.Kind == oncall.NotFound {
			continue // the response itself is answered by the fallback then
		}
		if err != nil {
			return nil, err
		}
		if step, ok := d.foretell(ctx, row.Response, w, from); ok {
			out[id] = step
		}
	}
	return out, nil
}

func (d *Driver) foretell(ctx context.Context, r oncall.Response, w oncall.World, from time.Time) (step oncall.Step, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			d.log.ErrorContext(ctx, "what happens next is not known", "incident", r.Incident, "err", p)
			ok = false
		}
	}()
	return oncall.NextStep(r, w, from)
}

// worldOf is the world of one response for looking only: it takes no turn.
func (d *Driver) worldOf(ctx context.Context, tx *store.Tx, row *store.ResponseRow) (oncall.World, error) {
	worlds := worlds{d: d}
	return worlds.of(ctx, tx, row)
}

// worlds are those of the responses that one transaction looks at: what they
// have in common is read once.
type worlds struct {
	d      *Driver
	common oncall.World
}

func (all *worlds) of(ctx context.Context, tx *store.Tx, row *store.ResponseRow) (w oncall.World, err error) {
	if all.common.Directory == nil {
		if all.common.Directory, err = tx.Directory(ctx); err != nil {
			return w, err
		}
		if all.common.CappedUntil, err = all.d.spend.cappedUntil(ctx, tx, all.common.Directory, all.d.log); err != nil {
			return w, err
		}
	}
	w = all.common
	if w.Policy, err = tx.Policy(ctx, row.Response.Policy); err != nil {
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
