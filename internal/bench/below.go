package bench

import (
	"context"
	"log/slog"
	"os"
)

// measureStore measures what lies below the rest, in this process: the store and
// the queue of what waits.
func measureStore(ctx context.Context, r *runner, engine string) (figures []Figure, err error) {
	log := slog.New(slog.DiscardHandler)
	for _, measure := range []func(dsn string) ([]Figure, error){
		func(dsn string) ([]Figure, error) { return Store(ctx, dsn, r.o.Duration, log) },
		func(dsn string) ([]Figure, error) { return Timers(ctx, dsn, r.o.Duration, log) },
	} {
		some, err := r.onEmptyStore(ctx, engine, measure)
		if err != nil {
			return nil, err
		}
		figures = append(figures, some...)
	}
	return figures, nil
}

func (r *runner) onEmptyStore(ctx context.Context, engine string, measure func(dsn string) ([]Figure, error)) (figures []Figure, err error) {
	s, err := r.newSite(ctx, engine, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	if err := os.Mkdir(s.data(), 0o700); err != nil {
		return nil, err
	}
	return measure(s.store())
}
