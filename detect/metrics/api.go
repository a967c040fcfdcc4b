package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"strconv"
	"time"

	"github.com/grafana/regexp"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"
	apiv1 "github.com/prometheus/prometheus/web/api/v1"
)

// prometheusVersion is what the API says it is: clients such as Grafana choose
// by it what to ask. It is that of the library in go.mod (v0.315 is 3.15).
const prometheusVersion = "3.15.0"

// remoteReadFrame bounds a frame of a streamed remote read, in bytes.
const remoteReadFrame = 1 << 20

// api is Prometheus' HTTP API as a handler for paths such as /query.
func (s *server) api(p parser.Parser, gatherer prometheus.Gatherer, log *slog.Logger) http.Handler {
	started := time.Now()
	api := apiv1.NewAPI(
		s.engines.people, &s.series, &s.series, &s.series, s.db.DB,
		func(context.Context) apiv1.ScrapePoolsRetriever { return s.scraping() },
		func(context.Context) apiv1.TargetRetriever { return s.scraping() },
		func(context.Context) apiv1.AlertmanagerRetriever { return s.told() },
		func() config.Config { return *s.config() },
		map[string]string{}, // our flags are not Prometheus'
		apiv1.GlobalURLOptions{ListenAddress: s.options.listen, Host: s.options.external.Host, Scheme: s.options.external.Scheme},
		func(next http.HandlerFunc) http.HandlerFunc { return next }, // it is mounted when it is ready
		stats{s.db.DB}, s.options.data,
		false,    // admin: what is kept can't be deleted from outside
		false, 0, // search
		log,
		func(context.Context) apiv1.RulesRetriever { return s.rules },
		samplesWithin(s.options.memory), queriesAtOnce, remoteReadFrame,
		false,                    // agent
		regexp.MustCompile("^$"), // no other origin may read
		func() (apiv1.RuntimeInfo, error) { return s.runtimeInfo(started), nil },
		&apiv1.PrometheusVersion{Version: prometheusVersion, Revision: "toban", Branch: "toban", GoVersion: runtime.Version()},
		func() []notifications.Notification { return nil },
		func() (<-chan notifications.Notification, func(), bool) { return nil, func() {}, false },
		gatherer, s.registry, apiv1.DefaultStatsRenderer,
		true, remoteapi.MessageTypes{remoteapi.WriteV1MessageType, remoteapi.WriteV2MessageType},
		false, false, false, // OTLP
		false, lookback, false, false, nil,
		features.NewRegistry(), apiv1.OpenAPIOptions{ExternalURL: s.options.external.String() + prefix, Version: prometheusVersion}, p,
	)
	router := route.New()
	api.Register(router)
	write := newWriter(&s.series, router, s.log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/write" {
			write.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

func (s *server) runtimeInfo(started time.Time) apiv1.RuntimeInfo {
	host, _ := os.Hostname() // "" says as much
	dir, _ := os.Getwd()
	at, good := s.figures.lastReload()
	retention := s.config().StorageConfig.TSDBConfig.Retention
	return apiv1.RuntimeInfo{
		StartTime: started, CWD: dir, Hostname: host, ServerTime: time.Now(),
		ReloadConfigSuccess: good, LastConfigTime: at, CorruptionCount: int64(s.db.damaged),
		GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0), GOMEMLIMIT: debug.SetMemoryLimit(-1),
		GOGC:             gcPercent(),
		StorageRetention: retention.Time.String() + " or " + retention.Size.String(),
	}
}

// nothingScraped stands where there are no scrape jobs.
type nothingScraped struct{}

func (nothingScraped) ScrapePools() []string { return nil }
func (nothingScraped) TargetsActive() map[string][]*scrape.Target {
	return map[string][]*scrape.Target{}
}

func (nothingScraped) TargetsDropped() map[string][]*scrape.Target {
	return map[string][]*scrape.Target{}
}
func (nothingScraped) TargetsDroppedCounts() map[string]int { return map[string]int{} }
func (nothingScraped) ScrapePoolConfig(name string) (*config.ScrapeConfig, error) {
	return nil, &noJobError{name}
}

// noJobError is the answer to a question about a job that there is not.
type noJobError struct{ name string }

func (e *noJobError) Error() string { return "there is no scrape job " + strconv.Quote(e.name) }

// noAlertmanagers stands where a prometheus.yml names none.
type noAlertmanagers struct{}

func (noAlertmanagers) Alertmanagers() []*url.URL        { return nil }
func (noAlertmanagers) DroppedAlertmanagers() []*url.URL { return nil }

// gcPercent is by how many percent the heap may grow at the moment.
func gcPercent() string {
	sample := []runtimemetrics.Sample{{Name: "/gc/gogc:percent"}}
	runtimemetrics.Read(sample)
	if sample[0].Value.Kind() != runtimemetrics.KindUint64 {
		return ""
	}
	return strconv.FormatUint(sample[0].Value.Uint64(), 10)
}
