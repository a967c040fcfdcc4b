package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// job is a delivery that has been claimed and is to be sent.
type job struct {
	route
	delivery store.Delivery
	rows     []store.OutboxRow // of which it is made; several fold into one call (R24)
	told     []store.Told
	hash     string
	made     bool
}

func (j *job) tells(of oncall.IncidentID) bool {
	return slices.ContainsFunc(j.rows, func(row store.OutboxRow) bool { return row.Incident == of })
}

// claimed is what a transaction that claims has found and made.
type claimed struct {
	jobs    []*job
	refused []refusal
	later   map[oncall.AttemptID]later
}

// later says when a row is tried again, and whether a provider is what it waits
// for.
type later struct {
	at       time.Time
	provider Provider
}

// held is when a row is tried again whose incident somebody else has locked.
const held = 5 * time.Millisecond

// confirmTime is when a delivery counts as lost that was claimed and of which
// nothing is known; one in this process's hand never does.
const confirmTime = 15 * time.Second

// liveAgain is when a row that waits for a live call is tried again even if
// nobody has said that the call ended.
const liveAgain = 5 * time.Second

// claim claims rows in one transaction and starts sending them. Whatever else
// happens to them is in later, or refused.
func (d *Dispatcher) claim(ctx context.Context, ids []oncall.AttemptID) {
	var c claimed
	began := time.Now()
	err := func() error {
		ctx, cancel := context.WithTimeout(ctx, workTime)
		defer cancel()
		return d.db.Tx(ctx, func(tx *store.Tx) error {
			c = claimed{later: map[oncall.AttemptID]later{}} // it may run again
			began = time.Now()
			return d.claimRows(ctx, tx, ids, &c)
		})
	}()
	switch {
	case err == nil:
		d.refuseAll(ctx, &c)
		d.later(ids, c.later)
	case ctx.Err() != nil:
		return // stopping: the rows stay as they are
	case errors.Is(err, errFenced):
		d.later(ids, all(ids, busy))
		return
	case len(ids) == 1 || errors.Is(err, context.DeadlineExceeded):
		d.log.ErrorContext(ctx, "attempts not claimed", "attempts", len(ids), "first", ids[0], "err", err)
		d.later(ids, all(ids, time.Second))
		return
	default: // one of them may be what the store can't take
		half := len(ids) / 2
		d.claim(ctx, ids[:half])
		d.claim(ctx, ids[half:])
		return
	}
	for _, j := range c.jobs {
		d.start(ctx, j, began)
	}
}

// errFenced ends a transaction that claims on a node that may not act now.
var errFenced = errors.New("this node is fenced")

// all puts off all rows.
func all(ids []oncall.AttemptID, by time.Duration) map[oncall.AttemptID]later {
	again := make(map[oncall.AttemptID]later, len(ids))
	for _, id := range ids {
		again[id] = later{at: time.Now().Add(by)}
	}
	return again
}

// claimRows makes deliveries of the rows that may leave: due, this node's own,
// and of an epoch that still holds. The incidents are locked before anything
// else, as everywhere (R18).
func (d *Dispatcher) claimRows(ctx context.Context, tx *store.Tx, ids []oncall.AttemptID, c *claimed) error {
	incidents, err := d.lockIncidents(ctx, tx, ids, c)
	if err != nil || len(incidents) == 0 {
		return err
	}
	free := slices.DeleteFunc(slices.Clone(ids), func(id oncall.AttemptID) bool { return incidents[id.Incident()] == nil })
	rows, err := tx.LockOutbox(ctx, free)
	if err != nil || len(rows) == 0 {
		return err
	}
	dir, err := tx.Directory(ctx)
	if err != nil {
		return err
	}
	if d.o.Fenced() {
		return errFenced
	}
	// Who has waited longest goes first.
	slices.SortFunc(rows, func(a, b store.OutboxRow) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID))
	})
	w := &claiming{d: d, c: c, incidents: incidents, dir: dir, budget: d.budget(), calls: map[string]*job{}, changed: map[oncall.IncidentID]bool{}}
	for i := range rows {
		if err := w.plan(ctx, tx, rows[i]); err != nil {
			return fmt.Errorf("attempt %s: %w", rows[i].ID, err)
		}
	}
	if err := w.deliverAll(ctx, tx); err != nil {
		return err
	}
	return w.write(ctx, tx)
}

