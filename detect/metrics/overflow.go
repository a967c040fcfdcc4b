package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	// overflowName is the alert that others found no place; it has one of its own.
	overflowName = "TobanAlertsDropped"
	// overflowHolds is how long after the last one it is over: rules tell what fires
	// once a minute.
	overflowHolds = 5 * time.Minute
)

func overflowLabels() labels.Labels {
	return labels.FromStrings(labels.AlertName, overflowName, "severity", "critical")
}

// drop gives up an alert that finds no place, and tells that there was one: those
// who would have been paged for it have to look by themselves. The lock is held.
func (b *outbox) drop(now time.Time) {
	b.figures.dropped.Inc()
	if now.Sub(b.dropped) > overflowHolds {
		b.log.Error("more alerts fire than can be told; those beyond are dropped until others are over", "limit", maxAlerts)
	}
	b.dropped = now
	key := overflowLabels().String()
	if t := b.told[key]; t != nil && t.firing {
		return // settle renews it
	}
	b.turn++
	b.told[key] = &told{rule: overflowName, firing: true, due: true, turn: b.turn, alert: alert{
		Labels: overflowLabels().Map(), StartsAt: now.UTC(), EndsAt: now.Add(validFor).UTC(),
		Annotations: map[string]string{
			"summary":     fmt.Sprintf("toban: more than %d alerts fire at once; those beyond are dropped", maxAlerts),
			"description": "Rules tell them again every minute, and they are taken as soon as others are over. A rule that fires for each of many series may be meant for their sum.",
		},
	}}
}

// overflows reports whether an alert found no place lately. The lock is held.
func (b *outbox) overflows(now time.Time) bool {
	return !b.dropped.IsZero() && now.Sub(b.dropped) < overflowHolds
}

// leave takes the names of alerts whose rules are left out.
func (b *outbox) leave(names map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leftOut = names
}
