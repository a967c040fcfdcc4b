package app

import (
	"context"
	"net/http"
	"time"

	"toban/access"
	"toban/internal/due"
	"toban/internal/metric"
	"toban/notify"
	"toban/oncall"
	"toban/store"
)

const (
	// figuresFresh is how long what the store was asked stays an answer.
	figuresFresh = 5 * time.Second
	// overdueAfter is how late a timer may be before it counts as overdue: what is
	// due waits for its turn for some milliseconds, seconds when very much is.
	overdueAfter = 5 * time.Second
	// nextWithin is how old an incident has to be for it to be an error that it
	// has no next action.
	nextWithin = 2 * time.Second
)

// figures lets /metrics say what the parts know (R41). What they count by
// themselves is in their own packages.
func (a *App) figures() {
	failed := func(err error) { a.log.Warn("figures for /metrics could not be read", "err", err) }
	a.registry.Read(0, []metric.Figure{
		{Name: "toban_due_waiting", Help: "Timers and outbox rows in the queue, which come due within ten minutes, by kind.", Labels: []string{"kind"}},
		{Name: "toban_due_failing", Help: "Timers and outbox rows that have failed and are tried again."},
		{Name: "toban_due_fired_total", Help: "Timers and outbox rows that were handled, by kind.", Counts: true, Labels: []string{"kind"}},
		{Name: "toban_due_failed_total", Help: "Failures of handling one, by kind; it is tried again.", Counts: true, Labels: []string{"kind"}},
		{Name: "toban_due_lateness_seconds", Help: "Time from when a timer was due until its transaction began.", Bounds: due.Bounds()},
		{Name: "toban_accept_queue", Help: "Signals and transactions that wait for their commit."},
		{Name: "toban_monitors", Help: "Monitors that ask their targets from this node, by state.", Labels: []string{"state"}},
	}, func(_ context.Context, v *metric.Values) error {
		a.dueFigures(v)
		v.Put("toban_accept_queue", float64(a.db.Waiting()))
		for state, n := range a.monitors.Count() {
			v.Put("toban_monitors", float64(n), string(state))
		}
		return nil
	}, failed)
	a.registry.Read(0, []metric.Figure{
		{Name: "toban_provider_requests_total", Help: "Requests that a provider took: calls, messages, posts, pushes.", Counts: true, Labels: []string{"provider"}},
		{Name: "toban_provider_failures_total", Help: "Requests that a provider did not take, by class of the failure.", Counts: true, Labels: []string{"provider", "class"}},
		{Name: "toban_provider_given_up_total", Help: "Attempts that were given up; the next person was asked.", Counts: true, Labels: []string{"provider"}},
		{Name: "toban_provider_sending", Help: "Requests that are under way.", Labels: []string{"provider"}},
	}, func(_ context.Context, v *metric.Values) error {
		for _, h := range a.stages.healths() {
			v.Put("toban_provider_requests_total", float64(h.Sent), h.Provider)
			v.Put("toban_provider_given_up_total", float64(h.Undone), h.Provider)
			v.Put("toban_provider_sending", float64(h.Sending), h.Provider)
			h.Failures.Each(func(class notify.Class, n int64) {
				v.Put("toban_provider_failures_total", float64(n), h.Provider, string(class))
			})
		}
		return nil
	}, failed)
	a.sampleFigures(failed)
	a.storeFigures(failed)
}

func (a *App) dueFigures(v *metric.Values) {
	s := a.queue.Stats()
	v.Put("toban_due_failing", float64(s.Failing))
	counts := make([]int64, len(due.Bounds())+1)
	var sum time.Duration
	for kind, k := range s.Kinds {
		v.Put("toban_due_waiting", float64(k.Waiting), kind)
		v.Put("toban_due_fired_total", float64(k.Fired), kind)
		v.Put("toban_due_failed_total", float64(k.Failed), kind)
		sum += k.Late.Sum
		for i, n := range k.Late.Counts {
			counts[i] += n
		}
	}
	v.Spread("toban_due_lateness_seconds", counts, sum.Seconds())
}

