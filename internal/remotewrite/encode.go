package remotewrite

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The fields of Prometheus' remote write 1.0, prometheus.WriteRequest, with
// their wire types (https://prometheus.io/docs/specs/prw/remote_write_spec/).
const (
	fieldTimeseries = 1<<3 | 2 // WriteRequest.timeseries
	fieldLabel      = 1<<3 | 2 // TimeSeries.labels
	fieldSample     = 2<<3 | 2 // TimeSeries.samples
	fieldName       = 1<<3 | 2 // Label.name
	fieldValue      = 2<<3 | 2 // Label.value
	fieldDouble     = 1<<3 | 1 // Sample.value
	fieldTimestamp  = 2 << 3   // Sample.timestamp, a varint (wire type 0)
)

// appendLabel appends a label as a field of a time series.
func appendLabel(b []byte, name, value string) []byte {
	b = binary.AppendUvarint(append(b, fieldLabel), uint64(pairSize(name, value)))
	b = append(binary.AppendUvarint(append(b, fieldName), uint64(len(name))), name...)
	return append(binary.AppendUvarint(append(b, fieldValue), uint64(len(value))), value...)
}

// pairSize is how many bytes a name and a value take, and labelSize is that of
// the whole field.
func pairSize(name, value string) int {
	return 2 + varint(uint64(len(name))) + len(name) + varint(uint64(len(value))) + len(value)
}

func labelSize(name, value string) int {
	inner := pairSize(name, value)
	return 1 + varint(uint64(inner)) + inner
}

// AppendSample appends a sample as a time series of a request: such ones after
// each other are a whole one, before it is packed.
func AppendSample(b []byte, s Sample) []byte {
	labels := len(s.Series.after)
	for l := range s.Series.labels() {
		labels += labelSize(l.Name, l.Value)
	}
	at := uint64(s.At) //nolint:gosec // int64 is sent as its two's complement
	sample := 1 + 8 + 1 + varint(at)
	b = binary.AppendUvarint(append(b, fieldTimeseries), uint64(labels+1+varint(uint64(sample))+sample))
	for l := range s.Series.labels() {
		b = appendLabel(b, l.Name, l.Value)
	}
	b = append(b, s.Series.after...)
	b = append(b, fieldSample, byte(sample)) // it is shorter than 128
	b = binary.LittleEndian.AppendUint64(append(b, fieldDouble), math.Float64bits(s.Value))
	return binary.AppendUvarint(append(b, fieldTimestamp), at)
}

// varint is how many bytes v takes as a varint.
func varint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }
