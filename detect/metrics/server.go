package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage/remote"

	"toban/internal/memory"
)

const (
	// resend is how often a firing alert is told again.
	resend = time.Minute
	// outage is how long this process may have been down for a pending alert's
	// time to go on as if it had not been.
	outage = time.Hour
	// settleEvery is how often told alerts are compared with the rules.
	settleEvery = 5 * time.Second
	// farewell bounds how long requests may go on after the end was asked for.
	farewell = 3 * time.Second
)

// server is a running `toban metrics`.
type server struct {
	options  options
	log      *slog.Logger
	registry *prometheus.Registry
	figures  *figures
	parser   parser.Parser

	db      *database
	series  series
	engines engines
	rules   *rules.Manager
	loader  *ruleLoader

	suspects suspects
	outbox   *outbox // nil when no address for alerts was given

	current atomic.Pointer[config.Config]
	broken  atomic.Bool // rule files are left out

	reloading sync.Mutex      // over what follows
	userRules []string        // the rule files in force that are not toban's own
	remote    *remote.Storage // nil until a remote storage is named
	found     *discovery.SDMetrics
	jobs      atomic.Pointer[jobs]          // nil until something is scraped
	others    atomic.Pointer[alertmanagers] // nil until an Alertmanager is named

	unlisten func()             // nil until it listens
	hush     context.CancelFunc // ends the telling of alerts; nil until there is any
	wg       sync.WaitGroup
}

func (s *server) config() *config.Config { return s.current.Load() }

// serve runs until ctx ends.
func serve(ctx context.Context, o options, log *slog.Logger, stdout io.Writer, hangup <-chan os.Signal) (err error) {
	tending, rest := context.WithCancel(ctx)
	var tended sync.WaitGroup
	tended.Go(func() { memory.Tend(tending, memory.Usual, os.Getenv) })
	defer tended.Wait()
	defer rest()
	s := &server{options: o, log: log, registry: prometheus.NewRegistry(), parser: newParser()}
	s.figures = newFigures(s.registry)
	defer func() { err = errors.Join(err, s.close()) }()

	quiet := s.libraryLog()
	l, err := load(o, s.parser, quiet)
	if err != nil {
		return err
	}
	var to *post
	if o.alerts != "" {
		if to, err = newPost(o.alerts, o.alertsKey); err != nil {
			return err
		}
	}
	gate, failed, err := s.listen()
	if err != nil {
		return err
	}
	if s.db, err = openDatabase(ctx, o, l.config, quiet, stdout); err != nil {
		if ctx.Err() != nil {
			return nil // asked to end during the replay; the process' end is the replay's
		}
		return err
	}
	s.figures.damaged.Set(float64(s.db.damaged))
	s.series.set(s.db.DB)
	if to != nil {
		kept := firingFile(filepath.Join(o.data, "alerts.json"))
		s.outbox = newOutbox(to, kept, o.external, s.figures, log)
	}
	if err := s.build(); err != nil {
		return err
	}
	if err := s.apply(l); err != nil {
		return err
	}
	gate.admit(s.handler(gate))
	s.run(ctx)
	fmt.Fprintln(stdout, "ready")
	log.Info("ready", "listen", o.listen, "data", o.data)
	debug.FreeOSMemory() // what the replay and the libraries' beginnings have left
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-hangup:
			_ = s.reload() // logged there
		}
	}
}

// libraryLog is what Prometheus' parts write to: they are talkative.
func (s *server) libraryLog() *slog.Logger {
	if s.options.level < slog.LevelInfo {
		return s.log
	}
	return slog.New(warnings{s.log.Handler()})
}

// warnings lets through warnings and worse.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(g string) slog.Handler      { return warnings{w.Handler.WithGroup(g)} }

// listen starts to answer; what it answers before the TSDB is open is the gate's.
func (s *server) listen() (*gate, <-chan error, error) {
	l, err := listen(s.options.listen)
	if err != nil {
		return nil, nil, err
	}
	g := newGate()
	web := &http.Server{
		Handler: g, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: questionTimeout + lineWait + time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 256 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	s.wg.Go(func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("%s: %w", s.options.listen, err)
		}
	})
	s.unlisten = func() {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		if err := web.Shutdown(ctx); err != nil {
			_ = web.Close() // it has closed the listener before, and the rest is being dropped
		}
	}
	return g, failed, nil
}

