package due

import (
	"container/heap"
	"time"
)

// wait is a hint: ref is said to be due at due, and is tried at at, which is
// later after a failure.
type wait struct {
	ref     string
	due, at time.Time
	index   int // in waits.heap
}

// waits are the hints of one kind, the earliest first, one for each ref.
type waits struct {
	heap  waitHeap
	byRef map[string]*wait
}

func newWaits() waits { return waits{byRef: map[string]*wait{}} }

func (w *waits) len() int { return len(w.heap) }

// head returns the earliest hint, or nil.
func (w *waits) head() *wait {
	if len(w.heap) == 0 {
		return nil
	}
	return w.heap[0]
}

// put adds ref, or moves it when it is to be tried earlier than was known, and
// reports whether it changed anything.
func (w *waits) put(ref string, due, at time.Time) bool {
	old := w.byRef[ref]
	switch {
	case old == nil:
		old = &wait{ref: ref, due: due, at: at}
		w.byRef[ref] = old
		heap.Push(&w.heap, old)
	case at.Before(old.at):
		old.due, old.at = due, at
		heap.Fix(&w.heap, old.index)
	default:
		return false
	}
	return true
}

// popDue takes out up to limit hints that are to be tried by now, in order. One
// for which alone holds makes a batch by itself.
func (w *waits) popDue(now time.Time, limit int, alone func(ref string) bool) (batch []*wait) {
	for len(w.heap) > 0 && len(batch) < limit {
		head := w.heap[0]
		single := alone(head.ref)
		if head.at.After(now) || single && len(batch) > 0 {
			break
		}
		heap.Pop(&w.heap)
		delete(w.byRef, head.ref)
		batch = append(batch, head)
		if single {
			break
		}
	}
	return batch
}

// overdue counts the hints to be tried by now. It looks only at those and their
// children.
func (w *waits) overdue(now time.Time) (n int) {
	for next := []int{0}; len(next) > 0; {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		if i < len(w.heap) && !w.heap[i].at.After(now) {
			n++
			next = append(next, 2*i+1, 2*i+2)
		}
	}
	return n
}

// waitHeap is a heap by at that keeps each wait's index, for container/heap.
type waitHeap []*wait

func (h waitHeap) Len() int           { return len(h) }
func (h waitHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h waitHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *waitHeap) Push(x any) {
	each := x.(*wait)
	each.index = len(*h)
	*h = append(*h, each)
}

func (h *waitHeap) Pop() any {
	last := len(*h) - 1
	each := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return each
}
