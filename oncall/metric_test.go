package oncall

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var midday = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// minutely are points a minute apart from midday on.
func minutely(values ...float64) (points []Point) {
	for i, v := range values {
		points = append(points, Point{At: midday.Add(time.Duration(i) * time.Minute), Value: v})
	}
	return points
}

func TestTheAverageOfTheLastPointsDecides(t *testing.T) {
	t.Parallel()
	both := func(operator string, points int) ServiceMetric {
		return ServiceMetric{Operator: operator, Warning: new(5.0), Critical: new(10.0), Points: points}
	}
	low := ServiceMetric{Operator: "<", Warning: new(5.0), Critical: new(2.0), Points: 1}
	for _, tc := range []struct {
		name   string
		s      ServiceMetric
		points []Point
		level  MetricLevel
		value  float64
	}{
		{"none is nothing", both(">", 1), nil, MetricUnknown, 0},
		{"the limit itself is fine", both(">", 1), minutely(5), MetricOK, 5},
		{"above it is not", both(">", 1), minutely(5.1), MetricWarning, 5.1},
		{"the worse one counts", both(">", 1), minutely(11), MetricCritical, 11},
		{"only the last one", both(">", 1), minutely(11, 11, 1), MetricOK, 1},
		{"the last three", both(">", 3), minutely(100, 4, 6, 8), MetricWarning, 6},
		{"as many as there are", both(">", 3), minutely(12, 14), MetricCritical, 13},
		{"however far apart", both(">", 2), []Point{{At: midday, Value: 20}, {At: midday.Add(9 * time.Hour), Value: 2}}, MetricCritical, 11},
		{"below", low, minutely(1), MetricCritical, 1},
		{"a little below", low, minutely(4), MetricWarning, 4},
		{"not below", low, minutely(5), MetricOK, 5},
		{"critical alone: anything above none", ServiceMetric{Operator: ">", Critical: new(0.0), Points: 1}, minutely(0, 1), MetricCritical, 1},
		{"equal values are their average", ServiceMetric{Operator: ">", Critical: new(0.1), Points: 3}, minutely(0.1, 0.1, 0.1), MetricOK, 0.1},
		{"the largest numbers there are", both(">", 3), minutely(1.7e308, 1.7e308, 1.7e308), MetricCritical, 1.7e308},
		{"no limit", ServiceMetric{Operator: ">", Points: 1, Missing: time.Hour}, minutely(1e9), MetricOK, 1e9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if level, value := tc.s.Judge(tc.points); level != tc.level || value != tc.value {
				t.Errorf("got %q %v, want %q %v", level, value, tc.level, tc.value)
			}
		})
	}
}

func TestANameWithAStarCoversEachMetricOfItsForm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"jobs.failed", "jobs.failed", true},
		{"jobs.failed", "jobs.failed.x", false},
		{"PROD.glue.job.*.failed", "PROD.glue.job.make_rawdata.failed", true},
		{"PROD.glue.job.*.failed", "PROD.glue.job.make.alarm.failed", false},
		{"PROD.glue.job.*.failed", "PROD.glue.job..failed", false},
		{"*", "errors", true},
		{"*", "a.b", false},
		{"*.*", "a.b", true},
	} {
		s := ServiceMetric{Service: "shop", Name: tc.pattern}
		if got := s.Covers("shop", tc.name); got != tc.want {
			t.Errorf("%s covers %s: got %t, want %t", tc.pattern, tc.name, got, tc.want)
		}
		if s.Covers("other", tc.name) {
			t.Errorf("%s covers a metric of another service", tc.pattern)
		}
	}
}

func TestTheLastPointsAreKeptInTheirOrder(t *testing.T) {
	t.Parallel()
	var kept []Point
	for i := range 30 {
		kept = AddPoints(kept, Point{At: midday.Add(time.Duration(i*7%30) * time.Minute), Value: float64(i)})
	}
	if len(kept) != KeepPoints {
		t.Fatalf("got %d, want %d", len(kept), KeepPoints)
	}
	for i := range kept[1:] {
		if !kept[i].At.Before(kept[i+1].At) {
			t.Errorf("%s comes before %s", kept[i].At, kept[i+1].At)
		}
	}
	last := kept[len(kept)-1]
	if again := AddPoints(kept, Point{At: last.At, Value: 99}); len(again) != KeepPoints || again[KeepPoints-1].Value != 99 {
		t.Errorf("got %v, want the last one written over", again)
	}
}

// history posts values to a plan, one a minute, and writes down what is told. A
// value of "-" is a minute without a point.
func history(p MetricPlan, text string) string {
	var s MetricState
	s, _ = p.Define(s, nil, midday)
	var points []Point
	var told []string
	tell := func(minute int, action Action) {
		if action != "" {
			told = append(told, fmt.Sprintf("%d:%s/%s", minute, action, s.Level))
		}
	}
	for minute, word := range strings.Fields(text) {
		now := midday.Add(time.Duration(minute) * time.Minute)
		if at := p.Deadline(s); !at.IsZero() && !now.Before(at) {
			var action Action
			s, action = p.Expire(s, now)
			tell(minute, action)
		}
		var value float64
		if n, err := fmt.Sscan(word, &value); n != 1 || err != nil {
			continue
		}
		var action Action
		points = AddPoints(points, Point{At: now, Value: value})
		s, action = p.Take(s, points, now)
		tell(minute, action)
	}
	return strings.Join(told, " ")
}

