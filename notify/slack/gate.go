package slack

import (
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate keeps requests to what Slack bears: the rates it documents, the pauses it
// asks for, and never more than a few at once in one channel, so that one that
// hangs does not hold up the others. Nobody waits at it: who may not pass is told
// when to come again.
type gate struct {
	mu       sync.Mutex
	shut     time.Time            // the whole workspace: the token does not work
	pauses   map[string]time.Time // by key: 429
	limits   map[string]*rate.Limiter
	inside   map[string]int
	refused  map[string]int    // who is waiting, about
	same     map[string]string // names of channels that are known by their id as well
	sweeping time.Time
}

func newGate() *gate {
	return &gate{pauses: map[string]time.Time{}, limits: map[string]*rate.Limiter{}, inside: map[string]int{}, refused: map[string]int{}, same: map[string]string{}}
}

const (
	// postMethod is limited for each channel; the others for the workspace.
	postMethod = "chat.postMessage"
	postBurst  = 2
	// atOnce is how many requests may be under way for one channel or method.
	atOnce = 3
	// busyPause is when to come again where that many are.
	busyPause = 200 * time.Millisecond
	// maxSpread bounds by how much those who wait are spread.
	maxSpread = time.Minute
	// maxKeys is how many channels are remembered.
	maxKeys = 4096
)

// perMinute are the rates that Slack documents ("at least so many"); a method
// that is not here is asked rarely.
func perMinute(method string) float64 {
	switch method {
	case "conversations.create", "conversations.archive", "conversations.setTopic", "conversations.list", "conversations.unarchive",
		"usergroups.list", "usergroups.users.update":
		return 20
	case "users.info", "chat.postEphemeral":
		return 100
	}
	return 50
}

// key is what a request is limited by. g.mu is held.
func (g *gate) key(method, channel string) string {
	if method == postMethod {
		return method + " " + g.crowd(channel)
	}
	return method
}

// crowd is the one name that a channel has here. g.mu is held.
func (g *gate) crowd(channel string) string {
	channel = strings.TrimPrefix(channel, "#")
	if id, ok := g.same[channel]; ok {
		return id
	}
	return channel
}

// known notes that a channel's name and an id mean the same.
func (g *gate) known(channel, id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if name := strings.TrimPrefix(channel, "#"); name != id && id != "" && g.same[name] != id && len(g.same) < maxKeys {
		from, to := postMethod+" "+g.crowd(name), postMethod+" "+id
		if g.limits[to] == nil {
			g.limits[to] = g.limits[from]
		}
		g.same[name] = id
	}
}

// enter lets a request pass, or says how long to stay away.
func (g *gate) enter(method, channel string) (leave func(), wait time.Duration) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	key := g.key(method, channel)
	g.tidy(now)
	if wait := max(g.shut.Sub(now), g.pauses[key].Sub(now)); wait > 0 {
		return nil, wait + g.spread(key, method)
	}
	crowd := key
	if channel != "" {
		crowd = g.crowd(channel)
	}
	if g.inside[crowd] >= atOnce {
		return nil, busyPause + rand.N(busyPause)
	}
	r := g.limit(key, method).ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return nil, wait + g.spread(key, method)
	}
	g.refused[key] = max(0, g.refused[key]-1)
	g.inside[crowd]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.inside[crowd]--; g.inside[crowd] <= 0 {
			delete(g.inside, crowd)
		}
	}, 0
}

// free reports how long it would take until a post may pass.
func (g *gate) free(channel string) time.Duration {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	key := g.key(postMethod, channel)
	wait := max(g.shut.Sub(now), g.pauses[key].Sub(now), 0)
	r := g.limit(key, postMethod).ReserveN(now, 1)
	defer r.CancelAt(now)
	return max(wait, r.DelayFrom(now))
}

// spread lets those who wait come back one after the other. g.mu is held.
func (g *gate) spread(key, method string) time.Duration {
	n := g.refused[key]
	g.refused[key] = min(n+1, 1000)
	if n == 0 {
		return 0
	}
	return rand.N(min(time.Duration(n)*every(method), maxSpread))
}

func every(method string) time.Duration {
	if method == postMethod {
		return time.Second
	}
	return time.Duration(float64(time.Minute) / perMinute(method))
}

func (g *gate) limit(key, method string) *rate.Limiter {
	l := g.limits[key]
	if l == nil {
		burst := postBurst
		if method != postMethod {
			burst = int(perMinute(method) / 2)
		}
		l = rate.NewLimiter(rate.Every(every(method)), burst)
		g.limits[key] = l
	}
	return l
}

// pause obeys a 429.
func (g *gate) pause(method, channel string, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := g.key(method, channel)
	g.pauses[key] = later(g.pauses[key], time.Now().Add(d))
}

// close keeps everything away for a while.
func (g *gate) close(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = time.Now().Add(d)
}

// tidy forgets what is as good as new. g.mu is held.
func (g *gate) tidy(now time.Time) {
	if len(g.limits) < maxKeys && now.Sub(g.sweeping) < 10*time.Minute {
		return
	}
	g.sweeping = now
	for key, l := range g.limits {
		if l == nil || l.TokensAt(now) >= float64(l.Burst()) && !g.pauses[key].After(now) {
			delete(g.limits, key)
			delete(g.pauses, key)
			delete(g.refused, key)
		}
	}
}
