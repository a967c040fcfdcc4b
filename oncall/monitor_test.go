package oncall

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// after is a time on the day of the tests.
func after(d time.Duration) time.Time { return noon.Add(d) }

func watched(m *Monitor) MonitorState { return m.Resume(MonitorState{}, noon) }

// tale feeds results to a monitor and collects what it says of the whole.
type tale struct {
	t     *testing.T
	m     *Monitor
	s     MonitorState
	edges []MonitorEdge
}

func (s *tale) result(at time.Duration, up bool) *tale { return s.from(Here, at, up) }

func (s *tale) from(location string, at time.Duration, up bool) *tale {
	o := Observation{Location: location, Up: up, At: after(at)}
	if !up {
		o.Reason, o.Message = "status", "503, wanted 200"
	}
	return s.add(s.m.Observe(s.s, o, after(at)))
}

// pass lets time go by.
func (s *tale) pass(until time.Duration) *tale {
	for {
		next := s.m.Next(s.s)
		if next.IsZero() || next.After(after(until)) {
			return s
		}
		before := len(s.edges)
		s.add(s.m.Expire(s.s, next))
		if len(s.edges) == before && s.m.Next(s.s).Equal(next) {
			s.t.Fatalf("Next says %s and Expire has nothing to decide then: %+v", next, s.s)
		}
	}
}

func (s *tale) add(state MonitorState, edges []MonitorEdge) *tale {
	s.s = state
	s.edges = append(s.edges, edges...)
	return s
}

// said is what was said of the whole, and empties it.
func (s *tale) said() (all []string) {
	for _, e := range s.edges {
		if e.Location != "" {
			continue
		}
		line := string(e.From) + " → " + string(e.To) + " since " + e.Since.Sub(noon).String() + " at " + e.At.Sub(noon).String()
		if e.Alert != "" {
			line += ": " + string(e.Alert)
		}
		all = append(all, line)
	}
	s.edges = nil
	return all
}

func (s *tale) want(lines ...string) *tale {
	s.t.Helper()
	if diff := cmp.Diff(lines, s.said()); diff != "" {
		s.t.Errorf("(-want +got):\n%s", diff)
	}
	return s
}

func tell(t *testing.T, m Monitor) *tale {
	if m.Every == 0 {
		m.Every, m.Timeout = 15*time.Second, 10*time.Second
	}
	return &tale{t: t, m: &m, s: watched(&m)}
}

func TestATargetIsDownOnceItHasFailedForItsTimeEvenBetweenTwoChecks(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{For: 40 * time.Second}})
	s.result(0, true).want("unknown → up since 0s at 0s")
	s.result(15*time.Second, false).result(30*time.Second, false).result(45*time.Second, false).pass(54 * time.Second).want()
	s.pass(55 * time.Second).want("up → down since 15s at 55s: down")
	s.result(60*time.Second, false).want()
	s.result(75*time.Second, true).want("down → up since 1m15s at 1m15s: up")
	if s.s.Message != "503, wanted 200" || s.s.Alerting {
		t.Errorf("got %+v, want the last reason and no alert", s.s)
	}
}

func TestASuccessInBetweenBeginsAnew(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{Count: 3}})
	s.result(0, true).result(15*time.Second, false).result(30*time.Second, false).result(45*time.Second, true)
	s.result(60*time.Second, false).result(75*time.Second, false).pass(80 * time.Second).want("unknown → up since 0s at 0s")
	s.result(90*time.Second, false).want("up → down since 1m0s at 1m30s: down")
}

func TestUpAfterHoldsUntilTheTargetHasBeenBackForItsTime(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Up: Threshold{For: 30 * time.Second}})
	s.result(0, false).want("unknown → down since 0s at 0s: down")
	s.result(15*time.Second, true).result(30*time.Second, true).pass(44 * time.Second).want()
	s.result(45*time.Second, true).want("down → up since 15s at 45s: up")
	s = tell(t, Monitor{Up: Threshold{For: time.Hour, Count: 5}})
	s.result(0, true).want("unknown → up since 0s at 0s") // nothing to be careful about: it never was down
}

func TestSilenceIsUnknownNeverUpAndAnOpenAlertStaysOpen(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{})
	s.result(0, true).pass(39 * time.Second).want("unknown → up since 0s at 0s")
	s.pass(40 * time.Second).want("up → unknown since 0s at 40s")
	s.result(45*time.Second, false).want("unknown → down since 45s at 45s: down")
	s.pass(5 * time.Minute).want("down → unknown since 45s at 1m25s")
	if !s.s.Alerting {
		t.Error("the alert was closed by silence")
	}
	s.pass(6*time.Minute + 24*time.Second).want()
	s.pass(time.Hour).want("unknown → unknown since 45s at 6m25s: unseen")
	s.result(2*time.Hour, true).want("unknown → up since 2h0m0s at 2h0m0s: up", "up → up since 2h0m0s at 2h0m0s: seen") // up_after is the first success
}