func TestWhatIsToldOfAMetric(t *testing.T) {
	t.Parallel()
	plan := func(change func(*MetricPlan)) MetricPlan {
		p := MetricPlan{ServiceMetric: ServiceMetric{Operator: ">", Warning: new(5.0), Critical: new(10.0), Points: 1}, Severity: Critical}
		if change != nil {
			change(&p)
		}
		return p
	}
	for _, tc := range []struct {
		name    string
		p       MetricPlan
		history string
		want    string
	}{
		{"up, worse, better, over", plan(nil), "1 6 7 11 12 6 5 1", "1:trigger/warning 3:trigger/critical 5:trigger/warning 6:resolve/ok"},
		{"the first one already", plan(nil), "11", "0:trigger/critical"},
		{"three attempts", plan(func(p *MetricPlan) { p.Down.Count = 3 }), "11 11 1 11 6 11 1", "5:trigger/critical 6:resolve/ok"},
		{"for ten minutes", plan(func(p *MetricPlan) { p.Down.For = 3 * time.Minute }), "11 1 11 - - - 1", "5:trigger/critical 6:resolve/ok"},
		{"two good ones end it", plan(func(p *MetricPlan) { p.Up.Count = 2 }), "11 1 11 1 1", "0:trigger/critical 4:resolve/ok"},
		{"no point changes nothing", plan(nil), "11 - - - - - - - 1", "0:trigger/critical 8:resolve/ok"},
		{"missing", plan(func(p *MetricPlan) { p.Missing = 3 * time.Minute }), "1 1 - - - - - 1 - - -", "4:trigger/missing 7:resolve/ok 10:trigger/missing"},
		{"never came", plan(func(p *MetricPlan) { p.Missing = 3 * time.Minute }), "- - - - - 11 1", "3:trigger/missing 6:resolve/ok"},
		{"missing while it is bad already", plan(func(p *MetricPlan) { p.Missing = 3 * time.Minute }), "11 - - - - 1", "0:trigger/critical 5:resolve/ok"},
		{"missing is worse than a warning", plan(func(p *MetricPlan) { p.Missing = 3 * time.Minute }), "6 - - - - 6 1", "0:trigger/warning 3:trigger/missing 5:trigger/warning 6:resolve/ok"},
		{"missing is a warning only", plan(func(p *MetricPlan) { p.Missing, p.Severity = 3*time.Minute, Warning }), "- - - 11 1", "3:trigger/missing 3:trigger/critical 4:resolve/ok"},
		{"an average", plan(func(p *MetricPlan) { p.Points = 3 }), "1 1 31 1 1 1", "2:trigger/critical 5:resolve/ok"},
		{"paused", plan(func(p *MetricPlan) { p.Paused = true }), "11 11", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := history(tc.p, tc.history); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestPointsThatComeTogetherOrLateCountByHowItEnds(t *testing.T) {
	t.Parallel()
	p := MetricPlan{ServiceMetric: ServiceMetric{Operator: ">", Critical: new(0.0), Points: 1}, Severity: Critical}
	s, _ := p.Define(MetricState{}, nil, midday)
	s, action := p.Take(s, minutely(1, 1, 0), midday.Add(time.Hour))
	if action != "" || s.Level != MetricOK {
		t.Errorf("bad ones that are over: got %q %s, want nothing told", action, s.Level)
	}
	points := AddPoints(minutely(1, 1, 0), Point{At: midday.Add(time.Second), Value: 5})
	if s, action = p.Take(s, points, midday.Add(time.Hour)); action != "" {
		t.Errorf("one of the past: got %q, want nothing", action)
	}
	points = AddPoints(points, Point{At: midday.Add(2 * time.Minute), Value: 1})
	if s, action = p.Take(s, points, midday.Add(time.Hour)); action != Trigger {
		t.Errorf("the last one written over: got %q, want a trigger", action)
	}
	p.Down.Count = 2
	if s, action = p.Define(s, points, midday.Add(time.Hour)); action != "" || s.Level != MetricCritical {
		t.Errorf("another threshold: got %q %s, want it to stay as it is", action, s.Level)
	}
	p.Critical = new(3.0)
	if s, action = p.Define(s, points, midday.Add(time.Hour)); action != Resolve {
		t.Errorf("another limit: got %q, want it over", action)
	}
	p.Critical, p.Down.Count = new(0.5), 0
	if s, action = p.Define(s, points, midday.Add(time.Hour)); action != Trigger {
		t.Errorf("the limit as before: got %q, want a trigger", action)
	}
	p.Paused = true
	if s, action = p.Define(s, points, midday.Add(time.Hour)); action != Resolve || s.Level != MetricUnknown {
		t.Errorf("paused: got %q %s, want it over", action, s.Level)
	}
	if again, action := p.Define(s, points, midday.Add(2*time.Hour)); action != "" || again.Level != s.Level {
		t.Errorf("the same once more: got %q", action)
	}
}

func TestPointsAreNotMissedAnyMoreUnderAPlanThatWaitsLonger(t *testing.T) {
	t.Parallel()
	p := MetricPlan{ServiceMetric: ServiceMetric{Operator: ">", Critical: new(0.0), Points: 1, Missing: time.Hour}, Severity: Critical}
	s, _ := p.Define(MetricState{}, nil, midday)
	s, _ = p.Take(s, minutely(0), midday)
	s, action := p.Expire(s, p.Deadline(s))
	if action != Trigger || s.Level != MetricMissing || !p.Deadline(s).IsZero() {
		t.Fatalf("got %q %s %s", action, s.Level, p.Deadline(s))
	}
	p.Points = 2
	if s, action = p.Define(s, minutely(0), midday.Add(2*time.Hour)); action != "" || s.Level != MetricMissing {
		t.Errorf("still missing: got %q %s", action, s.Level)
	}
	p.Missing = 0
	if s, action = p.Define(s, minutely(0), midday.Add(2*time.Hour)); action != Resolve || s.Level != MetricOK {
		t.Errorf("never missed: got %q %s", action, s.Level)
	}
}
