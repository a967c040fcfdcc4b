package due

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return epoch.Add(d) }

func none(string) bool { return false }

func TestOfTwoHintsTheEarlierStays(t *testing.T) {
	t.Parallel()
	w := newWaits()
	w.put("a", at(time.Second), at(time.Second))
	if w.put("a", at(time.Minute), at(time.Minute)) {
		t.Error("a later hint said that it changed something")
	}
	if !w.put("a", at(time.Millisecond), at(time.Millisecond)) {
		t.Error("an earlier hint said that it changed nothing")
	}
	if got, want := w.len(), 1; got != want {
		t.Fatalf("waits = %d, want %d", got, want)
	}
	if got, want := w.head().at, at(time.Millisecond); !got.Equal(want) {
		t.Errorf("at = %s, want %s", got, want)
	}
}

func TestWhatHasFailedMakesABatchByItself(t *testing.T) {
	t.Parallel()
	w := newWaits()
	for i, ref := range []string{"a", "b", "bad", "c", "d"} {
		w.put(ref, at(time.Duration(i)), at(time.Duration(i)))
	}
	bad := func(ref string) bool { return ref == "bad" }
	var got [][]string
	for w.len() > 0 {
		got = append(got, refsOf(w.popDue(at(time.Hour), 64, bad)))
	}
	if want := "[[a b] [bad] [c d]]"; fmt.Sprint(got) != want {
		t.Errorf("batches = %v, want %s", got, want)
	}
}

// The oracle is a map and a sort.
func TestWaitsComeOutInTheOrderOfTheirTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, want := newWaits(), map[string]time.Time{}
		for range rapid.IntRange(0, 200).Draw(t, "hints") {
			ref := fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "ref"))
			when := at(time.Duration(rapid.IntRange(0, 50).Draw(t, "at")) * time.Second)
			w.put(ref, when, when)
			if old, ok := want[ref]; !ok || when.Before(old) {
				want[ref] = when
			}
		}
		now := at(time.Duration(rapid.IntRange(0, 50).Draw(t, "now")) * time.Second)
		var due []time.Time
		for _, when := range want {
			if !when.After(now) {
				due = append(due, when)
			}
		}
		slices.SortFunc(due, time.Time.Compare)
		if got := w.overdue(now); got != len(due) {
			t.Fatalf("overdue = %d, want %d", got, len(due))
		}
		var got []time.Time
		for _, each := range w.popDue(now, 1000, none) {
			if !each.at.Equal(want[each.ref]) {
				t.Fatalf("%s at %s, want %s", each.ref, each.at, want[each.ref])
			}
			got = append(got, each.at)
		}
		if !slices.EqualFunc(got, due, time.Time.Equal) {
			t.Fatalf("got %v, want %v", got, due)
		}
		if got, want := w.len(), len(want)-len(due); got != want {
			t.Fatalf("left = %d, want %d", got, want)
		}
		for i, each := range w.heap {
			if each.index != i || w.byRef[each.ref] != each {
				t.Fatalf("wait %s does not know where it is", each.ref)
			}
		}
	})
}

func TestDelaysGrowFrom100MillisecondsTo30Seconds(t *testing.T) {
	t.Parallel()
	var got []time.Duration
	for n := range 12 {
		got = append(got, retryDelay(n+1))
	}
	want := []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond,
		1600 * time.Millisecond, 3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond,
		25600 * time.Millisecond, 30 * time.Second, 30 * time.Second, 30 * time.Second,
	}
	if !slices.Equal(got, want) {
		t.Errorf("delays = %v, want %v", got, want)
	}
}

func TestLatenessIsCountedInBuckets(t *testing.T) {
	t.Parallel()
	var l Lateness
	for _, d := range []time.Duration{-time.Millisecond, 0, time.Millisecond, 3 * time.Millisecond, time.Hour} {
		l.observe(d)
	}
	if got, want := [4]int64{l.Counts[0], l.Counts[1], l.Counts[2], l.Counts[len(bounds)]}, [4]int64{3, 0, 1, 1}; got != want {
		t.Errorf("counts = %v, want %v", got, want)
	}
	if b, ok := l.Bound(0); !ok || b != time.Millisecond {
		t.Errorf("first bound = %s, %t", b, ok)
	}
	if _, ok := l.Bound(len(bounds)); ok {
		t.Error("the last bucket has a bound")
	}
}
