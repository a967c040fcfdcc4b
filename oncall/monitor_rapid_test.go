package oncall

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawThreshold(t *rapid.T, name string) (th Threshold) {
	if rapid.Bool().Draw(t, name+" is a count") {
		th.Count = rapid.IntRange(0, 4).Draw(t, name+" count")
	} else {
		th.For = time.Duration(rapid.IntRange(0, 120).Draw(t, name+" for")) * time.Second
	}
	return th
}

func drawMonitor(t *rapid.T) *Monitor {
	m := &Monitor{Down: drawThreshold(t, "down"), Up: drawThreshold(t, "up"), Every: time.Duration(rapid.IntRange(1, 60).Draw(t, "every")) * time.Second}
	m.Timeout = min(10*time.Second, m.Every*9/10)
	all := []string{Here, "osaka", "sapporo"}
	m.Locations = all[:rapid.IntRange(0, 3).Draw(t, "locations")]
	m.Quorum = rapid.IntRange(0, len(m.Places())).Draw(t, "quorum")
	return m
}

// Whatever comes in whatever order: up is only ever said because of a success,
// an edge is a change, alerts open and close in turn, and what was decided
// survives being saved and read again.
func TestNothingIsUpWithoutASuccessAndAnEdgeIsAChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMonitor(t)
		now := noon
		s := m.Resume(MonitorState{}, now)
		status := map[string]MonitorStatus{}
		down, unseen := false, false
		last := map[string]bool{}          // what each location said last
		said := map[string]MonitorStatus{} // what each location last was, unknown apart
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90_000).Draw(t, "pause")) * time.Millisecond)
			place := rapid.SampledFrom(m.Places()).Draw(t, "place")
			what := rapid.SampledFrom([]string{"up", "up", "down", "down", "pass", "mute", "listen", "hold", "release", "restart", "retire", "forget", "move"}).Draw(t, "what")
			var edges []MonitorEdge
			before := s
			switch what {
			case "up", "down":
				last[place] = what == "up"
				s, edges = m.Observe(s, Observation{Location: place, Up: what == "up", At: now}, now)
			case "pass":
				s, edges = m.Expire(s, now)
			case "mute", "listen":
				s, edges = m.Mute(s, place, what == "mute", now)
			case "hold", "release":
				s, edges = m.Hold(s, place, what == "hold", now)
			case "restart":
				s = saved(t, s)
				if rapid.Bool().Draw(t, "the clock is set back") {
					now = now.Add(-time.Duration(rapid.IntRange(0, 7200).Draw(t, "by")) * time.Second)
				}
				s = m.Resume(s, now)
			case "move": // it is asked from elsewhere, and for a while nothing comes
				all := []string{Here, "osaka", "sapporo"}
				from := rapid.IntRange(0, 2).Draw(t, "from")
				m.Locations = all[from : from+rapid.IntRange(1, 3-from).Draw(t, "number")]
				m.Quorum = min(m.Quorum, len(m.Locations))
				s = m.Resume(s, now)
				maps.DeleteFunc(said, func(p string, _ MonitorStatus) bool { return !m.AsksFrom(p) })
				for _, p := range m.Places() {
					status[p] = s.Places[p].Now()
				}
				now = now.Add(m.sight())
				if next := m.Next(s); s.Now() == MonitorUp && (next.IsZero() || next.After(now)) {
					t.Fatalf("up, and nothing is due until %s: %+v", next, s)
				}
				s, edges = m.Expire(s, now)
			case "forget":
				s, edges = m.Forget(s, now)
				clear(said)
			case "retire":
				s, edges = m.Retire(s, now)
				s = m.Resume(s, now)
				clear(said)
			}
			for _, e := range edges {
				was := status[e.Location].orUnknown()
				if e.From != was {
					t.Fatalf("%s: an edge from %s, it was %s", what, e.From, was)
				}
				if e.From == e.To && e.Alert != AlertSeen && e.Alert != AlertUnseen && what != "retire" {
					t.Fatalf("%s: an edge that changes nothing: %+v", what, e)
				}
				status[e.Location] = e.To
				if e.To == MonitorUp && e.From != MonitorUp {
					if e.Location != "" && (what != "up" || e.Location != place) {
						t.Fatalf("%s at %s made %s up", what, place, e.Location)
					}
					if e.Location == "" && what != "up" {
						t.Fatalf("%s made it up: %+v", what, s)
					}
				}
				if e.Location != "" && e.To != MonitorUnknown {
					said[e.Location] = e.To
				}
				if e.Location != "" && e.To == MonitorDown && before.Places[e.Location].Held && what != "release" && what != "move" {
					t.Fatalf("%s made %s down, and it is held", what, e.Location)
				}
				if e.Alert == AlertUp && what != "retire" && saysDown(m, said) {
					t.Fatalf("%s resolved it, and enough locations last said that it is down: %v", what, said)
				}
				switch e.Alert {
				case AlertDown, AlertUp:
					if down == (e.Alert == AlertDown) {
						t.Fatalf("%s twice", e.Alert)
					}
					down = !down
				case AlertUnseen, AlertSeen:
					if unseen == (e.Alert == AlertUnseen) {
						t.Fatalf("%s twice", e.Alert)
					}
					unseen = !unseen
				}
			}
			if s.Alerting != down || s.Unsighted != unseen {
				t.Fatalf("%s: the state says alerting %t, unsighted %t; the edges %t, %t", what, s.Alerting, s.Unsighted, down, unseen)
			}
			if s.Now() != status[""].orUnknown() && what != "restart" {
				t.Fatalf("%s: %s became %s without an edge", what, status[""], s.Now())
			}
			status[""] = s.Now() // a restart hears the muted again
			for _, p := range m.Places() {
				status[p] = s.Places[p].Now()
			}
			if s.Now() == MonitorUp && !anyUp(s) {
				t.Fatalf("up, and no location says so: %+v, before %+v", s, before)
			}
			for p, state := range s.Places {
				if state.At.After(now) || state.Watched.After(now) || state.Pending.Since.After(now) {
					t.Fatalf("%s is known until later than now: %+v", p, state)
				}
				if state.Now() == MonitorUp && state.Pending.To == "" && !last[p] {
					t.Fatalf("%s is up, and failed last: %+v", p, state)
				}
			}
		}
	})
}

