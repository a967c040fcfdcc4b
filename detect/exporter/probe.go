package exporter

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"toban/detect/probe"
)

// Probes is the page /probe, with blackbox-exporter's parameters: target,
// module, hostname, debug.
type Probes struct {
	log  *slog.Logger
	room chan struct{}

	mu       sync.Mutex
	options  probe.Options
	modules  probe.Modules
	checkers map[string]probe.Checker
}

const (
	// atOnce is how many probes may be under way.
	atOnce = 1000
	// offset is how much before Prometheus' own time-out an answer is given.
	offset = 500 * time.Millisecond
	// longest is the time of a probe that nobody bounds.
	longest = 120 * time.Second
	// maxHost is the longest hostname, in bytes.
	maxHost = 255
)

// NewProbes returns the page without modules.
func NewProbes(log *slog.Logger) *Probes {
	return &Probes{log: log, room: make(chan struct{}, atOnce)}
}

// Set replaces the modules, for targets that o lets through.
func (p *Probes) Set(m probe.Modules, o probe.Options) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.checkers {
		closeChecker(c)
	}
	p.options, p.modules, p.checkers = o, m, map[string]probe.Checker{}
}

// Close ends the connections that are kept.
func (p *Probes) Close() { p.Set(nil, probe.Options{}) }

// checker is that of a module; one for another host is made for one probe. done
// ends what was made for one.
func (p *Probes) checker(m *probe.Module, hostname string) (c probe.Checker, done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	once := p.modules[m.Name] != m // the modules were replaced meanwhile
	if hostname != "" && (m.Prober == "http" || m.Prober == "tcp") {
		if m, err = m.WithHost(hostname); err != nil {
			return nil, nil, err
		}
		once = true
	}
	if once {
		c = m.Checker(p.options)
		return c, func() { closeChecker(c) }, nil
	}
	if c = p.checkers[m.Name]; c == nil {
		c = m.Checker(p.options)
		p.checkers[m.Name] = c
	}
	return c, func() {}, nil
}

// ServeHTTP asks one target once.
func (p *Probes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		http.Error(w, "another site may not have this asked", http.StatusForbidden)
		return
	}
	query := r.URL.Query()
	name := query.Get("module")
	if name == "" {
		name = "http_2xx"
	}
	p.mu.Lock()
	m := p.modules[name]
	p.mu.Unlock()
	if m == nil {
		http.Error(w, fmt.Sprintf("Unknown module %q", name), http.StatusBadRequest)
		return
	}
	if m.Unsupported != "" {
		http.Error(w, fmt.Sprintf("The module %q can't be used: %s", name, m.Unsupported), http.StatusBadRequest)
		return
	}
	limit, err := timeout(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), m.Timeout)
	if err != nil {
		http.Error(w, "Failed to parse timeout from Prometheus header: "+err.Error(), http.StatusBadRequest)
		return
	}
	target := query.Get("target")
	if target == "" {
		http.Error(w, "Target parameter is missing", http.StatusBadRequest)
		return
	}
	if once, err := url.QueryUnescape(target); err == nil { // as blackbox-exporter, which undoes it twice
		target = once
	}
	hostname := query.Get("hostname")
	if len(hostname) > maxHost || strings.ContainsAny(hostname, "/@ \r\n\t") {
		http.Error(w, "The hostname is none", http.StatusBadRequest)
		return
	}
	c, done, err := p.checker(m, hostname)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer done()
	select {
	case p.room <- struct{}{}:
		defer func() { <-p.room }()
	default:
		http.Error(w, "Too many probes are under way", http.StatusServiceUnavailable)
		return
	}
	debug := query.Get("debug") == "true"
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	if debug {
		ctx = probe.WithEvidence(ctx)
	}
	result := c.Check(ctx, target)
	if r.Context().Err() != nil {
		return // nobody is there to read it
	}
	p.answer(w, m, target, limit, result, debug)
}

func (p *Probes) answer(w http.ResponseWriter, m *probe.Module, target string, limit time.Duration, result *probe.Result, debug bool) {
	if !result.Up {
		p.log.Debug("a probe has failed", "module", m.Name, "target", shown(target), "reason", string(result.Reason), "message", result.Message)
	}
	var b bytes.Buffer
	within := probe.Sample{Name: "probe_timeout_seconds", Help: "Returns how long the probe timeout is in seconds", Value: limit.Seconds()}
	w.Header().Set("Content-Type", textFormat)
	if debug {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		writeDebug(&b, m, target, limit, result)
		b.WriteString("\n\n\nMetrics that would have been returned:\n")
	}
	if err := probe.WriteMetrics(&b, result, within); err != nil {
		http.Error(w, "the metrics could not be written", http.StatusInternalServerError)
		return
	}
	if debug {
		b.WriteString("\n\n\nModule configuration:\n" + m.String())
	}
	_, _ = w.Write(b.Bytes())
}

// timeout is how long a probe may take: what Prometheus grants less an offset,
// or what the module says if that is less.
func timeout(header string, module time.Duration) (time.Duration, error) {
	granted := longest
	if header != "" {
		seconds, err := strconv.ParseFloat(header, 64)
		if err != nil || math.IsNaN(seconds) || seconds < 0 {
			return 0, fmt.Errorf("%q is no number of seconds", header[:min(len(header), 40)])
		}
		if seconds > 0 {
			granted = time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
		}
	}
	most := granted - offset
	switch {
	case module > 0 && (module < most || most < 0):
		return module, nil
	case most <= 0:
		return granted, nil
	}
	return most, nil
}

// writeDebug tells people how a probe went.
func writeDebug(b *bytes.Buffer, m *probe.Module, target string, limit time.Duration, r *probe.Result) {
	at := r.Start.UTC().Format("2006-01-02T15:04:05.000Z")
	line := func(level, message string) {
		fmt.Fprintf(b, "ts=%s level=%s module=%s target=%s msg=%s\n", at, level, strconv.Quote(m.Name), strconv.Quote(shown(target)), strconv.Quote(message))
	}
	b.WriteString("Logs for the probe:\n")
	line("info", fmt.Sprintf("Beginning probe by %s, for %s at most", m.Prober, limit))
	if e := r.Evidence; e != nil {
		for _, tried := range e.Tried {
			line("info", tried)
		}
	}
	if r.Up {
		line("info", fmt.Sprintf("Probe succeeded after %s", r.Duration))
	} else {
		line("error", fmt.Sprintf("Probe failed after %s (%s): %s", r.Duration, r.Reason, r.Message))
	}
	if e := r.Evidence; e != nil && (e.Status != "" || e.Body != "" || len(e.Chain) > 0) {
		b.WriteString("\n\n\nWhat came back:\n" + e.Status + "\n")
		for _, h := range e.Headers {
			b.WriteString(h + "\n")
		}
		for _, c := range e.Chain {
			b.WriteString("certificate: " + c + "\n")
		}
		if e.Body != "" {
			fmt.Fprintf(b, "\n%s\n(%d bytes in all)\n", e.Body, e.BodySize)
		}
	}
}
