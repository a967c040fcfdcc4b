package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"toban/oncall"
	"toban/web/view"
)

// Latency is latency, for tests, to an English reader.
func (a *Web) Latency(ctx context.Context, m *oncall.Monitor, span string) (templ.Component, error) {
	p := view.Shell{Lang: "en", Now: time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)}
	v, err := a.latency(ctx, p, m, time.Time{}, span)
	if v == nil || err != nil {
		return nil, err
	}
	return view.LatencyChart(p, *v), nil
}
