package cli

import "testing"

func TestTheHeapGetsRoomWhileItIsCollectedOften(t *testing.T) {
	t.Parallel()
	p := heapPace{percent: frugalHeap}
	cycles := uint64(0)
	for i, tc := range []struct {
		collections uint64
		looks       int
		want        int
	}{
		{1, 1, frugalHeap},
		{0, 20, frugalHeap},
		{2, 1, roomyHeap},
		{1, 1, roomyHeap},
		{0, calm - 1, roomyHeap},
		{1, 1, roomyHeap}, // still in use
		{0, calm, frugalHeap},
		{9, 1, roomyHeap},
	} {
		for range tc.looks {
			cycles += tc.collections
			p.next(cycles)
		}
		if p.percent != tc.want {
			t.Errorf("step %d: got %d %%, want %d %%", i, p.percent, tc.want)
		}
	}
}
