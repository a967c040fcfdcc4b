package prober

import (
	"container/heap"
	"hash/fnv"
	"time"
)

// slots are how far apart the moments are at which checks begin, longest first;
// each is a multiple of the next.
// At a low rate what a check costs is waking up, and those that begin together
// wake up together: with 1,000 targets at 15 s that halves the processor's time.
// Few begin together, so that none of them waits for the others.
var slots = [...]time.Duration{100 * time.Millisecond, 50 * time.Millisecond, 10 * time.Millisecond, 5 * time.Millisecond}

// together is how many checks begin at the same moment, on average and at most,
// as long as that leaves the moments 5 ms apart.
const together = 8

// slotFor returns the slot for a rate of checks a second. Where it was longer than
// that, it becomes so again only once the rate is well below: a change moves all
// places.
func slotFor(rate float64, was time.Duration) time.Duration {
	for _, slot := range slots {
		bound := float64(together)
		if was != 0 && slot > was {
			bound /= 2
		}
		if rate*slot.Seconds() <= bound {
			return slot
		}
	}
	return slots[len(slots)-1]
}

// next returns the first moment after now that is t's place in its interval, which
// is the begin of a slot. Places are counted from the Unix epoch, so every process
// finds the same. A shorter slot never brings a place later: it is reached early
// then, in one step.
func next(t Target, now time.Time, slot time.Duration) time.Time {
	offset := time.Duration(Spread(t.ID) % uint64(t.Every))
	offset = (offset + slot - 1) / slot * slot % t.Every
	since := time.Duration(now.UnixNano()) % t.Every
	wait := offset - since
	if wait <= 0 {
		wait += t.Every
	}
	return now.Add(wait) // keeps the monotonic reading: a changed clock moves nothing
}

// Spread is a number made of a text. Those of texts that differ in their last
// letters only are as far apart as any (FNV leaves them close together; the rest
// is the finalizer of MurmurHash3), and every process finds the same.
func Spread(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// after returns when t is due next, when it was due at was, began at began and now
// is the time. In its place t is due an interval later, however late it began. Out
// of it, as is the first check of a new target, it comes back in two steps, or
// some more where its checks are slow. None of them is longer than an interval,
// which is what a monitor promises, or shorter than half of one: two failures
// close to each other would be one. Places that are over are left out.
func after(t Target, was, began, now time.Time, slot time.Duration) time.Time {
	due := was.Add(t.Every)
	if place := next(t, was.Add(-time.Millisecond), slot); place.Sub(was) > time.Millisecond {
		if due = place; place.Sub(was) < t.Every/2 {
			due = was.Add((place.Sub(was) + t.Every) / 2)
		}
		if !due.After(now) && now.Sub(was) < t.Every { // the check took that long
			due = now
		}
	}
	for due.Before(now) || due.Sub(began) < t.Every/4 {
		due = next(t, latest(due, now), slot)
	}
	return due
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
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
