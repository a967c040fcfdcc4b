package remotewrite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/golang/snappy"
)

// Limits of a request that is read.
const (
	// MaxPacked and MaxUnpacked are how large one may be, in bytes.
	MaxPacked   = 4 << 20
	MaxUnpacked = 16 << 20
	// maxRead is how many series and, apart from them, samples one may have.
	maxRead = 100_000
	// maxLabels is how many labels a series may have.
	maxLabels = 64
)

// Errors of Decode.
var (
	// ErrMalformed is wrapped where a request is not remote write 1.0.
	ErrMalformed = errors.New("no remote write 1.0")
	// ErrLarge is wrapped where a request is larger than anybody needs.
	ErrLarge = errors.New("the request is too large")
)

// Received is a series as it came, with its samples.
type Received struct {
	Labels    []Label // sorted by name, each once, none empty; the name of the metric is one
	Points    []Point // in the order in which they came
	Exemplars []Exemplar
}

// Label is a pair of a series.
type Label struct{ Name, Value string }

// Point is a sample of a series.
type Point struct {
	At    int64 // Unix milliseconds
	Value float64
}

// Exemplar is what stands behind a sample.
type Exemplar struct {
	Labels []Label
	Point
}

// Stale reports whether the point ends its series.
func (p Point) Stale() bool { return math.Float64bits(p.Value) == staleBits }

// Metric is the name of the metric.
func (r *Received) Metric() string { return r.Label(nameLabel) }

// Label returns the value of a label, "" where there is none.
func (r *Received) Label(name string) string {
	i, found := slices.BinarySearchFunc(r.Labels, name, func(l Label, name string) int { return strings.Compare(l.Name, name) })
	if !found {
		return ""
	}
	return r.Labels[i].Value
}

// Decode reads a request of remote write 1.0: packed by snappy, in protobuf. What
// it doesn't know, such as histograms and metadata, is passed over. The error
// wraps ErrMalformed or ErrLarge.
func Decode(packed []byte) ([]Received, error) {
	if len(packed) > MaxPacked {
		return nil, fmt.Errorf("%w: more than %d MiB", ErrLarge, MaxPacked>>20)
	}
	switch n, err := snappy.DecodedLen(packed); {
	case err != nil:
		return nil, fmt.Errorf("%w: it is not packed by snappy", ErrMalformed)
	case n > MaxUnpacked:
		return nil, fmt.Errorf("%w: more than %d MiB when it is unpacked", ErrLarge, MaxUnpacked>>20)
	}
	raw, err := snappy.Decode(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not packed by snappy", ErrMalformed)
	}
	d := decoder{}
	err = fields(raw, func(tag uint64, _ uint64, body []byte) error {
		if tag != fieldTimeseries {
			return nil
		}
		if len(d.all) == maxRead {
			return fmt.Errorf("%w: more than %d series", ErrLarge, maxRead)
		}
		return d.series(body)
	})
	return d.all, err
}

type decoder struct {
	all    []Received
	points int
}

func (d *decoder) series(body []byte) error {
	var r Received
	size := 0
	err := fields(body, func(tag uint64, _ uint64, body []byte) error {
		switch tag {
		case fieldLabel:
			l, err := label(body, maxName, maxValue)
			if size += len(body); size > maxSeries || len(r.Labels) == maxLabels {
				return fmt.Errorf("%w: the labels of a series", ErrLarge)
			}
			if err == nil && l.Value != "" {
				r.Labels = append(r.Labels, l)
			}
			return err
		case fieldSample:
			p, err := point(body, fieldDouble, fieldTimestamp)
			r.Points = append(r.Points, p)
			if d.points++; d.points > maxRead {
				return fmt.Errorf("%w: more than %d samples", ErrLarge, maxRead)
			}
			return err
		case fieldExemplar:
			e, err := exemplar(body)
			r.Exemplars = append(r.Exemplars, e)
			if d.points++; d.points > maxRead {
				return fmt.Errorf("%w: more than %d samples", ErrLarge, maxRead)
			}
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(r.Labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(r.Labels); i++ {
		if r.Labels[i].Name == r.Labels[i-1].Name {
			return fmt.Errorf("%w: the label %.100q is there twice", ErrMalformed, r.Labels[i].Name)
		}
	}
	if r.Metric() == "" {
		return fmt.Errorf("%w: a series without the name of a metric", ErrMalformed)
	}
	d.all = append(d.all, r)
	return nil
}

// label reads a pair.
func label(body []byte, longestName, longestValue int) (l Label, err error) {
	err = fields(body, func(tag uint64, _ uint64, text []byte) error {
		switch tag {
		case fieldName:
			if len(text) > longestName {
				return fmt.Errorf("%w: the name of a label", ErrLarge)
			}
			l.Name = string(text)
		case fieldValue:
			if len(text) > longestValue {
				return fmt.Errorf("%w: the value of a label", ErrLarge)
			}
			l.Value = string(text)
		}
		return nil
	})
	if err == nil && (l.Name == "" || !utf8.ValidString(l.Name) || !utf8.ValidString(l.Value)) {
		err = fmt.Errorf("%w: %.100q is no label", ErrMalformed, l.Name)
	}
	return l, err
}

// point reads a value and its time, whose fields differ from message to message.
func point(body []byte, value, at uint64) (p Point, err error) {
	err = fields(body, func(tag, v uint64, _ []byte) error {
		switch tag {
		case value:
			p.Value = math.Float64frombits(v)
		case at:
			p.At = int64(v) //nolint:gosec // as it is sent
		}
		return nil
	})
	return p, err
}

func exemplar(body []byte) (e Exemplar, err error) {
	size := 0
	err = fields(body, func(tag uint64, _ uint64, body []byte) error {
		if tag != fieldExemplarPair {
			return nil
		}
		l, err := label(body, MaxExemplar, MaxExemplar)
		if size += len(l.Name) + len(l.Value); size > MaxExemplar || len(e.Labels) == maxLabels {
			return fmt.Errorf("%w: the labels of an exemplar", ErrLarge)
		}
		e.Labels = append(e.Labels, l)
		return err
	})
	if err == nil {
		e.Point, err = point(body, fieldExemplarSize, fieldExemplarTime)
	}
	return e, err
}

// fields calls f for the fields of a message: v for numbers, body for the rest,
// which is a part of raw.
func fields(raw []byte, f func(tag, v uint64, body []byte) error) error {
	for len(raw) > 0 {
		tag, n := binary.Uvarint(raw)
		if n <= 0 || tag>>3 == 0 {
			return ErrMalformed
		}
		raw = raw[n:]
		var v uint64
		var body []byte
		switch tag & 7 {
		case 0:
			if v, n = binary.Uvarint(raw); n <= 0 {
				return ErrMalformed
			}
		case 1:
			if n = 8; len(raw) < n {
				return ErrMalformed
			}
			v = binary.LittleEndian.Uint64(raw)
		case 2:
			size, m := binary.Uvarint(raw)
			if m <= 0 || size > uint64(len(raw)-m) {
				return ErrMalformed
			}
			n = m + int(size) //nolint:gosec // it is below the length of raw
			body = raw[m:n]
		case 5:
			if n = 4; len(raw) < n {
				return ErrMalformed
			}
		default:
			return ErrMalformed
		}
		if err := f(tag, v, body); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}
