package mackerel

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sim "toban/sim/mackerel"
)

// received is what came of a metric, as "value value", in the order of their times.
func received(real *sim.Server, name string) string {
	var words []string
	for _, p := range real.Points("ORGANIZATION", name) {
		words = append(words, fmt.Sprint(p.Value))
	}
	return strings.Join(words, " ")
}

func (b *bench) figures() ForwardFigures {
	b.Helper()
	f, err := b.m.Forwarded(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func TestPointsArePassedOnOnceAMinuteAndTogether(t *testing.T) {
	real := sim.New(sim.Options{Keys: []string{"real-key"}, Services: []string{"ORGANIZATION"}, PerMinute: 1})
	inBubble(t, real, nil, func(b *bench) {
		for i := range 90 {
			b.post("jobs", float64(i))
			b.post("other", float64(i))
			time.Sleep(time.Second)
		}
		time.Sleep(pace)
		synctest.Wait()
		if posts := real.Posts(); len(posts) != 3 || len(posts[0].Points) < 1 {
			t.Errorf("got %d posts, want 3: at once, and one a minute", len(posts))
		}
		if got := real.Points("ORGANIZATION", "jobs"); len(got) != 90 || got[89].Value != 89 {
			t.Errorf("got %d points, want all 90", len(got))
		}
		if f := b.figures(); f != (ForwardFigures{Sent: 180}) {
			t.Errorf("got %+v", f)
		}
	})
}

func TestAMackerelThatMisbehavesGetsEachPointInTheEnd(t *testing.T) {
	for name, faults := range map[string][]sim.Fault{
		"busy":            {{Status: 429, RetryAfter: "120"}, {Status: 429}},
		"broken":          {{Status: 500}, {Status: 502}, {Status: 503}},
		"cut off":         {{Drop: true}, {Drop: true}},
		"slow":            {{Wait: time.Hour}, {Wait: 20 * time.Second}},
		"its answer lost": {{Taken: true, Drop: true}, {Taken: true, Status: 500}},
		"another key":     {{Status: 403}, {Status: 401}},
		"a redirect away": {{Status: 408}},
	} {
		t.Run(name, func(t *testing.T) {
			real := sim.New(sim.Options{Keys: []string{"real-key"}, PerMinute: 1000})
			real.Fault(faults...)
			inBubble(t, real, nil, func(b *bench) {
				for i := range 20 {
					b.post("jobs", float64(i))
					time.Sleep(10 * time.Second)
				}
				time.Sleep(30 * time.Minute)
				synctest.Wait()
				if got, want := received(real, "jobs"), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if f := b.figures(); f.Sent != 20 || f.Dropped != 0 || f.Failed != int64(len(faults)) && name != "slow" || f.Waiting != 0 {
					t.Errorf("got %+v", f)
				}
				last := int64(0)
				for _, post := range real.Posts() {
					for _, p := range post.Points {
						if p.Time < last && name != "its answer lost" {
							t.Errorf("%d came behind %d", p.Time, last)
						}
						last = p.Time
					}
				}
			})
		})
	}
}

func TestARetryAfterIsWaitedFor(t *testing.T) {
	real := sim.New(sim.Options{})
	real.Fault(sim.Fault{Status: 429, RetryAfter: "600"})
	inBubble(t, real, nil, func(b *bench) {
		b.post("jobs", 1)
		time.Sleep(599 * time.Second)
		synctest.Wait()
		if got := len(real.Posts()); got != 0 {
			t.Errorf("got %d posts too early", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := len(real.Posts()); got != 1 {
			t.Errorf("got %d posts, want one", got)
		}
	})
}

func TestWhatIsRefusedIsDroppedAndTheOthersAreNot(t *testing.T) {
	real := sim.New(sim.Options{Services: []string{"ORGANIZATION"}})
	inBubble(t, real, nil, func(b *bench) {
		for i := range 5 {
			b.post("jobs", float64(i+1))
			time.Sleep(time.Second)
			synctest.Wait()
			if i == 0 { // it is sent by now; of the others the third can't be taken
				real.Fault(sim.Fault{Status: 400}, sim.Fault{}, sim.Fault{Status: 413}, sim.Fault{Status: 400})
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := received(real, "jobs"); got != "1 2 3 5" {
			t.Errorf("got %q, want all but one", got)
		}
		if f := b.figures(); f != (ForwardFigures{Sent: 4, Dropped: 1}) {
			t.Errorf("got %+v", f)
		}
	})
}

func TestAServiceThatMackerelDoesNotKnowIsDroppedAndHoldsUpNoOther(t *testing.T) {
	real := sim.New(sim.Options{Services: []string{"ORGANIZATION"}})
	inBubble(t, real, nil, func(b *bench) {
		status, text := b.ask("POST", "/api/v0/services/unknown/tsdb", senderKey, fmt.Sprintf(`[{"name":"a","time":%d,"value":1}]`, time.Now().Unix()))
		if status != 200 {
			t.Fatalf("got %d %s", status, text)
		}
		b.post("jobs", 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if f := b.figures(); f != (ForwardFigures{Sent: 1, Dropped: 1}) || received(real, "jobs") != "1" {
			t.Errorf("got %+v", f)
		}
	})
}

func TestWhatWaitsIsPassedOnBehindACrash(t *testing.T) {
	real := sim.New(sim.Options{PerMinute: 100})
	real.Fault(sim.Fault{Wait: time.Hour})
	inBubble(t, real, nil, func(b *bench) {
		b.post("jobs", 0)
		time.Sleep(time.Second)
		synctest.Wait()
		b.post("jobs", 1)
		b.held.Store(true) // what it is doing ends nowhere
		b.close()
		b.held.Store(false)
		b.open()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := received(real, "jobs"); got != "0 1" {
			t.Errorf("got %q, want both", got)
		}
		if f := b.figures(); f.Waiting != 0 {
			t.Errorf("got %+v", f)
		}
	})
}

func TestADestinationThatIsGoneLetsNothingWaitAndADayIsTheMost(t *testing.T) {
	real := sim.New(sim.Options{})
	inBubble(t, real, nil, func(b *bench) {
		for range 8 {
			real.Fault(sim.Fault{Status: 500})
		}
		b.postAll(fmt.Sprintf(`{"name":"old","time":%d,"value":1}`, time.Now().Add(2*time.Minute-tooOld).Unix()))
		time.Sleep(time.Minute)
		b.post("new", 1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if received(real, "old") != "" || received(real, "new") != "1" {
			t.Errorf("got %q %q, want the new one alone", received(real, "old"), received(real, "new"))
		}
		if f := b.figures(); f.Dropped != 1 || f.Sent != 1 || f.Waiting != 0 {
			t.Errorf("got %+v", f)
		}
		real.Fault(sim.Fault{Status: 500})
		b.post("never", 1)
		synctest.Wait()
		b.m.Forward(nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		b.post("never", 2)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if f := b.figures(); f.Waiting != 0 || received(real, "never") != "" {
			t.Errorf("got %+v and %q", f, received(real, "never"))
		}
	})
}
