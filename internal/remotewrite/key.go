package remotewrite

import "hash/maphash"

// Key stands for the encoded labels of a series: two hashes of them, 128 bits that
// nobody outside can foresee, so that no two series share one.
type Key [2]uint64

// Keys makes keys; those of another Keys are different.
type Keys [2]maphash.Seed

// NewKeys returns Keys.
func NewKeys() Keys { return Keys{maphash.MakeSeed(), maphash.MakeSeed()} }

// Of returns the key of labels in any encoding that tells them apart.
func (k Keys) Of(encoded []byte) Key {
	return Key{maphash.Bytes(k[0], encoded), maphash.Bytes(k[1], encoded)}
}
