package due

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"toban/store"
)

// The PostgreSQL that the tests share ends with this process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"))
}

// bench is a queue over a store of its own, in a bubble.
type bench struct {
	*testing.T
	path  string
	start time.Time
	db    *store.DB
	q     *Queue
	stop  func()

	mu    sync.Mutex
	fired []firing
}

type firing struct {
	ref string
	at  time.Duration // since the bench was made
}

// inBubble runs f with an open store. What f starts has to end with it, and does.
func inBubble(t *testing.T, f func(b *bench)) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "toban.db")
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, path: path, start: time.Now()}
		b.open()
		defer b.close()
		f(b)
	})
}

func (b *bench) open() {
	b.Helper()
	db, err := store.Open(b.Context(), "sqlite:"+b.path, store.Options{Node: "a"})
	if err != nil {
		b.Fatal(err)
	}
	b.db, b.q = db, New(db, slog.New(slog.DiscardHandler))
}

func (b *bench) close() {
	if b.stop != nil {
		b.stop()
		b.stop = nil
	}
	if err := b.db.Close(); err != nil {
		b.Error(err)
	}
}

// run starts the queue; close ends it.
func (b *bench) run() {
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- b.q.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	synctest.Wait()
}

// put writes waits that are due after as long as they say.
func (b *bench) put(kind string, waits map[string]time.Duration) {
	b.Helper()
	now := time.Now()
	err := b.db.Tx(b.Context(), func(tx *store.Tx) error {
		var timers []store.Timer
		for ref, in := range waits {
			timers = append(timers, store.Timer{Kind: kind, Ref: ref, DueAt: now.Add(in)})
		}
		return tx.PutTimers(b.Context(), timers...)
	})
	if err != nil {
		b.Fatal(err)
	}
}

// note is a handler that keeps what it is given.
func (b *bench) note(_ context.Context, _ *store.Tx, refs []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ref := range refs {
		b.fired = append(b.fired, firing{ref, time.Since(b.start)})
	}
	return nil
}

// after lets d pass and returns what has been fired since the last call, as
// "ref@time" from now on.
func (b *bench) after(d time.Duration) []string {
	from := time.Since(b.start)
	time.Sleep(d)
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	var got []string
	for _, each := range b.fired {
		got = append(got, fmt.Sprintf("%s@%s", each.ref, (each.at-from).Round(time.Millisecond)))
	}
	b.fired = nil
	return got
}

func (b *bench) want(got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("fired %v, want %v", got, want)
	}
}

// rows returns how many waits the store holds.
func (b *bench) rows() (n int) {
	b.Helper()
	err := b.db.Read(b.Context(), func(tx *store.Tx) error {
		timers, err := tx.OwnTimers(b.Context(), time.Now().Add(1000*time.Hour), 100_000)
		n = len(timers)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func TestAWaitFiresWhenItIsDueAndOnce(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.put("x", map[string]time.Duration{"a": time.Second, "b": 300 * time.Millisecond})
		b.want(b.after(299 * time.Millisecond))
		b.want(b.after(2*time.Second), "b@1ms", "a@701ms")
		b.want(b.after(time.Minute))
		if got := b.rows(); got != 0 {
			b.Errorf("rows left = %d, want 0", got)
		}
	})
}

func TestLateWaitsFireAtOnceInTheOrderInWhichTheyWereDue(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.put("x", map[string]time.Duration{"c": 3 * time.Second, "a": time.Second, "b": 2 * time.Second, "later": time.Hour})
		b.close()
		time.Sleep(time.Minute)
		b.open()
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.want(b.after(0), "a@0s", "b@0s", "c@0s")
		if got, want := b.q.Stats().Kinds["x"].Late.Sum, 57*time.Second+58*time.Second+59*time.Second; got != want {
			b.Errorf("lateness = %s, want %s", got, want)
		}
	})
}

func TestAWaitThatIsMovedFiresOnceAtItsNewTime(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.put("x", map[string]time.Duration{"later": time.Second, "sooner": time.Minute})
		b.put("x", map[string]time.Duration{"later": 3 * time.Second, "sooner": 2 * time.Second})
		b.want(b.after(time.Hour), "sooner@2s", "later@3s")
	})
}

func TestAWaitThatEndedDoesNotFire(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.put("x", map[string]time.Duration{"a": time.Second})
		if err := b.db.Tx(b.Context(), func(tx *store.Tx) error { return tx.DeleteTimers(b.Context(), "x", "a") }); err != nil {
			b.Fatal(err)
		}
		b.want(b.after(time.Minute))
		if got := b.q.Stats(); got.Waiting != 0 || got.Kinds["x"].Gone != 1 {
			b.Errorf("stats = %+v, want nothing waiting and one gone", got)
		}
	})
}

