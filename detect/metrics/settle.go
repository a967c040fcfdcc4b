package metrics

import (
	"time"

	"github.com/prometheus/prometheus/rules"
)

const (
	// renewBefore is how long before its end an alert is told again that still
	// stands; rules that find it firing tell it sooner.
	renewBefore = 2 * time.Minute
	// validFor is how long it then stands, as an alert of Prometheus does.
	validFor = 4 * resend
)

// settle brings what was told as firing in line with the rules: what fires no
// longer without their having said so is resolved. It healed while the process
// was down, or its rule is gone or has other labels now; Prometheus leaves that
// to the receiver's clock.
//
// What nobody can know stands: before quiet, when the samples may not be back
// yet and a rule sees nothing wrong in no data; while a rule can't be evaluated,
// or waits for its `for` again; and while complete is false, since a rule that
// is not there may only be in a file that is left out.
func (b *outbox) settle(now, quiet time.Time, all []*rules.AlertingRule, complete bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	active, unsure, exists := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range all {
		exists[r.Name()] = true
		if r.GetEvaluationTimestamp().IsZero() || r.Health() != rules.HealthGood {
			unsure[r.Name()] = true
		}
		for _, a := range r.ActiveAlerts() {
			if as, keep := b.dressing.dress(a.Labels); keep {
				active[as.String()] = true
			}
		}
	}
	for key, t := range b.told {
		if !t.firing {
			continue
		}
		a := t.alert
		if t.rule == overflowName {
			active[key], exists[t.rule] = b.overflows(now), true
		}
		if now.Before(quiet) && t.rule != overflowName || active[key] || unsure[t.rule] || b.leftOut[t.rule] || (!exists[t.rule] && !complete) {
			if a.EndsAt.Sub(now) < renewBefore {
				a.EndsAt = now.Add(validFor).UTC()
				b.tell(key, t.rule, a, true)
			}
			continue
		}
		b.log.Info("an alert is resolved that no rule sees any more", "rule", t.rule)
		a.EndsAt = now.UTC()
		b.tell(key, t.rule, a, false)
	}
	b.count()
	b.hint()
}
