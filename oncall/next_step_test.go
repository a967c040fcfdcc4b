package oncall

import (
	"strings"
	"testing"
	"time"
)

// What is said to come next is the first line of the forecast that anybody
// notices, at every point of a response.
func TestWhatComesNextIsWhatTheForecastSays(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for _, l := range []string{"user matsu: phone@0", "user take: phone@0", "level: matsu, take | in_order 10m"} {
		b.line(l)
	}
	w := World{Directory: b.dir, Policy: b.policy}
	r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: b.begin}, "rev1")
	said := func(r Response, after time.Duration) string {
		t.Helper()
		step, ok := NextStep(r, w, b.begin.Add(after))
		if !ok {
			return "nothing"
		}
		if when := step.At.Sub(b.begin.Add(after)); step.In != when {
			t.Errorf("in %s, at %s: they differ", step.In, when)
		}
		return strings.TrimSpace(step.At.Sub(b.begin).String() + " " + line(step.Entry))
	}
	step := func(after time.Duration, in Input) {
		in.Epoch = r.Epoch
		r, _ = r.Advance(in, w, b.begin.Add(after))
	}
	want := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	want("at the beginning", said(r, 0), "0s call matsu")
	step(0, Input{Kind: InDue})
	at, why := r.Next()
	if why != NextOutcome || at.Sub(b.begin) <= 25*time.Second {
		t.Errorf("the machine looks again for %s in %s, want the end of a call that never ends", why, at.Sub(b.begin))
	}
	want("while it rings", said(r, 10*time.Second), "25s call matsu 2nd")
	first := r.Pages[0].Lanes[0].Attempt
	step(2*time.Second, Input{Kind: InOutcome, Attempt: first, Outcome: Busy})
	want("when the first was busy", said(r, 5*time.Second), "27s call take 2nd")
	r.Epoch++
	step(20*time.Second, Input{Kind: InAcknowledged, By: "take", Until: b.begin.Add(30 * time.Minute)})
	want("when somebody has it", said(r, 21*time.Second), said(r, time.Minute))
	if got := said(r, time.Minute); !strings.HasPrefix(got, "25m0s ") {
		t.Errorf("the holder is asked: got %q, want it five minutes before the end", got)
	}
	r.Epoch++
	step(40*time.Second, Input{Kind: InResolved})
	want("when it is over", said(r, time.Minute), "nothing")
}
