package metrics

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// hours pushes a sample a minute of the last hours, in order.
func (c *child) hours(n int) {
	c.t.Helper()
	var batch []sample
	now := time.Now()
	for at := now.Add(-time.Duration(n) * time.Hour); at.Before(now); at = at.Add(time.Minute) {
		batch = append(batch, sample{name: "kept", value: float64(at.Unix() % 1009), at: at})
		if len(batch) == 500 {
			c.push(batch...)
			batch = nil
		}
	}
	c.push(batch...)
}

func blocksIn(dir string) []string {
	paths, _ := filepath.Glob(filepath.Join(dir, blockPattern))
	return paths
}

// The head becomes blocks, and blocks go when they are too old or too large.
func TestSamplesAreCompactedAndKeptAsLongAsAsked(t *testing.T) {
	t.Parallel()
	t.Run("for long", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		c := start(t, dir)
		c.hours(20)
		eventually(t, 20*time.Second, func() bool { return len(blocksIn(dir)) >= 2 && c.metric("prometheus_tsdb_head_min_time") > 0 }, c.said)
		if got := c.query("count_over_time(kept[24h])"); got != "1200" {
			t.Errorf("samples: got %s, want all 1200", got)
		}
	})
	t.Run("for six hours", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		c := start(t, dir, "--retention", "6h")
		c.hours(20)
		eventually(t, 20*time.Second, func() bool {
			var n int
			_, err := fmt.Sscan(c.query("count_over_time(kept[24h])"), &n)
			return err == nil && n >= 6*60-1 && n < 12*60
		}, func() string { return c.query("count_over_time(kept[24h])") + " samples; " + c.said() })
	})
	t.Run("within some kilobytes", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		c := start(t, dir, "--size", "2KB")
		c.hours(20)
		eventually(t, 20*time.Second, func() bool {
			return c.metric("prometheus_tsdb_size_retentions_total") > 0 && len(blocksIn(dir)) == 0
		}, c.said)
	})
}

// Ten thousand series of two hours are there within a second of the start.
func TestTheStartIsQuick(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	series := 10_000
	if underRace {
		series /= 15
	}
	large(t, dir, series, 480)
	c := start(t, dir)
	held := c.metric("prometheus_tsdb_head_series")
	c.kill()
	worked := c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
	t.Logf("ready after %s, %s of work, with %v series", c.took, worked, held)
	if held != float64(series) {
		t.Errorf("series: got %v, want %d", held, series)
	}
	// What it takes on a machine that does nothing else is its work over two
	// cores; other tests run beside this one.
	if worked > 2*time.Second {
		t.Errorf("work until it was ready: got %s, want at most 2 s", worked)
	}
}
