package agent

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// clocks are how far the clocks of those who speak are off, those of each location
// apart: none pushes out another's.
type clocks struct {
	log *slog.Logger
	mu  *sync.Mutex
	of  map[string]map[string]*clock // by location and name
}

// clock is one of them.
type clock struct {
	off    time.Duration // that is believed; zero = it is right
	doubts bool          // the last look said that it is further behind
	seen   time.Time
}

const (
	// rightClock is how far ahead of toban's time a sample may be.
	rightClock = 2 * time.Second
	// nearClock is how far off a clock may not be and still be taken for right: with
	// an interval of a second, a result holds for less than three.
	nearClock = 500 * time.Millisecond
	// maxSpeakers bounds who is kept in mind of a location.
	maxSpeakers = 100
	forgotten   = 10 * time.Minute // after that what is not heard of any more is
	// mostOff is the farthest that is believed.
	mostOff = 50 * 365 * 24 * time.Hour
)

func newClocks(log *slog.Logger) clocks {
	return clocks{log: log, mu: &sync.Mutex{}, of: map[string]map[string]*clock{}}
}

// off is what the times of who speaks lack to toban's own. sent is what its clock
// showed, in Unix milliseconds; "" says nothing.
//
// The way takes time, too, so a clock seems to be further behind than it is, never
// further ahead: only a second look makes it later. As long as it is about what was
// believed it stays exactly that, so that times stay in their order.
func (c *clocks) off(who speaker, sent string, now time.Time) time.Duration {
	ms, err := strconv.ParseInt(sent, 10, 64)
	if err != nil {
		return 0
	}
	off := now.Sub(time.UnixMilli(ms))
	if off.Abs() > mostOff {
		return 0
	}
	if off.Abs() < nearClock {
		off = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.of[who.location][who.id]
	if known == nil {
		known = &clock{}
		if off < 0 || off > rightClock { // less may be the way, whose first use takes longest
			known.off = off
			c.tell(who, off)
		}
		c.keep(who, known, now)
	}
	known.seen = now
	switch further := off - known.off; {
	case further.Abs() < nearClock:
		known.doubts = false
	case further > 0 && !known.doubts:
		known.doubts = true
	default:
		known.off, known.doubts = off, false
		c.tell(who, off)
	}
	return known.off
}

func (c *clocks) tell(who speaker, off time.Duration) {
	if off == 0 {
		c.log.Info("the clock of an agent is right again", "location", who.location)
		return
	}
	c.log.Warn("the clock of an agent is off; what it sends is dated by toban's", "location", who.location, "behind", off)
}

// keep keeps a new one in mind, in the place of who has not spoken for longest where
// there are too many. c.mu is held.
func (c *clocks) keep(who speaker, its *clock, now time.Time) {
	all := c.of[who.location]
	if all == nil {
		all = map[string]*clock{}
		c.of[who.location] = all
	}
	for len(all) >= maxSpeakers {
		oldest := ""
		for id, known := range all {
			if now.Sub(known.seen) > forgotten {
				delete(all, id)
			} else if oldest == "" || known.seen.Before(all[oldest].seen) {
				oldest = id
			}
		}
		if len(all) >= maxSpeakers {
			delete(all, oldest)
		}
	}
	all[who.id] = its
}

// safe is a text from elsewhere, in at most limit bytes that can be shown.
func safe(text string, limit int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return '·'
		}
		return c
	}, strings.ToValidUTF8(text, "·"))
	return strings.ToValidUTF8(text[:min(len(text), limit)], "")
}
