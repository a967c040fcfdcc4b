package slack

import (
	"math"
	"time"
)

// Limits are the rates that the service documents. A zero field means the
// documented one.
type Limits struct {
	Off bool // nothing is limited

	// Requests a minute for each method of a tier: 1, 20, 50, 100; Special is
	// for auth.test and chat.getPermalink ("hundreds"), 600.
	Tier1, Tier2, Tier3, Tier4, Special int

	// PostsPerSecond is how fast one channel takes messages, 1, and PostBurst
	// how many may come at once, 4.
	PostsPerSecond float64
	PostBurst      int

	// Workspace is how many messages a minute all channels take, 300
	// ("several hundred").
	Workspace int
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Tier1, 1)
	set(&l.Tier2, 20)
	set(&l.Tier3, 50)
	set(&l.Tier4, 100)
	set(&l.Special, 600)
	set(&l.PostBurst, 4)
	set(&l.Workspace, 300)
	if l.PostsPerSecond <= 0 {
		l.PostsPerSecond = 1
	}
	return l
}

// tier is how often a method may be called.
type tier uint8

const (
	special tier = iota
	tier1
	tier2
	tier3
	tier4
	posting // by channel and workspace instead of by method
)

// bucket lets a burst through and refills steadily.
type bucket struct {
	level float64
	at    time.Time
}

// wait says how long until the bucket has one to give.
func (b *bucket) wait(now time.Time, perSecond float64, burst int) time.Duration {
	b.level = min(float64(burst), b.level+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.level >= 1-1e-9 {
		return 0
	}
	return time.Duration((1 - b.level) / perSecond * float64(time.Second))
}

// limit takes one request of a method from its buckets, or says how many whole
// seconds to wait. s.mu is held.
func (s *Server) limit(name string, t tier, channel string) (seconds int) {
	l := s.options.Limits
	if l.Off {
		return 0
	}
	type rate struct {
		key       string
		perSecond float64
		burst     int
	}
	var rates []rate
	if t == posting {
		rates = []rate{
			{"post " + channel, l.PostsPerSecond, l.PostBurst},
			{"post", float64(l.Workspace) / 60, l.Workspace},
		}
	} else {
		perMinute := map[tier]int{special: l.Special, tier1: l.Tier1, tier2: l.Tier2, tier3: l.Tier3, tier4: l.Tier4}[t]
		rates = []rate{{name, float64(perMinute) / 60, perMinute}}
	}
	now := time.Now()
	var longest time.Duration
	for _, r := range rates {
		b, ok := s.buckets[r.key]
		if !ok {
			b = &bucket{level: float64(r.burst), at: now}
			s.buckets[r.key] = b
		}
		longest = max(longest, b.wait(now, r.perSecond, r.burst))
	}
	if longest > 0 {
		return int(math.Ceil(longest.Seconds()))
	}
	for _, r := range rates {
		s.buckets[r.key].level--
	}
	return 0
}
