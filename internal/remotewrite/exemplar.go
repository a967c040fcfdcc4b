package remotewrite

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// The fields of an exemplar, prometheus.Exemplar.
const (
	fieldExemplar     = 3<<3 | 2 // TimeSeries.exemplars
	fieldExemplarPair = 1<<3 | 2 // Exemplar.labels
	fieldExemplarSize = 2<<3 | 1 // Exemplar.value, a double
	fieldExemplarTime = 3 << 3   // Exemplar.timestamp, a varint
)

// MaxExemplar is how long the labels of an exemplar may be together, in bytes.
const MaxExemplar = 8 << 10

// With returns the series with an exemplar beside its labels: what stands behind
// the one sample that is sent with it, of the same value and time (Unix
// milliseconds). The series itself stays as it is. It fails for labels that are no
// UTF-8 or longer than MaxExemplar.
func (s *Series) With(labels map[string]string, value float64, at int64) (*Series, error) {
	size, pairs := 0, 0
	for name, text := range labels {
		if name == "" || !utf8.ValidString(name) || !utf8.ValidString(text) {
			return nil, fmt.Errorf("%w: %.100q is no label of an exemplar", ErrSeries, name)
		}
		size += len(name) + len(text)
		pairs += labelSize(name, text)
	}
	if size > MaxExemplar {
		return nil, fmt.Errorf("%w: its exemplar has more than %d bytes", ErrSeries, MaxExemplar)
	}
	when := uint64(at) //nolint:gosec // int64 is sent as its two's complement
	inner := pairs + 1 + 8 + 1 + varint(when)
	encoded := make([]byte, 0, 1+varint(uint64(inner))+inner)
	encoded = binary.AppendUvarint(append(encoded, fieldExemplar), uint64(inner))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		text := labels[name]
		encoded = binary.AppendUvarint(append(encoded, fieldExemplarPair), uint64(pairSize(name, text)))
		encoded = append(binary.AppendUvarint(append(encoded, fieldName), uint64(len(name))), name...)
		encoded = append(binary.AppendUvarint(append(encoded, fieldValue), uint64(len(text))), text...)
	}
	encoded = binary.LittleEndian.AppendUint64(append(encoded, fieldExemplarSize), math.Float64bits(value))
	encoded = binary.AppendUvarint(append(encoded, fieldExemplarTime), when)
	with := *s
	with.after = string(encoded)
	return &with, nil
}
