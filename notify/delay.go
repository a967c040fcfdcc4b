package notify

import (
	"time"

	"toban/internal/metric"
)

// newDelay makes what R41 asks for first: how soon a provider is asked.
func newDelay(r *metric.Registry) *metric.Histogram {
	return r.Histogram("toban_page_delay_seconds",
		"Time from what asks for a page (an accepted event, the end of a wait, an attempt that failed) until its provider is asked for the first time.",
		[]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}, "method")
}

// measure counts how late a message leaves that is about to be sent for the first
// time. What is told beside, what reaches nobody and what had to wait for another
// call to the same number is no measure of toban.
func (d *Dispatcher) measure(j *job) {
	if j.shadow {
		return
	}
	for _, row := range j.rows {
		if row.Payload.Since.IsZero() || row.Payload.Tell != "" || row.Attempts > 0 || row.AddressHash != "" {
			continue
		}
		d.delay.Observe(max(time.Since(row.Payload.Since), 0).Seconds(), string(row.Kind))
	}
}
