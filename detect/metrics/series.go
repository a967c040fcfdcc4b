package metrics

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// series is where samples go and come from: the TSDB alone, or together with
// the remote storages of a prometheus.yml. What is not configured is not run
// and costs no sample anything.
type series struct {
	current atomic.Pointer[storage.Storage]
}

func (s *series) set(to storage.Storage) { s.current.Store(&to) }

func (s *series) Querier(mint, maxt int64) (storage.Querier, error) {
	return (*s.current.Load()).Querier(mint, maxt)
}

func (s *series) ChunkQuerier(mint, maxt int64) (storage.ChunkQuerier, error) {
	return (*s.current.Load()).ChunkQuerier(mint, maxt)
}

func (s *series) Appender(ctx context.Context) storage.Appender {
	return (*s.current.Load()).Appender(ctx)
}

func (s *series) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return (*s.current.Load()).AppenderV2(ctx)
}

// stats is what Prometheus' API asks of a TSDB. What would change it is not
// served (the admin API is off).
type stats struct{ *tsdb.DB }

func (s stats) BlockMetas() ([]tsdb.BlockMeta, error) { return s.DB.BlockMetas(), nil }

func (s stats) Stats(byLabel string, limit int) (*tsdb.Stats, error) {
	return s.Head().Stats(byLabel, limit), nil
}

// WALReplayStatus is of a replay that is over: the API answers after it.
func (s stats) WALReplayStatus() (tsdb.WALReplayStatus, error) { return tsdb.WALReplayStatus{}, nil }

func (s stats) Delete(ctx context.Context, mint, maxt int64, ms ...*labels.Matcher) error {
	return s.DB.Delete(ctx, mint, maxt, ms...)
}

// alone is the TSDB where samples go nowhere else; nil otherwise.
func (s *series) alone() *tsdb.DB {
	db, _ := (*s.current.Load()).(*tsdb.DB)
	return db
}
