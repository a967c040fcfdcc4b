package respond

import (
	"context"
	"fmt"
	"slices"

	"toban/oncall"
	"toban/store"
)

// write writes what the steps brought: a set for each table, however many they
// are (decision 2).
func (d *Driver) write(ctx context.Context, tx *store.Tx, steps ...*step) error {
	if len(steps) == 0 {
		return nil
	}
	var (
		rows      []*store.ResponseRow
		incidents []*oncall.Incident
		outbox    []store.OutboxRow
		timers    []store.Timer
		quiet     []string
	)
	for _, s := range steps {
		if err := d.settle(ctx, tx, s); err != nil {
			return err
		}
	}
	if err := hangUp(ctx, tx, steps); err != nil {
		return err
	}
	for _, s := range steps {
		if len(s.entries) > 0 {
			if err := tx.AddEntries(ctx, s.inc, s.entries...); err != nil {
				return fmt.Errorf("incident %s: timeline: %w", s.inc.ID, err)
			}
		}
		if len(s.entries) > 0 || s.changed {
			incidents = append(incidents, s.inc)
		}
		rows = append(rows, s.row)
		outbox = append(outbox, s.outbox...)
		if s.row.NextAt.IsZero() {
			quiet = append(quiet, string(s.inc.ID))
		} else {
			timers = append(timers, store.Timer{Kind: store.TimerResponse, Ref: string(s.inc.ID), DueAt: s.row.NextAt})
		}
	}
	if len(incidents) > 0 {
		if err := tx.SaveIncidents(ctx, incidents); err != nil {
			return fmt.Errorf("incidents: %w", err)
		}
	}
	if err := tx.SaveResponses(ctx, rows); err != nil {
		return fmt.Errorf("responses: %w", err)
	}
	if len(outbox) > 0 {
		if err := tx.AddOutbox(ctx, outbox...); err != nil {
			return fmt.Errorf("outbox: %w", err)
		}
	}
	if len(timers) > 0 {
		if err := tx.PutTimers(ctx, timers...); err != nil {
			return fmt.Errorf("timers: %w", err)
		}
	}
	if len(quiet) > 0 {
		if err := tx.DeleteTimers(ctx, store.TimerResponse, quiet...); err != nil {
			return fmt.Errorf("timers: %w", err)
		}
	}
	return nil
}

// settle does what concerns one step only: what follows when its machine failed
// or could ask nobody, and what it asked for before and drops.
func (d *Driver) settle(ctx context.Context, tx *store.Tx, s *step) error {
	if s.broken != nil {
		d.withoutMachine(ctx, s)
	} else {
		s.row.NextAt, s.row.NextWhy = s.nextAt, s.nextWhy
	}
	if slices.ContainsFunc(s.entries, func(e oncall.Entry) bool { return e.Kind == oncall.EntryUnreachable }) {
		d.unreachable(s)
	}
	if s.stale {
		if _, err := tx.DropOutbox(ctx, s.inc.ID, s.inc.Epoch); err != nil {
			return fmt.Errorf("incident %s: outbox: %w", s.inc.ID, err)
		}
	}
	return s.withdraw(ctx, tx)
}
