package mackerel

import (
	"context"
	"errors"
	"sync"
	"time"

	"toban/store"
)

// Destination is a Mackerel that points are passed on to.
type Destination struct {
	Key     string
	BaseURL string // without a slash at its end; "" = Mackerel itself
}

const (
	defaultBase = "https://api.mackerelio.com"
	// pace is between two requests for a service: Mackerel asks for one a minute.
	pace = time.Minute
	// sendWithin bounds one request, sendFor how long no other node sends for the
	// same service meanwhile.
	sendWithin = 30 * time.Second
	sendFor    = 75 * time.Second
	// maxWaiting is how many points of a service wait at most; more are not passed on.
	maxWaiting = 50_000
	// maxRequest is how many points are sent together, maxPosts how many posts they
	// may have come in. One post is never taken apart unless it is refused.
	maxRequest = 5000
	maxPosts   = 1000
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// senders is for how many services points are sent at the same time.
	senders = 4
)

// forwards is what passes points on.
type forwards struct {
	ready chan string // services to send for

	mu      sync.Mutex
	to      *Destination
	figures ForwardFigures
	told    time.Time // when it was last said that the key is refused; zero = it is not
}

// ForwardFigures count points since the start of this process, but for Waiting.
type ForwardFigures struct {
	Sent    int64
	Dropped int64 // refused, too old, or too many
	Failed  int64 // requests that are made again
	Waiting int   // of all nodes
	Denied  bool  // Mackerel refuses the key, as far as is known here
}

// Forward has points that come from now on passed on; nil to nobody any more, and
// then what waits is dropped.
func (m *Metrics) Forward(to *Destination) {
	m.forwards.mu.Lock()
	defer m.forwards.mu.Unlock()
	if to != nil && to.BaseURL == "" {
		to = &Destination{Key: to.Key, BaseURL: defaultBase}
	}
	m.forwards.to = to
}

func (f *forwards) destination() *Destination {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.to
}

func (f *forwards) count(add func(*ForwardFigures)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&f.figures)
}

// Forwarded says how much was passed on.
func (m *Metrics) Forwarded(ctx context.Context) (figures ForwardFigures, err error) {
	err = m.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		figures.Waiting, err = tx.MetricsWaiting(ctx)
		return err
	})
	waiting := figures.Waiting
	m.forwards.count(func(f *ForwardFigures) { figures = *f })
	figures.Waiting = waiting
	return figures, err
}

// queue lets points wait to be passed on; it holds the lane of the service first,
// before anything else that a post holds. full says that they are not passed on.
func (m *Metrics) queue(ctx context.Context, tx *store.Tx, service string, points []store.NamedPoint) (full bool, err error) {
	if m.forwards.destination() == nil {
		return false, nil
	}
	lane, err := tx.LockMetricLane(ctx, service)
	if err != nil {
		return false, err
	}
	if lane.Waiting+len(points) > maxWaiting {
		return true, nil
	}
	if err := tx.AddMetricForward(ctx, lane, points); err != nil {
		return false, err
	}
	if err := tx.SaveMetricLane(ctx, lane); err != nil {
		return false, err
	}
	if lane.Sender != "" && tx.Now.Before(lane.SendsUntil) {
		return false, nil // who is sending looks for more
	}
	return false, tx.PutTimers(ctx, forwardTimer(service, lane.NextAt))
}

func forwardTimer(service string, at time.Time) store.Timer {
	return store.Timer{Kind: store.TimerForward, Ref: service, DueAt: at}
}

func (m *Metrics) drop(ctx context.Context, service string, points int, why string) {
	m.forwards.count(func(f *ForwardFigures) { f.Dropped += int64(points) })
	m.log.ErrorContext(ctx, "points were not passed on to Mackerel", "service", service, "points", points, "err", why)
}

// claimLanes takes the lanes of services whose timers have come due for this node.
func (m *Metrics) claimLanes(ctx context.Context, tx *store.Tx, refs []string) error {
	var mine []string
	for _, service := range refs {
		lane, err := tx.LockMetricLane(ctx, service)
		if err != nil {
			return err
		}
		at := lane.NextAt
		elsewhere := lane.Sender != "" && tx.Now.Before(lane.SendsUntil)
		switch {
		case lane.Waiting == 0:
			continue
		case m.forwards.destination() == nil:
			m.log.InfoContext(ctx, "points wait for a Mackerel that is not configured any more; they are dropped", "service", service, "points", lane.Waiting)
			if err := m.empty(ctx, tx, lane); err != nil {
				return err
			}
			continue
		case elsewhere:
			at = lane.SendsUntil
		case !tx.Now.Before(lane.NextAt):
			lane.Sender, lane.SendsUntil = m.o.DB.Node(), tx.Now.Add(sendFor)
			if err := tx.SaveMetricLane(ctx, lane); err != nil {
				return err
			}
			at = lane.SendsUntil
			mine = append(mine, service)
		}
		if err := tx.PutTimers(ctx, forwardTimer(service, at)); err != nil {
			return err
		}
	}
	for _, service := range mine { // before the commit, which is early at worst: who sends waits for the lane
		select {
		case m.forwards.ready <- service:
		default: // many wait; the timer comes back to it
		}
	}
	return nil
}

// pass sends for the services that were claimed, until ctx ends.
func (m *Metrics) pass(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	for range senders {
		work.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case service := <-m.forwards.ready:
					if err := m.send(ctx, service); err != nil && ctx.Err() == nil {
						m.log.ErrorContext(ctx, "points wait to be passed on to Mackerel", "service", service, "err", err)
					}
				}
			}
		})
	}
}