func TestWhatWasDownBeforeItBecameUnknownIsDownAgainAtOnceAndUpWithCare(t *testing.T) {
	t.Parallel()
	m := Monitor{Down: Threshold{Count: 2}, Up: Threshold{Count: 2}}
	s := tell(t, m)
	s.result(0, false).result(15*time.Second, false).pass(time.Minute).want("unknown → down since 0s at 15s: down", "down → unknown since 15s at 55s")
	s.result(2*time.Minute, false).want("unknown → down since 2m0s at 2m0s")
	s.pass(4 * time.Minute).said()
	s.result(4*time.Minute, true).want()
	s.result(4*time.Minute+15*time.Second, true).want("unknown → up since 4m0s at 4m15s: up")
}

func TestATargetThatWasNeverReachedIsDownAfterItsTime(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{For: 45 * time.Second}})
	s.result(time.Second, false).result(16*time.Second, false).result(31*time.Second, false).pass(46 * time.Second).
		want("unknown → down since 1s at 46s: down")
}

func TestTheTimeThatTobanWasDownCountsForNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{For: 45 * time.Second}})
	s.result(0, true).result(15*time.Second, false).result(30*time.Second, false).said()
	s.s = s.m.Resume(s.s, after(10*time.Minute)) // restarted
	s.pass(10*time.Minute + 9*time.Second).want()
	s.result(10*time.Minute+10*time.Second, false).pass(10*time.Minute + 25*time.Second).want() // 15 s were seen before
	s.result(10*time.Minute+25*time.Second, false).pass(10*time.Minute + 39*time.Second).want()
	s.pass(10*time.Minute + 40*time.Second).want("up → down since 15s at 10m40s: down")
}

func TestARestartFlapsNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{Count: 2}})
	s.result(0, false).result(15*time.Second, false).said()
	s.s = s.m.Resume(s.s, after(time.Hour))
	s.pass(time.Hour + 39*time.Second).want()
	s.result(time.Hour+39*time.Second, false).want() // still down, nobody is told again
	s.s = s.m.Resume(s.s, after(2*time.Hour))
	s.result(2*time.Hour+time.Second, true).want("down → up since 2h0m1s at 2h0m1s: up")
	s.s = s.m.Resume(s.s, after(3*time.Hour))
	s.pass(3*time.Hour + 40*time.Second).want("up → unknown since 2h0m1s at 3h0m40s")
}

func TestMoreThanHalfOfTheLocationsThatHaveASayDecide(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Locations: []string{Here, "osaka", "sapporo"}})
	s.from(Here, 0, true).from("osaka", time.Second, true).from("sapporo", 2*time.Second, true).said()
	s.from(Here, 15*time.Second, false).want()
	s.from("osaka", 16*time.Second, false).want("up → down since 16s at 16s: down")
	if s.s.Message != "503, wanted 200 (here, osaka)" {
		t.Errorf("got %q, want where it was seen", s.s.Message)
	}
	s.from("osaka", 30*time.Second, true).want("down → up since 30s at 30s: up")
	// Sapporo falls silent at 42 s; then one of two is not more than half of them.
	s.from(Here, 35*time.Second, false).from("osaka", 36*time.Second, true).pass(50 * time.Second).want()
	s.from("osaka", 51*time.Second, false).want("up → down since 51s at 51s: down")
}

func TestAWrittenQuorumIsNotReachedByFewerLocations(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Locations: []string{"osaka", "sapporo", "naha"}, Quorum: 2})
	s.from("osaka", 0, false).want() // one failing location and no other: not known
	s.from("naha", time.Second, true).want("unknown → up since 1s at 1s")
	s.from("sapporo", 2*time.Second, false).want("up → down since 2s at 2s: down")
}

func TestALocationThatIsGoneKeepsNoOutageQuiet(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Locations: []string{Here, "osaka"}, Quorum: 2})
	s.from(Here, 0, true).from("osaka", time.Second, true).said()
	s.from(Here, 15*time.Second, true).from(Here, 30*time.Second, true).pass(44 * time.Second).want() // osaka fell silent at 43 s
	s.from(Here, 45*time.Second, false).want("up → down since 45s at 45s: down")
	s.from("osaka", 50*time.Second, true).want("down → up since 50s at 50s: up")
	s.from(Here, 51*time.Second, false).want() // two of two again
}

