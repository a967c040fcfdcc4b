// Package respondtest is a telephone network for tests of responses: it claims
// outbox rows as notify does, lets a script say how each attempt ends and when,
// and keeps what was claimed. It has no provider and no words; what it shares
// with notify is the protocol of rows and locks.
package respondtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"toban/internal/due"
	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// Answer says how an attempt ends and how long after it was claimed. Never: it
// never does, and is given up.
type Answer struct {
	Outcome oncall.Outcome
	After   time.Duration
	Never   bool
	// Press is done when the time has come, before the call ends: a key.
	Press func(ctx context.Context, c Claim)
}

// Outcomes is told how attempts end, such as respond.Driver.
type Outcomes interface {
	Outcome(ctx context.Context, tx *store.Tx, attempt oncall.AttemptID, o oncall.Outcome) error
}

// GiveUp is after what time a call without an end is given up.
const GiveUp = 50 * time.Second

// Phones claims and ends attempts.
type Phones struct {
	db       *store.DB
	outcomes Outcomes
	script   func(store.OutboxRow) Answer
	fail     func(error)
	work     sync.WaitGroup

	order  atomic.Int64
	mu     sync.Mutex
	claims []Claim
}

// Claim is a claim that was committed.
type Claim struct {
	Delivery oncall.DeliveryID
	Row      store.OutboxRow
	At       time.Time // of its transaction
	Begun    int64     // its place in the order of Mark
}

// Mark returns a place in the order of things: a claim that begins later has a
// higher Begun.
func (p *Phones) Mark() int64 { return p.order.Add(1) }

// New makes phones whose attempts end as script says. Errors go to fail.
func New(db *store.DB, outcomes Outcomes, script func(store.OutboxRow) Answer, fail func(error)) *Phones {
	return &Phones{db: db, outcomes: outcomes, script: script, fail: fail}
}

// Register makes p claim what comes due on q, and end what is hung up or given
// up, until ctx ends.
func (p *Phones) Register(ctx context.Context, q *due.Queue) {
	q.HandleOutbox(func(_ context.Context, ids []oncall.AttemptID) {
		p.claim(ctx, ids)
	})
	q.Handle(store.TimerDelivery, due.Options{}, func(_ context.Context, tx *store.Tx, refs []string) error {
		for _, ref := range refs {
			// Ending takes locks in another order than this transaction may: it is
			// done outside, and the wait stays until it was.
			again := store.Timer{Kind: store.TimerDelivery, Ref: ref, DueAt: tx.Now.Add(time.Second)}
			if err := tx.PutTimers(ctx, again); err != nil {
				return err
			}
			p.work.Go(func() { p.giveUp(ctx, oncall.DeliveryID(ref)) })
		}
		return nil
	})
}

// giveUp ends a delivery that was hung up, or that nothing was heard of.
func (p *Phones) giveUp(ctx context.Context, id oncall.DeliveryID) {
	o := oncall.NoAnswer
	p.error(p.db.Tx(ctx, func(tx *store.Tx) error {
		l, err := tx.Delivery(ctx, id)
		if err == nil && !l.CancelAt.IsZero() {
			o = oncall.Canceled
		}
		return err
	}))
	p.End(ctx, id, o)
}

// Claims returns what was claimed so far, in the order of the commits.
func (p *Phones) Claims() []Claim {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Claim(nil), p.claims...)
}

// Wait returns when nothing rings any more.
func (p *Phones) Wait() { p.work.Wait() }

func (p *Phones) error(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrClosed) {
		p.fail(err)
	}
}

