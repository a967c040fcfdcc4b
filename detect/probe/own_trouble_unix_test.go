//go:build unix

package probe

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// noFiles is set for the process that has no free file.
const noFiles = "TOBAN_TEST_NO_FILES"

func TestWithoutAFreeFileNothingIsSaidOfAnyTarget(t *testing.T) {
	t.Parallel()
	if os.Getenv(noFiles) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), noFiles+"=1")
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "asked without a file") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	var open []*os.File
	defer func() {
		for _, f := range open {
			f.Close()
		}
	}()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		open = append(open, f)
	}
	modules, problems := Load([]byte("modules: { http: { prober: http }, tcp: { prober: tcp }, icmp: { prober: icmp }, dns: { prober: dns, dns: { query_name: example.jp } }, certificate: { prober: certificate }, grpc: { prober: grpc } }"))
	if len(modules) != 6 {
		t.Fatal(problems)
	}
	for name, target := range map[string]string{
		"http": "http://127.0.0.1:1/", "tcp": "127.0.0.1:1", "icmp": "127.0.0.1", "dns": "127.0.0.1:1", "certificate": "127.0.0.1:1", "grpc": "127.0.0.1:1",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		r := modules[name].Checker(Options{Guard: Guard{AllowPrivate: true}}).Check(ctx, target)
		cancel()
		if r.Up || !r.Reason.OwnTrouble() {
			t.Errorf("%s: got %s (%s), want toban's own trouble", name, r.Reason, r.Message)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if r := modules["http"].Checker(Options{}).Check(ctx, "http://nobody.example.jp/"); !r.Reason.OwnTrouble() {
		t.Errorf("a name: got %s (%s), want toban's own trouble", r.Reason, r.Message)
	}
	t.Log("asked without a file")
}