// saysDown reports whether m is down by what its locations last said.
func saysDown(m *Monitor, said map[string]MonitorStatus) bool {
	down, all := 0, 0
	for _, place := range m.Places() {
		if said[place] != "" {
			all++
		}
		if said[place] == MonitorDown {
			down++
		}
	}
	if m.Quorum > 0 {
		return down >= m.Quorum
	}
	return down > all/2
}

func anyUp(s MonitorState) bool {
	for _, p := range s.Places {
		if p.Now() == MonitorUp && !p.Muted {
			return true
		}
	}
	return false
}

// saved is a state after it was written and read.
func saved(t *rapid.T, s MonitorState) MonitorState {
	again := func(from, to any) {
		body, err := json.Marshal(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, to); err != nil {
			t.Fatal(err)
		}
	}
	var out MonitorState
	again(s, &out)
	out.Places = map[string]PlaceState{}
	for name, p := range s.Places {
		var place PlaceState
		again(p, &place)
		out.Places[name] = place
	}
	if diff := cmp.Diff(s, out); diff != "" {
		t.Fatalf("saved and read (-want +got):\n%s", diff)
	}
	return out
}

// A prober that keeps its intervals, and a target that is gone from some moment
// on: down is said within an interval, the time-out of the check and what
// down_after says, and never before that is due.
func TestDownIsSaidWithinTheIntervalAndDownAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawMonitor(t)
		m.Locations, m.Quorum = nil, 0
		gone := time.Duration(rapid.IntRange(1, 600_000).Draw(t, "gone")) * time.Millisecond
		restart := time.Duration(-1)
		if rapid.Bool().Draw(t, "restarts") {
			restart = time.Duration(rapid.IntRange(0, 900_000).Draw(t, "restart")) * time.Millisecond
		}
		need := m.Down.For
		if m.Down.Count > 1 {
			need = time.Duration(m.Down.Count-1) * m.Every
		}
		most := gone + m.Every + m.Timeout + need
		if restart >= 0 {
			most += m.Sight(Here) // what passed around it counts for nothing
		}
		s := m.Resume(MonitorState{}, noon)
		first := time.Duration(-1) // the first failing result
		var edges []MonitorEdge
		for at := time.Duration(0); ; at += m.Every {
			took := time.Duration(rapid.IntRange(0, int(m.Timeout/time.Millisecond)).Draw(t, "took")) * time.Millisecond
			ends := at + took
			up := at < gone
			for next := m.Next(s); !next.IsZero() && next.Before(after(ends)); next = m.Next(s) {
				var e []MonitorEdge
				s, e = m.Expire(s, next)
				edges = append(edges, e...)
			}
			if restart >= 0 && restart <= ends {
				s, restart = m.Resume(saved(t, s), after(restart)), -1
			}
			if !up && first < 0 {
				first = ends
			}
			var e []MonitorEdge
			s, e = m.Observe(s, Observation{Location: Here, Up: up, At: after(ends)}, after(ends))
			edges = append(edges, e...)
			for _, e := range edges {
				if e.Location != "" || e.To != MonitorDown {
					continue
				}
				said := e.At.Sub(noon)
				if said > most {
					t.Fatalf("gone at %s, said at %s, at most %s", gone, said, most)
				}
				if restart < 0 && said < first {
					t.Fatalf("said at %s, before the first failure at %s", said, first)
				}
				if m.Down.Count <= 1 && said < first+m.Down.For {
					t.Fatalf("said at %s, and %s is over at %s", said, m.Down.For, first+m.Down.For)
				}
				return
			}
			if at > gone+time.Hour {
				t.Fatalf("an hour after %s nothing was said: %+v", gone, s)
			}
		}
	})
}

// Without a restart the bound is exact.
func TestDownIsSaidAtTheVeryMomentThatDownAfterNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &Monitor{Every: 15 * time.Second, Timeout: 10 * time.Second, Down: Threshold{For: time.Duration(rapid.IntRange(0, 600).Draw(t, "for")) * time.Second}}
		s := m.Resume(MonitorState{}, noon)
		for at := time.Duration(0); at < time.Hour; at += m.Every {
			for next := m.Next(s); !next.IsZero() && next.Before(after(at)); next = m.Next(s) {
				var edges []MonitorEdge
				if s, edges = m.Expire(s, next); len(edges) > 0 && !edges[0].At.Equal(after(m.Every+m.Down.For)) {
					t.Fatalf("said at %s, want %s", edges[0].At.Sub(noon), m.Every+m.Down.For)
				}
			}
			s, _ = m.Observe(s, Observation{Location: Here, Up: at == 0, At: after(at)}, after(at))
		}
		if s.Now() != MonitorDown {
			t.Fatalf("got %s after an hour of failures", s.Now())
		}
	})
}
