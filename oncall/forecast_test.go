package oncall

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func forecastOf(r Response, w World, assume Assumptions, until time.Time) string {
	var lines []string
	for _, x := range Forecast(r, w, assume, until) {
		text := fmt.Sprintf("in %d:%02d %s", int(x.In.Minutes()), int(x.In.Seconds())%60, line(x.Entry))
		if x.Why != "" && x.Entry.Kind == EntryContact {
			text += fmt.Sprintf(" (%s %s)", x.Of, x.Why)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func TestAForecastSaysWhoIsCalledWhenAndWhy(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for _, l := range []string{"user matsu: phone@0", "user take: phone@0", "level: matsu, take | in_order 10m"} {
		b.line(l)
	}
	r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: b.begin}, "rev1")
	w := World{Directory: b.dir, Policy: b.policy}
	assume := Assumptions{Calls: map[UserID][]Reaction{"matsu": {{Outcome: Busy}}, "boss": {{Outcome: NoInput}, {Key: "1"}}}}
	want := strings.Join([]string{
		"in 0:00 round 1",
		"in 0:00 level 1",
		"in 0:00 page matsu",
		"in 0:00 call matsu",
		"in 0:02   matsu busy",
		"in 0:02 unreached matsu busy",
		"in 0:02 page take",
		"in 0:02 call take (matsu busy)",
		"in 0:27   take no_answer",
		"in 0:27 call take 2nd ( no_answer)",
		"in 0:52   take no_answer",
		"in 0:52 unreached take no_answer",
		"in 0:52 fallback boss",
		"in 0:52 page boss fallback",
		"in 0:52 call boss ( fallback)",
		"in 1:34   boss no_input",
		"in 1:34 unreached boss no_input",
		"in 1:34 round 2",
		"in 1:34 level 1",
		"in 1:34 page matsu",
		"in 1:34 call matsu (boss no_input)",
		"in 1:36   matsu busy",
		"in 1:36 unreached matsu busy",
		"in 1:36 page take",
		"in 1:36 call take (matsu busy)",
		"in 2:01   take no_answer",
		"in 2:01 call take 2nd ( no_answer)",
		"in 2:26   take no_answer",
		"in 2:26 unreached take no_answer",
		"in 2:26 fallback boss",
		"in 2:26 page boss fallback",
		"in 2:26 call boss ( fallback)",
		"in 2:41 acknowledged boss",
		"in 2:41 told boss taken matsu take",
	}, "\n")
	if diff := cmp.Diff(want, forecastOf(r, w, assume, b.begin.Add(time.Hour))); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
}

func TestAForecastGoesOnFromWhatRingsNow(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.line("user matsu: phone@0")
	b.line("level: matsu | in_order 10m")
	w := World{Directory: b.dir, Policy: b.policy}
	r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: b.begin}, "rev1")
	r, _ = r.Advance(Input{Kind: InDue, Epoch: 1}, w, b.begin)
	got := forecastOf(r, w, Assumptions{From: b.begin.Add(10 * time.Second)}, b.begin.Add(20*time.Second))
	if got != "" {
		t.Errorf("got %q, want nothing before the ring ends", got)
	}
	got = forecastOf(r, w, Assumptions{From: b.begin.Add(10 * time.Second)}, b.begin.Add(30*time.Second))
	if want := "in 0:15   matsu no_answer\nin 0:15 call matsu 2nd ( no_answer)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = forecastOf(r, w, Assumptions{From: b.begin.Add(time.Minute)}, b.begin.Add(61*time.Second))
	if want := "in 0:00   matsu no_answer\nin 0:00 call matsu 2nd ( no_answer)"; got != want {
		t.Errorf("an answer that is late: got %q, want %q", got, want)
	}
}

func TestAForecastGoesBeyondTheKeyWhenAsked(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.line("user matsu: phone@0")
	b.line("level: matsu | in_order 10m")
	w := World{Directory: b.dir, Policy: b.policy}
	r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: b.begin}, "rev1")
	assume := Assumptions{Calls: map[UserID][]Reaction{"matsu": {{Key: "1"}, {Key: "2"}, {Key: "9"}}}, AfterTaken: true}
	got := forecastOf(r, w, assume, b.begin.Add(time.Hour))
	for _, want := range []string{
		"in 0:15 acknowledged matsu", "in 25:15 asked matsu", "in 30:15 lapsed matsu",
		"in 30:15 call matsu ( first)", "in 30:30 declined matsu matsu", "in 30:30 call matsu (matsu declined)", "in 30:45 resolved matsu",
	} {
		if !strings.Contains(got+"\n", want+"\n") {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestAForecastIsBounded(t *testing.T) {
	t.Parallel()
	dir, p := company(3)
	r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: week(t)}, "rev1")
	w := World{Directory: dir, Policy: p}
	steps := Forecast(r, w, Assumptions{Others: Reaction{Outcome: Busy}}, week(t).AddDate(10, 0, 0))
	if n := len(steps); n < maxSteps || n > maxSteps+50 {
		t.Errorf("got %d lines, want about %d", n, maxSteps)
	}
	p.Levels = nil
	p.Fallback = Target{}
	r.Urgency = Low
	steps = Forecast(r, w, Assumptions{}, week(t).AddDate(10, 0, 0))
	if last := steps[len(steps)-1]; last.In > maxForecast {
		t.Errorf("got a line in %s, want none after %s", last.In, maxForecast)
	}
}

// Whatever a page offers, the configuration may be missing altogether.
func TestAForecastOfNothing(t *testing.T) {
	t.Parallel()
	if got := Forecast(Response{Phase: Over}, World{}, Assumptions{}, week(t)); got != nil {
		t.Errorf("got %v, want nothing", got)
	}
	r := NewResponse(&Incident{ID: "inc_1", Epoch: 1, Urgency: High, TriggeredAt: week(t)}, "")
	got := forecastOf(r, World{}, Assumptions{}, week(t).Add(time.Minute))
	if want := "in 0:00 round 1\nin 0:00 fallback\nin 0:00 skip no_fallback\nin 0:00 unreachable\nin 1:00 round 2\nin 1:00 fallback\nin 1:00 skip no_fallback\nin 1:00 unreachable"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
