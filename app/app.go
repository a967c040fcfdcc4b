// Package app puts toban together: New makes and connects every part, Run runs
// them until the context ends, Close takes them apart in the reverse order.
// It is one straight list on purpose; a part knows nothing of its neighbours but
// the interface that it declared itself.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"toban/access"
	"toban/alert"
	"toban/alert/intake"
	"toban/api"
	"toban/config"
	"toban/config/edit"
	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/mackerel"
	"toban/detect/standing"
	"toban/gateway"
	"toban/incident"
	"toban/internal/due"
	"toban/internal/id"
	"toban/internal/lease"
	"toban/internal/link"
	"toban/internal/metric"
	"toban/internal/sweep"
	"toban/notify"
	"toban/notify/push"
	"toban/notify/shadow"
	"toban/notify/slack"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/web"
	"toban/web/live"
)

// Options say what one toban runs with.
type Options struct {
	Config       *config.Config // from a folder; it is applied to the store at the start. nil: the store's own
	Data         string         // folder
	DatabaseURL  string         // PostgreSQL; "" = the embedded store in the data folder
	Key          string         // TOBAN_KEY; "" = the key file in the data folder
	Listen       string         // "" = as configured
	Listener     net.Listener   // the main one, open already; nil = Listen says where
	PublicListen string         // "" = as configured
	Log          *slog.Logger
	Getenv       func(string) string
	Version      string
	ChatQuiet    time.Duration // how long an incident's channel outlives it; zero = 15 min
	Metrics      bool          // this program has the command metrics, to be run as a child
}

// App is one running toban.
type App struct {
	o          Options
	log        *slog.Logger
	db         *store.DB
	node       *lease.Node
	queue      *due.Queue
	respond    *respond.Driver
	notify     *notify.Dispatcher
	life       *incident.Lifecycle
	stages     *stages
	chat       *slack.Follower
	access     *access.Keeper
	edit       *edit.Editor
	hub        *live.Hub
	api        *api.API
	web        *web.Web
	metrics    *metrics
	monitors   *detect.Monitors
	heartbeats *heartbeat.Listener
	standings  *standing.Reader
	keeper     *standing.Keeper
	// serviceMetrics takes the metrics of other senders.
	serviceMetrics *mackerel.Metrics
	servers        []*server
	applied        chan *config.Config
	registry       *metric.Registry // of what /metrics says
	closing        closers
	ready          chan struct{}
	external       string
	links          atomic.Pointer[string] // what the links in messages begin with
	version        int64                  // of the configuration that the channels were made for
}

// New sets everything up and listens; nothing is done before Run. Close it also
// after an error of Run.
func New(ctx context.Context, o Options) (_ *App, err error) {
	a := &App{o: o, log: o.Log, applied: make(chan *config.Config, 1), ready: make(chan struct{}), registry: metric.New(o.Version)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.closing.close())
		}
	}()
	data, err := OpenData(o.Data)
	if err != nil {
		return nil, err
	}
	unlock, err := data.Lock()
	if err != nil {
		return nil, err
	}
	a.closing.push("data folder", unlock)
	key, err := data.Key(o.Key)
	if err != nil {
		return nil, err
	}
	dsn, node := o.DatabaseURL, id.New("node")
	if dsn == "" { // one process at a time: it finds its own rows again
		dsn, node = data.Store(), "local"
	}
	a.db, err = store.Open(ctx, dsn, store.Options{Node: node, Log: a.log.With("component", "store"), Metrics: a.registry})
	if err != nil && o.DatabaseURL == "" {
		return nil, fmt.Errorf("open the store in %s: %w", data.Dir, err)
	} else if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	a.closing.push("store", a.db.Close)
	if o.DatabaseURL != "" {
		if err := a.sameKey(ctx, key); err != nil {
			return nil, err
		}
	}
	a.node, err = lease.Join(ctx, a.db, a.log.With("component", "lease"), lease.Options{Version: o.Version})
	if err != nil {
		return nil, err
	}
	if err := a.connect(key); err != nil {
		return nil, err
	}
	if err := sweep.Start(ctx, a.db, a.queue); err != nil {
		return nil, err
	}
	if err := a.listen(ctx, o, data, key); err != nil {
		return nil, err
	}
	return a, nil
}

