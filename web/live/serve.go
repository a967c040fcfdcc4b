package live

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"toban/store"
)

// Reasons why a stream ends.
const (
	gone = iota // the client went, or the hub stops
	slow        // it could not keep up
	over        // its session has ended
	away        // what happens can't be found out at this moment
)

const (
	writing = 10 * time.Second // how long a client may take for one message
	again   = 1000             // after how many milliseconds a client comes back
	later   = 5000             // and one that could not keep up
	// checking is how often a stream asks whether its client may still look on.
	checking = 5 * time.Second
)

// client is one open stream.
type client struct {
	events chan []byte
	ended  chan struct{}
	once   sync.Once
	why    int
}

// give hands a message to the client, or sends it away: the hub does not wait.
func (c *client) give(message []byte) {
	select {
	case c.events <- message:
	default:
		c.end(slow)
	}
}

func (c *client) end(why int) {
	c.once.Do(func() {
		c.why = why
		close(c.ended)
	})
}

// Serve is one stream, until the client or the hub goes. It begins behind the
// header Last-Event-ID, else behind the parameter after, else now; a number that
// is too old or was never one of ours makes the page ask for itself anew. Too
// many streams are answered 429, a hub that does not run 503.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, view View) {
	c := &client{events: make(chan []byte, waiting), ended: make(chan struct{})}
	g, running, status := h.join(c, view)
	if status != http.StatusOK {
		w.Header().Set("Retry-After", "5")
		http.Error(w, http.StatusText(status), status)
		return
	}
	defer h.leave(c, g, view)

	out := stream{w: w, to: http.NewResponseController(w)}
	out.begin()
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	defer context.AfterFunc(running, stop)()
	at, why := h.catchUp(ctx, r, g)
	switch {
	case why == failed: // it comes back, and is not live until it can be told
		out.write("retry: " + strconv.Itoa(later) + "\n\n")
	case !out.write("retry: "+strconv.Itoa(again)+"\n\n") || !out.beat(at):
	case why == tooOld:
		out.send(reloading(at))
	default:
		h.follow(ctx, out, c, g, view, at, why == missed)
	}
}

// follow writes what comes until something ends it. Where the client has missed
// something it stands at a number until that is drawn.
func (h *Hub) follow(ctx context.Context, out stream, c *client, g *group, view View, at int64, behind bool) {
	beat := time.NewTicker(h.o.Beat)
	defer beat.Stop()
	var check <-chan time.Time
	if view.Holds != nil {
		tick := time.NewTicker(checking)
		defer tick.Stop()
		check = tick.C
	}
	var until <-chan time.Time
	if !view.Until.IsZero() {
		end := time.NewTimer(time.Until(view.Until))
		defer end.Stop()
		until = end.C
	}
	for {
		select {
		case message := <-c.events:
			if !out.send(message) {
				return
			}
			behind = false
		case <-beat.C:
			if !behind {
				at = max(at, g.position())
			}
			if len(c.events) == 0 && !out.beat(at) {
				return
			}
		case <-check:
			if !view.Holds(ctx) {
				out.send(reloading(at)) // which leads to the login
				return
			}
		case <-until:
			out.send(reloading(at)) // which leads to the login
			return
		case <-c.ended:
			switch c.why {
			case slow, away:
				out.write("retry: " + strconv.Itoa(later) + "\n\n")
			case over:
				out.send(reloading(at))
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

// What catchUp found.
const (
	nothing = iota
	missed  // it will be drawn for the whole group
	tooOld
	failed
)

// catchUp gives the group what the client has missed, so that many who come back
// at once are drawn for once. It returns where the client stands.
func (h *Hub) catchUp(ctx context.Context, r *http.Request, g *group) (at int64, found int) {
	now := h.Position()
	given := r.Header.Get("Last-Event-ID")
	if given == "" {
		given = r.URL.Query().Get("after")
	}
	if given == "" {
		return now, nothing
	}
	after, ok := number(given)
	if !ok || after < store.SeqAt(time.Now().Add(-kept)) || after > store.SeqAt(time.Now().Add(kept)) {
		return now, tooOld
	}
	list, err := h.feed.Changes(ctx, h.from(after), most)
	if err != nil {
		if ctx.Err() == nil {
			h.log.WarnContext(ctx, "changes can't be read", "err", err)
		}
		return after, failed
	}
	if len(list) == most {
		return now, tooOld
	}
	mine := slices.DeleteFunc(list, func(c store.Change) bool { return !g.view.Topics(c) })
	moment, err := nextOf(ctx, g.view, store.Change{Seq: after}.At())
	if err != nil {
		h.log.WarnContext(ctx, "the next moment of a live view is not known", "view", g.view.Key, "err", err)
	}
	if !moment.IsZero() && !moment.After(time.Now()) { // something has passed while it was away
		mine = append(mine, store.Change{Seq: now, Topic: store.TopicDirectory})
	}
	if len(mine) == 0 {
		return max(after, now), nothing
	}
	g.take(mine)
	return after, missed
}

// join adds a client to the group of its view, which its first client begins.
func (h *Hub) join(c *client, view View) (g *group, running context.Context, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.running == nil:
		return nil, nil, http.StatusServiceUnavailable
	case h.clients >= h.o.Max, view.Account != "" && h.accounts[view.Account] >= h.o.PerAccount:
		return nil, nil, http.StatusTooManyRequests
	}
	g = h.views[view.Key]
	if g == nil {
		ctx, stop := context.WithCancel(h.running)
		g = &group{hub: h, view: view, wake: make(chan struct{}, 1), stop: stop, clients: map[*client]struct{}{}, changes: map[subject]int64{}}
		h.views[view.Key] = g
		h.groups.Go(func() { g.run(ctx) })
	}
	g.mu.Lock()
	g.clients[c] = struct{}{}
	g.mu.Unlock()
	h.clients++
	h.streams.Add(1)
	if view.Account != "" {
		h.accounts[view.Account]++
	}
	if view.Session != "" {
		if h.sessions[view.Session] == nil {
			h.sessions[view.Session] = map[*client]struct{}{}
		}
		h.sessions[view.Session][c] = struct{}{}
	}
	return g, h.running, http.StatusOK
}

// leave takes a client away, and with the last one its group.
func (h *Hub) leave(c *client, g *group, view View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.streams.Done()
	h.clients--
	if view.Account != "" {
		if h.accounts[view.Account]--; h.accounts[view.Account] == 0 {
			delete(h.accounts, view.Account)
		}
	}
	if set := h.sessions[view.Session]; set != nil {
		if delete(set, c); len(set) == 0 {
			delete(h.sessions, view.Session)
		}
	}
	g.mu.Lock()
	delete(g.clients, c)
	last := len(g.clients) == 0
	g.mu.Unlock()
	if last {
		delete(h.views, view.Key)
		g.stop()
	}
}
