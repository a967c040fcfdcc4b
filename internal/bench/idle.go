package bench

import (
	"context"
	"os"
	"time"
)

// measureIdle measures a toban that was just set up, on the embedded store: how
// soon it is ready on an empty folder, and what memory it holds when nothing
// happens; and how large the program is.
func measureIdle(ctx context.Context, r *runner, _ string) (figures []Figure, err error) {
	info, err := os.Stat(r.o.Program[0])
	if err != nil {
		return nil, err
	}
	s, err := r.newSite(ctx, sqlite, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(s, err) }()
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	ready := s.child.Ready
	if !until(ctx, time.Now().Add(r.o.Duration)) {
		return nil, ctx.Err()
	}
	memory, err := s.child.memory()
	if err != nil {
		return nil, err
	}
	return []Figure{
		{"idle.rss", mebibytes(memory), "MiB"},
		{"start.ready", milliseconds(ready), "ms"},
		{"binary.size", mebibytes(info.Size()), "MiB"},
	}, nil
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
