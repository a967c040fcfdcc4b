package remotewrite

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a series, in bytes.
const (
	maxName   = 1 << 10
	maxValue  = 8 << 10
	maxSeries = 32 << 10
)

// ErrSeries is wrapped by what NewSeries refuses.
var ErrSeries = errors.New("no series")

// Series is one time series. There are many, and they stay: what several of them
// have in common is kept once. It is never changed.
type Series struct {
	metric string
	own    []Label // sorted by name
	common *Common // nil = nothing
	after  string  // an encoded exemplar, sent with the sample; "" = none
}

// Common is what many series have in common: the labels of whom they are about.
type Common struct{ labels []Label } // sorted by name

// NewSeries returns the series of a metric with labels; one with an empty value
// counts as absent. It fails for names and values that are no UTF-8 or too long,
// and for a label __name__.
func NewSeries(metric string, labels map[string]string) (*Series, error) {
	own := make([]Label, 0, len(labels))
	for name, value := range labels {
		own = append(own, Label{name, value})
	}
	return (*Common)(nil).Series(metric, own)
}

// NewCommon returns labels for many series. It fails as NewSeries does.
func NewCommon(labels ...Label) (*Common, error) {
	sorted, err := checked(labels)
	return &Common{sorted}, err
}

// Series returns the series of a metric that has the labels in common and those
// of its own, which stay the caller's. It fails as NewSeries does, and for a
// label that is there twice.
func (c *Common) Series(metric string, own []Label) (*Series, error) {
	if metric == "" {
		return nil, fmt.Errorf("%w: a metric has a name", ErrSeries)
	}
	if len(metric) > maxValue || !utf8.ValidString(metric) {
		return nil, fmt.Errorf("%w: %.100q is no name of a metric", ErrSeries, metric)
	}
	sorted, err := checked(own)
	if err != nil {
		return nil, err
	}
	s := &Series{metric: metric, own: sorted, common: c}
	size, last := 0, ""
	for l := range s.labels() {
		if l.Name == last {
			return nil, fmt.Errorf("%w: the label %.100q is there twice", ErrSeries, l.Name)
		}
		size, last = size+labelSize(l.Name, l.Value), l.Name
	}
	if size > maxSeries {
		return nil, fmt.Errorf("%w: its labels have more than %d bytes", ErrSeries, maxSeries)
	}
	return s, nil
}

// checked are labels in their order, without those that are empty.
func checked(labels []Label) ([]Label, error) {
	n := 0
	for _, l := range labels {
		switch {
		case l.Value == "":
			continue
		case l.Name == nameLabel:
			return nil, fmt.Errorf("%w: %s is the name of the metric, not a label", ErrSeries, nameLabel)
		case l.Name == "", len(l.Name) > maxName, !utf8.ValidString(l.Name):
			return nil, fmt.Errorf("%w: %.100q is no name of a label", ErrSeries, l.Name)
		case len(l.Value) > maxValue, !utf8.ValidString(l.Value):
			return nil, fmt.Errorf("%w: the value of %.100q is too long or no UTF-8", ErrSeries, l.Name)
		}
		n++
	}
	if n == 0 {
		return nil, nil
	}
	sorted := make([]Label, 0, n)
	for _, l := range labels {
		if l.Value != "" {
			sorted = append(sorted, l)
		}
	}
	slices.SortFunc(sorted, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return sorted, nil
}

// labels are those of the series in the order in which they are sent, the name of
// the metric among them.
func (s *Series) labels() iter.Seq[Label] {
	return func(yield func(Label) bool) {
		own, named := s.own, false
		var common []Label
		if s.common != nil {
			common = s.common.labels
		}
		for len(own) > 0 || len(common) > 0 || !named {
			next := &own
			if len(own) == 0 || len(common) > 0 && common[0].Name < own[0].Name {
				next = &common
			}
			if !named && (len(*next) == 0 || nameLabel < (*next)[0].Name) {
				named = true
				if !yield(Label{nameLabel, s.metric}) {
					return
				}
				continue
			}
			if !yield((*next)[0]) {
				return
			}
			*next = (*next)[1:]
		}
	}
}

// nameLabel is the label that the name of a metric is sent as.
const nameLabel = "__name__"

// Sample is one value of a series at one time.
type Sample struct {
	Series *Series
	At     int64 // Unix milliseconds
	Value  float64
	Soon   bool // somebody may wait for it: a rule that it fires
}

// At is t as a Sample has it.
func At(t time.Time) int64 { return t.UnixMilli() }

// Stale is the value that ends a series: from then on it has none, instead of
// its last one for five minutes more.
func Stale() float64 { return math.Float64frombits(staleBits) }

const staleBits = 0x7ff0000000000002 // Prometheus' value.StaleNaN
