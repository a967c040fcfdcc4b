package standing

import (
	"toban/detect/mackerel"
	"toban/oncall"
)

// measured is how a monitor of service metrics stands: as the worst of them does.
// One without any point is not known.
func (s *Standing) measured(metrics []mackerel.Status) {
	s.State, s.Metrics = Unknown, metrics
	var worst *oncall.MetricState
	plan := oncall.MetricPlan{}
	for i := range metrics {
		m := &metrics[i].State
		if m.Heard.After(s.Last) {
			s.Last = m.Heard
		}
		switch {
		case m.Level == oncall.MetricUnknown:
		case m.Level.Bad():
			if worst == nil || !worst.Level.Bad() || plan.SeverityOf(m.Level).Rank() < plan.SeverityOf(worst.Level).Rank() {
				worst, plan = m, m.Plan
				s.State, s.Since, s.Reason, s.Message = Down, m.Since, string(m.Level), metrics[i].Why
			}
		case worst == nil || !worst.Level.Bad():
			s.State, s.Doubt = Up, s.Doubt || m.Row > 0
			if worst == nil || m.Since.After(s.Since) {
				worst, s.Since = m, m.Since
			}
		}
	}
	if s.State == Down {
		s.Doubt = false
	}
}
