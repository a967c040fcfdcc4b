package oncall

import (
	"slices"
	"strings"
	"time"
)

// Point is one value of a service metric, at the time that its sender gave it.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// KeepPoints is how many of the last points of a metric are kept: those that a
// judgement needs, and as many again that late ones may fall behind.
const KeepPoints = 2 * MaxPoints

// MetricLevel is how bad a service metric is.
type MetricLevel string

// The levels of a service metric.
const (
	MetricUnknown  MetricLevel = "" // nothing has been heard of it
	MetricOK       MetricLevel = "ok"
	MetricWarning  MetricLevel = "warning"
	MetricCritical MetricLevel = "critical"
	MetricMissing  MetricLevel = "missing" // no point has come for too long
)

// Bad reports whether somebody has to know.
func (l MetricLevel) Bad() bool { return l != MetricUnknown && l != MetricOK }

// AddPoints puts new points among those that are kept, oldest first. A point
// takes the place of one at the same time; of too many the oldest go.
func AddPoints(kept []Point, added ...Point) []Point {
	all := slices.Clone(kept)
	for _, p := range added {
		i, found := slices.BinarySearchFunc(all, p.At, func(have Point, at time.Time) int { return have.At.Compare(at) })
		if found {
			all[i] = p
			continue
		}
		all = slices.Insert(all, i, p)
	}
	return all[max(0, len(all)-KeepPoints):]
}

// Judge says how bad the last points of a metric are, and their average: of the
// last Points of them, or of as many as there are, however far apart. points are
// those of one metric, oldest first; without any nothing is known. With a limit
// of each kind the worse one counts.
func (s *ServiceMetric) Judge(points []Point) (level MetricLevel, average float64) {
	if len(points) == 0 {
		return MetricUnknown, 0
	}
	last := points[max(0, len(points)-max(1, s.Points)):]
	least, most := last[0].Value, last[0].Value
	for _, p := range last {
		average += p.Value
		least, most = min(least, p.Value), max(most, p.Value)
	}
	// Three times 0.1 is a little above 0.1 on average, in floats, and must not be above a limit of 0.1.
	average = min(max(average/float64(len(last)), least), most)
	switch {
	case s.beyond(average, s.Critical):
		return MetricCritical, average
	case s.beyond(average, s.Warning):
		return MetricWarning, average
	}
	return MetricOK, average
}

func (s *ServiceMetric) beyond(value float64, limit *float64) bool {
	switch {
	case limit == nil:
		return false
	case s.Operator == "<":
		return value < *limit
	}
	return value > *limit
}

// Limit is the limit that a level stands for, nil for one that has none.
func (s *ServiceMetric) Limit(l MetricLevel) *float64 {
	switch l {
	case MetricCritical:
		return s.Critical
	case MetricWarning:
		return s.Warning
	}
	return nil
}

// IsPattern reports whether s is about every metric of a form: a * stands for
// one part of a name between dots, as in custom.jobs.*.failed.
func (s *ServiceMetric) IsPattern() bool { return strings.Contains(s.Name, "*") }

// Covers reports whether s is about the metric of that name.
func (s *ServiceMetric) Covers(service, name string) bool {
	if s.Service != service {
		return false
	}
	if !s.IsPattern() {
		return s.Name == name
	}
	form, parts := strings.Split(s.Name, "."), strings.Split(name, ".")
	if len(form) != len(parts) {
		return false
	}
	for i := range form {
		if form[i] != "*" && form[i] != parts[i] || parts[i] == "" {
			return false
		}
	}
	return true
}
