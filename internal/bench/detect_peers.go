package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"toban/internal/testserver"
)

// others have toban's work done by Debian's blackbox exporter and Prometheus,
// which asks the first for each target.
func (r *runner) others(ctx context.Context, n int, every time.Duration) (m spell, err error) {
	t, err := newTargets(ctx, n)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	var there servers
	defer there.end()
	var config strings.Builder
	fmt.Fprintf(&config, "global: { scrape_interval: %[1]s, scrape_timeout: %[2]s, evaluation_interval: %[1]s }\nscrape_configs:\n", every, min(every, 10*time.Second))
	began := time.Now()
	var family family
	err = there.run(func(s testserver.T) error {
		blackbox := testserver.Blackbox(s, "modules: { http_2xx: { prober: http, timeout: 10s, http: { preferred_ip_protocol: ip4 } } }\n")
		address := strings.TrimPrefix(blackbox, "http://")
		fmt.Fprintf(&config, `  - job_name: sites
    metrics_path: /probe
    params: { module: [ http_2xx ] }
    relabel_configs:
      - { source_labels: [ __address__ ], target_label: __param_target }
      - { source_labels: [ __param_target ], target_label: instance }
      - { target_label: __address__, replacement: %q }
    static_configs:
      - targets:
`, address)
		for i := range n {
			fmt.Fprintf(&config, "          - %q\n", t.host(i))
		}
		prometheus := testserver.Prometheus(s, config.String(), rulesOfBoth)
		for _, server := range []string{blackbox, prometheus} {
			pid, err := started(os.Getpid(), "--web.listen-address="+strings.TrimPrefix(server, "http://"))
			if err != nil {
				return err
			}
			family = append(family, pid)
		}
		return nil
	})
	if err != nil {
		return m, err
	}
	return r.steady(ctx, t, family, began, every)
}

// servers are what internal/testserver starts for a test, outside of one.
type servers struct {
	ending []func()
	failed atomic.Bool
	said   string
}

// run lets f start servers. As in a test, a server that can't be started ends
// f's goroutine.
func (s *servers) run(f func(t testserver.T) error) error {
	done := make(chan error, 1)
	go func() { // ends with f
		err := errors.New("it was broken off")
		defer func() {
			if s.failed.Load() {
				err = errors.New(s.said)
			}
			done <- err
		}()
		err = f(s)
	}()
	return <-done
}

// end ends them.
func (s *servers) end() {
	for _, each := range slices.Backward(s.ending) {
		each()
	}
}

// Helper implements testserver.T.
func (s *servers) Helper() {}

// Cleanup implements testserver.T.
func (s *servers) Cleanup(f func()) { s.ending = append(s.ending, f) }

// Failed implements testserver.T.
func (s *servers) Failed() bool { return s.failed.Load() }

// Logf implements testserver.T.
func (s *servers) Logf(string, ...any) {}

// Fatalf implements testserver.T.
func (s *servers) Fatalf(format string, args ...any) {
	s.said = fmt.Sprintf(format, args...)
	s.failed.Store(true)
	runtime.Goexit()
}