// connect makes the parts and joins them.
func (a *App) connect(key []byte) (err error) {
	a.queue = due.New(a.db, a.log.With("component", "due"))
	a.queue.HoldWhile(a.node.Fenced)
	a.node.OnTakeOver(func(ctx context.Context, _ store.Wake) { a.notify.TakeOver(ctx) })
	a.node.OnReturn(func(ctx context.Context) {
		a.queue.Reload()
		a.notify.TakeOver(ctx)
	})

	a.respond = respond.New(a.db, a.log.With("component", "respond"), respond.Options{Metrics: a.registry})
	a.life = incident.New(a.db, a.respond, a.log.With("component", "incident"))
	if a.stages, err = newStages(key, a.o.Getenv, a.log.With("component", "providers")); err != nil {
		return err
	}
	a.closing.push("simulators", a.stages.close)
	a.stages.push, err = push.New(push.Config{DB: a.db, Key: key, Base: a.linkBase, Log: a.log.With("component", "push")})
	if err != nil {
		return err
	}
	a.notify = notify.New(a.db, a.log.With("component", "notify"), notify.Options{
		Outcomes: a.respond, Keys: a.life, Channels: a.stages.channel, Shadow: shadow.Channel{}, Fenced: a.node.Fenced, Key: key, Metrics: a.registry,
	})
	a.stages.notify = a.notify
	a.respond.Register(a.queue)
	a.life.Register(a.queue)
	a.notify.Register(a.queue)
	a.access = access.New(a.db, a.log.With("component", "access"), access.Options{})
	a.edit = edit.New(edit.Options{DB: a.db, Log: a.log.With("component", "edit"), Accepts: func(dir *oncall.Directory, p config.Providers) error {
		if _, err := a.stages.build(dir, p); err != nil {
			return err
		}
		if _, err := a.forwardTo(p.Mackerel); err != nil {
			return err
		}
		_, err := a.metrics.plan(p.Metrics, false)
		return err
	}, Watches: func(m *oncall.Monitor) error { return a.monitors.Watchable(m) }, Faults: a.faults})
	a.hub = live.New(a.db, a.log.With("component", "live"), live.Options{})
	return nil
}

// face makes what people and programs meet: the pages and the API.
func (a *App) face(key []byte) {
	secure := strings.HasPrefix(a.external, "https://")
	a.standings = standing.New(standing.Options{DB: a.db, Probes: a.monitors, Heartbeats: a.heartbeats, Metrics: a.serviceMetrics.Status, Evaluations: a.metrics.evaluations})
	a.keeper = standing.NewKeeper(a.standings, a.monitors.Counted, a.log.With("component", "standing"))
	a.web = web.New(web.Options{
		Monitors: a.standings,
		DB:       a.db, Life: a.life, Respond: a.respond, Access: a.access, Hub: a.hub, Edit: a.edit, Links: link.NewSigner(key), Push: a.stages.push,
		Drill: a.life, Health: a.stages.healths, Metrics: a.metrics.ask, External: a.URL, Log: a.log.With("component", "web"), Version: a.o.Version, Secure: secure,
	})
	a.api = api.New(api.Options{
		Monitors: a.standings,
		DB:       a.db, Life: a.life, Respond: a.respond, Access: a.access, Edit: a.edit, Health: a.stages.healths, Cookie: web.Cookie(secure),
		External: a.URL, Key: key, Log: a.log.With("component", "api"), Version: a.o.Version,
	})
}