// sampleFigures are about samples: those that go to Prometheus, and those of
// other senders that go to Mackerel.
func (a *App) sampleFigures(failed func(error)) {
	a.registry.Read(0, []metric.Figure{
		{Name: "toban_remote_write_samples_total", Help: "Samples for Prometheus, by what became of them: sent, dropped (too many waited, or too long), refused.", Counts: true, Labels: []string{"result"}},
		{Name: "toban_remote_write_failed_total", Help: "Requests to Prometheus that failed and were made again.", Counts: true},
		{Name: "toban_remote_write_waiting", Help: "Samples that wait to be sent."},
	}, func(_ context.Context, v *metric.Values) error {
		if s := a.metrics.sender.Load(); s != nil {
			stats := s.Stats()
			v.Put("toban_remote_write_samples_total", float64(stats.Sent), "sent")
			v.Put("toban_remote_write_samples_total", float64(stats.Dropped), "dropped")
			v.Put("toban_remote_write_samples_total", float64(stats.Refused), "refused")
			v.Put("toban_remote_write_failed_total", float64(stats.Failed))
			v.Put("toban_remote_write_waiting", float64(stats.Waiting))
		}
		return nil
	}, failed)
	a.registry.Read(figuresFresh, []metric.Figure{
		{Name: "toban_mackerel_points_total", Help: "Points of service metrics for Mackerel, by what became of them: forwarded, dropped.", Counts: true, Labels: []string{"result"}},
		{Name: "toban_mackerel_failed_total", Help: "Requests to Mackerel that failed and are made again.", Counts: true},
		{Name: "toban_mackerel_waiting", Help: "Points that wait to be forwarded, of all nodes."},
		{Name: "toban_mackerel_key_refused", Help: "1 while Mackerel refuses the key: points wait until somebody mends it."},
	}, func(ctx context.Context, v *metric.Values) error {
		f, err := a.serviceMetrics.Forwarded(ctx)
		if err != nil {
			return err
		}
		v.Put("toban_mackerel_points_total", float64(f.Sent), "forwarded")
		v.Put("toban_mackerel_points_total", float64(f.Dropped), "dropped")
		v.Put("toban_mackerel_failed_total", float64(f.Failed))
		v.Put("toban_mackerel_waiting", float64(f.Waiting))
		denied := 0.0
		if f.Denied {
			denied = 1
		}
		v.Put("toban_mackerel_key_refused", denied)
		return nil
	}, failed)
}

// storeFigures are what only the store knows.
func (a *App) storeFigures(failed func(error)) {
	a.registry.Read(figuresFresh, []metric.Figure{
		{Name: "toban_incidents_open", Help: "Open incidents by state, of all nodes.", Labels: []string{"state"}},
		{Name: "toban_incidents_without_next_action", Help: "Open incidents for which nothing will happen by itself, of all nodes. It is 0 unless toban has a bug."},
		{Name: "toban_timers_overdue", Help: "Timers of this node that are more than five seconds late, by kind.", Labels: []string{"kind"}},
		{Name: "toban_outbox", Help: "What is to leave this node, by state: due (to be claimed now or later), claimed (in hand).", Labels: []string{"state"}},
	}, func(ctx context.Context, v *metric.Values) error {
		var s store.Standing
		now := time.Now()
		err := a.db.Read(ctx, func(tx *store.Tx) (err error) {
			s, err = tx.Standing(ctx, now.Add(-overdueAfter), now.Add(-nextWithin))
			return err
		})
		if err != nil {
			return err
		}
		for _, state := range []oncall.State{oncall.Triggered, oncall.Acknowledged} {
			v.Put("toban_incidents_open", float64(s.Incidents[string(state)]), string(state))
		}
		v.Put("toban_incidents_without_next_action", float64(s.Lost))
		for kind := range a.queue.Stats().Kinds {
			if kind != due.Outbox {
				v.Put("toban_timers_overdue", float64(s.Overdue[kind]), kind)
			}
		}
		v.Put("toban_outbox", float64(s.Due), "due")
		v.Put("toban_outbox", float64(s.Claimed), "claimed")
		return nil
	}, failed)
	a.registry.Read(2*figuresFresh, []metric.Figure{
		{Name: "toban_heartbeats", Help: "Heartbeats by state, of all nodes.", Labels: []string{"state"}},
		{Name: "toban_service_metrics", Help: "Service metrics that a monitor judges, by level, of all nodes.", Labels: []string{"level"}},
	}, a.reportedFigures, failed)
}

// reportedFigures are about monitors that wait to be told something.
func (a *App) reportedFigures(ctx context.Context, v *metric.Values) error {
	beats, err := a.heartbeats.Status(ctx)
	if err != nil {
		return err
	}
	states := map[oncall.HeartbeatStatus]int{}
	for _, b := range beats {
		states[b.Status]++
	}
	for _, state := range []oncall.HeartbeatStatus{oncall.HeartbeatNew, oncall.HeartbeatUp, oncall.HeartbeatLate, oncall.HeartbeatDown, oncall.HeartbeatPaused} {
		v.Put("toban_heartbeats", float64(states[state]), string(state))
	}
	judged, err := a.serviceMetrics.Status(ctx, "")
	if err != nil {
		return err
	}
	levels := map[oncall.MetricLevel]int{}
	for _, m := range judged {
		levels[m.State.Level]++
	}
	for _, level := range []oncall.MetricLevel{oncall.MetricOK, oncall.MetricWarning, oncall.MetricCritical, oncall.MetricMissing} {
		v.Put("toban_service_metrics", float64(levels[level]), string(level))
	}
	v.Put("toban_service_metrics", float64(levels[oncall.MetricUnknown]), "unknown")
	return nil
}

// measured answers /metrics on the main listener: with a token or a session of
// whoever may read anything. What toban says of itself names providers and tells
// when nobody is reached, so it is not for everybody.
func (a *App) measured() http.Handler {
	viewer := func(r *http.Request) (access.Role, bool) {
		return access.Viewer, r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return a.api.Beside(viewer, a.registry.Handler())
}

// own is what the metrics process may do at its socket, which nobody else can
// open: bring its alerts and read how toban is.
func (a *App) own(alerts http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", alerts)
	mux.Handle("GET /metrics", a.registry.Handler())
	return mux
}
