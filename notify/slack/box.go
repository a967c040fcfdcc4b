package slack

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"toban/notify"
	"toban/oncall"
)

// boxes hold the messages to people that wait until Slack takes another one for
// them: all that wait for one person become one message (R24).
type boxes struct {
	mu sync.Mutex
	of map[box]*waiting
}

// box is who waits for the same message.
type box struct {
	channel string
	user    oncall.UserID // of two who share a member each has links of their own
}

type waiting struct {
	letters []*letter
	carrier *letter     // who posts for all; it is one of those who wait
	posted  []time.Time // the last few posts
}

// letter is one message that waits. Whoever sends it waits for done.
type letter struct {
	m       notify.Message
	carry   chan struct{} // it is this one's turn to post for all
	done    chan struct{}
	on      bool // it is being posted
	ts      string
	failure *notify.Failure
}

const (
	// many posts in a row are a storm: then it pays to wait for more.
	many      = 3
	stormTime = 10 * time.Second
	// gather is how far apart posts to one person are in a storm.
	gather = 2 * time.Second
	// maxBoxes is how many people's last posts are remembered.
	maxBoxes = 1000
)

// send gets m to its channel, together with what else waits there. It returns
// within ctx, and a little later only while m is just being posted.
func (b *boxes) send(ctx context.Context, c *Channel, channel string, m notify.Message) (ts string, f *notify.Failure) {
	key := box{channel, m.User}
	l := &letter{m: m, carry: make(chan struct{}, 1), done: make(chan struct{})}
	b.put(key, l)
	stop := ctx.Done()
	for {
		select {
		case <-l.done:
			return l.ts, l.failure
		case <-l.carry:
			b.post(ctx, c, key, l)
		case <-stop:
			if b.withdraw(key, l) {
				return "", &notify.Failure{Class: notify.Throttled, Code: codePace, After: time.Second, Err: errors.New("slack takes no more for this person now")}
			}
			stop = nil // whoever posts it has not long
		}
	}
}

// put lets l wait. When nobody carries, l does.
func (b *boxes) put(key box, l *letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[box]*waiting{}
	}
	w := b.of[key]
	if w == nil {
		w = &waiting{}
		b.of[key] = w
	}
	w.letters = append(w.letters, l)
	if w.carrier == nil {
		w.next()
	}
}

// next lets the first that waits carry. b.mu is held.
func (w *waiting) next() {
	if w.carrier = nil; len(w.letters) > 0 {
		w.carrier = w.letters[0]
		w.carrier.carry <- struct{}{}
	}
}

// withdraw takes l out; false = it is being posted, or was.
func (b *boxes) withdraw(key box, l *letter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.of[key]
	if w == nil || l.on {
		return false
	}
	i := slices.Index(w.letters, l)
	if i < 0 {
		return false
	}
	w.letters = slices.Delete(w.letters, i, i+1)
	if w.carrier == l {
		w.next()
	}
	return true
}

// post waits until the channel is free and posts what waits there by then.
func (b *boxes) post(ctx context.Context, c *Channel, key box, l *letter) {
	for wait := b.pause(c, key); wait > 0 && ctx.Err() == nil; wait = b.pause(c, key) {
		rest(ctx, wait)
	}
	if ctx.Err() != nil {
		return // l is withdrawn, and the next one carries
	}
	list, told := b.take(key, l)
	// All of them depend on it: it does not end with who happens to carry it.
	ts, f := c.carry(context.WithoutCancel(ctx), key.channel, told)
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.of[key]
	for _, each := range list {
		each.ts, each.failure = ts, f
		close(each.done)
	}
	w.letters = slices.DeleteFunc(w.letters, func(each *letter) bool { return each.on })
	w.next()
	if len(b.of) > maxBoxes {
		maps.DeleteFunc(b.of, func(_ box, w *waiting) bool { return len(w.letters) == 0 })
	}
}

// pause is how long to wait before a post: until Slack takes one, and in a storm
// until there is more to tell.
func (b *boxes) pause(c *Channel, key box) time.Duration {
	now := time.Now()
	wait := c.ws.gate.free(key.channel)
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.of[key]
	w.posted = slices.DeleteFunc(w.posted, func(at time.Time) bool { return now.Sub(at) >= stormTime })
	if n := len(w.posted); n >= many {
		wait = max(wait, w.posted[n-1].Add(gather).Sub(now))
	}
	return wait
}

// take takes those who are told now: as many as fit, and l, who carries it, first.
func (b *boxes) take(key box, l *letter) (list []*letter, told []notify.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.of[key]
	n := 0
	for _, each := range w.letters {
		if size := max(1, len(each.m.Incidents)); each == l || n+size <= maxFolded {
			n += size
			each.on = true
			list, told = append(list, each), append(told, each.m)
		}
	}
	w.posted = append(w.posted, time.Now())
	return list, told
}