// listen opens the listeners: main, public when configured, and the socket of
// the command line.
func (a *App) listen(ctx context.Context, o Options, data Data, key []byte) error {
	settings := config.Server{}
	if o.Config != nil {
		settings = o.Config.Server
	} else if dir, _, err := a.current(ctx); err == nil {
		settings.ExternalURL, settings.Public.URL = dir.Settings.ExternalURL, dir.Settings.PublicURL
		settings.TrustedProxies = dir.Settings.TrustedProxies
	}
	address := o.Listen
	if address == "" {
		address = settings.Listen
	}
	if address == "" {
		address = config.DefaultListen
	}
	main, err := o.Listener, error(nil)
	if main == nil {
		if main, err = net.Listen("tcp", address); err != nil {
			return fmt.Errorf("listen: %w (another port: --listen 127.0.0.1:0, or toban.listen in the configuration)", err)
		}
	}
	a.closing.push("main listener", ignoreClosed(main.Close))
	a.external = settings.ExternalURL
	if a.external == "" {
		a.external = "http://" + main.Addr().String()
	}
	a.stages.external = a.external
	a.chat = slack.New(a.db, a.log.With("component", "slack"), slack.Options{
		Workspace: a.stages.workspace, Actions: a.life, Roles: a.access, Alarms: a.respond, Links: link.NewSigner(key), BaseURL: a.external, Quiet: o.ChatQuiet, Fenced: a.node.Fenced,
	})
	a.stages.chat = a.chat
	a.chat.Register(a.queue)
	acceptor := alert.New(a.db, a.life, a.log.With("component", "alert"))
	a.metrics = newMetrics(data, o, a.URL, a.newMetricsAlarm(acceptor, main.Addr(), "toban/metrics", titleDown), a.newMetricsAlarm(acceptor, main.Addr(), "toban/rules", titleBlind))
	acceptor.SilentWhile(intake.OwnIntegration, a.metrics.mute)
	if err := acceptor.Register(ctx, a.queue); err != nil {
		return err
	}
	in := intake.New(a.db, acceptor.Accept, a.log.With("component", "intake"))
	in.Measure(a.registry)
	a.watch(acceptor, in, key)
	if o.Config != nil {
		if err := a.replace(ctx, o.Config); err != nil {
			return err
		}
	}
	if a.version, err = a.configure(ctx); err != nil {
		return err
	}

	a.face(key)
	a.figures()
	routes := edges{
		intake: in, gateway: gateway.New(acceptor.Directory, in, a.log.With("component", "gateway")),
		callbacks: a.stages, simulator: http.HandlerFunc(a.stages.page), ready: a.isReady, api: a.api.Handler(), web: a.web, log: a.log,
		metrics: newMetricsProxy(a.metrics).handler(a.api.Beside, in.Samples), pings: a.heartbeats.Handler(), posts: a.posts(in), measured: a.measured(),
		agents: a.agents(in),
	}
	a.servers = append(a.servers, newServer("main", main, behind(settings.TrustedProxies, atSubPath(a.external, routes.main())), a.log))
	if o.PublicListen != "" {
		settings.Public.Listen = o.PublicListen
	}
	if settings.Public.Listen != "" {
		public, err := net.Listen("tcp", settings.Public.Listen)
		if err != nil {
			return fmt.Errorf("public listener: %w", err)
		}
		a.closing.push("public listener", ignoreClosed(public.Close))
		a.servers = append(a.servers, newServer("public", public, behind(settings.TrustedProxies, atSubPath(a.publicURL(settings), routes.public())), a.log))
	}
	socket, err := listenSocket(data.Socket())
	if err != nil {
		return err
	}
	a.closing.push("socket", ignoreClosed(socket.Close))
	a.servers = append(a.servers, newServer("socket", socket, a.api.Local(), a.log))
	alerts, err := listenSocket(data.AlertsSocket())
	if err != nil {
		return err
	}
	a.closing.push("socket for alerts", ignoreClosed(alerts.Close))
	a.servers = append(a.servers, newServer("socket of the metrics process", alerts, a.own(in.Own()), a.log))
	return nil
}

// publicURL is where the public listener is reached from outside.
func (a *App) publicURL(s config.Server) string {
	if s.Public.URL != "" {
		return s.Public.URL
	}
	return a.external
}