// lockIncidents locks the rows' incidents; who holds one now is not waited for.
func (d *Dispatcher) lockIncidents(ctx context.Context, tx *store.Tx, ids []oncall.AttemptID, c *claimed) (map[oncall.IncidentID]*oncall.Incident, error) {
	var of []oncall.IncidentID
	for _, id := range ids {
		of = append(of, id.Incident())
	}
	slices.Sort(of)
	incidents, err := tx.IncidentsSkipLocked(ctx, slices.Compact(of))
	if err != nil {
		return nil, err
	}
	again := time.Now().Add(held)
	for _, id := range ids {
		if incidents[id.Incident()] == nil {
			c.later[id] = later{at: again}
		}
	}
	return incidents, nil
}

// claiming is one transaction that claims.
type claiming struct {
	d         *Dispatcher
	c         *claimed
	incidents map[oncall.IncidentID]*oncall.Incident
	dir       *oncall.Directory
	budget    *budget
	allowance *allowance      // nil = not read yet
	calls     map[string]*job // by address hash: what folds into one call (R24)
	jobs      []*job          // who has waited longest first

	rows    []store.OutboxRow
	timers  []store.Timer
	told    []store.Told
	changed map[oncall.IncidentID]bool // has new entries
}

// plan decides what becomes of a row, as far as that can be told without the
// other nodes.
func (w *claiming) plan(ctx context.Context, tx *store.Tx, row store.OutboxRow) error {
	inc := w.incidents[row.Incident]
	if inc == nil || inc.Epoch != row.Epoch || row.State != store.OutboxDue {
		return nil
	}
	r, why := w.d.route(w.dir, inc, &row)
	if why != "" {
		w.c.refused = append(w.c.refused, refusal{id: row.ID, why: why, outcome: oncall.Undeliverable})
		return nil
	}
	j := &job{route: r, hash: w.d.hash(r), rows: []store.OutboxRow{row}}
	if row.Kind == oncall.Call {
		if first := w.calls[j.hash]; first != nil && first.tells(inc.ID) {
			w.wait(row, j.hash, tx.Now) // this person is called for this incident already (R23)
			return nil
		} else if first != nil {
			first.rows = append(first.rows, row)
			first.message.Incidents = append(first.message.Incidents, r.message.Incidents...)
			return nil
		}
	}
	w.d.mu.Lock()
	ok, next := w.budget.spend(r.provider)
	w.d.mu.Unlock()
	if !ok {
		w.c.later[row.ID] = later{next, r.provider}
		return nil
	}
	if until, err := w.spend(ctx, tx, r.provider.Micros); err != nil {
		return err
	} else if !until.IsZero() {
		w.c.refused = append(w.c.refused, refusal{id: row.ID, why: "capped", outcome: oncall.Capped, until: until})
		return nil
	}
	w.jobs = append(w.jobs, j)
	if row.Kind == oncall.Call {
		w.calls[j.hash] = j
	}
	return nil
}

// deliverAll makes the deliveries. A call may have to wait for another node that
// is just claiming one to the same number, so all nodes go by the numbers in one
// order: two that claim the same ones don't wait for each other.
func (w *claiming) deliverAll(ctx context.Context, tx *store.Tx) error {
	inOrder := slices.SortedStableFunc(slices.Values(w.jobs), func(a, b *job) int { return cmp.Compare(a.hash, b.hash) })
	for _, j := range inOrder {
		if err := w.deliver(ctx, tx, j); err != nil {
			return fmt.Errorf("attempt %s: %w", j.rows[0].ID, err)
		}
	}
	for _, j := range w.jobs {
		if j.made {
			w.c.jobs = append(w.c.jobs, j)
			continue
		}
		// What it did not use of its provider's budget is somebody else's.
		for id, l := range w.c.later {
			if l.provider.Name == j.provider.Name {
				w.c.later[id] = later{time.Now(), l.provider}
			}
		}
	}
	return nil
}

