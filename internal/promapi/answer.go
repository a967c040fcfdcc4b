package promapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answer is what an expression says.
type Answer struct {
	Type   string // vector, matrix, scalar or string
	Series []Series
	More   bool   // there are more series than MaxSeries
	Text   string // of a string
	// Histograms is how many series have native histograms instead of numbers;
	// they are not among Series.
	Histograms int
}

// Series are the values of one set of labels, in the order of time. Of a query at
// a moment there is one.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Point is a value at a moment. The value may be NaN or infinite.
type Point struct {
	At    time.Time
	Value float64
}

// Name is the series as PromQL writes it: up{job="node"}; {} for one without
// labels.
func (s Series) Name() string { return s.NameWithout() }

// NameWithout is Name without some of the labels: those that say nothing new.
func (s Series) NameWithout(labels ...string) string {
	var b strings.Builder
	if !slices.Contains(labels, "__name__") {
		b.WriteString(s.Labels["__name__"])
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		if name != "__name__" && !slices.Contains(labels, name) {
			pairs = append(pairs, name+"="+strconv.Quote(s.Labels[name]))
		}
	}
	if len(pairs) > 0 || b.Len() == 0 {
		b.WriteString("{" + strings.Join(pairs, ", ") + "}")
	}
	return b.String()
}

// Last is the newest value; ok is false where there is none.
func (s Series) Last() (p Point, ok bool) {
	if len(s.Points) == 0 {
		return p, false
	}
	return s.Points[len(s.Points)-1], true
}

// UnmarshalJSON reads [seconds, "value"].
func (p *Point) UnmarshalJSON(text []byte) error {
	var at float64
	var value string
	if err := json.Unmarshal(text, &[2]any{&at, &value}); err != nil {
		return err
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("value %q is no number", value)
	}
	if math.IsNaN(at) || math.Abs(at) > 1e12 {
		return fmt.Errorf("time %v is none", at)
	}
	*p = Point{At: time.UnixMilli(int64(math.Round(at * 1000))).UTC(), Value: v}
	return nil
}

// evaluated is the answer to a query on the wire.
type evaluated struct {
	Type   string          `json:"resultType"`
	Result json.RawMessage `json:"result"`
}

func (e evaluated) answer() (a Answer, err error) {
	a.Type = e.Type
	switch e.Type {
	case "vector", "matrix":
		err = a.readSeries(e.Result)
	case "scalar":
		var p Point
		err = json.Unmarshal(e.Result, &p)
		a.Series = []Series{{Labels: map[string]string{}, Points: []Point{p}}}
	case "string":
		err = json.Unmarshal(e.Result, &[2]any{new(float64), &a.Text})
	default:
		err = fmt.Errorf("there is no type %q", e.Type)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("prometheus: %w", err)
	}
	return a, nil
}

func (a *Answer) readSeries(text []byte) error {
	var rows []struct {
		Metric     map[string]string `json:"metric"`
		Value      *Point            `json:"value"`
		Values     []Point           `json:"values"`
		Histogram  json.RawMessage   `json:"histogram"`
		Histograms json.RawMessage   `json:"histograms"`
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		return err
	}
	if a.More = len(rows) > MaxSeries; a.More {
		rows = rows[:MaxSeries]
	}
	for _, row := range rows {
		s := Series{Labels: row.Metric, Points: row.Values}
		if row.Value != nil {
			s.Points = []Point{*row.Value}
		}
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		if row.Histogram != nil || row.Histograms != nil {
			a.Histograms++
		}
		if len(s.Points) > 0 {
			a.Series = append(a.Series, s)
		}
	}
	return nil
}