// linkBase is what the links in messages begin with: a telephone opens them from
// anywhere.
func (a *App) linkBase() string {
	if base := a.links.Load(); base != nil {
		return *base
	}
	return a.external
}

// Addr is the address of the main listener.
func (a *App) Addr() string { return a.servers[0].listener.Addr().String() }

// URL is where people and senders reach this toban.
func (a *App) URL() string { return a.external }

// SetUp returns the address at which the first account is made, "" when there is
// one already.
func (a *App) SetUp(ctx context.Context) (string, error) {
	secret, needed, err := a.access.SetUp(ctx)
	if err != nil || !needed {
		return "", err
	}
	return strings.TrimSuffix(a.external, "/") + "/setup/" + secret, nil
}

func (a *App) isReady(ctx context.Context) error {
	select {
	case <-a.ready:
	default:
		return errStarting
	}
	const within = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if a.db.Keeps(ctx) != nil {
		return errNotKept
	}
	return nil
}

var (
	errStarting = errors.New("toban is starting")
	errNotKept  = errors.New("toban can't keep what it is told: the disk is full or broken, or the database can't be reached; the log has the reason")
)

// Run works until ctx ends: intake stops first, then what is under way is
// finished, the lease is given up last. The first part that fails stops the
// others.
func (a *App) Run(ctx context.Context) error {
	// The lease outlives what works on this node's rows.
	leaseCtx, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	left := make(chan error, 1)
	go func() { left <- a.node.Run(leaseCtx) }()

	work, workCtx := errgroup.WithContext(ctx)
	work.Go(func() error { return ended(workCtx, a.queue.Run(workCtx)) })
	work.Go(func() error { return ended(workCtx, a.respond.Run(workCtx)) })
	work.Go(func() error { return ended(workCtx, a.notify.Run(workCtx)) })
	work.Go(func() error { return ended(workCtx, a.chat.Run(workCtx)) })
	work.Go(func() error { return ended(workCtx, a.hub.Run(workCtx)) })
	work.Go(func() error { return a.follow(workCtx, a.version) })
	work.Go(func() error { return ended(workCtx, a.metrics.run(workCtx)) })
	work.Go(func() error { return ended(workCtx, a.monitors.Run(workCtx)) })
	work.Go(func() error { return ended(workCtx, a.heartbeats.Run(workCtx)) })
	work.Go(func() error { a.heartbeats.Measure(workCtx, a.metrics.Append); return nil })
	work.Go(func() error { return ended(workCtx, a.serviceMetrics.Run(workCtx)) })
	work.Go(func() error { return ended(workCtx, a.keeper.Run(workCtx)) })
	for _, s := range a.servers {
		work.Go(func() error { return s.run(workCtx) })
	}
	close(a.ready)
	a.log.InfoContext(ctx, "ready", "engine", a.db.Engine(), "node", a.db.Node(), "listen", a.Addr())
	err := work.Wait()
	leave()
	select {
	case e := <-left:
		err = errors.Join(err, ended(leaseCtx, e))
	case <-time.After(leaveWithin):
		err = errors.Join(err, errors.New("the lease was not given up in time"))
	}
	return err
}

// leaveWithin bounds how long giving up the lease may take.
const leaveWithin = 5 * time.Second

// ended makes the end that was asked for no error.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())) {
		return nil
	}
	return err
}

// Close takes apart what New has set up.
func (a *App) Close() error { return a.closing.close() }

func ignoreClosed(f func() error) func() error {
	return func() error {
		if err := f(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

var (
	_ notify.Outcomes = (*respond.Driver)(nil)
	_ notify.Keys     = (*incident.Lifecycle)(nil)
)

// Handler is what the main listener answers, for tests without a network.
func (a *App) Handler() http.Handler { return a.servers[0].http.Handler }

// Reaches reports whether there is a channel for a method in a stage.
func (a *App) Reaches(stage oncall.Stage, m oncall.Method) bool {
	return a.stages.channel(stage, m) != nil
}
