package store

import "context"

// incidentCounter is the counter that incident numbers come from.
const incidentCounter = "incident"

// block is how many incident numbers a committer takes at once when little is
// going on.
const block = 100

// numbers are the incident numbers that a committer has taken and not yet used.
// One that was proposed and not needed goes back; those of a process that ends
// are gaps.
type numbers struct {
	back      []int64
	next, end int64 // next <= end: those in between are free
}

func (n *numbers) free() int { return len(n.back) + int(n.end-n.next) }

// take returns a free number.
func (n *numbers) take() int64 {
	if last := len(n.back) - 1; last >= 0 {
		number := n.back[last]
		n.back = n.back[:last]
		return number
	}
	number := n.next
	n.next++
	return number
}

func (n *numbers) giveBack(number int64) { n.back = append(n.back, number) }

// copied is n as it is now, to go back to when a batch fails.
func (n *numbers) copied() numbers {
	return numbers{back: append([]int64(nil), n.back...), next: n.next, end: n.end}
}

// want is how many numbers to take so that need are free; zero = enough are.
func (n *numbers) want(need int) int64 {
	if n.free() >= need {
		return 0
	}
	if need <= block/4 {
		return block
	}
	return int64((4*need + block - 1) / block * block) // a storm: once in a few batches
}

// refill takes so many numbers from the counter. What is left of the block
// before is kept.
func (n *numbers) refill(ctx context.Context, tx *Tx, count int64) error {
	first, err := tx.NextCounter(ctx, incidentCounter, count)
	if err != nil {
		return err
	}
	for number := n.next; number < n.end; number++ {
		n.back = append(n.back, number)
	}
	n.next, n.end = first, first+count
	return nil
}
