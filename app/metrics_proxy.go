package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"toban/access"
	"toban/internal/child"
	"toban/internal/problem"
	"toban/internal/remotewrite"
	"toban/oncall"
)

// prometheusPath is where Prometheus' HTTP API is on the main listener.
const prometheusPath = "/prometheus"

const (
	// proxyTime bounds one request, below what the listener gives an answer.
	proxyTime = 55 * time.Second
	// proxyAtOnce bounds the requests under way: whoever asks more has a loop.
	proxyAtOnce = 64
	maxQuestion = 1 << 20 // bytes of a request that asks
	maxSamples  = 8 << 20 // bytes of one that brings
)

// Errors of the proxy.
var (
	errMetricsOff  = &oncall.Error{Kind: oncall.NotFound, Code: "metrics.off", Message: "toban works with no Prometheus; write the section `metrics` to run one or to name yours"}
	errMetricsBusy = &oncall.Error{Kind: oncall.Unavailable, Code: "metrics.busy", Message: "too many requests to Prometheus are under way; ask again in a moment"}
	errMetricsSlow = &oncall.Error{Kind: oncall.Unavailable, Code: "metrics.slow", Message: "Prometheus did not answer in time; ask for less: a shorter range, a larger step, fewer series"}
)

// metricsRole is the role that a request below /prometheus takes; ok is false
// for what is not passed on. Samples have a way of their own.
func metricsRole(r *http.Request) (role access.Role, ok bool) {
	path, below := strings.CutPrefix(r.URL.Path, prometheusPath)
	if !below {
		return "", false
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch path {
	case "/api/v1/query", "/api/v1/query_range", "/api/v1/query_exemplars", "/api/v1/format_query", "/api/v1/parse_query",
		"/api/v1/labels", "/api/v1/series":
		return access.Viewer, reads || r.Method == http.MethodPost
	case "/api/v1/read":
		return access.Viewer, r.Method == http.MethodPost
	case "/api/v1/metadata", "/api/v1/targets", "/api/v1/targets/metadata", "/api/v1/targets/relabel_steps", "/api/v1/scrape_pools",
		"/api/v1/rules", "/api/v1/alerts", "/api/v1/alertmanagers", "/api/v1/features", "/api/v1/openapi.yaml",
		"/api/v1/status/buildinfo", "/api/v1/status/runtimeinfo", "/api/v1/status/flags", "/api/v1/status/tsdb",
		"/api/v1/status/tsdb/blocks", "/api/v1/status/walreplay", "/federate", "/metrics", "/-/ready", "/-/healthy":
		return access.Viewer, reads
	case "/api/v1/status/config": // addresses and names of accounts are in it
		return access.Admin, reads
	case "/-/reload":
		return access.Admin, r.Method == http.MethodPost || r.Method == http.MethodPut
	}
	if name, is := strings.CutPrefix(path, "/api/v1/label/"); is {
		label, values := strings.CutSuffix(name, "/values")
		return access.Viewer, reads && values && label != "" && !strings.Contains(label, "/")
	}
	return "", false
}

// metricsProxy passes requests on to the Prometheus of the moment.
type metricsProxy struct {
	m      *metrics
	log    *slog.Logger
	places chan struct{}
}

func newMetricsProxy(m *metrics) *metricsProxy {
	return &metricsProxy{m: m, log: m.log, places: make(chan struct{}, proxyAtOnce)}
}

// guard is who decides about requests from the network: package api.
type guard func(need func(*http.Request) (access.Role, bool), h http.Handler) http.Handler

// handler answers below /prometheus. Reading takes a session or a token; what
// changes something takes a token, and samples are also taken with a key of
// their own, that is good for nothing else.
func (p *metricsProxy) handler(beside guard, samples func(http.Handler) http.Handler) http.Handler {
	manager := func(*http.Request) (access.Role, bool) { return access.Manager, true }
	byToken := beside(manager, p)
	byKey := samples(p)
	all := beside(metricsRole, p)
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+prometheusPath+"/api/v1/write", func(w http.ResponseWriter, r *http.Request) {
		r = withoutSession(r)
		if strings.HasPrefix(bearer(r), access.TokenPrefix) {
			byToken.ServeHTTP(w, r)
			return
		}
		byKey.ServeHTTP(w, r)
	})
	mux.HandleFunc(prometheusPath+"/-/reload", func(w http.ResponseWriter, r *http.Request) { all.ServeHTTP(w, withoutSession(r)) })
	mux.Handle(prometheusPath+"/", all)
	return mux
}