// send sends the first of what waits in a lane that this node holds, and gives
// the lane back.
func (m *Metrics) send(ctx context.Context, service string) error {
	to := m.forwards.destination()
	if to == nil || m.o.Fenced() {
		return nil // the timer comes back to it
	}
	posts, err := m.first(ctx, service)
	if err != nil || posts == nil {
		return err
	}
	var old int
	var points []store.NamedPoint
	for _, p := range posts {
		for _, each := range p.Points {
			if time.Since(each.At) > tooOld {
				old++
				continue
			}
			points = append(points, each)
		}
	}
	var answer reply
	if len(points) > 0 {
		answer = m.post(ctx, to, service, points)
	}
	if ctx.Err() != nil && answer.again {
		return nil // toban ends; it is sent when it is back
	}
	return m.settle(context.WithoutCancel(ctx), service, posts, len(points), old, answer)
}

// first returns what is sent next, nil when the lane is not this node's, or empty.
func (m *Metrics) first(ctx context.Context, service string) (posts []store.MetricForward, err error) {
	err = m.o.DB.Tx(ctx, func(tx *store.Tx) error {
		lane, err := tx.LockMetricLane(ctx, service)
		if err != nil || lane.Sender != m.o.DB.Node() || !tx.Now.Before(lane.SendsUntil) {
			return err
		}
		if posts, err = tx.MetricForwards(ctx, service, maxPosts); err != nil {
			return err
		}
		if len(posts) == 0 {
			return m.empty(ctx, tx, lane)
		}
		lane.SendsUntil = tx.Now.Add(sendFor)
		return tx.SaveMetricLane(ctx, lane)
	})
	n := 0
	for i, p := range posts {
		if n += len(p.Points); n > maxRequest && i > 0 {
			return posts[:i], err
		}
	}
	return posts, err
}

// empty lets nothing wait in a lane any more.
func (m *Metrics) empty(ctx context.Context, tx *store.Tx, lane *store.MetricLane) error {
	lane.Waiting, lane.Sender, lane.SendsUntil = 0, "", time.Time{}
	if err := tx.DeleteMetricForwards(ctx, lane.Service, lane.Last); err != nil {
		return err
	}
	if err := tx.DeleteTimers(ctx, store.TimerForward, lane.Service); err != nil {
		return err
	}
	return tx.SaveMetricLane(ctx, lane)
}

var errElsewhere = errors.New("it took so long that another node sends it")

// settle notes what became of posts and gives the lane back.
func (m *Metrics) settle(ctx context.Context, service string, posts []store.MetricForward, sent, old int, answer reply) error {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	err := m.o.DB.Tx(ctx, func(tx *store.Tx) error {
		lane, err := tx.LockMetricLane(ctx, service)
		if err != nil {
			return err
		}
		if lane.Sender != m.o.DB.Node() {
			return errElsewhere
		}
		lane.Sender, lane.SendsUntil = "", time.Time{}
		if answer.again {
			lane.Attempts++
			lane.NextAt = tx.Now.Add(max(answer.after, backoff(lane.Attempts)))
		} else {
			for _, p := range posts {
				lane.Waiting -= len(p.Points)
			}
			lane.Attempts, lane.NextAt = 0, tx.Now.Add(pace)
			if err := tx.DeleteMetricForwards(ctx, service, posts[len(posts)-1].N); err != nil {
				return err
			}
		}
		if err := tx.SaveMetricLane(ctx, lane); err != nil {
			return err
		}
		if lane.Waiting == 0 {
			return tx.DeleteTimers(ctx, store.TimerForward, service)
		}
		return tx.PutTimers(ctx, forwardTimer(service, lane.NextAt))
	})
	if err != nil {
		return err
	}
	if answer.denied {
		m.denied(ctx, answer.err)
		return nil
	}
	if answer.again {
		m.forwards.count(func(f *ForwardFigures) { f.Failed++ })
		m.log.WarnContext(ctx, "Mackerel took no points; they are sent again", "service", service, "points", sent, "err", answer.err)
		return nil
	}
	m.forwards.mu.Lock()
	m.forwards.figures.Sent += int64(sent - answer.refused)
	if sent > 0 { // whatever it thought of them, it knew the key
		m.forwards.told, m.forwards.figures.Denied = time.Time{}, false
	}
	m.forwards.mu.Unlock()
	if old > 0 {
		m.drop(ctx, service, old, "they are older than a day")
	}
	if answer.refused > 0 {
		m.drop(ctx, service, answer.refused, answer.err.Error())
	}
	return nil
}

// tellDenied is how often it is said that the key is refused: trying does not
// mend it, and one line in an hour is not overlooked.
const tellDenied = time.Hour

// denied says that the key is refused.
func (m *Metrics) denied(ctx context.Context, why error) {
	f := &m.forwards
	f.mu.Lock()
	tell := f.told.IsZero() || time.Since(f.told) >= tellDenied
	if tell {
		f.told = time.Now()
	}
	f.figures.Failed++
	f.figures.Denied = true
	f.mu.Unlock()
	if tell {
		m.log.ErrorContext(ctx, "Mackerel refuses the key of providers.mackerel: mend it. Points wait, for a day at most, and are tried every five minutes", "err", why)
	}
}

func backoff(attempts int) time.Duration {
	return min(firstRetry<<min(attempts-1, 20), lastRetry)
}
