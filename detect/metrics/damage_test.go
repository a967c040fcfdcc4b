package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// history makes a TSDB as a killed process leaves it: blocks of yesterday, and a
// log of the last hours with a checkpoint before it when asked for.
func history(t *testing.T, dir string, blocks int, checkpoint bool) {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.WALSegmentSize = 128 << 10
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.DisableCompactions()
	hour := time.Hour.Milliseconds()
	block := 2 * hour
	now := time.Now().UnixMilli()
	first := now/block*block - int64(blocks+12)*block
	for i := range blocks {
		from := first + int64(i)*block
		fill(t, db, fmt.Sprintf("old%d", i), from, from+block-1, 60_000)
		if err := db.CompactHead(tsdb.NewRangeHead(db.Head(), from, from+block-1)); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, db, "fresh", now-hour, now, 1_000)
	if checkpoint {
		_, last, err := wlog.Segments(filepath.Join(dir, "wal"))
		if err != nil {
			t.Fatal(err)
		}
		w, err := wlog.Open(slog.New(slog.DiscardHandler), filepath.Join(dir, "wal"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wlog.Checkpoint(slog.New(slog.DiscardHandler), w, 0, last/2, func(chunks.HeadSeriesRef) bool { return true }, 0, false); err != nil {
			t.Fatal(err)
		}
		for i := range last/2 + 1 {
			if err := os.Remove(wlog.SegmentName(filepath.Join(dir, "wal"), i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	db.ForceHeadMMap()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill appends ten series.
func fill(t *testing.T, db *tsdb.DB, name string, from, to, step int64) {
	t.Helper()
	refs := make([]storage.SeriesRef, 10)
	for at := from; at <= to; at += step {
		a := db.AppenderV2(context.Background())
		for i := range refs {
			var err error
			l := labels.FromStrings("__name__", name, "n", fmt.Sprint(i))
			if refs[i], err = a.Append(refs[i], l, 0, at, float64(at%1000)/7, nil, nil, storage.AppendV2Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// spoil overwrites bytes of a file from a part of its size on: half of it is 2,
// a tenth 10.
func spoil(t *testing.T, path string, part int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(strings.Repeat("damage", 200)), info.Size()/part); err != nil {
		t.Fatal(err)
	}
}

// one is a path that matches, the first of them.
func one(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing matches %s (%v)", pattern, err)
	}
	return paths[0]
}

const blockPattern = "01????????????????????????"

// Whatever is damaged, it starts, keeps all of the rest, sets what is damaged
// aside and says so.
func TestADamagedTSDBStartsWithWhatIsWhole(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		checkpoint bool
		damage     func(t *testing.T, dir string)
		aside      string // what is found set aside
		blocks     int    // of three
		lost       string // nothing of it is there; "": some of everything
	}{
		{"a block's index", false, func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Truncate(filepath.Join(one(t, filepath.Join(dir, blockPattern)), "index"), 100); err != nil {
				t.Fatal(err)
			}
		}, blockPattern, 2, "old0"},
		{"a block's chunks are gone", false, func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Remove(one(t, filepath.Join(dir, blockPattern, "chunks", "*"))); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(one(t, filepath.Join(dir, blockPattern)), "chunks")); err != nil {
				t.Fatal(err)
			}
		}, blockPattern, 2, "old0"},
		{"a block's meta.json is empty", false, func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Truncate(filepath.Join(one(t, filepath.Join(dir, blockPattern)), "meta.json"), 0); err != nil {
				t.Fatal(err)
			}
		}, blockPattern, 2, "old0"},
		{"a segment of the log", false, func(t *testing.T, dir string) {
			t.Helper()
			segments, err := filepath.Glob(filepath.Join(dir, "wal", "0*"))
			if err != nil || len(segments) < 3 {
				t.Fatalf("segments: %v (%v)", segments, err)
			}
			spoil(t, segments[len(segments)-2], 2)
		}, "log/wal/0*", 3, ""},
		{"a segment of the log is gone", false, func(t *testing.T, dir string) {
			t.Helper()
			segments, _ := filepath.Glob(filepath.Join(dir, "wal", "0*"))
			if err := os.Remove(segments[len(segments)-2]); err != nil {
				t.Fatal(err)
			}
		}, "", 3, ""},
		{"the checkpoint of the log", true, func(t *testing.T, dir string) {
			t.Helper()
			spoil(t, one(t, filepath.Join(dir, "wal", "checkpoint.*", "0*")), 2)
		}, "wal-checkpoint.*/0*", 3, ""},
		{"the head's chunks", false, func(t *testing.T, dir string) {
			t.Helper()
			spoil(t, one(t, filepath.Join(dir, "chunks_head", "0*")), 10) // the rest is empty
		}, "log/chunks_head/0*", 3, ""},
		{"the head's chunks are something else", false, func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(one(t, filepath.Join(dir, "chunks_head", "0*")), []byte(strings.Repeat("no chunks", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "chunks_head", 3, ""},
		{"the folder of the head's chunks is a file", false, func(t *testing.T, dir string) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(dir, "chunks_head")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "chunks_head"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "chunks_head", 3, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			history(t, dir, 3, tc.checkpoint)
			tc.damage(t, dir)
			c := start(t, dir)
			if tc.aside != "" {
				one(t, filepath.Join(dir, "damaged", "2*Z-"+tc.aside))
			}
			if got := c.metric("toban_metrics_damaged_set_aside"); got != 1 {
				t.Errorf("damaged_set_aside: got %v, want 1", got)
			}
			if !strings.Contains(c.said(), "set aside") && !strings.Contains(c.said(), "are missing") {
				t.Errorf("log: got %s, want it said", c.said())
			}
			if blocks, _ := filepath.Glob(filepath.Join(dir, blockPattern)); len(blocks) != tc.blocks {
				t.Errorf("blocks: got %v, want %d", blocks, tc.blocks)
			}
			for _, name := range []string{"old0", "old1", "old2", "fresh"} {
				got := c.query(fmt.Sprintf(`count(count_over_time(%s[3d]))`, name))
				want := "10"
				if name == tc.lost {
					want = ""
				}
				if got != want {
					t.Errorf("series of %s: got %q, want %q", name, got, want)
				}
			}
			c.push(sample{name: "after", value: 1})
			if c.query("after") != "1" {
				t.Error("a new sample is not there")
			}
			if code := c.end(); code != 0 {
				t.Errorf("exit code: got %d, want 0", code)
			}
			if again := start(t, dir); again.query("after") != "1" || again.metric("toban_metrics_damaged_set_aside") != 0 {
				t.Errorf("the next start: got %s", again.said())
			}
		})
	}
}

func TestAWholeTSDBLeavesNothingAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	history(t, dir, 1, true)
	old := filepath.Join(dir, "damaged", "20200101T000000Z-wal")
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	c := start(t, dir)
	if got := c.query(`count(count_over_time(fresh[3d]))`); got != "10" {
		t.Errorf("series: got %q, want 10", got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "damaged", "*")); len(left) != 0 {
		t.Errorf("damaged: got %v, want nothing: what is older than the retention goes", left)
	}
}

// A log that does not fit into memory is set aside after five starts: a pager
// without yesterday's samples is better than none.
func TestALogThatCannotBeReplayedDoesNotKeepItDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	history(t, dir, 1, false)
	if err := os.WriteFile(filepath.Join(dir, "starts"), []byte("4"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, dir)
	if got := c.query(`count(count_over_time(fresh[3d]))`); got != "10" {
		t.Errorf("after four failed starts: got %q series, want 10", got)
	}
	c.kill()
	if err := os.WriteFile(filepath.Join(dir, "starts"), []byte("5"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = start(t, dir)
	one(t, filepath.Join(dir, "damaged", "2*Z-wal", "0*"))
	if got := c.query(`count(count_over_time(old0[3d]))`); got != "10" {
		t.Errorf("series of a block: got %q, want 10", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "starts")); err == nil {
		t.Error("a start that has succeeded is counted as failed")
	}
}

// What has been taken is not lost with the process.
func TestNothingCommittedIsLostByAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pushed := 0
	for round := range 3 {
		c := start(t, dir)
		for range 40 {
			c.push(sample{name: "kept", labels: []string{"n", fmt.Sprint(pushed)}, value: float64(pushed)})
			pushed++
		}
		if got := c.query("count(kept)"); got != fmt.Sprint(pushed) {
			t.Errorf("round %d: got %s series, want %d", round, got, pushed)
		}
		c.kill()
	}
}

// large makes a log of so many series with so many samples, 15 s apart.
func large(t *testing.T, dir string, series, samples int) {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.WALCompression = compression.Snappy
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.DisableCompactions()
	refs := make([]storage.SeriesRef, series)
	names := make([]labels.Labels, series)
	for i := range names {
		names[i] = labels.FromStrings("__name__", "uptime_check_duration_seconds_bucket", "le", fmt.Sprint(i%12), "protocol", "http",
			"target", fmt.Sprintf("https://www%d.example.jp/health", i/12))
	}
	from := time.Now().Add(-time.Duration(samples) * 15 * time.Second)
	for n := range samples {
		a := db.AppenderV2(context.Background())
		at := from.Add(time.Duration(n) * 15 * time.Second).UnixMilli()
		for i := range refs {
			if refs[i], err = a.Append(refs[i], names[i], 0, at+int64(i%7), float64(n*(i%12)), nil, nil, storage.AppendV2Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	db.ForceHeadMMap() // as the running process does every minute
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
