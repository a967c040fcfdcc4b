package notify

import (
	"context"
	"time"

	"toban/oncall"
	"toban/store"
)

// refusal is a row that can't be sent: its way or its address does not exist,
// or the spend cap stands.
type refusal struct {
	id      oncall.AttemptID
	why     string // a code of i18n
	outcome oncall.Outcome
	until   time.Time // Capped: when the cap falls
}

const (
	// maxRefusers bounds how many rows are refused at a time.
	maxRefusers = 4
	// maxRefused bounds the rows that wait for it; what is more stays due.
	maxRefused = 1000
)

// refuseAll hands the refused rows to workers: the response of each is told in
// a transaction of its own, which must not keep back what is claimed.
func (d *Dispatcher) refuseAll(ctx context.Context, c *claimed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range c.refused {
		switch {
		case d.refusing[r.id]: // it has been found due again meanwhile
		case len(d.refusing) >= maxRefused:
			c.later[r.id] = later{at: time.Now().Add(busy)}
		default:
			d.refusing[r.id] = true
			d.toRefuse = append(d.toRefuse, r)
		}
	}
	for d.refusers < min(maxRefusers, len(d.refusing)) {
		d.refusers++
		d.work.Go(func() { d.refuseQueued(context.WithoutCancel(ctx)) })
	}
}

// refuseQueued refuses rows until none waits.
func (d *Dispatcher) refuseQueued(ctx context.Context) {
	for {
		d.mu.Lock()
		if len(d.toRefuse) == 0 {
			d.toRefuse = nil
			d.refusers--
			d.mu.Unlock()
			return
		}
		r := d.toRefuse[0]
		d.toRefuse = d.toRefuse[1:]
		d.mu.Unlock()
		d.refuse(ctx, r)
		d.mu.Lock()
		delete(d.refusing, r.id)
		d.mu.Unlock()
	}
}

// refuse ends a row that is not even claimed.
func (d *Dispatcher) refuse(ctx context.Context, r refusal) {
	err := d.tx(ctx, func(tx *store.Tx) error {
		inc, err := tx.Incident(ctx, r.id.Incident())
		if err != nil {
			return err
		}
		rows, err := tx.LockOutbox(ctx, []oncall.AttemptID{r.id})
		if err != nil || len(rows) == 0 || rows[0].Epoch != inc.Epoch {
			return err
		}
		row := rows[0]
		row.State, row.LastError = store.OutboxDone, r.why
		if err := tx.SaveOutbox(ctx, row); err != nil {
			return err
		}
		if err := tx.AddEntries(ctx, inc, r.entry(tx, &row)); err != nil {
			return err
		}
		if err := tx.SaveIncidents(ctx, []*oncall.Incident{inc}); err != nil {
			return err
		}
		return d.o.Outcomes.Outcome(ctx, tx, r.id, r.outcome)
	})
	if err != nil {
		d.log.ErrorContext(ctx, "attempt not refused; the sweep finds it again", "attempt", r.id, "why", r.why, "err", err)
	}
}

func (r refusal) entry(tx *store.Tx, row *store.OutboxRow) oncall.Entry {
	if r.until.IsZero() {
		return entryOf(tx, oncall.EntryDelivery, row, "", r.why)
	}
	e := entryOf(tx, oncall.EntryCapped, row, "", "")
	e.Data.Until = &r.until
	return e
}
