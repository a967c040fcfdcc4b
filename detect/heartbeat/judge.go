package heartbeat

import (
	"context"
	"time"

	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

const (
	// busyAgain is when a heartbeat is looked at again that a ping is just being
	// written of.
	busyAgain = 10 * time.Millisecond
	// strangeAgain is when one is looked at again that is not configured here:
	// another node knows more, or this one will soon.
	strangeAgain = 10 * time.Second
	// asleep is how much too late a deadline may come to be judged before it is
	// taken for a sign that toban itself stood still, and heard nothing.
	asleep = time.Minute
)

// judge looks at heartbeats whose timers have come due and were taken in tx.
func (l *Listener) judge(ctx context.Context, tx *store.Tx, refs []string) error {
	ids := make([]oncall.MonitorID, len(refs))
	for i, ref := range refs {
		ids[i] = oncall.MonitorID(ref)
	}
	rows, busy, err := tx.SkipHeartbeats(ctx, ids)
	if err != nil {
		return err
	}
	c := l.change(tx.Now)
	for _, id := range busy {
		c.timer(id, tx.Now.Add(busyAgain))
	}
	for _, id := range ids { // in the order in which they came due
		if row := rows[id]; row != nil {
			delete(rows, id)
			l.judgeOne(c, row)
		}
	}
	if err := c.commit(ctx, tx); err != nil {
		return err
	}
	l.voice.Hint(c.owing...) // before the commit, which is early at worst: who says it waits for the row
	return nil
}

func (l *Listener) judgeOne(c *change, row *store.Heartbeat) {
	e := l.entry(row.Monitor)
	if row.Voice.Gone || e == nil {
		c.save(row, nil)
		return
	}
	if at := e.plan.Deadline(row.State); !at.IsZero() && !c.now.Before(at) {
		if at = l.fair(row.Monitor, e.plan, at, c.now); c.now.Before(at) {
			c.postpone(row, at)
			return
		}
		var action oncall.Action
		row.State, action = e.plan.Expire(row.State, c.now)
		l.say(row, e, action, c.now)
	}
	c.save(row, e)
}

// postpone has row judged later than its deadline says. What is owed is said
// meanwhile.
func (c *change) postpone(row *store.Heartbeat, at time.Time) {
	if len(row.Voice.Owed) > 0 {
		c.owing = append(c.owing, row.Monitor)
		at = sooner(at, c.now.Add(voice.Again))
	}
	c.timer(row.Monitor, at)
}

// fair is when a deadline may be judged: not before a while has passed since
// toban began to listen, or since a ping of this heartbeat came that could not be
// kept. One that comes to be judged much too late says that toban stood still and
// heard nothing; it is put off for that once only, so that a slow node is late,
// never silent.
func (l *Listener) fair(id oncall.MonitorID, plan oncall.HeartbeatPlan, deadline, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := deadline
	for _, since := range []time.Time{l.since, l.unheard[id]} {
		if fair := since.Add(plan.Fair()); fair.After(at) {
			at = fair
		}
	}
	if now.Sub(at) > asleep && !l.spared[id].Equal(deadline) {
		l.spared[id] = deadline
		return now.Add(plan.Fair())
	}
	return at
}
