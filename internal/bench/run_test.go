package bench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toban/cli"
	"toban/internal/bench"
)

// The test program is also the toban that is measured.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_TEST_IS_TOBAN") != "" && len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, nil))
	}
	os.Setenv("BENCH_TEST_IS_TOBAN", "1")
	os.Exit(m.Run())
}

// names are all figures of the tables in docs/performance.md.
func names() (all []string) {
	all = append(all, "limits.fsync.p99", "limits.http.rate")
	for _, e := range bench.Engines() {
		for _, c := range []string{"c1", "c16", "c64"} {
			for _, f := range []string{"rate", "p50", "p99"} {
				all = append(all, fmt.Sprintf("intake.%s.%s.%s", e, c, f))
			}
		}
		all = append(all,
			"storm."+e+".c64.rate", "call."+e+".idle.p50", "call."+e+".idle.p99", "call."+e+".busy.p99",
			"burst60."+e+".last", "busy_next."+e+".p99", "timer10k."+e+".late_p99", "steps."+e+".rate",
			"page.list."+e+".p50", "page.list."+e+".p99", "page.incident."+e+".p50", "page.incident."+e+".p99")
	}
	all = append(all, "page.list.weight", "page.signed.weight", "live.delay_p99", "live.rss", "live.cpu")
	return append(all, "idle.rss", "start.ready", "binary.size")
}

// Not how fast the machine is, but that each figure is measured, on the program
// itself and on both engines, and that nothing stays behind.
func TestEveryFigureIsMeasured(t *testing.T) {
	tmp := t.TempDir()
	if err := os.Chmod(filepath.Dir(tmp), 0o755); err != nil { // PostgreSQL runs as another user
		t.Fatal(err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	err = bench.Run(t.Context(), bench.Options{
		Program: []string{program}, Bare: []string{program, "bench", "bare"},
		Quick: true, Duration: 100 * time.Millisecond, Waiting: 500, Past: 2000, Progress: t.Output(),
	}, func(f bench.Figure) { got[f.Name] = f.Value })
	if err != nil {
		t.Error(err)
	}
	for _, name := range names() {
		if v, ok := got[name]; !ok || v < 0 || v == 0 && !strings.HasPrefix(name, "timer10k.") {
			t.Errorf("%s: got %v (measured: %v), want a value", name, v, ok)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is measured but not documented", name)
	}
	left, err := filepath.Glob(filepath.Join(tmp, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCtrlCLeavesNothingBehind(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "bench", "--only", "intake", "--engine", "sqlite", "--seconds", "60")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wait(t, "toban has its folder", func() bool {
		found, _ := filepath.Glob(filepath.Join(tmp, "toban-bench-*", "data", "toban.db"))
		return len(found) > 0
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a bench that was interrupted ended as if it were complete")
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// wait looks every 20 ms for half a minute.
func wait(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-tick.C {
		if met() {
			return
		}
	}
	t.Fatalf("after 30 s it does not hold that %s", what)
}
