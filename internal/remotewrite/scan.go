package remotewrite

import (
	"errors"
	"fmt"
)

// ErrUnusual is what Scan returns for a request that Decode, or somebody else's
// reader, has to look at.
var ErrUnusual = errors.New("a request with more than labels and samples")

// Scan calls f for each sample of an unpacked request, with the labels of its
// series as they are encoded, which are a part of raw: equal bytes are the same
// series. It allocates nothing and judges no label. It returns the error of f,
// ErrMalformed, or ErrUnusual where a series has anything but labels and then
// samples: some samples may have been handed over by then.
func Scan(raw []byte, f func(labels []byte, p Point) error) error {
	return fields(raw, func(tag, _ uint64, body []byte) error {
		if tag != fieldTimeseries {
			return ErrUnusual
		}
		labels := 0 // bytes of body that are labels
		rest := len(body)
		return fields(body, func(tag, _ uint64, part []byte) error {
			size := 1 + varint(uint64(len(part))) + len(part)
			switch {
			case tag == fieldLabel && labels+rest == len(body):
				labels, rest = labels+size, rest-size
				return nil
			case tag == fieldSample && labels > 0:
				rest -= size
				p, err := point(part, fieldDouble, fieldTimestamp)
				if err != nil {
					return err
				}
				return f(body[:labels:labels], p)
			}
			return ErrUnusual
		})
	})
}

// ScanLabels calls f for the labels of a series as Scan hands them over. The
// texts are parts of encoded.
func ScanLabels(encoded []byte, f func(name, value []byte)) error {
	return fields(encoded, func(tag, _ uint64, body []byte) error {
		if tag != fieldLabel {
			return fmt.Errorf("%w: no label", ErrMalformed)
		}
		var name, value []byte
		err := fields(body, func(tag, _ uint64, text []byte) error {
			switch tag {
			case fieldName:
				name = text
			case fieldValue:
				value = text
			}
			return nil
		})
		if err == nil {
			f(name, value)
		}
		return err
	})
}
