package oncall

// verdict is what the locations say together. A location that is muted or knows
// nothing has no say. Down takes m.Quorum of those that have one, or more than
// half of them; up takes one that says so; what is left, such as too few failing
// locations and no other, is unknown. A location that was there and has no say any
// more keeps no outage quiet: where fewer than m.Quorum are left, all of them are
// enough.
func (m *Monitor) verdict(places map[string]PlaceState) MonitorStatus {
	return m.counted(places, func(p PlaceState) MonitorStatus {
		if p.Muted {
			return MonitorUnknown
		}
		return p.Now()
	})
}

// lastSaid is the verdict where a location that has no say, and last said down,
// still says so.
func (m *Monitor) lastSaid(places map[string]PlaceState) MonitorStatus {
	return m.counted(places, func(p PlaceState) MonitorStatus {
		if silent := p.Muted || p.Now() == MonitorUnknown; silent && p.Known == MonitorDown {
			return MonitorDown
		} else if silent {
			return MonitorUnknown
		}
		return p.Now()
	})
}

func (m *Monitor) counted(places map[string]PlaceState, say func(p PlaceState) MonitorStatus) MonitorStatus {
	up, down, awaited := 0, 0, 0
	for _, location := range m.Places() {
		switch p, known := places[location]; {
		case !known:
			awaited++
		case say(p) == MonitorUp:
			up++
		case say(p) == MonitorDown:
			down++
		case p.Known == "" && !p.Muted:
			awaited++
		}
	}
	need := min(m.Quorum, up+down+awaited)
	if m.Quorum <= 0 {
		need = (up+down)/2 + 1
	}
	switch {
	case down > 0 && down >= need:
		return MonitorDown
	case up > 0:
		return MonitorUp
	}
	return MonitorUnknown
}
