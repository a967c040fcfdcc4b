package intake

import (
	"context"

	"toban/internal/metric"
	"toban/internal/problem"
	"toban/oncall"
)

// unknownDialect is what senders count as whose address names none.
const unknownDialect = "unknown"

// figures count what senders say (R41).
type figures struct {
	accepted *metric.Counter // signals, by dialect
	refused  *metric.Counter // requests, by dialect and code of the error
}

// Measure counts what is accepted and refused from now on; it comes before the
// first request.
func (i *Intake) Measure(r *metric.Registry) {
	i.figures = figures{
		accepted: r.Counter("toban_signals_accepted_total", "Signals that were accepted, by the dialect of their sender.", "dialect"),
		refused:  r.Counter("toban_intake_refused_total", "Requests of senders that were refused, by dialect and code of the error.", "dialect", "code"),
	}
}

// Counted is accept for a sender within toban, counted as a dialect of that name.
func (i *Intake) Counted(dialect string, accept Accept) Accept {
	return func(ctx context.Context, signals []oncall.Signal) error {
		if err := accept(ctx, signals); err != nil {
			i.figures.refuse(dialect, err)
			return err
		}
		i.figures.accept(dialect, len(signals))
		return nil
	}
}

func (f figures) accept(dialect string, n int) { f.accepted.Add(n, dialect) }

func (f figures) refuse(dialect string, err error) { f.refused.Add(1, dialect, problem.Of(err).Code) }

// known is a dialect that somebody has written into an address, if there is one
// of that name.
func (i *Intake) known(name string) string {
	if _, ok := i.dialects[name]; ok {
		return name
	}
	return unknownDialect
}
