package id_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/internal/id"
)

func TestAnIDSaysWhatItIsAndWhenItWasMade(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1795160000123)
	made := id.At(id.Incident, at)
	if !strings.HasPrefix(made, "inc_") || len(made) != len("inc_")+26 || made != strings.ToLower(made) {
		t.Errorf("made %q", made)
	}
	got, err := id.Parse(id.Incident, made)
	if err != nil || !got.Equal(at) {
		t.Errorf("parsed %v, %v, want %v", got, err, at)
	}
	if !id.Valid(made) {
		t.Errorf("%q counts as invalid", made)
	}
}

func TestIDsSortByTheirTime(t *testing.T) {
	t.Parallel()
	var made []string
	for ms := range int64(2000) {
		made = append(made, id.At("x", time.UnixMilli(1795160000000+ms*997)))
	}
	if !slices.IsSorted(made) {
		t.Error("later ids do not sort behind earlier ones")
	}
}

func TestManyGoroutinesNeverMakeTheSameID(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			made := make([]string, 5000)
			for i := range made {
				made[i] = id.New(id.Signal)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range made {
				if seen[m] {
					t.Errorf("%s twice", m)
				}
				seen[m] = true
			}
		})
	}
	all.Wait()
}

func TestWhatIsNoIDIsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "inc", "inc_", "_", "dlv_01jz8k2v3w9y7x5q4r6s1t0abc", "inc_01jz8k2v3w9y7x5q4r6s1t0ab", "inc_01jz8k2v3w9y7x5q4r6s1t0abcd",
		"inc_01JZ8K2V3W9Y7X5Q4R6S1T0ABC", "inc_81jz8k2v3w9y7x5q4r6s1t0abc", "inc_01jz8k2v3w9y7x5q4r6s1t0abu", "inc_01jz8k2v3w9y7x5q4r6s1t0ab\x00",
	} {
		if _, err := id.Parse(id.Incident, s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
	for _, s := range []string{"", "_01jz8k2v3w9y7x5q4r6s1t0abc", "averylongprefix_01jz8k2v3w9y7x5q4r6s1t0abc", "noline"} {
		if id.Valid(s) {
			t.Errorf("%q counts as valid", s)
		}
	}
}

func FuzzParseNeverPanics(f *testing.F) {
	f.Add("inc", id.New("inc"))
	f.Fuzz(func(t *testing.T, prefix, s string) {
		if at, err := id.Parse(prefix, s); err == nil && id.At(prefix, at)[:len(prefix)+11] != s[:len(prefix)+11] {
			t.Errorf("%q was made at %v, which writes another time", s, at)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id.New(id.Signal)
		}
	})
}