// claim claims the rows that may be claimed, those for one number as one call,
// and lets them ring.
func (p *Phones) claim(ctx context.Context, ids []oncall.AttemptID) {
	var made []Claim
	err := p.db.Tx(ctx, func(tx *store.Tx) error {
		made = nil
		begun := p.Mark()
		var of []oncall.IncidentID
		for _, id := range ids {
			of = append(of, id.Incident())
		}
		free, err := tx.IncidentsSkipLocked(ctx, of)
		if err != nil {
			return err
		}
		rows, err := tx.LockOutbox(ctx, slices.DeleteFunc(slices.Clone(ids), func(id oncall.AttemptID) bool {
			return free[id.Incident()] == nil // the sweep finds it again
		}))
		if err != nil {
			return err
		}
		calls := map[string]oncall.DeliveryID{}
		for _, row := range rows {
			d, ok := calls[number(row)]
			if !ok {
				if d, ok, err = p.deliver(ctx, tx, row); err != nil {
					return err
				}
				if !ok { // a live call to that number: its end wakes the row
					row.AddressHash, row.DueAt = number(row), tx.Now.Add(time.Minute)
					if err := tx.SaveOutbox(ctx, row); err != nil {
						return err
					}
					continue
				}
			}
			calls[number(row)] = d
			if err := tx.AddTold(ctx, store.Told{Delivery: d, Incident: row.Incident, Attempt: row.ID, Epoch: row.Epoch}); err != nil {
				return err
			}
			row.State, row.ClaimedAt, row.AddressHash = store.OutboxClaimed, tx.Now, ""
			row.Attempts++
			if err := tx.SaveOutbox(ctx, row); err != nil {
				return err
			}
			made = append(made, Claim{Delivery: d, Row: row, At: tx.Now, Begun: begun})
		}
		return nil
	})
	p.error(err)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.claims = append(p.claims, made...)
	p.mu.Unlock()
	for i, c := range made {
		if i == 0 || made[i-1].Delivery != c.Delivery {
			p.ring(ctx, c)
		}
	}
}

func (p *Phones) deliver(ctx context.Context, tx *store.Tx, row store.OutboxRow) (oncall.DeliveryID, bool, error) {
	d := store.Delivery{
		ID: oncall.DeliveryID(id.New(id.Delivery)), Outbox: row.ID, Attempt: row.Attempts + 1, User: row.Payload.User,
		Channel: row.Kind, AddressHash: number(row), Provider: "test", State: store.DeliveryClaimed,
		ClaimedAt: tx.Now, GiveUpAt: tx.Now.Add(GiveUp),
	}
	ok, err := tx.InsertDelivery(ctx, d)
	if err != nil || !ok {
		return "", false, err
	}
	return d.ID, true, tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(d.ID), DueAt: d.GiveUpAt})
}

// ring lets a call end as the script says.
func (p *Phones) ring(ctx context.Context, c Claim) {
	answer := p.script(c.Row)
	if answer.Never {
		return
	}
	p.work.Go(func() {
		t := time.NewTimer(answer.After)
		defer t.Stop()
		select {
		case <-t.C:
			if answer.Press != nil {
				answer.Press(ctx, c)
			}
			p.End(ctx, c.Delivery, answer.Outcome)
		case <-ctx.Done():
		}
	})
}

// number stands for the address of an attempt: one for each contact method.
func number(row store.OutboxRow) string {
	return fmt.Sprintf("%s/%s/%s", row.Payload.User, row.Payload.Pager, row.Payload.Contact)
}

// Live returns the deliveries of an incident that have not ended.
func (p *Phones) Live(ctx context.Context, id oncall.IncidentID) (out []store.Delivery) {
	p.error(p.db.Read(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.LiveDeliveries(ctx, id)
		return err
	}))
	return out
}

// End ends a delivery, as a provider's callback does: one transaction for each
// incident it tells of, which locks the incident, then the delivery, and tells
// the response. Ending twice is ending once.
func (p *Phones) End(ctx context.Context, d oncall.DeliveryID, o oncall.Outcome) {
	var told []store.Told
	err := p.db.Read(ctx, func(tx *store.Tx) (err error) {
		told, err = tx.Told(ctx, d)
		return err
	})
	p.error(err)
	for i, t := range told {
		err := p.db.Tx(ctx, func(tx *store.Tx) error {
			if _, err := tx.Incident(ctx, t.Incident); err != nil {
				return err
			}
			l, err := tx.Delivery(ctx, d)
			if err != nil || l.State == store.DeliveryEnded {
				return err
			}
			if err := p.outcomes.Outcome(ctx, tx, t.Attempt, o); err != nil {
				return err
			}
			row, err := tx.OutboxRow(ctx, t.Attempt)
			if err != nil {
				return err
			}
			row.State = store.OutboxDone
			if err := tx.SaveOutbox(ctx, *row); err != nil {
				return err
			}
			if i < len(told)-1 {
				return nil
			}
			l.State, l.EndedAt, l.Outcome = store.DeliveryEnded, tx.Now, o
			if err := tx.SaveDelivery(ctx, l); err != nil {
				return err
			}
			waiting, err := tx.WaitingFor(ctx, l.AddressHash, 64)
			if err != nil {
				return err
			}
			for i := range waiting {
				waiting[i].DueAt = tx.Now
			}
			if err := tx.SaveOutbox(ctx, waiting...); err != nil {
				return err
			}
			return tx.DeleteTimers(ctx, store.TimerDelivery, string(d))
		})
		p.error(err)
	}
}