// build makes what is there whatever is configured: the engines and the rules.
func (s *server) build() (err error) {
	quiet := s.libraryLog()
	s.suspects = readSuspects(s.options.data, time.Now())
	interval := func() time.Duration { return time.Duration(s.config().GlobalConfig.EvaluationInterval) }
	if s.engines, err = newEngines(s.options, interval, s.parser, s.registry, quiet, s.log); err != nil {
		return err
	}
	s.loader = &ruleLoader{parser: s.parser, log: quiet}
	s.rules = rules.NewManager(&rules.ManagerOptions{
		GroupLoader:          s.loader,
		NameValidationScheme: model.UTF8Validation, ExternalURL: s.options.external, Parser: s.parser,
		QueryFunc: rules.EngineQueryFunc(s.engines.rules, &s.series), NotifyFunc: s.notify,
		Context:    context.Background(), // ended by Stop, between two evaluations
		Appendable: &s.series, Queryable: s.db.DB, Logger: quiet, Registerer: s.registry,
		OutageTolerance: outage, ForGracePeriod: time.Millisecond, ResendDelay: resend, RestoreNewRuleGroups: true,
		MaxConcurrentEvals: 4, ConcurrentEvalsEnabled: true,
		DefaultRuleQueryOffset: func() time.Duration { return time.Duration(s.config().GlobalConfig.RuleQueryOffset) },
	})
	s.wg.Go(s.rules.Run)
	return nil
}

// notify is told what the rules have found: toban, and the user's Alertmanagers
// if there are any.
func (s *server) notify(ctx context.Context, expr string, alerts ...*rules.Alert) {
	if s.outbox != nil {
		s.outbox.take(ctx, expr, alerts...)
	}
	if o := s.others.Load(); o != nil {
		o.take(s.options.external, expr, alerts)
	}
}

// run starts what works beside the requests.
func (s *server) run(ctx context.Context) {
	if s.outbox == nil {
		return
	}
	ctx, s.hush = context.WithCancel(context.WithoutCancel(ctx)) // ended by closing, in its turn
	s.wg.Go(func() { s.outbox.Run(ctx) })
	quiet := time.Now().Add(s.options.settle)
	s.wg.Go(func() {
		tick := time.NewTicker(settleEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				s.outbox.settle(now, quiet, s.rules.AlertingRules(), !s.broken.Load())
			}
		}
	})
}

// handler is everything that is served, under the prefix.
func (s *server) handler(g *gate) http.Handler {
	gatherer := prometheus.Gatherers{s.registry, s.db.metrics}
	mux := http.NewServeMux()
	mux.Handle(prefix+"/api/v1/", http.StripPrefix(prefix+"/api/v1", g.limited(s.api(s.parser, gatherer, s.libraryLog()), s.sound)))
	mux.Handle("GET "+prefix+"/metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 30 * time.Second}))
	ready := func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "toban metrics is ready.") }
	reload := func(w http.ResponseWriter, _ *http.Request) {
		if err := s.reload(); err != nil {
			answer(w, http.StatusInternalServerError, err.Error())
			return
		}
		answer(w, http.StatusOK, "The configuration is in force.")
	}
	for _, p := range []string{prefix, ""} {
		mux.HandleFunc("GET "+p+"/-/ready", ready)
		mux.HandleFunc("POST "+p+"/-/reload", reload)
		mux.HandleFunc("PUT "+p+"/-/reload", reload)
	}
	return mux
}

// close ends everything that has been begun: first what asks and brings, then
// what evaluates, then what tells, at last what keeps.
func (s *server) close() error {
	if s.unlisten != nil {
		s.unlisten()
	}
	if j := s.jobs.Load(); j != nil {
		j.stop()
	}
	if s.rules != nil {
		s.rules.Stop()
	}
	if s.hush != nil {
		s.hush()
	}
	if o := s.others.Load(); o != nil {
		o.stop()
	}
	s.wg.Wait()
	var err error
	if s.remote != nil {
		err = errors.Join(err, named("remote storage", s.remote.Close()))
	}
	if s.db != nil {
		err = errors.Join(err, named("time series", s.db.Close()))
	}
	return err
}
