package hints_test

import (
	"testing"

	"toban/internal/hints"
)

func TestEachHintIsTakenOnceHoweverOftenItWasGiven(t *testing.T) {
	t.Parallel()
	s := hints.New[string]()
	s.Add()
	select {
	case <-s.Ready():
		t.Fatal("ready, want nothing: nothing was hinted at")
	default:
	}
	s.Add("a", "b")
	s.Add("a", "c")
	<-s.Ready()
	seen := map[string]int{}
	for keys := s.Take(2); len(keys) > 0; keys = s.Take(2) {
		if len(keys) > 2 {
			t.Errorf("got %d at once, want at most 2", len(keys))
		}
		for _, key := range keys {
			seen[key]++
		}
	}
	if len(seen) != 3 || seen["a"] != 1 || seen["b"] != 1 || seen["c"] != 1 {
		t.Errorf("got %v, want each once", seen)
	}
}
