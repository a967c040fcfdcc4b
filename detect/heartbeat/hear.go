package heartbeat

import (
	"context"
	"sync"
	"time"

	"toban/oncall"
	"toban/store"
)

const (
	// maxTogether is how many pings are committed together.
	maxTogether = 64
	// maxWaiting is how many wait for their commit; more are asked to come again.
	maxWaiting = 2048
	// hearWithin bounds one commit.
	hearWithin = 20 * time.Second
)

// heard is a ping on its way into the store.
type heard struct {
	entry *entry
	ping  store.Ping
	turn  chan bool // true: it leads the next commit; false: its fate is known
	err   error
	known bool // the heartbeat was there
}

// choir lets pings that come together be committed together: one of those that
// wait leads each commit, and hands the lead on. So there is no goroutine beside
// the requests, and none works for the others longer than for itself.
type choir struct {
	mu      sync.Mutex
	waiting []*heard
	led     bool
}

// hear commits a ping. It is not cut short by who has sent it: what was said
// counts. known is false when the heartbeat has just ceased to exist.
func (l *Listener) hear(ctx context.Context, h *heard) (known bool, err error) {
	h.turn = make(chan bool, 1)
	l.choir.mu.Lock()
	if len(l.choir.waiting) >= maxWaiting {
		l.choir.mu.Unlock()
		l.miss(h.entry.monitor.ID)
		return false, store.ErrUnavailable
	}
	l.choir.waiting = append(l.choir.waiting, h)
	lead := !l.choir.led
	l.choir.led = true
	l.choir.mu.Unlock()
	if lead || <-h.turn {
		l.lead(context.WithoutCancel(ctx))
	}
	return h.known, h.err
}

// lead commits those that wait the longest, with the caller's own at their head.
func (l *Listener) lead(ctx context.Context) {
	l.choir.mu.Lock()
	n := min(len(l.choir.waiting), maxTogether)
	batch := l.choir.waiting[:n:n]
	l.choir.waiting = l.choir.waiting[n:]
	l.choir.mu.Unlock()
	defer l.handOn(batch) // also when it panics: nobody waits for ever

	for _, h := range batch {
		h.err = store.ErrUnavailable
	}
	err := l.write(ctx, batch)
	for _, h := range batch {
		h.err = err
		if err != nil && len(batch) > 1 { // perhaps one of them is what can't be stored
			h.err = l.write(ctx, []*heard{h})
		}
	}
}

// handOn lets the others of a batch go, and the next one lead.
func (l *Listener) handOn(batch []*heard) {
	for _, h := range batch[1:] {
		h.turn <- false
	}
	l.choir.mu.Lock()
	defer l.choir.mu.Unlock()
	if len(l.choir.waiting) > 0 {
		l.choir.waiting[0].turn <- true
		return
	}
	l.choir.led, l.choir.waiting = false, nil
}

// write commits pings together with what follows from them.
func (l *Listener) write(ctx context.Context, batch []*heard) error {
	ctx, cancel := context.WithTimeout(ctx, hearWithin)
	defer cancel()
	ids := make([]oncall.MonitorID, len(batch))
	for i, h := range batch {
		ids[i] = h.entry.monitor.ID
	}
	var c *change
	err := l.o.DB.Tx(ctx, func(tx *store.Tx) error {
		rows, err := tx.LockHeartbeats(ctx, ids)
		if err != nil {
			return err
		}
		c = l.change(tx.Now)
		pings := make([]store.Ping, 0, len(batch))
		touched := map[oncall.MonitorID]*entry{}
		for _, h := range batch {
			row := rows[h.entry.monitor.ID]
			if h.known = row != nil && !row.Voice.Gone; !h.known {
				continue
			}
			pings = append(pings, l.take(row, h))
			touched[row.Monitor] = h.entry
		}
		for id, e := range touched {
			c.save(rows[id], e)
		}
		if err := tx.AddPings(ctx, pings...); err != nil {
			return err
		}
		return c.commit(ctx, tx)
	})
	if err != nil {
		for _, id := range ids {
			l.miss(id)
		}
		return err
	}
	l.voice.Hint(c.owing...)
	return nil
}

// take applies a ping to its row and returns it as it is kept.
func (l *Listener) take(row *store.Heartbeat, h *heard) store.Ping {
	kept := h.ping
	var action oncall.Action
	row.State, kept.HeartbeatPing, action = h.entry.plan.Ping(row.State, h.ping.HeartbeatPing)
	kept.N = row.State.Pings
	l.say(row, h.entry, action, kept.At)
	return kept
}