// deliver inserts the delivery of j. It does not come about while the number has
// a live call: the rows wait for that one's end and are told in the next call
// (R24).
func (w *claiming) deliver(ctx context.Context, tx *store.Tx, j *job) (err error) {
	row := &j.rows[0]
	j.delivery = store.Delivery{
		ID: oncall.DeliveryID(id.At(id.Delivery, tx.Now)), Outbox: row.ID, Attempt: row.Attempts + 1,
		User: row.Payload.User, Channel: row.Kind, AddressHash: j.hash, Provider: j.provider.Name,
		State: store.DeliveryClaimed, ClaimedAt: tx.Now, GiveUpAt: tx.Now.Add(confirmTime), CostMicros: j.provider.Micros,
	}
	j.message.Delivery = j.delivery.ID
	if j.made, err = tx.InsertDelivery(ctx, j.delivery); err != nil {
		return err
	}
	if j.made {
		w.timers = append(w.timers, store.Timer{Kind: store.TimerDelivery, Ref: string(j.delivery.ID), DueAt: j.delivery.GiveUpAt})
		for _, row := range j.rows {
			if err := w.take(ctx, tx, j, row); err != nil {
				return err
			}
		}
		return nil
	}
	live, err := tx.LiveCall(ctx, j.hash)
	if err != nil {
		return err
	}
	if row.Kind != oncall.Call || live == nil { // the call ended just now, or this try exists
		row.Attempts++
		row.DueAt = tx.Now
		w.rows = append(w.rows, *row)
		for _, row := range j.rows {
			w.c.later[row.ID] = later{at: time.Now().Add(held)}
		}
		return nil
	}
	for _, row := range j.rows {
		if row.AddressHash == "" {
			if err := w.entry(ctx, tx, w.incidents[row.Incident], oncall.EntryDelivery, &row, live.ID, "waiting"); err != nil {
				return err
			}
		}
		w.wait(row, j.hash, tx.Now)
	}
	return nil
}

// wait leaves a row to wait for the end of the live call to its number.
func (w *claiming) wait(row store.OutboxRow, hash string, now time.Time) {
	row.AddressHash = hash
	row.DueAt = now.Add(liveAgain)
	w.rows = append(w.rows, row)
}

// take makes row a part of j's delivery.
func (w *claiming) take(ctx context.Context, tx *store.Tx, j *job, row store.OutboxRow) error {
	inc := w.incidents[row.Incident]
	t := store.Told{Delivery: j.delivery.ID, Incident: inc.ID, Attempt: row.ID, Epoch: row.Epoch}
	j.told = append(j.told, t)
	w.told = append(w.told, t)
	row.State, row.ClaimedAt, row.AddressHash = store.OutboxClaimed, tx.Now, ""
	row.Attempts++
	w.rows = append(w.rows, row)
	if j.shadow {
		return w.entry(ctx, tx, inc, oncall.EntryShadow, &row, j.delivery.ID, "")
	}
	return nil
}

func (w *claiming) entry(ctx context.Context, tx *store.Tx, inc *oncall.Incident, kind oncall.EntryKind, row *store.OutboxRow, d oncall.DeliveryID, text string) error {
	w.changed[inc.ID] = true
	return tx.AddEntries(ctx, inc, entryOf(tx, kind, row, d, text))
}

// entryOf is a line about a row and its delivery. text is a code of i18n.
func entryOf(tx *store.Tx, kind oncall.EntryKind, row *store.OutboxRow, d oncall.DeliveryID, text string) oncall.Entry {
	return oncall.Entry{Incident: row.Incident, At: tx.Now, Kind: kind, Data: oncall.EntryData{
		Attempt: row.ID, Delivery: d, User: row.Payload.User, Method: row.Kind, Contact: row.Payload.Contact, Nth: row.Payload.Nth, Text: text,
	}}
}

func (w *claiming) write(ctx context.Context, tx *store.Tx) error {
	if len(w.told) > 0 {
		if err := tx.AddTold(ctx, w.told...); err != nil {
			return err
		}
	}
	if len(w.timers) > 0 {
		if err := tx.PutTimers(ctx, w.timers...); err != nil {
			return err
		}
	}
	if len(w.rows) > 0 {
		if err := tx.SaveOutbox(ctx, w.rows...); err != nil {
			return err
		}
	}
	if len(w.changed) == 0 {
		return nil
	}
	var incidents []*oncall.Incident
	for id := range w.changed {
		incidents = append(incidents, w.incidents[id])
	}
	return tx.SaveIncidents(ctx, incidents)
}
