package oncall

// verdict is what the locations say together. A location that is muted or knows
// nothing has no say. Down takes m.Quorum of those that have one, or more than
// half of them; up takes one that says so; what is left, such as too few failing
// locations and no other, is unknown.
func (m *Monitor) verdict(places map[string]PlaceState) MonitorStatus {
	up, down := 0, 0
	for _, location := range m.Places() {
		p, known := places[location]
		if !known || p.Muted {
			continue
		}
		switch p.Now() {
		case MonitorUp:
			up++
		case MonitorDown:
			down++
		}
	}
	need := m.Quorum
	if need <= 0 {
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
