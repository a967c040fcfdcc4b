package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"toban/detect/exporter"
	"toban/detect/probe"
)

// exporterFlags are what `toban exporter` was told.
type exporterFlags struct {
	listen, config, modules, level string
	private                        bool
	allow                          []string
	targets                        []string
}

func (e *env) exporter() *cobra.Command {
	var f exporterFlags
	cmd := &cobra.Command{
		Use: "exporter [TARGET…]", Short: "Check targets for a Prometheus, without the rest of toban",
		Long: `Checks targets and shows a Prometheus what comes of it:

  /metrics  uptime_check_duration_seconds, uptime_checks_success_total and uptime_checks_total of the targets that are
            named here or in the file; one that says nothing else is asked by HTTP and pinged, every 15 seconds
  /probe    one check, with the parameters, module file and metric names of blackbox-exporter
  /healthz  says ok

The file:

  interval: 15s
  modules: blackbox.yml               # or the modules themselves
  targets:
    - https://shop.example.jp
    - { http: [https://a.example.jp, https://b.example.jp], module: http_2xx, interval: 30s }
    - { ping: 192.0.2.1 }             # also tcp, grpc, certificate

The file's targets may be at private addresses. Those of /probe, which are written by whoever reaches it, may be only when
the exporter listens on loopback, with --allow-private, or in a network of --allow. The metadata services of clouds are
asked with --allow alone. An exporter that listens on loopback is asked for by address or as localhost alone: no web page
can make a browser of this machine ask it under a name of its own. SIGHUP reads the files again; files with errors change nothing.`,
		Example: `  toban exporter https://shop.example.jp
  toban exporter --config exporter.yml
  toban exporter --listen :9115 --modules /etc/prometheus/blackbox.yml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var level slog.Level
			if err := level.UnmarshalText([]byte(f.level)); err != nil {
				return usage{fmt.Errorf("--log: %q is none of debug, info, warn, error", f.level)}
			}
			if !cmd.Flags().Changed("allow-private") {
				f.private = onLoopback(f.listen)
			}
			f.targets = args
			return e.runExporter(cmd.Context(), f, slog.New(slog.NewTextHandler(e.err, &slog.HandlerOptions{Level: level})))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:9183", "address to listen on")
	flags.StringVar(&f.config, "config", "", "file with targets, interval and modules")
	flags.StringVar(&f.modules, "modules", "", "module file, as blackbox-exporter has it")
	flags.BoolVar(&f.private, "allow-private", false, "let /probe ask private addresses; without a word, when listening on loopback")
	flags.StringSliceVar(&f.allow, "allow", nil, "networks that may be asked in any case, such as 10.1.0.0/16")
	flags.StringVar(&f.level, "log", "info", "debug, info, warn or error; checks that fail are told at debug")
	return cmd
}

// onLoopback reports whether nobody but this machine reaches an address.
func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// loadExporter reads the files. What is wrong is printed; an error refuses them.
func (e *env) loadExporter(f exporterFlags) (*exporter.Config, error) {
	c, problems := exporter.Load(f.config, f.modules, f.targets, e.getenv)
	for _, p := range problems {
		fmt.Fprintln(e.err, p)
	}
	if c == nil {
		return nil, errors.New("the exporter's configuration has errors; nothing was changed")
	}
	return c, nil
}

// ways are how targets may be asked: those of the configuration, and others. The
// networks of the configuration come to it with each reading.
func (f exporterFlags) ways() (own, asked probe.Options, err error) {
	var allow []netip.Prefix
	for _, text := range f.allow {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return own, asked, usage{fmt.Errorf("--allow: %q is no network such as 10.1.0.0/16", text)}
		}
		allow = append(allow, network)
	}
	own.Guard = probe.Guard{AllowPrivate: true, Allow: allow}
	asked.Guard = probe.Guard{AllowPrivate: f.private, Allow: allow}
	return own, asked, nil
}

func (e *env) runExporter(ctx context.Context, f exporterFlags, log *slog.Logger) error {
	c, err := e.loadExporter(f)
	if err != nil {
		return err
	}
	own, asked, err := f.ways()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("the exporter can't listen: %w", err)
	}
	return e.serveExporter(ctx, f, log, listener, exporter.New(exporter.Options{
		Config: c, Own: own, Asked: asked, Local: onLoopback(f.listen), Version: Version, Log: log,
	}), len(c.Targets))
}

// serveExporter checks and answers until ctx ends.
func (e *env) serveExporter(ctx context.Context, f exporterFlags, log *slog.Logger, listener net.Listener, x *exporter.Exporter, targets int) error {
	server := &http.Server{
		Handler: x.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 130 * time.Second, // a probe may take 120 s
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	fmt.Fprintf(e.err, "toban %s: http://%s/metrics, %d targets\n", Version, listener.Addr(), targets)
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	run, cancel := context.WithCancel(ctx)
	checked, served := make(chan struct{}), make(chan error, 1)
	go func() { // ends with run
		defer close(checked)
		x.Run(run)
	}()
	go func() { served <- server.Serve(listener) }() // ends when the server is shut down
	var err error
	for {
		select {
		case <-hup:
			if c, err := e.loadExporter(f); err != nil {
				log.Error("the files were not taken", "err", err)
			} else {
				x.Set(c)
				log.Info("the files were read again", "targets", len(c.Targets))
			}
			continue
		case err = <-served:
		case <-ctx.Done():
			err = nil
		}
		break
	}
	// Probes under way are answered, as far as they are quick.
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	if server.Shutdown(last) != nil {
		_ = server.Close()
	}
	cancel()
	<-checked
	if shut := x.Close(); shut != nil {
		log.Debug("a socket was not closed well", "err", shut)
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the exporter stopped: %w", err)
	}
	return nil
}
