package chaos

import (
	"context"
	"fmt"
	"sync"
	"time"

	"toban/e2e/harness"
	"toban/oncall"
	"toban/store"
)

const (
	// drainTime is how long what is under way may end by itself. It is longer
	// than silence, so that whoever waits in silence is seen.
	drainTime = 12 * time.Second
	// readyTime bounds a start.
	readyTime = 30 * time.Second
	// quietTime is how long the last calls may take to end.
	quietTime = 20 * time.Second
	// readTime bounds what is read of the store afterwards.
	readTime = 2 * time.Minute
)

// happen runs the plan to its end and returns what is known of it then.
// progress is told now and then.
func (w *world) happen(ctx context.Context, progress func(killed int)) (*record, error) {
	load, stopLoad := context.WithCancel(ctx)
	ends, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer stop()
	defer stopLoad()
	said := make(chan struct{})
	others.Go(func() { defer close(said); w.send(load, ends) })
	others.Go(func() { w.acknowledge(load) })
	others.Go(func() { w.sample(ends) })

	for n, k := range w.plan.kills {
		if err := w.live(ctx, &k); err != nil {
			return nil, fmt.Errorf("life %d: %w", n+1, err)
		}
		progress(n + 1)
		if k.audit {
			if err := w.audit(ctx); err != nil {
				return nil, fmt.Errorf("audit after kill %d: %w", n+1, err)
			}
		}
		rest(ctx, k.pause)
	}
	if err := w.live(ctx, nil); err != nil {
		return nil, fmt.Errorf("last life: %w", err)
	}
	stopLoad()
	if err := w.drain(ctx, said); err != nil {
		return nil, err
	}
	stop()
	others.Wait()
	if err := w.toban.Stop(); err != nil {
		w.complain("the last clean stop: %v", err)
	}
	w.ready(time.Time{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.lives[len(w.record.lives)-1].ended = time.Now()
	return &w.record, w.read(ctx)
}

// live starts the program and kills it as k says; without k it is left running.
func (w *world) live(ctx context.Context, k *kill) error {
	l := life{launched: time.Now()}
	if err := w.toban.Launch(); err != nil {
		return err
	}
	if k == nil || !k.starting {
		began, cancel := context.WithTimeout(ctx, readyTime)
		defer cancel()
		if err := w.toban.Ready(began); err != nil {
			return fmt.Errorf("%w\n%s", err, lastLines(w.toban.Log(), 30))
		}
		l.ready = time.Now()
		w.ready(l.ready)
	}
	if k == nil {
		l.ended = l.ready.Add(1000 * time.Hour) // until it is known
	} else {
		rest(ctx, k.after)
		w.await(ctx, k)
		w.ready(time.Time{})
		if w.toban.Over() {
			return fmt.Errorf("it ended by itself\n%s", lastLines(w.toban.Log(), 60))
		}
		l.ended = time.Now()
		w.toban.Kill()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.lives = append(w.record.lives, l)
	return nil
}

// momentTime is how long a moment is waited for.
const momentTime = 2 * time.Second

// await waits for the moment of a kill.
func (w *world) await(ctx context.Context, k *kill) {
	if k.on == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, momentTime)
	defer cancel()
	select {
	case <-w.expect(k.on):
		rest(ctx, k.delay)
	case <-ctx.Done():
	}
}

// audit asks the store as the kill has left it for incidents without a next
// action: every commit promises one.
func (w *world) audit(ctx context.Context) error {
	db, err := w.toban.Store(ctx, "auditor")
	if err != nil {
		return err
	}
	defer db.Close()
	var lost []oncall.IncidentID
	err = db.Read(ctx, func(tx *store.Tx) (err error) {
		lost, err = tx.Lost(ctx, time.Now().Add(time.Second), 1000)
		return err
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.audits = append(w.record.audits, audit{at: time.Now(), lost: lost})
	return err
}

// drain lets everything come to its end: senders say their last, everybody
// answers from now on, and who still waits for the next round is taken by hand.
func (w *world) drain(ctx context.Context, said <-chan struct{}) error {
	for number := range w.plan.scripts {
		w.provider.Phone(number).Forget()
		w.provider.Phone(number).Always(answers())
	}
	idle := func(ctx context.Context) bool {
		list, err := w.toban.Incidents(ctx, "triggered")
		return err == nil && len(list) == 0
	}
	until(ctx, drainTime, idle)
	until(ctx, quietTime, func(ctx context.Context) bool {
		list, err := w.toban.Incidents(ctx, "triggered")
		for _, inc := range list {
			w.take(ctx, inc.ID, "u00")
		}
		select {
		case <-said:
		default:
			return false
		}
		if err != nil || len(list) > 0 {
			return false
		}
		for _, c := range w.provider.Calls() {
			if c.Ended.IsZero() {
				return false
			}
		}
		return true
	})
	if w.toban.Over() {
		return fmt.Errorf("it ended by itself\n%s", lastLines(w.toban.Log(), 60))
	}
	return ctx.Err()
}

// until asks met every 100 ms, for patience at most.
func until(ctx context.Context, patience time.Duration, met func(context.Context) bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !met(ctx) && rest(ctx, 100*time.Millisecond) {
	}
}

// read fills the record with what the store and the provider know.
func (w *world) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	r := &w.record
	r.requests, r.calls = w.provider.Requests(), w.provider.Calls()
	r.timeline, r.alerts = map[oncall.IncidentID][]oncall.Entry{}, map[oncall.IncidentID][]oncall.Alert{}
	r.told, r.heard = map[oncall.DeliveryID][]store.Told{}, map[oncall.DeliveryID]time.Time{}
	db, err := w.toban.Store(ctx, "reader")
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Read(ctx, func(tx *store.Tx) error {
		if err := readIncidents(ctx, tx, r); err != nil {
			return err
		}
		for _, q := range r.creations() {
			if r.told[q.delivery], err = tx.Told(ctx, q.delivery); err != nil {
				return err
			}
			if d, err := tx.DeliveryUnlocked(ctx, q.delivery); err == nil {
				r.heard[q.delivery] = d.EndedAt
			}
		}
		return nil
	})
}

func readIncidents(ctx context.Context, tx *store.Tx, r *record) error {
	filter := store.IncidentFilter{Limit: 1000}
	for {
		page, err := tx.ListIncidents(ctx, filter)
		if err != nil {
			return err
		}
		r.incidents = append(r.incidents, page...)
		if len(page) < filter.Limit {
			break
		}
		last := page[len(page)-1]
		filter.Before, filter.BeforeID = last.TriggeredAt, last.ID
	}
	for _, inc := range r.incidents {
		var err error
		if r.timeline[inc.ID], err = readTimeline(ctx, tx, inc.ID); err != nil {
			return err
		}
		if r.alerts[inc.ID], err = tx.Alerts(ctx, inc.ID, 100); err != nil {
			return err
		}
	}
	return nil
}

func readTimeline(ctx context.Context, tx *store.Tx, id oncall.IncidentID) (all []oncall.Entry, err error) {
	const limit = 500
	for after := int64(0); ; after = all[len(all)-1].Seq {
		page, err := tx.Timeline(ctx, id, after, limit)
		if all = append(all, page...); err != nil || len(page) < limit {
			return all, err
		}
	}
}

func incidentID(text string) oncall.IncidentID { return oncall.IncidentID(text) }

func lastLines(text string, n int) string { return harness.LastLines(text, n) }
