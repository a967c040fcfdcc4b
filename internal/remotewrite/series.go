package remotewrite

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
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

// Series is one time series with its labels in the form in which they are sent:
// they are encoded once, not with each sample. It is never changed.
type Series struct{ labels []byte }

// NewSeries returns the series of a metric with labels; one with an empty value
// counts as absent. It fails for names and values that are no UTF-8 or too long,
// and for a label __name__.
func NewSeries(metric string, labels map[string]string) (*Series, error) {
	if metric == "" {
		return nil, fmt.Errorf("%w: a metric has a name", ErrSeries)
	}
	if _, twice := labels[nameLabel]; twice {
		return nil, fmt.Errorf("%w: %s is the name of the metric, not a label", ErrSeries, nameLabel)
	}
	all := maps.Clone(labels)
	if all == nil {
		all = map[string]string{}
	}
	all[nameLabel] = metric
	names, size := slices.Sorted(maps.Keys(all)), 0
	for _, name := range names {
		value := all[name]
		switch {
		case value == "":
			continue
		case name == "", len(name) > maxName, !utf8.ValidString(name):
			return nil, fmt.Errorf("%w: %.100q is no name of a label", ErrSeries, name)
		case len(value) > maxValue, !utf8.ValidString(value):
			return nil, fmt.Errorf("%w: the value of %.100q is too long or no UTF-8", ErrSeries, name)
		}
		size += labelSize(name, value)
	}
	if size > maxSeries {
		return nil, fmt.Errorf("%w: its labels have more than %d bytes", ErrSeries, maxSeries)
	}
	encoded := make([]byte, 0, size) // there are many, and they stay
	for _, name := range names {
		if value := all[name]; value != "" {
			encoded = appendLabel(encoded, name, value)
		}
	}
	return &Series{labels: encoded}, nil
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
