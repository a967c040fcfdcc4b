package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"toban/app"
	"toban/config"
	"toban/internal/memory"
)

func (e *env) serve() *cobra.Command {
	var folder, listen, public, level string
	var untilStdin, temporary bool
	var chatQuiet time.Duration
	var inherited int
	cmd := &cobra.Command{
		Use: "serve", Short: "Run toban", Args: cobra.NoArgs,
		Long: `Runs toban with the configuration of a folder. The store is embedded in the data folder; with
TOBAN_DATABASE_URL it is PostgreSQL, and any number of equal nodes may share it.
SIGHUP reads the folder again; a folder with errors changes nothing.`,
		Example: `  toban serve --config shop
  TOBAN_DATABASE_URL=postgres://… TOBAN_KEY=$(cat key) toban serve --config shop --data /var/lib/toban`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var lvl slog.Level
			if err := lvl.UnmarshalText([]byte(level)); err != nil {
				return usage{fmt.Errorf("--log: %q is none of debug, info, warn, error", level)}
			}
			tending, rest := context.WithCancel(cmd.Context())
			var tended sync.WaitGroup
			tended.Go(func() { memory.Tend(tending, memory.Roomy, e.getenv) })
			defer tended.Wait()
			defer rest()
			log := slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: lvl}))
			c, err := e.loadToServe(cmd.Context(), folder)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if untilStdin {
				signal.Ignore(syscall.SIGPIPE) // the log's reader may have been killed; there is an order to end in
				var ended func() bool
				ctx, ended = whileOpen(ctx, e.in)
				defer func() { // whoever made the folder may have been killed
					if temporary && folder != "" && ended() {
						_ = os.RemoveAll(folder)
					}
				}()
			}
			main, err := inherit(inherited)
			if err != nil {
				return err
			}
			return e.run(ctx, folder, app.Options{
				Config: c, Data: e.data, DatabaseURL: e.getenv("TOBAN_DATABASE_URL"), Key: e.getenv("TOBAN_KEY"), Listen: listen, Listener: main, PublicListen: public,
				Log: log, Getenv: e.getenv, Version: Version, ChatQuiet: chatQuiet, Metrics: e.commands[metricsCommand] != nil,
			})
		},
	}
	cmd.Flags().StringVar(&folder, "config", "", "folder of the configuration; without it that of the last start or apply")
	cmd.Flags().StringVar(&listen, "listen", "", "address of the main listener, instead of the configured one")
	cmd.Flags().StringVar(&public, "public-listen", "", "address of the public listener, instead of the configured one")
	cmd.Flags().StringVar(&level, "log", "info", "debug, info, warn or error")
	cmd.Flags().BoolVar(&untilStdin, "until-stdin-closes", false, "end when the standard input does, as a child of another program")
	cmd.Flags().DurationVar(&chatQuiet, "chat-quiet", 0, "how long an incident's channel outlives it; 0 = 15m")
	cmd.Flags().BoolVar(&temporary, "temporary", false, "with --until-stdin-closes: take the folder of the configuration away then")
	cmd.Flags().IntVar(&inherited, "listen-fd", 0, "the main listener is this open file, as a child of another program; 0 = none")
	_ = cmd.Flags().MarkHidden("listen-fd")
	_ = cmd.Flags().MarkHidden("until-stdin-closes")
	_ = cmd.Flags().MarkHidden("temporary")
	_ = cmd.Flags().MarkHidden("chat-quiet")
	return cmd
}

// inherit is the listener that whoever started this process has handed over as
// an open file: it keeps the port across our end. nil for none.
func inherit(fd int) (net.Listener, error) {
	if fd == 0 {
		return nil, nil
	}
	if fd < 3 {
		return nil, usage{fmt.Errorf("--listen-fd: %d is no file that could have been handed over", fd)}
	}
	f := os.NewFile(uintptr(fd), "listener")
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("--listen-fd %d: %w", fd, errors.Join(err, f.Close()))
	}
	return l, f.Close() // l has its own
}

// run serves until ctx ends. A second signal ends at once.
func (e *env) run(ctx context.Context, folder string, o app.Options) error {
	a, err := app.New(ctx, o)
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with done
		for {
			select {
			case <-done:
				return
			case <-hup:
				if folder == "" {
					o.Log.Info("there is no folder to read again: toban runs with the store's configuration; use toban apply")
					continue
				}
				c, err := e.loadAgain(ctx, folder)
				if err != nil {
					o.Log.Error("the configuration stays as it was", "err", err)
					continue
				}
				a.Apply(c)
			}
		}
	}()
	fmt.Fprintf(e.err, "toban %s: %s\n", Version, a.URL())
	link, err := a.SetUp(ctx)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	if link != "" {
		fmt.Fprintf(e.err, "nobody has an account yet; make the first one within a week, once: %s\n", link)
	}
	return errors.Join(a.Run(ctx), a.Close())
}

// load reads and checks a folder; its warnings are printed, its errors refuse
// it.
func (e *env) load(ctx context.Context, folder string) (*config.Config, error) {
	return e.loadWith(folder, func(c *config.Config) []config.Problem { return e.ofMetrics(ctx, c) })
}

// loadToServe is load for a toban that is to run: a mistake in what belongs to
// its Prometheus is said and keeps nobody from being paged. The metrics process
// leaves out what is wrong, or waits until it is mended.
func (e *env) loadToServe(ctx context.Context, folder string) (*config.Config, error) {
	return e.loadWith(folder, func(c *config.Config) []config.Problem { return warnings(e.ofMetrics(ctx, c)) })
}

// loadAgain is loadToServe for a toban that runs: a condition that is no PromQL
// changes nothing, since the one before is still good.
func (e *env) loadAgain(ctx context.Context, folder string) (*config.Config, error) {
	return e.loadWith(folder, func(c *config.Config) []config.Problem {
		return append(warnings(e.ofFiles(ctx, c)), e.ofExpressions(ctx, c)...)
	})
}

func warnings(problems []config.Problem) []config.Problem {
	for i := range problems {
		problems[i].Severity = config.Warning
	}
	return problems
}

func (e *env) loadWith(folder string, more func(*config.Config) []config.Problem) (*config.Config, error) {
	if folder == "" {
		return nil, nil
	}
	c, problems := config.Load(folder)
	if c != nil {
		problems = append(problems, more(c)...)
	}
	if config.Report(e.err, problems) {
		return nil, fmt.Errorf("the configuration in %s has errors; nothing was changed", folder)
	}
	return c, nil
}

// whileOpen is ctx until in ends: whoever started this process holds the other
// side, and takes it along even when killed. ended reports whether it has ended.
func whileOpen(ctx context.Context, in io.Reader) (open context.Context, ended func() bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { // ends with the input, which is what it is for
		_, _ = io.Copy(io.Discard, in)
		cancel(errInputEnded)
	}()
	return ctx, func() bool { return errors.Is(context.Cause(ctx), errInputEnded) }
}

var errInputEnded = errors.New("the standard input has ended")
