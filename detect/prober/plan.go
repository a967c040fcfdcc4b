package prober

import (
	"container/heap"
	"hash/fnv"
	"time"
)

// next returns the first moment after now that is t's place in its interval.
// Places are counted from the Unix epoch, so every process finds the same.
func next(t Target, now time.Time) time.Time {
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.ID)) // never fails
	offset := time.Duration(scramble(h.Sum64()) % uint64(t.Every))
	since := time.Duration(now.UnixNano()) % t.Every
	wait := offset - since
	if wait <= 0 {
		wait += t.Every
	}
	return now.Add(wait) // keeps the monotonic reading: a changed clock moves nothing
}

// scramble spreads what FNV leaves close together for names that differ in
// their last letters only (the finalizer of MurmurHash3).
func scramble(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// after returns when t is due next, when it was due at was and now is the time:
// an interval later, however late it began. What was missed altogether, because
// the machine slept, is not made up for. The first check of a new target comes
// out of its place, and the second is again in it.
func after(t Target, was, now time.Time) time.Time {
	place := next(t, was.Add(-time.Millisecond))
	if place.Sub(was) > time.Millisecond { // the first one, out of its place
		if place.Sub(was) < t.Every/2 {
			place = place.Add(t.Every)
		}
	} else {
		place = was.Add(t.Every)
	}
	if place.After(now) {
		return place
	}
	return place.Add((now.Sub(place)/t.Every + 1) * t.Every)
}

// plan is a heap of entries by when they are due.
type plan struct{ h entries }

func (p *plan) add(e *entry)  { heap.Push(&p.h, e) }
func (p *plan) drop(e *entry) { heap.Remove(&p.h, e.place) }

// first returns what is due first, nil when there is nothing.
func (p *plan) first() *entry {
	if len(p.h) == 0 {
		return nil
	}
	return p.h[0]
}

type entries []*entry

func (h entries) Len() int           { return len(h) }
func (h entries) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *entries) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, e)
}

func (h *entries) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.place = -1
	return e
}