// A hint may be wrong in any way; only rows decide.
func TestAWrongHintFiresNothing(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.put("x", map[string]time.Duration{"a": time.Second})
		b.q.Wake(store.Wake{Timers: []store.Timer{
			{Kind: "x", Ref: "a", DueAt: time.Now()},
			{Kind: "x", Ref: "nobody", DueAt: time.Now()},
			{Kind: "unheard of", Ref: "a", DueAt: time.Now()},
		}})
		b.want(b.after(0))
		b.want(b.after(time.Minute), "a@1s")
	})
}

// The commits are told of in the wrong order: the later wait last.
func TestHintsInTheWrongOrderMakeNothingLate(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.put("x", map[string]time.Duration{"a": time.Second})
		b.q.Wake(store.Wake{Timers: []store.Timer{{Kind: "x", Ref: "a", DueAt: time.Now().Add(time.Minute)}}})
		b.want(b.after(time.Hour), "a@1s")
	})
}

func TestAHandlerPutsBackWhatItCannotDoNow(t *testing.T) {
	inBubble(t, func(b *bench) {
		tries := 0
		b.q.Handle("x", Options{}, func(ctx context.Context, tx *store.Tx, refs []string) error {
			if tries++; tries < 4 {
				return tx.PutTimers(ctx, store.Timer{Kind: "x", Ref: "a", DueAt: tx.Now.Add(10 * time.Millisecond)})
			}
			return b.note(ctx, tx, refs)
		})
		b.run()
		b.put("x", map[string]time.Duration{"a": time.Second})
		b.want(b.after(time.Hour), "a@1.03s")
	})
}

func TestARefThatFailsIsTriedAgainAndKeepsNobodyWaiting(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("no") },
		"panic": func() error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				var tries []time.Duration
				heals := time.Now().Add(3 * time.Second)
				b.q.Handle("x", Options{}, func(ctx context.Context, tx *store.Tx, refs []string) error {
					if slices.Contains(refs, "bad") && time.Now().Before(heals) {
						if len(refs) == 1 {
							tries = append(tries, time.Since(b.start))
						}
						return fail()
					}
					return b.note(ctx, tx, refs)
				})
				b.run()
				waits := map[string]time.Duration{"bad": time.Second}
				var want []string
				for i := range 100 {
					ref := fmt.Sprintf("good-%02d", i)
					waits[ref] = time.Second
					want = append(want, ref+"@1s")
				}
				b.put("x", waits)
				start := time.Since(b.start)
				got := b.after(time.Second)
				slices.Sort(got)
				b.want(got, want...)
				if got := b.q.Stats().Failing; got != 1 {
					b.Errorf("failing = %d, want 1", got)
				}
				// 100 + 200 + 400 + 800 + 1600 ms after it was due.
				b.want(b.after(time.Hour), "bad@3.1s")
				for i, each := range []time.Duration{0, 100, 300, 700, 1500} {
					if got, want := tries[i]-start, time.Second+each*time.Millisecond; got != want {
						b.Errorf("try %d at %s, want %s", i, got, want)
					}
				}
				if got := b.q.Stats().Failing; got != 0 {
					b.Errorf("failing = %d after it has healed, want 0", got)
				}
			})
		})
	}
}

func TestABatchThatHangsIsTakenApart(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, func(ctx context.Context, tx *store.Tx, refs []string) error {
			if slices.Contains(refs, "stuck") {
				<-ctx.Done()
				return ctx.Err()
			}
			return b.note(ctx, tx, refs)
		})
		b.run()
		b.put("x", map[string]time.Duration{"a": time.Second, "b": time.Second, "stuck": time.Second})
		got := b.after(time.Minute) // SQLite has one writer, which the stuck one holds for 10 s at a time
		if len(got) != 2 {
			b.Errorf("fired %v in a minute, want a and b", got)
		}
		if got := b.rows(); got != 1 {
			b.Errorf("rows = %d, want the stuck one", got)
		}
	})
}

func TestRowsThatTheHeapHasMissedAreFoundWithinFiveSeconds(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, b.note)
		b.run()
		waits := map[string]time.Duration{}
		for i := range 3000 {
			waits[fmt.Sprint("missed-", i)] = time.Second
		}
		b.put("x", waits)
		b.q.mu.Lock()
		b.q.kinds["x"].waits = newWaits()
		b.q.mu.Unlock()
		if got := len(b.after(6 * time.Second)); got != missedSize {
			b.Errorf("fired %d, want a sweep of %d", got, missedSize)
		}
		if got := len(b.after(10 * time.Second)); got != 2*missedSize {
			b.Errorf("fired %d, want the other %d", got, 2*missedSize)
		}
	})
}

