// Package heartbeat listens for jobs that report by themselves, in the way of
// healthchecks: a job asks for an address when it has run, and silence is the
// alarm.
//
// A ping is answered once it is committed. What is to be said about it is
// written down with it, handed to the alert stage, and crossed off when that has
// taken it: a crash between any two of these says it twice at most, and never
// not at all. A deadline is a timer like everything that waits; what it means is
// decided by the rules in oncall.
//
// It makes no heartbeats: what is expected is configuration.
package heartbeat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"toban/detect/follow"
	"toban/detect/saying"
	"toban/detect/voice"
	"toban/internal/due"
	"toban/oncall"
	"toban/store"
)

// Options are what a Listener is made of.
type Options struct {
	DB *store.DB
	// Accept hands signals to the alert stage and returns once they are committed.
	Accept func(ctx context.Context, signals []oncall.Signal) error
	Key    []byte      // the installation's; without one there are no addresses
	Fenced func() bool // the node may not act at the moment; nil = never
	Log    *slog.Logger
}

// Listener hears pings and notices their absence. Register it with the queue,
// Follow the configuration, then Run it.
type Listener struct {
	o         Options
	addresses Addresses
	log       *slog.Logger
	choir     choir
	voice     *voice.Voice[oncall.MonitorID, *store.Heartbeat]
	follower  follow.Follower
	applying  sync.Mutex

	mu     sync.Mutex
	since  time.Time    // since when it listens; zero = not yet
	words  saying.Words // of the installation
	byID   map[oncall.MonitorID]*entry
	byUUID map[string]*entry
	bySlug map[string][]*entry
	// spared has the deadlines that were put off because they came to be judged
	// much too late, unheard when a ping last could not be kept.
	spared, unheard map[oncall.MonitorID]time.Time
}

// entry is a heartbeat that is configured. It never changes.
type entry struct {
	monitor *oncall.Monitor
	plan    oncall.HeartbeatPlan
	// A flood of other pings must not keep a failure out.
	pings, failures *rate.Limiter
}

// How many pings of one heartbeat are taken at once, and in a second. One with
// many workers stays far below.
const (
	pingBurst = 60
	pingRate  = 5
)

// New returns a Listener that hears nothing before Follow or Apply.
func New(o Options) *Listener {
	if o.Fenced == nil {
		o.Fenced = func() bool { return false }
	}
	l := &Listener{
		o: o, addresses: NewAddresses(o.Key), log: o.Log, words: saying.Words{Zone: time.UTC},
		spared: map[oncall.MonitorID]time.Time{}, unheard: map[oncall.MonitorID]time.Time{},
	}
	l.voice = voice.New(voice.Options{DB: o.DB, Accept: o.Accept, Fenced: o.Fenced}, l.spoken())
	l.follower = follow.Follower{
		DB: o.DB, Name: "heartbeats", Apply: l.apply, Applying: l.speak, Began: func() bool { return !l.listening().IsZero() },
	}
	return l
}

// Register handles the deadlines that come due in q.
func (l *Listener) Register(q *due.Queue) {
	q.Handle(store.TimerHeartbeat, due.Options{Batch: 64, Workers: 1, Rank: 1}, l.judge)
}

// Addresses are where the heartbeats are reached.
func (l *Listener) Addresses() Addresses { return l.addresses }

// entry returns the heartbeat of that name, or nil.
func (l *Listener) entry(id oncall.MonitorID) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

// miss notes that a ping of that heartbeat was sent and could not be kept.
func (l *Listener) miss(id oncall.MonitorID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unheard[id] = time.Now()
}