// withoutSession is r as a program sends it: a browser's session is not enough.
func withoutSession(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del("Cookie")
	return r
}

// bearer is what a request authenticates with.
func bearer(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	_, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(secret)
}

// ServeHTTP implements http.Handler for requests that have been let through.
func (p *metricsProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seat := p.m.now.Load()
	if seat == nil {
		problem.Write(w, r, p.log, errMetricsOff)
		return
	}
	if err := seat.missing(); err != nil {
		problem.Write(w, r, p.log, err)
		return
	}
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		problem.Write(w, r, p.log, errMetricsBusy)
		return
	}
	limit := int64(maxQuestion)
	if strings.HasSuffix(r.URL.Path, "/api/v1/write") {
		limit = maxSamples
	}
	ctx, cancel := context.WithTimeout(r.Context(), proxyTime)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	seat.proxy(p.log).ServeHTTP(w, r)
}

// missing says why a child does not answer at the moment.
func (s *metricsSeat) missing() error {
	if s.child == nil {
		return nil
	}
	switch state := s.child.State(); state.Phase {
	case child.Ready:
		return nil
	case child.Starting:
		how := "it starts"
		if state.Said != "" {
			how = "it starts: " + state.Said
		}
		return metricsDown(how)
	default:
		return metricsDown("it ended and is started again; toban's log says why")
	}
}

func metricsDown(why string) error {
	return &oncall.Error{
		Kind: oncall.Unavailable, Code: "metrics.down",
		Message: "the metrics process does not answer: " + why + ". Paging goes on without it; ask again in a moment",
	}
}

// proxy passes a request on.
func (s *metricsSeat) proxy(log *slog.Logger) http.Handler {
	base, err := url.Parse(s.base)
	return &httputil.ReverseProxy{
		Transport: s.transport,
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Rewrite: func(r *httputil.ProxyRequest) {
			if err != nil {
				return // its host stays empty and the request fails
			}
			r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, prometheusPath)
			r.Out.URL.RawPath = strings.TrimPrefix(r.In.URL.RawPath, prometheusPath)
			r.SetURL(base)
			r.Out.Header.Del("X-Api-Key")
			switch {
			case s.to.User != "":
				r.Out.SetBasicAuth(s.to.User, s.to.Password)
			case s.to.Token != "":
				r.Out.Header.Set("Authorization", "Bearer "+s.to.Token)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Set-Cookie")
			// What comes from elsewhere never acts in toban's name.
			r.Header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
			if r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden {
				r.Header.Del("WWW-Authenticate") // it is toban that was refused there, not who asks
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			problem.Write(w, r, log, s.failed(err))
		},
	}
}

func (s *metricsSeat) failed(err error) error {
	if large, is := errors.AsType[*http.MaxBytesError](err); is {
		return &oncall.Error{Kind: oncall.TooLarge, Code: "metrics.too_large", Message: fmt.Sprintf("the request is larger than %d MiB", large.Limit>>20)}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errMetricsSlow
	}
	if s.child == nil {
		return &oncall.Error{Kind: oncall.Unavailable, Code: "metrics.down", Message: "the Prometheus at " + s.base + " does not answer. Paging goes on without it"}
	}
	return metricsDown("it has just ended; a query that was too greedy may be why")
}

// toTarget carries requests to a Prometheus, over its socket where it has one.
func toTarget(to remotewrite.Target) *http.Transport {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
	}
	if to.Socket != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", to.Socket)
		}
	}
	return t
}
