package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"toban/internal/promapi"
	"toban/oncall"
	"toban/web/view"
)

// latencyWithin is how long the page of a monitor waits for its charts: it is
// about more than these.
const latencyWithin = 3 * time.Second

// latencyOf is the response time of the monitor whose page is asked for.
func (a *Web) latencyOf(r *http.Request, p view.Shell, m *oncall.Monitor, since time.Time) (*view.Latency, error) {
	return a.latency(r.Context(), p, m, since, query(r, "latency"))
}

// latency is the response time of a monitor, which has been watched since then, for
// its page; span is what the reader chose, "" for nothing. It is nil for a monitor that has no
// response time. What keeps it from being drawn is said in its place.
func (a *Web) latency(ctx context.Context, p view.Shell, m *oncall.Monitor, since time.Time, span string) (*view.Latency, error) {
	if !m.Kind.Probes() {
		return nil, nil
	}
	v := view.LatencyOf(m, view.MonitorPath(m.ID), span).Begun(since, p.Now)
	switch err := a.askLatency(ctx, p, &v); {
	case err == nil:
	case errors.Is(err, promapi.ErrIdle), errors.Is(err, promapi.ErrStarting): // a monitor is there that needs it
		v.Starting = true
	case errors.Is(err, errNoMetrics), public(err).Code == errNoMetrics.Code:
		v.Off = true
	case public(err).Kind == oncall.Internal:
		return nil, err
	default:
		v.Trouble = said(p.Lang, public(err))
	}
	return &v, nil
}

// askLatency asks Prometheus for all of it at once.
func (a *Web) askLatency(ctx context.Context, p view.Shell, v *view.Latency) error {
	client, err := a.prometheus()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, latencyWithin)
	defer cancel()
	var over, whole, phases promapi.Answer
	from := v.From(p.Now)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		over, err = client.Range(ctx, v.Quantiles(v.Window()), from, p.Now, v.Step)
		return err
	})
	all.Go(func() (err error) { whole, err = client.Query(ctx, v.Quantiles(v.Span), p.Now); return err })
	if query := v.Phases(); query != "" {
		all.Go(func() (err error) { phases, err = client.Range(ctx, query, from, p.Now, v.Step); return err })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	v.Fill(p, over, whole, phases)
	return nil
}
