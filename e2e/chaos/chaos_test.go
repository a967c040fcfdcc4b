package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"toban/e2e/harness"
)

// Killed at random moments of its responses, on each engine, toban loses nothing
// that it accepted, leaves nobody in silence, and calls nobody after an
// acknowledgement.
//
// TOBAN_CHAOS_KILLS is how many kills there are on each engine, TOBAN_CHAOS_SEED
// repeats a plan. The last lines are the figures.
func TestKilledAnywhere(t *testing.T) {
	kills, seed := 20, rand.Uint64N(1<<32)
	if text := os.Getenv("TOBAN_CHAOS_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 100_000 {
			t.Fatalf("TOBAN_CHAOS_KILLS is a number, not %q", text)
		}
		kills = n
	}
	if text := os.Getenv("TOBAN_CHAOS_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("TOBAN_CHAOS_SEED is a number, not %q", text)
		}
		seed = n
	}
	fmt.Printf("chaos: kills=%d on each engine, seed=%d\n", kills, seed)
	verdicts := map[string]*verdict{}
	for _, engine := range harness.Engines() {
		verdicts[engine] = &verdict{}
	}
	t.Run("engine", func(t *testing.T) {
		for _, engine := range harness.Engines() {
			t.Run(engine, func(t *testing.T) {
				t.Parallel()
				killedAnywhere(t, engine, newPlan(seed, kills), verdicts[engine])
			})
		}
	})
	for _, engine := range harness.Engines() {
		v := verdicts[engine]
		fmt.Printf("%s: %s\n", engine, v.aside())
		fmt.Println(engine)
		fmt.Println(v.line(seed))
	}
}

func killedAnywhere(t *testing.T, engine string, p *plan, v *verdict) {
	w := newWorld(t, engine, p)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	told := time.Now()
	r, err := w.happen(ctx, func(killed int) {
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Printf("%s: %d of %d kills, %s\n", engine, killed, len(p.kills), w.soFar())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	*v = *judge(r)
	v.kills = len(p.kills)
	if story := tell(r, v); story != "" {
		t.Logf("%s\n%s", engine, story)
	}
	for _, wrong := range w.wrong {
		t.Error(wrong)
	}
	if v.failed() {
		t.Errorf("%s: promises were broken; see above, and repeat it with TOBAN_CHAOS_SEED", engine)
	}
}

// soFar is a word on how it goes.
func (w *world) soFar() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%d signals accepted, %d calls made", len(w.record.accepted), len(w.provider.Calls()))
}
