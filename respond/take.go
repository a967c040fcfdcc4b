package respond

import (
	"context"
	"errors"
	"fmt"
	"time"

	"toban/oncall"
	"toban/store"
)

// Taken is an input for the response of one incident. The incident is locked
// and already changed by its rule; Said are the entries that the rule made, and
// Via the way in which Input.By said it, for the lines that the machine writes
// in their name.
type Taken struct {
	Incident *oncall.Incident
	Input    oncall.Input
	Said     []oncall.Entry
	Via      string
}

// Take gives the response of inc one input and writes what follows, together
// with inc and what the use case said. What was queued under a lower epoch is
// dropped first, what is under way is hung up, and only then is the machine
// asked: if it fails, the epoch stands and the caller's change is committed all
// the same.
//
// A call on which the key was pressed that caused the input (in.Attempt) is not
// hung up: it still says what the key did.
func (d *Driver) Take(ctx context.Context, tx *store.Tx, inc *oncall.Incident, in oncall.Input, said ...oncall.Entry) error {
	return d.TakeAll(ctx, tx, []Taken{{Incident: inc, Input: in, Said: said}})
}

// TakeAll is Take for many incidents, which are written as sets. Each incident
// is named once.
func (d *Driver) TakeAll(ctx context.Context, tx *store.Tx, all []Taken) error {
	if len(all) == 0 {
		return nil
	}
	ids := make([]oncall.IncidentID, len(all))
	for i, t := range all {
		ids[i] = t.Incident.ID
	}
	rows, err := tx.Responses(ctx, ids)
	if err != nil {
		return fmt.Errorf("responses: %w", err)
	}
	steps := make([]*step, len(all))
	for i, t := range all {
		s := &step{inc: t.Incident, row: rows[t.Incident.ID], now: tx.Now, keep: t.Input.Attempt, changed: true}
		s.entries, s.said, s.via = append(s.entries, t.Said...), len(t.Said), t.Via
		if s.row == nil || s.row.Response.Epoch < t.Incident.Epoch {
			if err := s.void(ctx, tx); err != nil {
				return err
			}
		}
		steps[i] = s
	}
	if err := d.worlds(ctx, tx, steps); err != nil {
		return err
	}
	for i, s := range steps {
		s.catchUp(d, all[i].Input)
		s.take(d, all[i].Input)
	}
	return d.write(ctx, tx, steps...)
}

// Outcome tells the response how an attempt ended. It is called by notify in
// the transaction that learned it, and locks the incident before it reads or
// writes anything else. The same outcome twice is told once.
func (d *Driver) Outcome(ctx context.Context, tx *store.Tx, attempt oncall.AttemptID, o oncall.Outcome) error {
	inc, err := tx.Incident(ctx, attempt.Incident())
	if err != nil {
		return fmt.Errorf("attempt %s: %w", attempt, err)
	}
	s, err := d.load(ctx, tx, inc)
	if err != nil {
		return err
	}
	if isTold(attempt) {
		return d.told(ctx, tx, s, attempt, o)
	}
	in := oncall.Input{Kind: oncall.InOutcome, Attempt: attempt, Outcome: o}
	s.catchUp(d, in)
	s.take(d, in)
	return d.write(ctx, tx, s)
}

// load reads the response of an incident that tx has locked, and its world.
func (d *Driver) load(ctx context.Context, tx *store.Tx, inc *oncall.Incident) (*step, error) {
	rows, err := tx.Responses(ctx, []oncall.IncidentID{inc.ID})
	if err != nil {
		return nil, fmt.Errorf("response %s: %w", inc.ID, err)
	}
	s := &step{inc: inc, row: rows[inc.ID], now: tx.Now}
	return s, d.worlds(ctx, tx, []*step{s})
}

// Hold is how long an acknowledgement of an incident lasts, by the policy that
// its response runs (R16).
func (d *Driver) Hold(ctx context.Context, tx *store.Tx, inc *oncall.Incident) (time.Duration, error) {
	var policy *oncall.Policy
	rows, err := tx.Responses(ctx, []oncall.IncidentID{inc.ID})
	if err != nil {
		return 0, fmt.Errorf("response %s: %w", inc.ID, err)
	}
	if row := rows[inc.ID]; row != nil {
		policy, err = tx.Policy(ctx, row.Response.Policy)
		if err != nil && !errors.Is(err, store.ErrUnknownObject) {
			return 0, fmt.Errorf("response %s: %w", inc.ID, err)
		}
	}
	return policy.HoldFor(inc.Urgency), nil
}
