package testserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Prometheus starts a Prometheus with that configuration and returns its base
// URL. Each of rules is the text of one rule file; with any, the configuration
// gets a rule_files entry for them and must not have one.
func Prometheus(t T, config string, rules ...string) string {
	t.Helper()
	dir := folder(t)
	if len(rules) > 0 {
		config = strings.TrimRight(config, "\n") + "\nrule_files: [ 'rules-*.yml' ]\n"
	}
	for i, text := range rules {
		write(t, filepath.Join(dir, "rules-"+strconv.Itoa(i)+".yml"), text)
	}
	return serve(t, "prometheus", dir, config, "/-/ready",
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--storage.tsdb.retention.time=1d")
}

// Alertmanager starts an Alertmanager with that configuration and returns its
// base URL. It has no peers.
func Alertmanager(t T, config string) string {
	t.Helper()
	dir := folder(t)
	return serve(t, "prometheus-alertmanager", dir, config, "/-/ready",
		"--storage.path="+filepath.Join(dir, "data"), "--cluster.listen-address=")
}

// Blackbox starts a blackbox exporter with that configuration (its modules) and
// returns its base URL.
func Blackbox(t T, config string) string {
	t.Helper()
	return serve(t, "prometheus-blackbox-exporter", folder(t), config, "/-/healthy")
}

// serve runs one of Prometheus' family, whose flags and ready pages are alike,
// until the test ends.
func serve(t T, name, dir, config, ready string, flags ...string) string {
	t.Helper()
	path, err := find(name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	configFile := filepath.Join(dir, "config.yml")
	write(t, configFile, config)
	p := program{
		path: path, dir: filepath.Dir(path), // an unpacked Alertmanager finds its templates from here
		logFile: filepath.Join(dir, "server.log"), farewell: syscall.SIGKILL,
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for range 3 {
		port, err := freePort()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		address := "127.0.0.1:" + strconv.Itoa(port)
		p.args = append([]string{"--config.file=" + configFile, "--web.listen-address=" + address}, flags...)
		run, err := p.start()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		err = run.wait(ctx, func(ctx context.Context) error { return get(ctx, "http://"+address+ready) })
		if err == nil {
			t.Cleanup(func() { finish(t, name, run, p.logFile) })
			return "http://" + address
		}
		said := tail(p.logFile, 0)
		_ = run.end(syscall.SIGKILL, time.Second) // what it said is the failure to tell
		if !strings.Contains(said, "address already in use") {
			t.Fatalf("%s: %v\n%s", name, err, said)
		}
	}
	t.Fatalf("%s: found no port that stayed free", name)
	return ""
}

// finish kills: these servers hold nothing that anybody reads after the test.
func finish(t T, name string, run *process, logFile string) {
	if t.Failed() {
		t.Logf("%s said:\n%s", name, tail(logFile, 0))
	}
	if err := run.end(syscall.SIGKILL, 5*time.Second); err != nil {
		t.Logf("%s: %v", name, err)
	}
}

func get(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	// A transport of its own, closed at once: no idle connection is left for
	// a test for leaked goroutines to find.
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, resp.Status)
	}
	return nil
}

func folder(t T) string {
	t.Helper()
	dir, remove, err := ownFolder("toban-server-")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Logf("%v", err)
		}
	})
	return dir
}

func write(t T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
}
