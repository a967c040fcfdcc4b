package mackerel

import (
	"context"
	"time"

	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

const (
	// strangeAgain is when a metric is looked at again whose monitor is not
	// configured here: another node knows more, or this one will soon.
	strangeAgain = 10 * time.Second
	// fairness is how long after toban's start, at most, points are missed only: who
	// has found it away has to come again first.
	fairness = 10 * time.Minute
)

// judge looks at metrics whose timers have come due and were taken in tx.
func (m *Metrics) judge(ctx context.Context, tx *store.Tx, refs []string) error {
	rows, err := tx.LockMetricStates(ctx, refs)
	if err != nil {
		return err
	}
	c := m.change(tx.Now)
	for _, ref := range refs { // in the order in which they came due
		if row := rows[ref]; row != nil {
			delete(rows, ref)
			c.judgeOne(row)
		}
	}
	if err := c.commit(ctx, tx); err != nil {
		return err
	}
	m.voice.Hint(c.owing...) // before the commit, which is early at worst: who says it waits for the row
	return nil
}

func (c *change) judgeOne(row *store.MetricState) {
	e := c.m.entry(row.Monitor)
	if row.Voice.Gone || e == nil {
		c.save(row, nil)
		return
	}
	at := e.plan.Deadline(row.State)
	if at.IsZero() || c.now.Before(at) {
		c.save(row, e)
		return
	}
	if missing := e.plan.MissingAt(row.State); !missing.IsZero() && !c.now.Before(missing) {
		if fair := c.m.listening().Add(min(e.plan.Missing, fairness)); c.now.Before(fair) {
			c.postpone(row, fair)
			return
		}
	}
	var action oncall.Action
	row.State, action = e.plan.Expire(row.State, c.now)
	c.turned[row.Monitor] = true
	c.say(row, e, action)
	c.save(row, e)
}

// postpone has row judged later than its deadline says. What is owed is said
// meanwhile.
func (c *change) postpone(row *store.MetricState, at time.Time) {
	if len(row.Voice.Owed) > 0 {
		c.owing = append(c.owing, row.ID())
		at = sooner(at, c.now.Add(voice.Again))
	}
	c.timer(row.ID(), at)
}

// listening is since when it listens.
func (m *Metrics) listening() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.since
}