func TestALocationWhoseOwnNetworkIsBrokenHasNoSay(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{Count: 2}, Locations: []string{Here, "osaka"}, Quorum: 1})
	s.from(Here, 0, true).from("osaka", 0, true).said()
	s.from("osaka", 15*time.Second, false)
	s.add(s.m.Mute(s.s, "osaka", true, after(16*time.Second)))
	s.from("osaka", 30*time.Second, false).from("osaka", 45*time.Second, false).from(Here, 30*time.Second, true).want()
	s.add(s.m.Mute(s.s, "osaka", false, after(50*time.Second)))
	s.from(Here, 55*time.Second, true).from("osaka", 60*time.Second, false).want() // the first of two
	s.from("osaka", 75*time.Second, false).want("up → down since 1m0s at 1m15s: down")
	for _, place := range []string{Here, "osaka"} {
		s.add(s.m.Mute(s.s, place, true, after(76*time.Second)))
	}
	s.want("down → unknown since 1m16s at 1m16s") // osaka's failure was the only say for it
	s.pass(time.Hour).want()                      // that is said of the locations
}

func TestWhatIsLateOrOldOrFromElsewhereChangesNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{})
	s.result(time.Minute, true).said()
	before := s.s
	for name, o := range map[string]Observation{
		"older than the last": {Location: Here, At: after(30 * time.Second)},
		"another location":    {Location: "osaka", At: after(2 * time.Minute)},
		"before the watching": {Location: Here, At: after(-time.Second)},
	} {
		got, edges := s.m.Observe(s.s, o, after(2*time.Minute))
		if diff := cmp.Diff(before, got); diff != "" || edges != nil {
			t.Errorf("%s (-want +got):\n%s%v", name, diff, edges)
		}
	}
	if _, edges := s.m.Observe(s.s, Observation{Location: Here, At: after(time.Hour)}, after(90*time.Second)); len(edges) != 2 || !edges[1].At.Equal(after(90*time.Second)) {
		t.Errorf("got %+v, want a result of a clock that is ahead to count as of now", edges)
	}
}

func TestAnotherQuestionIsUnknownUntilItIsAnsweredAndRetiringEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{})
	s.result(0, false).said()
	s.add(s.m.Forget(s.s, after(time.Second))).want("down → unknown since 1s at 1s")
	if !s.s.Alerting {
		t.Error("the alert was closed by changing the question")
	}
	s.result(2*time.Second, true).want("unknown → up since 2s at 2s: up")
	s.result(17*time.Second, false).said()
	s.add(s.m.Retire(s.s, after(20*time.Second))).want("down → unknown since 20s at 20s", "unknown → unknown since 20s at 20s: up")
}

func TestTimeIsSettledUpToAPendingChange(t *testing.T) {
	t.Parallel()
	s := tell(t, Monitor{Down: Threshold{For: time.Minute}})
	for _, step := range []struct {
		up         bool
		at, settle time.Duration
	}{{true, 0, 0}, {true, 15 * time.Second, 15 * time.Second}, {false, 30 * time.Second, 30 * time.Second}, {false, 45 * time.Second, 30 * time.Second}, {true, 60 * time.Second, 60 * time.Second}} {
		s.result(step.at, step.up)
		if got := s.s.Settled(after(step.at + time.Second)); !got.Equal(after(step.settle)) {
			t.Errorf("at %s: settled until %s, want %s", step.at, got.Sub(noon), step.settle)
		}
	}
}

func TestAResultOfAnotherLocationHasTwoSecondsToCome(t *testing.T) {
	t.Parallel()
	m := Monitor{Every: time.Second, Timeout: 900 * time.Millisecond, Locations: []string{Here, "osaka"}}
	for location, want := range map[string]time.Duration{Here: 2900 * time.Millisecond, "osaka": 4900 * time.Millisecond} {
		if got := m.Sight(location); got != want {
			t.Errorf("%s: got %s, want %s", location, got, want)
		}
	}
	m.Locations = []string{"osaka"}
	s := tell(t, m)
	for i := range 10 { // each comes 2.5 s after its check
		at := time.Duration(i) * time.Second
		s.add(s.m.Observe(s.s, Observation{Location: "osaka", Up: true, At: after(at)}, after(at+2500*time.Millisecond)))
		s.pass(at + 3400*time.Millisecond)
	}
	s.want("unknown → up since 0s at 2.5s")
}
