package remotewrite_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// decoded is one time series of a request, read by the protobuf specification
// and not by the encoder's tables.
type decoded struct {
	labels  []string // name=value, in their order
	samples []point
}

type point struct {
	at    int64
	value float64
}

func (d decoded) String() string {
	return fmt.Sprintf("{%s} %v", strings.Join(d.labels, ","), d.samples)
}

// decode reads prometheus.WriteRequest.
func decode(raw []byte) (all []decoded, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed: %v", r)
		}
	}()
	each(raw, func(field int, _ uint64, body []byte) {
		if field != 1 || body == nil {
			panic(fmt.Sprintf("field %d in the request", field))
		}
		var d decoded
		each(body, func(field int, _ uint64, body []byte) {
			switch field {
			case 1:
				var name, value string
				each(body, func(field int, _ uint64, text []byte) {
					if field == 1 {
						name = string(text)
					} else {
						value = string(text)
					}
				})
				d.labels = append(d.labels, name+"="+value)
			case 2:
				var p point
				each(body, func(field int, v uint64, _ []byte) {
					if field == 1 {
						p.value = math.Float64frombits(v)
					} else {
						p.at = int64(v)
					}
				})
				d.samples = append(d.samples, p)
			default:
				panic(fmt.Sprintf("field %d in a series", field))
			}
		})
		all = append(all, d)
	})
	return all, nil
}

// each calls f for the fields of a message; it panics on what is none.
func each(raw []byte, f func(field int, v uint64, body []byte)) {
	for len(raw) > 0 {
		tag, n := binary.Uvarint(raw)
		if n <= 0 {
			panic("no tag")
		}
		raw = raw[n:]
		switch tag & 7 {
		case 0:
			v, n := binary.Uvarint(raw)
			if n <= 0 {
				panic("no varint")
			}
			f(int(tag>>3), v, nil)
			raw = raw[n:]
		case 1:
			f(int(tag>>3), binary.LittleEndian.Uint64(raw), nil)
			raw = raw[8:]
		case 2:
			size, n := binary.Uvarint(raw)
			f(int(tag>>3), 0, append([]byte{}, raw[n:n+int(size)]...))
			raw = raw[n+int(size):]
		default:
			panic(fmt.Sprintf("wire type %d", tag&7))
		}
	}
}
