package chaos

import (
	"context"
	"time"
)

// sampling is the time between two questions about what comes next.
const sampling = 250 * time.Millisecond

// acknowledge takes incidents over the API, as the plan says, until ctx ends.
func (w *world) acknowledge(ctx context.Context) {
	for {
		p := nextPress(w.plan.hands)
		if !rest(ctx, p.gap) {
			return
		}
		if !w.isReady() {
			continue
		}
		list, err := w.toban.Incidents(ctx, "triggered")
		if err != nil || len(list) == 0 {
			continue
		}
		w.take(ctx, list[p.which%len(list)].ID, p.by)
	}
}

// take acknowledges one incident and notes when that was answered.
func (w *world) take(ctx context.Context, id, by string) {
	if err := w.toban.Acknowledge(ctx, id, by); err != nil {
		return // killed meanwhile: it may have been taken or not
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.record.answered = append(w.record.answered, answered{incident: incidentID(id), at: time.Now()})
}

// sample asks what comes next for every incident that nobody has, until ctx
// ends.
func (w *world) sample(ctx context.Context) {
	for rest(ctx, sampling) {
		if !w.isReady() {
			continue
		}
		asked := time.Now()
		list, err := w.toban.Incidents(ctx, "triggered")
		if err != nil {
			continue
		}
		w.mu.Lock()
		for _, inc := range list {
			each := wait{at: asked, incident: incidentID(inc.ID), why: inc.NextWhy}
			if inc.NextAt != nil {
				each.next = *inc.NextAt
			}
			w.record.waits = append(w.record.waits, each)
		}
		w.mu.Unlock()
	}
}
