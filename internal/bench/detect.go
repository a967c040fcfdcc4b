package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// What is watched where the options say nothing, and the interval of it.
const (
	targetsThere = 1000
	probeEvery   = 15 * time.Second
	// windows is how many measurements' lengths a steady load is looked at.
	windows = 20
	// settled is how long an idle toban is left alone before it is looked at.
	settled = 10
)

// window is how long a steady load is looked at.
func (r *runner) window() time.Duration { return windows * r.o.Duration }

// every is the usual interval; a window has at least one.
func (r *runner) every() time.Duration {
	return max(min(probeEvery, r.window().Truncate(time.Second)), time.Second)
}

// measureDetect measures how toban sees for itself, with its metrics process,
// and the same work done by blackbox-exporter and Prometheus.
func measureDetect(ctx context.Context, shared *runner, _ string) (all []Figure, err error) {
	r, remove, err := shared.apart()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	for _, part := range []struct {
		name    string
		measure func(context.Context) ([]Figure, error)
	}{
		{"idle_all", r.idleAll},
		{"probe1k", r.probe1k},
		{"probe10k", r.probe10k},
		{"probe1000s", r.probe1000s},
		{"down_to_alert", r.downToAlert},
		{"bytes_per_sample", r.bytesPerSample},
		{"start_10k_series", r.startSeries},
	} {
		figures, failed := part.measure(ctx)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", part.name, failed))
		}
		all = append(all, figures...)
		if ctx.Err() != nil {
			break
		}
	}
	return all, err
}

// apart is a runner whose toban is a copy of the program: of the pages that are
// shared, none is shared with the bench.
func (r *runner) apart() (_ *runner, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "toban-bench-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	own := *r
	own.o.Program = slices.Clone(r.o.Program)
	own.o.Program[0] = filepath.Join(dir, "toban")
	if err := copied(r.o.Program[0], own.o.Program[0]); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return &own, remove, nil
}

// copied copies a program.
func copied(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// idleAll is the memory of a toban that has one monitor and nothing to do.
func (r *runner) idleAll(ctx context.Context) (figures []Figure, err error) {
	w, err := r.watchTargets(ctx, 1, func(t *targets) []string {
		return []string{fmt.Sprintf("t0: { http: %q, every: 15s, service: %s, private: true }", t.url(0), quietService)}
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(w.site, err) }()
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	if !until(ctx, time.Now().Add(settled*r.o.Duration)) {
		return nil, ctx.Err()
	}
	bytes, err := w.family.memory()
	if err != nil {
		return nil, err
	}
	r.say("idle_all: %s", w.shares())
	return []Figure{{"idle_all.rss", mebibytes(bytes), "MiB"}}, nil
}

// probed is a steady load of n targets.
func (r *runner) probed(ctx context.Context, n int, every time.Duration, more string) (m spell, err error) {
	w, err := r.watchTargets(ctx, n, probeMonitors(n, every, more))
	if err != nil {
		return m, err
	}
	defer func() { err = closed(w.site, err) }()
	if err := w.run(ctx); err != nil {
		return m, err
	}
	m, err = r.steady(ctx, w.targets, w.family, w.began, every)
	if err == nil {
		r.say("%d targets at %s%s: %s; %.0f ms of it in toban's own process; %s",
			n, every, more, m, milliseconds(m.own), w.shares())
	}
	return m, err
}

// probe1k is the usual load: toban as it is configured by itself, a connection
// for each request, with connections that are kept, and others' programs.
func (r *runner) probe1k(ctx context.Context) ([]Figure, error) {
	n, every := r.targets(), r.every()
	kept, err := r.probed(ctx, n, every, ", keep_alive: true")
	if err != nil {
		return nil, fmt.Errorf("with kept connections: %w", err)
	}
	fresh, err := r.probed(ctx, n, every, "")
	if err != nil {
		return nil, err
	}
	theirs, err := r.others(ctx, n, every)
	if err != nil {
		return nil, fmt.Errorf("blackbox-exporter and Prometheus: %w", err)
	}
	r.say("the same %d targets by blackbox-exporter and Prometheus: %s", n, theirs)
	return []Figure{
		{"probe1k.cpu_ratio", fresh.each() / theirs.each(), "×"},
		{"probe1k.rss_ratio", fresh.memory / theirs.memory, "×"},
		{"probe1k.cpu_per_probe", fresh.each(), "ms"},
		{"probe1k.kept.cpu_per_probe", kept.each(), "ms"},
		{"probe1k.gap_p99", milliseconds(percentile(fresh.gaps, 0.99)), "ms"},
		{"probe1k.first", fresh.first.Seconds(), "s"},
		{"probe1k.rss", fresh.memory / (1 << 20), "MiB"},
		{"probe1k.others.cpu_per_probe", theirs.each(), "ms"},
		{"probe1k.others.gap_p99", milliseconds(percentile(theirs.gaps, 0.99)), "ms"},
		{"probe1k.others.rss", theirs.memory / (1 << 20), "MiB"},
	}, nil
}

func (r *runner) targets() int {
	if r.o.Targets > 0 {
		return r.o.Targets
	}
	return targetsThere
}

// probe10k is ten times as much, with connections that are not kept.
func (r *runner) probe10k(ctx context.Context) ([]Figure, error) {
	m, err := r.probed(ctx, 10*r.targets(), r.every(), "")
	if err != nil {
		return nil, err
	}
	return []Figure{
		{"probe10k.cores", m.cores(), "cores"},
		{"probe10k.late_p99", milliseconds(percentile(m.late, 0.99)), "ms"},
	}, nil
}

// probe1000s asks each target every second.
func (r *runner) probe1000s(ctx context.Context) ([]Figure, error) {
	m, err := r.probed(ctx, r.targets(), time.Second, "")
	if err != nil {
		return nil, err
	}
	return []Figure{
		{"probe1000s.gap_p99", milliseconds(percentile(m.gaps, 0.99)), "ms"},
		{"probe1000s.cores", m.cores(), "cores"},
	}, nil
}
