package live

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"toban/store"
)

// group is the clients of one view. Its goroutine draws for all of them.
type group struct {
	hub  *Hub
	view View
	stop context.CancelFunc
	wake chan struct{} // there is something to draw
	seen time.Time     // when the view was drawn last, or began; of run alone
	next time.Time     // the first moment behind that, zero = none; of run alone

	mu      sync.Mutex
	clients map[*client]struct{}
	changes map[subject]int64 // what has to be drawn, each with its highest number
	at      int64             // everything up to here was sent, or did not concern the view
	drawing bool
	failed  int // drawings in a row
}

// subject is a change without its number.
type subject struct{ topic, ref string }

// take keeps the changes that concern the view. It does not block.
func (g *group) take(list []store.Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := false
	for _, c := range list {
		if g.view.Topics(c) {
			found = true
			g.note(subject{c.Topic, c.Ref}, c.Seq)
		}
	}
	if found {
		g.rouse()
	}
}

// note keeps one change; when there are too many it keeps only that.
func (g *group) note(s subject, seq int64) {
	if _, known := g.changes[s]; !known && len(g.changes) >= pending {
		s = subject{topic: store.TopicIncidents}
		for other, n := range g.changes {
			if other.topic == store.TopicIncident {
				delete(g.changes, other)
				seq = max(seq, n)
			}
		}
	}
	g.changes[s] = max(g.changes[s], seq)
}

func (g *group) rouse() {
	select {
	case g.wake <- struct{}{}:
	default: // it is awake
	}
}

// position is up to where a client of the group has seen everything.
func (g *group) position() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.changes) == 0 && !g.drawing {
		g.at = max(g.at, g.hub.Position())
	}
	return g.at
}

// run draws until ctx ends: a moment after the first change, and never more
// often than the hub allows.
func (g *group) run(ctx context.Context) {
	var drawn time.Time
	g.seen = time.Now()
	wait := time.NewTimer(time.Hour)
	defer wait.Stop()
	for {
		moment, stop := g.moment(ctx)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-moment:
			g.pass()
		case <-g.wake:
		}
		stop()
		pause := max(g.hub.o.Gather, g.hub.o.Every-time.Since(drawn))
		if g.failed > 0 {
			pause = max(pause, retrying)
		}
		wait.Reset(pause)
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		drawn = time.Now()
		g.seen = drawn
		g.draw(ctx)
	}
}

// asleep is how long a moment is waited for at most before it is asked for
// again: the clock may have been set.
const asleep = 15 * time.Minute

// moment is when the view has to be looked at again although nothing changes.
func (g *group) moment(ctx context.Context) (c <-chan time.Time, stop func()) {
	if g.view.Next == nil {
		return nil, func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, g.hub.o.Render)
	defer cancel()
	at, err := nextOf(ctx, g.view, g.seen)
	if err != nil {
		g.hub.log.WarnContext(ctx, "the next moment of a live view is not known", "view", g.view.Key, "err", err)
	}
	g.next = at
	pause := asleep
	if !at.IsZero() {
		pause = max(min(time.Until(at), asleep), g.hub.o.Every)
	}
	timer := time.NewTimer(pause)
	return timer.C, func() { timer.Stop() }
}

// pass makes the view be drawn whose moment has come.
func (g *group) pass() {
	if g.next.IsZero() || time.Now().Before(g.next) {
		return // it only was time to ask again
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note(subject{topic: store.TopicDirectory}, g.hub.Position())
}

// draw sends what has been gathered to all clients of the view.
func (g *group) draw(ctx context.Context) {
	list := g.begin()
	if len(list) == 0 {
		return
	}
	html, err := g.hub.render(ctx, g.view, list)
	if ctx.Err() != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drawing = false
	if err != nil {
		g.hub.log.WarnContext(ctx, "a live view can't be drawn", "view", g.view.Key, "err", err)
		if g.failed++; g.failed < retries {
			for _, c := range list {
				g.note(subject{c.Topic, c.Ref}, c.Seq)
			}
			g.rouse()
			return
		}
	}
	g.failed = 0
	for _, c := range list {
		g.at = max(g.at, c.Seq)
	}
	var message []byte
	switch {
	case err != nil:
		message = reloading(g.at)
	case strings.TrimSpace(html) == "":
		message = frame(g.at, "beat", millis(time.Now())) // nothing to see, but seen
	default:
		message = frame(g.at, "patch", html)
	}
	for c := range g.clients {
		c.give(message)
	}
}

// begin takes what has been gathered, in the order of the numbers.
func (g *group) begin() []store.Change {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]store.Change, 0, len(g.changes))
	for s, seq := range g.changes {
		list = append(list, store.Change{Seq: seq, Topic: s.topic, Ref: s.ref})
	}
	clear(g.changes)
	g.drawing = len(list) > 0
	slices.SortFunc(list, func(a, b store.Change) int {
		if a.Seq != b.Seq {
			return int(max(-1, min(1, a.Seq-b.Seq)))
		}
		return strings.Compare(a.Ref, b.Ref)
	})
	return list
}

// render draws changes, one of a bounded number at once.
func (h *Hub) render(ctx context.Context, view View, list []store.Change) (html string, err error) {
	select {
	case h.renders <- struct{}{}:
		defer func() { <-h.renders }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Render)
	defer cancel()
	patches, err := guarded(ctx, view, list)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range patches {
		b.WriteString(p.HTML)
	}
	return b.String(), nil
}
