package oncall

import (
	"reflect"
	"time"
)

// MetricPlan is what a monitor wants of one metric.
type MetricPlan struct {
	ServiceMetric

	Down     Threshold `json:"down,omitzero"` // readings in a row, or a time, until it is bad
	Up       Threshold `json:"up,omitzero"`
	Severity Severity  `json:"severity"` // of points that are missing
	Paused   bool      `json:"paused,omitempty"`
}

// MetricState is how one metric of a monitor stands. The zero value is one of
// which nothing is known yet.
type MetricState struct {
	Level MetricLevel `json:"level,omitempty"` // that holds
	Since time.Time   `json:"since,omitzero"`
	// Found, Value and At are the last reading: its newest point's time.
	Found MetricLevel `json:"found,omitempty"`
	Value float64     `json:"value"`
	At    time.Time   `json:"at,omitzero"`
	// Heard is when that came, by toban's clock; Watched since when it is waited for.
	Heard   time.Time `json:"heard,omitzero"`
	Watched time.Time `json:"watched,omitzero"`
	// Row is how many readings in a row, since RowSince, speak against Level.
	Row      int        `json:"row,omitempty"`
	RowSince time.Time  `json:"row_since,omitzero"`
	Plan     MetricPlan `json:"plan"` // by which it was judged
}

// MetricPlan is what m, which is of the kind metric, wants of each of its metrics.
func (m *Monitor) MetricPlan() MetricPlan {
	return MetricPlan{ServiceMetric: *m.Metric, Down: m.Down, Up: m.Up, Severity: m.Severity, Paused: m.Paused}
}

// SeverityOf is how bad a level is for who is paged; "" is not at all.
func (p MetricPlan) SeverityOf(l MetricLevel) Severity {
	switch l {
	case MetricCritical:
		return Critical
	case MetricWarning:
		return Warning
	case MetricMissing:
		return p.Severity
	}
	return ""
}

// Define judges s by p, which may be another plan than the last one, and by the
// points that are kept of the metric. It is what is done at a start, too, and then
// changes nothing. The action says what has to be told; "" is nothing.
func (p MetricPlan) Define(s MetricState, points []Point, now time.Time) (MetricState, Action) {
	before := s.told(s.Plan)
	if s.Watched.IsZero() || s.Plan.Paused && !p.Paused {
		s.Watched = now
	}
	same := reflect.DeepEqual(s.Plan, p)
	s.Plan = p
	switch {
	case p.Paused:
		s.set(MetricUnknown, now)
		return s, p.action(before, s)
	case same:
		return s, ""
	}
	if s.Found == MetricMissing { // perhaps it is no longer, by the new plan
		s.Found = MetricUnknown
		if at := p.MissingAt(s); !at.IsZero() && !now.Before(at) {
			s.Found = MetricMissing
			return s, p.action(before, s)
		}
	}
	if len(points) > 0 {
		s.At = points[len(points)-1].At
	}
	s.Row, s.RowSince = 0, time.Time{}
	s.Found, s.Value = p.Judge(points)
	if s.Found.Bad() {
		p.step(&s, now, true)
	} else {
		s.set(s.Found, now)
	}
	return s, p.action(before, s)
}

// Take judges a metric of which points have come; points are all that are kept.
// What came together counts one by one, but only how it ends is told.
func (p MetricPlan) Take(s MetricState, points []Point, now time.Time) (MetricState, Action) {
	if p.Paused || len(points) == 0 {
		return s, ""
	}
	before := s.told(p)
	s.Plan = p
	for i := range points {
		if points[i].At.After(s.At) {
			s.Found, s.Value = p.Judge(points[:i+1])
			s.At, s.Heard = points[i].At, now
			p.step(&s, now, true)
		}
	}
	// One that was written over, or came late, is no further reading; it may change the last one.
	level, average := p.Judge(points)
	if level != s.Found || average != s.Value {
		s.Found, s.Value, s.Heard = level, average, now
		p.step(&s, now, s.Row == 0)
	}
	return s, p.action(before, s)
}

// Expire judges a metric at its Deadline.
func (p MetricPlan) Expire(s MetricState, now time.Time) (MetricState, Action) {
	before := s.told(p)
	if at := p.MissingAt(s); !at.IsZero() && !now.Before(at) {
		worse := before == "" || p.Severity.Rank() < before.Rank()
		s.Found = MetricMissing
		s.Row, s.RowSince = 0, time.Time{}
		if worse {
			s.set(MetricMissing, now)
		}
		return s, p.action(before, s)
	}
	p.step(&s, now, false)
	return s, p.action(before, s)
}

// Deadline is when s has to be judged without a point, zero for never.
func (p MetricPlan) Deadline(s MetricState) time.Time {
	if p.Paused {
		return time.Time{}
	}
	at := p.MissingAt(s)
	if s.Row > 0 {
		t := p.Down
		if s.Level.Bad() {
			t = p.Up
		}
		if over := s.RowSince.Add(t.For); s.Row >= t.Count && (at.IsZero() || over.Before(at)) {
			at = over
		}
	}
	return at
}

// MissingAt is when points of s are missed; zero where they never are, or are
// already.
func (p MetricPlan) MissingAt(s MetricState) time.Time {
	if p.Missing <= 0 || p.Paused || s.Found == MetricMissing {
		return time.Time{}
	}
	last := s.Watched
	if s.Heard.After(last) {
		last = s.Heard
	}
	return last.Add(p.Missing)
}

// step moves the level towards what was found. counts says that it is a reading
// more, not the same one again.
func (p MetricPlan) step(s *MetricState, now time.Time, counts bool) {
	switch {
	case s.Found == MetricUnknown, s.Found == MetricMissing:
		return // the level is kept
	case s.Found.Bad() == s.Level.Bad():
		s.set(s.Found, now) // from warning to critical and back at once
		return
	}
	t := p.Down
	if s.Level.Bad() {
		t = p.Up
	}
	if s.Row == 0 {
		s.RowSince = now
	}
	if counts {
		s.Row++
	}
	if s.Row >= t.Count && now.Sub(s.RowSince) >= t.For {
		s.set(s.Found, now)
	}
}

func (s *MetricState) set(l MetricLevel, now time.Time) {
	if s.Level != l {
		s.Level, s.Since = l, now
	}
	s.Row, s.RowSince = 0, time.Time{}
}

// told is the severity with which s is told of.
func (s MetricState) told(p MetricPlan) Severity { return p.SeverityOf(s.Level) }

// action is what has to be told when it was told of with that severity before.
func (p MetricPlan) action(before Severity, s MetricState) Action {
	switch s.told(p) {
	case before:
		return ""
	case "":
		return Resolve
	}
	return Trigger
}
