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
	return a.latency(ctx, view.Shell{Lang: "en", Now: time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)}, m, "/monitors/"+string(m.ID), span)
}
