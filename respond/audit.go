package respond

import (
	"context"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	auditBatch = 64
	// auditGrace keeps the auditor from incidents that are just being made.
	auditGrace = time.Second
)

// audit looks for incidents that nobody has and for which nothing will happen
// by itself (R13), starts their responses again, and says so by an incident
// about toban itself. There are none unless toban has a bug or its rows were
// tampered with.
func (d *Driver) audit(ctx context.Context) {
	_, err := d.Audit(ctx)
	if err == nil {
		err = d.overdue(ctx)
	}
	if err != nil && ctx.Err() == nil {
		d.log.ErrorContext(ctx, "audit failed", "err", err)
	}
}

// overdueAfter is how late a step may be before toban says so.
const overdueAfter = 30 * time.Second

// overdue says aloud that steps of this node are late: its rows can't be read,
// or the machine is too slow. They stay due.
func (d *Driver) overdue(ctx context.Context) error {
	var late []store.Timer
	err := d.db.Read(ctx, func(tx *store.Tx) (err error) {
		late, err = tx.OwnTimers(ctx, time.Now().Add(-overdueAfter), auditBatch)
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range late {
		if t.Kind == store.TimerResponse || t.Kind == store.TimerIncident {
			d.log.ErrorContext(ctx, "a step is overdue", "kind", t.Kind, "ref", t.Ref, "due_at", t.DueAt)
			d.raise(alarm{key: "overdue", title: "toban: steps of responses are overdue"}, t.Kind+" "+t.Ref)
			return nil
		}
	}
	return nil
}

// Audit looks once, restarts what it finds, and returns how many incidents had
// no next action. It is for start-up, before anything else runs; Run does the
// same every 5 s.
func (d *Driver) Audit(ctx context.Context) (int, error) {
	var lost []oncall.IncidentID
	err := d.db.Read(ctx, func(tx *store.Tx) (err error) {
		lost, err = tx.Lost(ctx, time.Now().Add(-auditGrace), auditBatch)
		return err
	})
	if err != nil {
		return 0, err
	}
	restarted := 0
	for _, id := range lost {
		again, err := d.restart(ctx, id)
		if err != nil {
			return restarted, err
		}
		if again {
			restarted++
		}
	}
	return restarted, nil
}

// restart gives an incident a next action, if it still has none.
func (d *Driver) restart(ctx context.Context, id oncall.IncidentID) (again bool, err error) {
	err = d.db.Tx(ctx, func(tx *store.Tx) error {
		inc, err := tx.Incident(ctx, id)
		if err != nil {
			return err
		}
		still, err := tx.Lost(ctx, tx.Now.Add(-auditGrace), auditBatch)
		if again = slices.Contains(still, id); err != nil || !again {
			return err
		}
		s, err := d.load(ctx, tx, inc)
		if err != nil {
			return err
		}
		s.note(oncall.Entry{Kind: oncall.EntryRestarted, Data: oncall.EntryData{Why: "no_next_action"}})
		in := oncall.Input{Kind: oncall.InDue}
		s.catchUp(d, in)
		s.take(d, in)
		return d.write(ctx, tx, s)
	})
	if err != nil || !again {
		return false, err
	}
	d.audited.Add(1)
	d.log.ErrorContext(ctx, "an incident had no next action; its response was started again", "incident", id)
	d.raise(alarm{key: "no-next-action", title: "toban: an incident had no next action and was started again"}, string(id))
	return true, nil
}
