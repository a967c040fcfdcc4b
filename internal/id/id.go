// Package id makes and checks the names of what toban creates: a prefix that
// says what it is, an underscore, and a ULID in lower-case Crockford base 32,
// such as inc_01jz8k2v3w9y7x5q4r6s1t0abc. They sort by the millisecond in which
// they were made, so an index grows at its end, and they can be copied by a
// double click.
//
// They are names, not secrets: nobody gets access by knowing one.
package id

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Prefixes of what toban creates.
const (
	Signal   = "sig"
	Alert    = "alr"
	Incident = "inc"
	Delivery = "dlv"
	Override = "ovr"
)

const (
	crockford = "0123456789abcdefghjkmnpqrstvwxyz"
	length    = 26
	maxPrefix = 8
)

// New returns a new name with that prefix, made of the present millisecond and
// 80 random bits. It takes no lock and may be called from many goroutines.
func New(prefix string) string { return At(prefix, time.Now()) }

// At returns a new name with that prefix as if it were made at t.
func At(prefix string, t time.Time) string {
	ms, high, low := uint64(max(t.UnixMilli(), 0)), rand.Uint64(), rand.Uint64()
	buf := make([]byte, len(prefix)+1+length)
	n := copy(buf, prefix)
	buf[n] = '_'
	text := buf[n+1:]
	for i := 9; i >= 0; i-- { // 48 bits of time in ten digits
		text[i] = crockford[ms&31]
		ms >>= 5
	}
	for i := 10; i < 18; i++ { // 40 + 40 random bits in sixteen
		text[i] = crockford[high&31]
		text[i+8] = crockford[low&31]
		high, low = high>>5, low>>5
	}
	return string(buf)
}

// Parse checks that s is a name with that prefix and returns when it was made.
// The error says what is wrong with it and is fit for people.
func Parse(prefix, s string) (time.Time, error) {
	rest, ok := strings.CutPrefix(s, prefix+"_")
	if !ok {
		return time.Time{}, fmt.Errorf("an id that starts with %s_ is expected", prefix)
	}
	if len(rest) != length || rest[0] > '7' {
		return time.Time{}, fmt.Errorf("an id is %s_ and %d characters", prefix, length)
	}
	var ms uint64
	for i := range length {
		digit := strings.IndexByte(crockford, rest[i])
		if digit < 0 {
			return time.Time{}, fmt.Errorf("an id is %s_ and letters and digits without i, l, o and u", prefix)
		}
		if i < 10 {
			ms = ms<<5 | uint64(digit)
		}
	}
	return time.UnixMilli(int64(ms)), nil
}

// Valid reports whether s is a name with any prefix.
func Valid(s string) bool {
	prefix, _, ok := strings.Cut(s, "_")
	if !ok || prefix == "" || len(prefix) > maxPrefix {
		return false
	}
	_, err := Parse(prefix, s)
	return err == nil
}
