package oncall

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// compiled is what a directory works out once because it never changes.
type compiled struct {
	services  map[ServiceID]*Service
	matchers  map[*Service][]matcher
	overrides map[ScheduleID][]Override
	duty      map[*Schedule]*dutyCache
}

// Compile works out once what every signal and step would otherwise work out
// anew: expressions, zones, indexes. Whoever builds a directory calls it before
// anybody else sees it. It fails for an expression or zone that does not exist,
// naming what it belongs to.
func (d *Directory) Compile() error {
	c := &compiled{
		services:  make(map[ServiceID]*Service, len(d.Services)),
		matchers:  make(map[*Service][]matcher, len(d.Services)),
		overrides: overridesOf(d.Overrides),
		duty:      make(map[*Schedule]*dutyCache, len(d.Schedules)),
	}
	if _, err := LoadZone(d.Settings.Zone); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	for _, s := range d.Services {
		matchers, err := compileMatchers(s.Match)
		if err != nil {
			return fmt.Errorf("service %s: %w", s.ID, err)
		}
		if s.SupportHours != nil {
			if _, err := LoadZone(s.SupportHours.Zone); err != nil {
				return fmt.Errorf("service %s: %w", s.ID, err)
			}
		}
		if c.services[s.ID] == nil {
			c.services[s.ID] = s
		}
		c.matchers[s] = matchers
	}
	for id, s := range d.Schedules {
		if _, err := LoadZone(s.Zone); err != nil {
			return fmt.Errorf("schedule %s: %w", id, err)
		}
		c.duty[s] = &dutyCache{}
	}
	d.compiled = c
	return nil
}

func overridesOf(all []Override) map[ScheduleID][]Override {
	by := map[ScheduleID][]Override{}
	for _, o := range all {
		by[o.Schedule] = append(by[o.Schedule], o)
	}
	return by
}

func compileMatchers(all []Matcher) ([]matcher, error) {
	out := make([]matcher, len(all))
	for i, m := range all {
		out[i].Matcher = m
		if m.Op != Match && m.Op != NotMatch {
			continue
		}
		re, err := regexp.Compile("^(?s:" + m.Value + ")$")
		if err != nil {
			return nil, fmt.Errorf("matcher %s%s: %s", m.Label, m.Op, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		out[i].re = re
	}
	// Cheap comparisons decide most often: they go first.
	slices.SortStableFunc(out, func(a, b matcher) int { return a.cost() - b.cost() })
	return out, nil
}

// dutyCache keeps the last answer about one schedule: the steps of a busy hour
// all ask about the same shift.
type dutyCache struct{ last atomic.Pointer[duty] }

type duty struct {
	user     UserID
	from, to time.Time
	forever  bool
}

// foreverHolds is how long "no change for a year or so" is repeated before it
// is worked out again.
const foreverHolds = 30 * secondsPerDay * time.Second

func (d *Directory) dutyCache(s *Schedule) *dutyCache {
	if d == nil || d.compiled == nil {
		return nil
	}
	return d.compiled.duty[s]
}

func (c *dutyCache) get(at time.Time) (user UserID, until time.Time, ok bool) {
	if c == nil {
		return "", time.Time{}, false
	}
	last := c.last.Load()
	if last == nil || at.Before(last.from) || !at.Before(last.to) {
		return "", time.Time{}, false
	}
	if last.forever {
		return last.user, time.Time{}, true
	}
	return last.user, last.to, true
}

func (c *dutyCache) put(at, until time.Time, user UserID) {
	if c == nil {
		return
	}
	d := &duty{user: user, from: at, to: until}
	if until.IsZero() {
		d.to, d.forever = at.Add(foreverHolds), true
	}
	c.last.Store(d)
}
