package memory

import "testing"

func TestTheHeapGetsRoomWhileItIsCollectedOftenAndIsTightWhileHardlyEver(t *testing.T) {
	t.Parallel()
	p := pace{most: Roomy, percent: Tight}
	cycles := uint64(0)
	for i, tc := range []struct {
		collections uint64
		looks       int
		want        int
	}{
		{crowded, 1, Tight}, // a start
		{1, busy - 2, Tight},
		{0, often, Tight},
		{1, busy - 1, Tight},
		{0, often - 1, Tight},
		{1, 1, Usual}, // there is no end of it
		{1, 1, Usual},
		{crowded, 1, Roomy},
		{1, 1, Roomy},
		{0, calm - 1, Roomy},
		{1, 1, Roomy}, // still in use
		{0, calm, Usual},
		{0, idle - calm, Tight},
		{1, 1, Tight},
		{0, often, Tight},
		{crowded, 2, Roomy},
		{0, idle, Tight},
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

func TestTheHeapGrowsNoFurtherThanItMay(t *testing.T) {
	t.Parallel()
	p := pace{most: Usual, percent: Tight}
	for cycles := uint64(0); cycles < 1000; cycles += 50 {
		if got := p.next(cycles); got > Usual {
			t.Fatalf("got %d %%", got)
		}
	}
}
