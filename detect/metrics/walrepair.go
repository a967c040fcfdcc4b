package metrics

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// gap closes a gap between the segments of the log, or between them and the
// checkpoint before them: Prometheus does not start with one. What was in the
// missing segments is lost, what stands behind them is not.
func (d *damage) gap(cause error) bool {
	want := 0
	if _, n, err := wlog.LastCheckpoint(d.folder("wal")); err == nil {
		want = n + 1
	}
	entries, _ := os.ReadDir(d.folder("wal")) // in the order of names, which is that of numbers
	cured := false
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || !e.Type().IsRegular() || n < want {
			continue // a checkpoint, or a segment that it has made needless
		}
		if n > want {
			if err := os.Rename(d.folder("wal", e.Name()), wlog.SegmentName(d.folder("wal"), want)); err != nil {
				d.log.Error("a gap in the log can't be closed", "err", err)
				return false
			}
			cured = true
		}
		want++
	}
	if cured {
		d.count++
		d.log.Error("segments of the log are missing; those behind them have moved up", "cause", cause)
	}
	return cured
}

// checkpoint sets aside a damaged checkpoint of the log, for which Prometheus has
// no repair, and puts in its place what of it can be read.
func (d *damage) checkpoint(cause error) bool {
	path, _, err := wlog.LastCheckpoint(d.folder("wal"))
	if err != nil || !strings.Contains(cause.Error(), "checkpoint") {
		return false
	}
	name := filepath.Base(path)
	whole := d.folder(damagedFolder, "mended")
	if err := salvage(path, whole); err != nil {
		d.log.Error("nothing of the log's checkpoint could be read", "err", err)
	}
	if !d.setAside(filepath.Join("wal", name), cause) {
		return false
	}
	if err := os.Rename(whole, path); err != nil {
		d.log.Error("the log has no checkpoint now", "err", err)
	}
	return true
}

// salvage copies the records of a log that stand before its damage.
func salvage(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	w, err := wlog.New(slog.New(slog.DiscardHandler), nil, to, compression.Snappy)
	if err != nil {
		return err
	}
	defer w.Close() // its last error is that of Log
	segments, err := wlog.NewSegmentsReader(from)
	if err != nil {
		return err
	}
	defer segments.Close()
	for r := wlog.NewReader(segments); r.Next(); { // it ends at the damage
		if err := w.Log(r.Record()); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	return nil
}
