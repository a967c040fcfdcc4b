package metrics

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// The bounds of a query that comes over the API. The number of samples follows
// from the memory there is: a sample in hand costs 16 bytes, and about three
// times that until the answer is written.
const (
	queryTimeout    = time.Minute
	queriesAtOnce   = 8
	maxQueryText    = 64 << 10
	maxSamples      = 50_000_000
	bytesPerSample  = 64
	lookback        = 5 * time.Minute
	ruleQueryBudget = 30 * time.Second
)

// samplesWithin is how many samples one query may hold in a process of so much
// memory; 0 is no limit of memory.
func samplesWithin(memory int64) int {
	if memory == 0 {
		return maxSamples
	}
	return int(min(memory/bytesPerSample, maxSamples))
}

// engines evaluate PromQL: one for people, who wait in line when there are many,
// and one for rules, which never wait for people. They are not closed: a query
// that outlives its connection writes into the tracker's mapped file.
type engines struct {
	people, rules *promql.Engine
}

// newEngines makes the engines. What ran when the last process died is said on
// after, as information; all else goes to log.
func newEngines(o options, interval func() time.Duration, p parser.Parser, reg prometheus.Registerer, log, after *slog.Logger) (engines, error) {
	tracker, err := promql.NewActiveQueryTracker(o.data, queriesAtOnce, after)
	if err != nil {
		return engines{}, err
	}
	opts := promql.EngineOpts{
		Logger: log, MaxSamples: samplesWithin(o.memory), LookbackDelta: lookback,
		NoStepSubqueryIntervalFn: func(int64) int64 { return interval().Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true, // always on in Prometheus
		Parser: p,
	}
	people, rules := opts, opts
	people.Timeout, people.ActiveQueryTracker = queryTimeout, tracker
	people.Reg = prometheus.WrapRegistererWith(prometheus.Labels{"engine": "people"}, reg)
	rules.Timeout = ruleQueryBudget
	rules.Reg = prometheus.WrapRegistererWith(prometheus.Labels{"engine": "rules"}, reg)
	return engines{people: promql.NewEngine(people), rules: promql.NewEngine(rules)}, nil
}
