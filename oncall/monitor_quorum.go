package oncall

import "time"

// verdict is what the locations say together. A location that is muted or knows
// nothing has no say. Down takes m.Quorum of those that have one, or more than
// half of them; up takes one that says so; what is left, such as too few failing
// locations and no other, is unknown. A location that has no say keeps no outage
// quiet: where fewer than m.Quorum are left, all of them are enough. One that has
// never said anything counts as one that may still do so, for as long as its first
// result takes to come.
func (m *Monitor) verdict(s MonitorState, now time.Time) MonitorStatus {
	awaited := 0
	for _, location := range m.Places() {
		if end, ok := m.awaited(s, location); ok && now.Before(end) {
			awaited++
		}
	}
	return m.counted(s.Places, awaited, func(p PlaceState) MonitorStatus {
		if p.Muted {
			return MonitorUnknown
		}
		return p.Now()
	})
}

// firstSlack is what the first result of a location takes to come besides its Sight:
// whoever asks there has to hear of the monitor.
const firstSlack = 5 * time.Second

// awaited is until when a location that has never said anything is waited for. What
// is down stays so without it.
func (m *Monitor) awaited(s MonitorState, location string) (until time.Time, ok bool) {
	p, known := s.Places[location]
	switch {
	case s.Now() == MonitorDown, p.Muted, p.Known != "", p.Now() != MonitorUnknown:
		return time.Time{}, false
	case !known:
		p.Watched = s.Watched
	case p.Pending.To != "": // it is heard, and makes up its mind
		until, _ = m.blind(location, p)
		return until, true
	}
	return p.Watched.Add(m.Sight(location) + firstSlack), true
}

// lastSaid is the verdict where a location that has no say, and last said down,
// still says so.
func (m *Monitor) lastSaid(places map[string]PlaceState) MonitorStatus {
	return m.counted(places, 0, func(p PlaceState) MonitorStatus {
		if silent := p.Muted || p.Now() == MonitorUnknown; silent && p.Known == MonitorDown {
			return MonitorDown
		} else if silent {
			return MonitorUnknown
		}
		return p.Now()
	})
}

func (m *Monitor) counted(places map[string]PlaceState, awaited int, say func(p PlaceState) MonitorStatus) MonitorStatus {
	up, down := 0, 0
	for _, location := range m.Places() {
		p, known := places[location]
		switch {
		case !known:
		case say(p) == MonitorUp:
			up++
		case say(p) == MonitorDown:
			down++
		}
	}
	need := min(m.Quorum, up+down+awaited)
	if m.Quorum <= 0 {
		need = (up+down+awaited)/2 + 1
	}
	switch {
	case down > 0 && down >= need:
		return MonitorDown
	case up > 0:
		return MonitorUp
	}
	return MonitorUnknown
}
