package live

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"toban/store"
)

// Options are the bounds of a Hub; zero values are what New says.
type Options struct {
	Poll       time.Duration // how often changes of other nodes are read, on PostgreSQL; zero = 250 ms
	Max        int           // streams at once; zero = 2000
	PerAccount int           // streams of one account at once; zero = 20
	Gather     time.Duration // how long a first change waits for more; zero = 20 ms
	Every      time.Duration // the least time between two drawings of a view; zero = 125 ms
	Beat       time.Duration // how often a quiet stream says that it lives; zero = 15 s
	Render     time.Duration // how long one drawing may take; zero = 5 s
	Renderers  int           // drawings at once; zero = 4
}

func (o Options) filled() Options {
	set := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	count := func(n *int, usual int) {
		if *n <= 0 {
			*n = usual
		}
	}
	set(&o.Poll, 250*time.Millisecond)
	set(&o.Gather, 20*time.Millisecond)
	set(&o.Every, 125*time.Millisecond)
	set(&o.Beat, 15*time.Second)
	set(&o.Render, 5*time.Second)
	count(&o.Max, 2000)
	count(&o.PerAccount, 20)
	count(&o.Renderers, 4)
	return o
}

const (
	// early is how much a reader goes back behind the number it was given:
	// nodes commit in another order than that of their numbers.
	early = 2 * time.Second
	// settled is after how long it is believed that no lower number can turn up.
	settled = 10 * time.Second
	// silent is for how long changes may not be readable before pages are no longer
	// told that they are live.
	silent = 3 * time.Second
	// kept is how long the table surely keeps a change; the store keeps it for
	// ten minutes.
	kept = 9 * time.Minute
	// most is how many missed changes are told one by one.
	most = 1000
	// retrying is how long a view waits that could not be drawn, retries how often.
	retrying = time.Second
	retries  = 5
	// waiting is how many events a client may be behind before it is sent away.
	waiting = 16
	// pending is how many different changes a view gathers before it is told only
	// that incidents have changed.
	pending = 256
)

// feed is where changes come from: a store.
type feed interface {
	OnChange(f func([]store.Change)) (cancel func())
	Changes(ctx context.Context, after int64, limit int) ([]store.Change, error)
}

// Hub is where streams and changes meet.
type Hub struct {
	feed  feed
	polls bool // changes come from other nodes too
	early time.Duration
	log   *slog.Logger
	o     Options

	renders chan struct{} // a place for each drawing at once
	last    atomic.Int64  // the highest number that was told
	turn    atomic.Int64  // how often something was told
	told    memory
	behind  atomic.Int64 // since when changes can't be read, in ns; 0 = they can
	// What was committed between these two could not be read when it was new.
	unread, unreadEnd atomic.Int64

	mu       sync.Mutex
	running  context.Context //nolint:containedctx // the groups that streams start live as long as Run
	views    map[string]*group
	clients  int
	accounts map[string]int
	sessions map[string]map[*client]struct{}
	groups   sync.WaitGroup
	streams  sync.WaitGroup
}

// New returns a hub over the changes of a store. Serve works while Run does.
func New(db *store.DB, log *slog.Logger, o Options) *Hub {
	return newHub(rows{db}, db.Engine() == "postgres", log, o)
}

func newHub(f feed, polls bool, log *slog.Logger, o Options) *Hub {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	o = o.filled()
	var margin time.Duration // one node numbers its changes in the order of its commits
	if polls {
		margin = early
	}
	return &Hub{
		feed: f, polls: polls, early: margin, log: log, o: o,
		renders:  make(chan struct{}, o.Renderers),
		views:    map[string]*group{},
		accounts: map[string]int{},
		sessions: map[string]map[*client]struct{}{},
	}
}

// rows is the feed of a store.
type rows struct{ *store.DB }

// Changes reads the table on its own.
func (r rows) Changes(ctx context.Context, after int64, limit int) (list []store.Change, err error) {
	err = r.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.Changes(ctx, after, limit)
		return err
	})
	return list, err
}

// Run hands out changes until ctx ends; then it ends every stream and returns
// when all are gone.
func (h *Hub) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	h.last.Store(store.SeqAt(time.Now()))
	cancel := h.feed.OnChange(h.tell)
	h.mu.Lock()
	h.running = ctx
	h.mu.Unlock()

	if h.polls {
		h.poll(ctx)
	} else {
		<-ctx.Done()
	}
	cancel()
	h.mu.Lock()
	h.running = nil
	h.mu.Unlock()
	h.streams.Wait()
	h.groups.Wait()
	return nil
}

// Position is the number that a page's stream begins behind. It has to be taken
// before the page reads the store: what is committed in between is then sent.
func (h *Hub) Position() int64 {
	return max(h.last.Load(), store.SeqAt(time.Now().Add(-settled)))
}

// Turn grows before any view hears of a change: what was read at a turn has
// everything that was told up to it.
func (h *Hub) Turn() int64 { return h.turn.Load() }

// Streams is how many streams are open.
func (h *Hub) Streams() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clients
}

// EndSession ends the streams of a session, such as one that was signed out.
func (h *Hub) EndSession(session string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.sessions[session] {
		c.end(over)
	}
}

// tell hands changes to the views that they concern. It does not block.
func (h *Hub) tell(list []store.Change) {
	if h.polls {
		list = h.told.fresh(list)
	}
	for _, c := range list {
		for last := h.last.Load(); c.Seq > last && !h.last.CompareAndSwap(last, c.Seq); {
			last = h.last.Load()
		}
	}
	h.turn.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, g := range h.views {
		g.take(list)
	}
}
