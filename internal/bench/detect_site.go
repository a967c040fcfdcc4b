package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// watch is a toban that watches targets, with its metrics process.
type watch struct {
	*site
	targets *targets
	began   time.Time // when it was started
	family  family
	api     *http.Client // of the metrics process
}

// rulesOfBoth are evaluated every 15 s by toban and by the Prometheus that it is
// compared with.
const rulesOfBoth = `groups:
  - name: sites
    interval: 15s
    rules:
      - { alert: SiteDown, expr: probe_success == 0, for: 30s }
      - { alert: SiteSlow, expr: 'avg_over_time(probe_duration_seconds[5m]) > 1', for: 5m }
      - { alert: CertificateEnds, expr: probe_ssl_earliest_cert_expiry - time() < 14 * 86400 }
`

// watchTargets prepares a toban with these monitors, one YAML mapping a line,
// and with n targets that they may name.
func (r *runner) watchTargets(ctx context.Context, n int, monitors func(t *targets) []string) (*watch, error) {
	s, err := r.newSite(ctx, sqlite, 0)
	if err != nil {
		return nil, err
	}
	w := &watch{site: s}
	before := s.close
	s.close = func() error {
		if w.api != nil {
			w.api.CloseIdleConnections()
		}
		err := before()
		if w.targets != nil {
			err = errors.Join(err, w.targets.close())
		}
		return err
	}
	if w.targets, err = newTargets(ctx, n); err != nil {
		return nil, closed(s, err)
	}
	if err := w.write(monitors(w.targets)); err != nil {
		return nil, closed(s, err)
	}
	return w, nil
}

// monitorsAFile keeps each file below the size that is read.
const monitorsAFile = 1000

func (w *watch) write(monitors []string) error {
	if err := os.WriteFile(w.rules(), []byte(rulesOfBoth), 0o600); err != nil {
		return err
	}
	for name, text := range w.files(monitors) {
		if err := os.WriteFile(filepath.Join(w.config(), name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) rules() string { return filepath.Join(w.dir, "rules.yml") }

// files are what the configuration has besides the people.
func (w *watch) files(monitors []string) map[string]string {
	files := map[string]string{"metrics.yaml": fmt.Sprintf("metrics: { rules: [ %q ] }\n", w.rules())}
	for i := 0; i < len(monitors); i += monitorsAFile {
		some := monitors[i:min(i+monitorsAFile, len(monitors))]
		files[fmt.Sprintf("monitors%d.yaml", i/monitorsAFile)] = "monitors:\n  " + strings.Join(some, "\n  ") + "\n"
	}
	return files
}

// run starts the toban and returns when its metrics process answers.
func (w *watch) run(ctx context.Context) error {
	w.began = time.Now()
	if err := w.start(ctx); err != nil {
		return err
	}
	socket := filepath.Join(w.data(), "metrics.sock")
	w.api = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	if err := answers(ctx, w.api, "http://metrics/prometheus/-/ready"); err != nil {
		return fmt.Errorf("the metrics process: %w\n%s", err, w.child.said)
	}
	of := w.child.cmd.Process.Pid
	metrics, err := started(of, "metrics")
	if err != nil {
		return err
	}
	w.family = family{of, metrics}
	return nil
}

// answers asks until the answer is 200.
func answers(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for at := time.Now(); until(ctx, at); at = time.Now().Add(2 * time.Millisecond) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		res, err := client.Do(r)
		if err != nil {
			continue // it does not listen yet
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("%s does not answer: %w", url, ctx.Err())
}

// probeMonitors are n monitors of as many targets, as people write them.
func probeMonitors(n int, every time.Duration, more string) func(t *targets) []string {
	return func(t *targets) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("t%d: { http: %q, every: %s, service: %s, private: true%s }", i, t.url(i), every, quietService, more))
		}
		return all
	}
}
