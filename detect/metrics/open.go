package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"github.com/prometheus/prometheus/util/compression"
)

// database is an open TSDB with its folder's lock.
type database struct {
	*tsdb.DB
	lock    *tsdbutil.DirLocker
	metrics *prometheus.Registry // the TSDB's own
	damaged int                  // how many things were set aside
}

// openDatabase locks and opens the TSDB in o.data, making it when there is none,
// and reports the replay of its log on progress. What is damaged is set aside;
// an error is something that only a person can put right. A replay can't be
// broken off: when ctx ends it is left alone, and the process is expected to end.
func openDatabase(ctx context.Context, o options, cfg *config.Config, log *slog.Logger, progress io.Writer) (*database, error) {
	if err := makeFolder(o.data, log); err != nil {
		return nil, err
	}
	lock, err := tsdbutil.NewDirLocker(o.data, "tsdb", slog.New(slog.DiscardHandler), nil) // an old lock file means nothing
	if err != nil {
		return nil, fmt.Errorf("the folder %s: %w", o.data, err)
	}
	if err := lock.Lock(); errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		return nil, fmt.Errorf("the time series in %s are in use by another toban metrics or Prometheus: end that one, or name another folder with --data", o.data)
	} else if err != nil {
		return nil, fmt.Errorf("the time series in %s can't be locked: %w", o.data, err)
	}
	type result struct {
		db  *database
		err error
	}
	done := make(chan result, 1)
	stats := tsdb.NewDBStats()
	started := startsOf(o.data)
	failed := started.begin()
	go func() {
		db, err := openRepaired(o, cfg, log, stats, failed)
		done <- result{db, err}
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	said := ""
	for {
		select {
		case r := <-done:
			if r.err != nil {
				started.undo(failed)
				return nil, errors.Join(r.err, lock.Release())
			}
			started.succeed()
			r.db.lock = lock
			return r.db, nil
		case <-ctx.Done():
			started.undo(failed)
			return nil, context.Cause(ctx)
		case <-tick.C:
			s := stats.Head.WALReplayStatus.GetWALReplayStatus()
			now := fmt.Sprintf("replaying %d/%d", max(s.Current-s.Min, 0), max(s.Max-s.Min+1, 1))
			if now != said {
				fmt.Fprintln(progress, now)
				said = now
			}
		}
	}
}

// Close closes the TSDB and gives its folder free.
func (d *database) Close() error {
	return errors.Join(d.DB.Close(), d.lock.Release())
}

// makeFolder makes the folder of the TSDB when there is none.
func makeFolder(dir string, log *slog.Logger) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("--data: %s is no folder", dir)
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("--data: %w", err)
		}
		log.Info("new folder for time series", "data", dir)
	case err != nil:
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// openRepaired opens the TSDB, and sets aside what keeps it from opening, until
// it opens or there is nothing left that could be blamed. failed is how many
// starts before have died.
func openRepaired(o options, cfg *config.Config, log *slog.Logger, stats *tsdb.DBStats, failed int) (*database, error) {
	d, err := newDamage(o.data, log)
	if err != nil {
		return nil, err
	}
	d.forget(time.Now().Add(-o.retention))
	if failed >= maxStarts && o.memory > 0 {
		d.wal(errReplay)
	}
	cures := []func(error) bool{d.blocks, d.gap, d.checkpoint, d.chunks, d.wal}
	for {
		d.keepLinks()
		reg := prometheus.NewRegistry() // a failed try leaves its metrics registered
		db, err := tsdb.Open(o.data, log, reg, tsdbOptions(cfg), stats)
		if err == nil {
			d.afterOpen(db, reg)
			return &database{DB: db, metrics: reg, damaged: d.count}, nil
		}
		d.restoreLinks()
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM) ||
			errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENOMEM) {
			return nil, fmt.Errorf("the time series in %s can't be opened: %w", o.data, err)
		}
		cured := false
		for len(cures) > 0 && !cured {
			cured = cures[0](err)
			cures = cures[1:]
		}
		if !cured {
			return nil, fmt.Errorf("the time series in %s can't be opened, and setting aside what is damaged did not help: %w", o.data, err)
		}
	}
}

// tsdbOptions are small where Prometheus' defaults are made for millions of
// series: its stripes and buffers alone are some 20 MB.
func tsdbOptions(cfg *config.Config) *tsdb.Options {
	t := cfg.StorageConfig.TSDBConfig
	o := tsdb.DefaultOptions()
	o.NoLockfile = true // the folder is locked before anything in it is touched
	o.RetentionDuration = time.Duration(t.Retention.Time).Milliseconds()
	o.MaxBytes = int64(t.Retention.Size)
	o.MaxPercentage = t.Retention.Percentage
	o.OutOfOrderTimeWindow = t.OutOfOrderTimeWindow
	o.StaleSeriesCompactionThreshold = t.StaleSeriesCompactionThreshold
	o.MinBlockDuration = tsdb.DefaultBlockDuration
	o.MaxBlockDuration = max(min(o.RetentionDuration/10, (31*24*time.Hour).Milliseconds()), o.MinBlockDuration)
	o.WALCompression = compression.Snappy
	o.WALSegmentSize = 32 << 20
	o.StripeSize = 1 << 10
	o.HeadChunksWriteBufferSize = 64 << 10
	o.HeadChunksWriteQueueSize = 0
	if t.ChunkEncoding.Floats == config.FloatChunkEncodingXOR2 {
		o.FloatChunkEncoding = chunkenc.EncXOR2
	}
	return o
}

// folder is a path in the TSDB's folder.
func (d *damage) folder(name ...string) string {
	return filepath.Join(append([]string{d.dir}, name...)...)
}