// As many failing refs as a sweep reads must not hide a missed one.
func TestFailingRefsDoNotHideAMissedOne(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, func(ctx context.Context, tx *store.Tx, refs []string) error {
			for _, ref := range refs {
				if ref != "missed" {
					return errors.New("no")
				}
			}
			return b.note(ctx, tx, refs)
		})
		waits := map[string]time.Duration{}
		for i := range missedSize + 10 {
			waits[fmt.Sprint("bad-", i)] = 0
		}
		b.put("x", waits)
		b.run()
		b.after(2 * time.Second)
		b.put("x", map[string]time.Duration{"missed": 0})
		b.q.mu.Lock()
		w := newWaits()
		for _, each := range b.q.kinds["x"].waits.heap {
			if each.ref != "missed" {
				w.put(each.ref, each.due, each.at)
			}
		}
		b.q.kinds["x"].waits = w
		b.q.mu.Unlock()
		if got := len(b.after(6 * time.Second)); got != 1 {
			b.Errorf("the missed row fired %d times, want once", got)
		}
	})
}

func TestAHeldQueueHoldsItsWorkAndDropsNone(t *testing.T) {
	inBubble(t, func(b *bench) {
		until := time.Now().Add(10 * time.Second)
		b.q.HoldWhile(func() bool { return time.Now().Before(until) })
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.put("x", map[string]time.Duration{"a": time.Second, "b": 2 * time.Second, "c": 11 * time.Second})
		b.want(b.after(9 * time.Second))
		b.want(b.after(5*time.Second), "a@1s", "b@1s", "c@2s")
	})
}

func TestImportantKindsGoFirstAndStarveNobody(t *testing.T) {
	inBubble(t, func(b *bench) {
		slow := func(ctx context.Context, tx *store.Tx, refs []string) error {
			time.Sleep(100 * time.Millisecond)
			return b.note(ctx, tx, refs)
		}
		b.q.Handle("sweep", Options{Rank: 4, Batch: 1, Workers: 1}, slow)
		b.q.Handle("response", Options{Batch: 1, Workers: maxRunning}, slow)
		waits := map[string]time.Duration{}
		for i := range 40 {
			waits[fmt.Sprintf("r%02d", i)] = time.Duration(i) * time.Millisecond
		}
		b.put("response", waits)
		b.put("sweep", map[string]time.Duration{"s": 0})
		time.Sleep(time.Second)
		b.run()
		got := b.after(time.Minute)
		if len(got) != 41 {
			b.Fatalf("fired %d, want 41", len(got))
		}
		i := slices.IndexFunc(got, func(s string) bool { return s[0] == 's' })
		if i < maxRunning {
			b.Errorf("the sweep was number %d, want it after the first responses", i)
		}
	})
}

func TestAFarWaitIsNotKeptInMemoryAndFiresOnTime(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, b.note)
		b.run()
		b.put("x", map[string]time.Duration{"far": 3*time.Hour + 5*time.Millisecond, "near": time.Minute})
		if got := b.q.Stats().Waiting; got != 1 {
			b.Errorf("in memory = %d, want only the near one", got)
		}
		b.want(b.after(4*time.Hour), "near@1m0s", "far@3h0m0.005s")
	})
}

func TestMoreRowsThanAPageAreAllLoaded(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.page = 10
		b.q.Handle("x", Options{}, b.note)
		waits := map[string]time.Duration{}
		for i := range 95 {
			waits[fmt.Sprint(i)] = time.Duration(i) * time.Second
		}
		b.put("x", waits)
		b.run()
		got := b.after(10 * time.Minute)
		if len(got) != 95 {
			b.Fatalf("fired %d, want 95", len(got))
		}
		for i, each := range got {
			if want := fmt.Sprintf("%d@%s", i, time.Duration(i)*time.Second); each != want {
				b.Errorf("fired %s, want %s", each, want)
			}
		}
	})
}

func TestAStopLetsTheRunningTransactionFinish(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.q.Handle("x", Options{}, func(ctx context.Context, tx *store.Tx, refs []string) error {
			time.Sleep(time.Second)
			if err := ctx.Err(); err != nil {
				return err
			}
			return b.note(ctx, tx, refs)
		})
		b.run()
		b.put("x", map[string]time.Duration{"a": 0})
		time.Sleep(100 * time.Millisecond)
		b.stop()
		b.stop = nil
		b.want(b.after(0), "a@0s")
		if got := b.rows(); got != 0 {
			b.Errorf("rows left = %d, want 0", got)
		}
	})
}
