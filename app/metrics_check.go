package app

import (
	"context"
	"os"
	"time"

	"toban/internal/child"
	"toban/internal/promcheck"
)

// checkTime bounds how long may be taken to find out what is wrong with PromQL,
// with the wait for others who ask.
const checkTime = 30 * time.Second

// faults is the same before there is anything that could say it.
func (a *App) faults(ctx context.Context, list []string) ([]promcheck.Fault, error) {
	return a.metrics.faults(ctx, list)
}

// faults are what is wrong with expressions, as the command metrics says. It is
// asked as a process of its own, one at a time: the one that runs may be down, or
// be another's.
func (m *metrics) faults(ctx context.Context, list []string) ([]promcheck.Fault, error) {
	if len(list) == 0 || !m.command {
		return nil, nil // whoever has no such command can't run rules either, which is refused by itself
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	select {
	case m.asking <- struct{}{}:
		defer func() { <-m.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	answer, code, err := child.Ask(ctx, child.Question{
		Args: append([]string{"metrics"}, promcheck.Args()...), Env: metricsEnvironment(os.Environ()), Input: promcheck.Input(list), Limit: promcheck.Limit,
	})
	if err != nil {
		return nil, err
	}
	return promcheck.Read(answer, code, len(list))
}
