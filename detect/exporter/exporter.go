// Package exporter shows a Prometheus what toban's probes find, without the rest
// of toban: /probe with the parameters, modules and metrics of blackbox-exporter,
// and /metrics with the three uptime metrics of a list of targets that it checks
// by itself. It keeps nothing: what is counted begins at 0 with the process.
package exporter

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"toban/detect/probe"
	"toban/detect/prober"
	"toban/internal/network"
)

// Options of an Exporter.
type Options struct {
	Config *Config
	// Own is the way to the targets of the configuration, whose addresses the
	// operator wrote; Asked is the way to those of /probe, which anybody writes
	// who reaches the exporter.
	Own, Asked probe.Options
	// Local takes requests alone that name this machine by address or as localhost:
	// a web page could otherwise have a browser here ask by a name of its own that
	// leads to loopback, and read the answers.
	Local   bool
	Version string
	Log     *slog.Logger // nil = none
}

// Exporter checks targets and answers a Prometheus.
type Exporter struct {
	options Options
	pinger  *probe.Pinger
	uptime  *Uptime
	probes  *Probes
	checks  *prober.Prober

	mu       sync.Mutex
	config   *Config
	checkers map[string]probe.Checker // of the targets, by module
	counted  map[Target]bool
}

// New returns an Exporter with that configuration. Whoever made it closes it.
func New(o Options) *Exporter {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	pinger := probe.NewPinger()
	o.Own.Pinger, o.Asked.Pinger = pinger, pinger
	e := &Exporter{options: o, pinger: pinger, uptime: NewUptime(), probes: NewProbes(o.Log), counted: map[Target]bool{}}
	e.checks = prober.New(prober.Options{Report: e.report, Log: o.Log})
	e.Set(o.Config)
	return e
}

// Set replaces the configuration, with the networks that it allows. Targets that
// stay keep what was counted.
func (e *Exporter) Set(c *Config) {
	own, asked := e.options.Own, e.options.Asked
	own.Guard.Allow = slices.Concat(own.Guard.Allow, c.Allow)
	asked.Guard.Allow = slices.Concat(asked.Guard.Allow, c.Allow)
	e.probes.Set(c.Modules, asked)
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.checkers
	e.config, e.checkers = c, map[string]probe.Checker{}
	wanted := map[Target]bool{}
	var all []prober.Target
	for _, t := range c.Targets {
		wanted[t.counted()] = true
		e.uptime.Add(t.Protocol, t.Label)
		checker := e.checkers[t.Module]
		if checker == nil {
			checker = c.Modules[t.Module].Checker(own)
			e.checkers[t.Module] = checker
		}
		all = append(all, prober.Target{ID: t.Protocol + " " + t.Label, Address: t.Address, Every: t.Every, Timeout: t.Timeout, Checker: checker})
	}
	for t := range e.counted {
		if !wanted[t] {
			e.uptime.Forget(t.Protocol, t.Label)
		}
	}
	e.counted = wanted
	e.checks.Set(all)
	for _, c := range old {
		closeChecker(c)
	}
}

func closeChecker(c probe.Checker) {
	if closer, ok := c.(probe.Closer); ok {
		closer.Close()
	}
}

// report counts a check. The name of the prober's target is its protocol and its
// label.
func (e *Exporter) report(t prober.Target, r *probe.Result) {
	protocol, label, _ := strings.Cut(t.ID, " ")
	e.uptime.Observe(protocol, label, r)
	if !r.Up {
		e.options.Log.Debug("a check has failed", "protocol", protocol, "target", label, "reason", string(r.Reason), "message", r.Message)
	}
}

// Run checks the targets until ctx ends, and returns once every check has.
func (e *Exporter) Run(ctx context.Context) { e.checks.Run(ctx) }

// Close ends the connections that are kept and the pinging.
func (e *Exporter) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.checkers {
		closeChecker(c)
	}
	e.probes.Close()
	return e.pinger.Close()
}

// Uptime is what is counted.
func (e *Exporter) Uptime() *Uptime { return e.uptime }

// Handler is the HTTP side: /metrics, /probe, /healthz and a page that names
// them.
func (e *Exporter) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", e.uptime)
	mux.Handle("GET /probe", e.probes)
	well := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n")
	}
	mux.HandleFunc("GET /healthz", well)
	mux.HandleFunc("GET /-/healthy", well) // blackbox-exporter's
	mux.HandleFunc("GET /{$}", e.page)
	if e.options.Local {
		return quiet(local(mux))
	}
	return quiet(mux)
}

// local refuses requests for names that are not this machine's.
func local(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !network.IsOwnName(r.Host) {
			http.Error(w, "this exporter is asked for by its address or as localhost", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// quiet gives every answer the headers of something that is no web site.
func quiet(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}

// page is for whoever opens the address in a browser. Its links are relative:
// a proxy may have it below another path.
func (e *Exporter) page(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	c := e.config
	e.mu.Unlock()
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>toban exporter</title></head>\n<body>\n<h1>toban exporter</h1>\n")
	b.WriteString("<p>Version " + html.EscapeString(e.options.Version) + ". For Prometheus:</p>\n<ul>\n")
	b.WriteString("<li><a href=\"metrics\">metrics</a>: the checks of " + plural(len(c.Targets), "target") + "</li>\n")
	b.WriteString("<li>probe?target=…&amp;module=…: one check of a target, as blackbox-exporter does it</li>\n<li><a href=\"healthz\">healthz</a></li>\n</ul>\n<h2>Modules</h2>\n<ul>\n")
	for _, name := range sortedNames(c.Modules) {
		b.WriteString("<li>" + html.EscapeString(name) + " (" + html.EscapeString(c.Modules[name].Prober) + ")</li>\n")
	}
	b.WriteString("</ul>\n</body></html>\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, b.String())
}
