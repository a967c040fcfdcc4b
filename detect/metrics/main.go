package metrics

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// Main is the command `toban metrics`, and with "check" as the first argument
// `toban metrics check`. It returns the exit code: 0 after an orderly end or
// without problems, 1 when something is wrong, 2 for wrong flags. The server
// prints "replaying N/M" lines and then "ready" on stdout, logs on stderr,
// reads its configuration again on SIGHUP, and ends with ctx, SIGINT, SIGTERM
// or, when asked to, with stdin.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	if len(args) > 0 && args[0] == "check" {
		return runCheck(args[1:], stdin, stdout, stderr)
	}
	o, err := parseOptions(args, stderr, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if err := limitMemory(o.memory); err != nil {
		fmt.Fprintln(stderr, "toban metrics:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.withStdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		go func() { // ends with the process; nothing can take a read of stdin back
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: o.level}))
	if err := serve(ctx, o, log, stdout, hangup); err != nil {
		fmt.Fprintln(stderr, "toban metrics:", err)
		return 1
	}
	return 0
}
