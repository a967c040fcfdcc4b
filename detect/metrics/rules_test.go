package metrics

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// keepPushing pushes what f makes four times a second until the test or the
// returned function ends it. A child that is not there is passed over.
func keepPushing(t *testing.T, c func() *child, f func() []sample) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			if to := c(); to != nil {
				_, _, _ = to.write(f()...) // best effort, as the core's
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// S1's rules for hosts and the search cluster, as the user wrote them but for
// their times, fire with what the usual exporters say.
func TestTheResourceRulesOfAUserFire(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	quick := strings.NewReplacer("for: 10m", "for: 1s", "for: 5m", "for: 1s", "[5m]", "[4s]").Replace(string(text))
	dir := files(t, map[string]string{"prometheus.yml": "global: { evaluation_interval: 1s }\nrule_files: [ rules.yml ]\n", "rules.yml": quick})
	to := newToban(t)
	c := start(t, filepath.Join(dir, "data"), "--config", filepath.Join(dir, "prometheus.yml"), "--alerts", to.url)

	began := time.Now()
	host := []string{"instance", "web-1:9100"}
	search := []string{"cluster", "search", "name", "node-1"}
	keepPushing(t, func() *child { return c }, func() []sample {
		return []sample{
			{name: "node_cpu_seconds_total", labels: append([]string{"cpu", "0", "mode", "idle"}, host...), value: time.Since(began).Seconds() * 0.02},
			{name: "node_memory_MemAvailable_bytes", labels: host, value: 1 << 28},
			{name: "node_memory_MemTotal_bytes", labels: host, value: 16 << 30},
			{name: "node_filesystem_avail_bytes", labels: append([]string{"fstype", "ext4", "mountpoint", "/"}, host...), value: 1 << 30},
			{name: "node_filesystem_size_bytes", labels: append([]string{"fstype", "ext4", "mountpoint", "/"}, host...), value: 100 << 30},
			{name: "node_filesystem_avail_bytes", labels: append([]string{"fstype", "tmpfs", "mountpoint", "/run"}, host...), value: 0},
			{name: "node_filesystem_size_bytes", labels: append([]string{"fstype", "tmpfs", "mountpoint", "/run"}, host...), value: 1 << 30},
			{name: "elasticsearch_os_cpu_percent", labels: search, value: 97},
			{name: "elasticsearch_jvm_memory_used_bytes", labels: append([]string{"area", "heap"}, search...), value: 95},
			{name: "elasticsearch_jvm_memory_max_bytes", labels: append([]string{"area", "heap"}, search...), value: 100},
			{name: "elasticsearch_filesystem_data_available_bytes", labels: search, value: 5},
			{name: "elasticsearch_filesystem_data_size_bytes", labels: search, value: 100},
			{name: "probe_success", labels: []string{"instance", "https://hoge.example/fuga", "job", "product-A-url"}, value: 0},
		}
	})
	for _, name := range []string{"Host CPU", "Host memory", "Host storage", "Search cluster CPU", "Search cluster memory", "Search cluster storage", "URL Alert(critical)"} {
		got := to.wait(t, name+" firing", 20*time.Second)
		if got.Labels["severity"] == "" {
			t.Errorf("%s: labels %v have lost the severity", name, got.Labels)
		}
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	for _, g := range to.got {
		if g.Labels["fstype"] == "tmpfs" || g.Labels["alertname"] == "URL Alert(warning)" {
			t.Errorf("told %v, which the rules leave out", g.Labels)
		}
	}
}

func downRule(hold string) string {
	return "groups:\n  - name: down\n    interval: 1s\n    rules:\n      - alert: Down\n        expr: shop_up == 0\n        for: " + hold +
		"\n        labels: { severity: critical }\n        annotations: { summary: 'the shop at {{ $labels.instance }} is down' }\n"
}

// The time of a pending alert goes on over a kill -9. It stands still from the
// last evaluation before to the second after, as Prometheus has it: nobody knows
// how the shop was in between.
func TestForGoesOnOverAKill(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"rules.yml": downRule("12s")})
	to := newToban(t)
	args := []string{"--rules", filepath.Join(dir, "rules.yml"), "--alerts", to.url}
	data := filepath.Join(dir, "data")

	var mu sync.Mutex
	c := start(t, data, args...)
	current := func() *child { mu.Lock(); defer mu.Unlock(); return c }
	keepPushing(t, current, func() []sample {
		return []sample{{name: "shop_up", labels: []string{"instance", "a"}, value: 0}}
	})
	var pending time.Time
	eventually(t, 10*time.Second, func() bool {
		v := c.query(`ALERTS_FOR_STATE{alertname="Down"}`)
		if v == "" {
			return false
		}
		at, err := strconv.ParseFloat(v, 64)
		if err != nil {
			t.Fatal(err)
		}
		pending = time.Unix(int64(at), 0)
		return true
	}, c.said)
	eventually(t, 20*time.Second, func() bool { return time.Since(pending) > 5*time.Second }, c.said)
	c.kill()
	next := start(t, data, args...)
	again := time.Now()
	mu.Lock()
	c = next
	mu.Unlock()

	got := to.wait(t, "Down firing", 30*time.Second)
	if got.at.Sub(pending) < 11*time.Second {
		t.Errorf("fired %s after the first failure, want 12 s or more", got.at.Sub(pending))
	}
	// Two evaluations, and what was left of the 12 s.
	if after := got.at.Sub(again); after > 11*time.Second {
		t.Errorf("fired %s after the start, want some 9 s; anew it would have been 12 s or more", after)
	}
	if got, want := got.Annotations["summary"], "the shop at a is down"; got != want {
		t.Errorf("summary: got %q, want %q", got, want)
	}
	if !strings.HasSuffix(got.GeneratorURL, "/explore?expr=shop_up+%3D%3D+0") {
		t.Errorf("generatorURL: got %s, want the explore page", got.GeneratorURL)
	}
}

// What fired before a crash and has healed meanwhile is resolved; what still
// fires goes on as the same alert.
func TestWhatHasHealedWhileItWasDownIsResolved(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"rules.yml": downRule("0s")})
	to := newToban(t)
	args := []string{"--rules", filepath.Join(dir, "rules.yml"), "--alerts", to.url, "--settle", "3s"}
	data := filepath.Join(dir, "data")
	c := start(t, data, args...)
	c.push(sample{name: "shop_up", labels: []string{"instance", "a"}}, sample{name: "shop_up", labels: []string{"instance", "b"}})
	eventually(t, 10*time.Second, func() bool { return len(to.taken()) == 2 }, c.said)
	c.kill()

	c = start(t, data, args...)
	c.push(sample{name: "shop_up", labels: []string{"instance", "a"}, value: 1}, sample{name: "shop_up", labels: []string{"instance", "b"}})
	got := to.wait(t, "Down resolved", 20*time.Second)
	if got.Labels["instance"] != "a" {
		t.Errorf("resolved: got %v, want instance a", got.Labels)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	var began time.Time
	for _, g := range to.got {
		if g.Labels["instance"] != "b" {
			continue
		}
		if began.IsZero() {
			began = g.StartsAt
		}
		if !g.firing() || !g.StartsAt.Equal(began) {
			t.Errorf("instance b: got %+v, want it firing since %s all the time", g, began)
		}
	}
}

// A rule's evaluation is the only wait: what it finds is told within moments.
func TestAlertsAreToldWithinMomentsOfTheirEvaluation(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"rules.yml": downRule("0s")})
	to := newToban(t)
	c := start(t, filepath.Join(dir, "data"), "--rules", filepath.Join(dir, "rules.yml"), "--alerts", to.url)
	c.push(sample{name: "shop_up", labels: []string{"instance", "a"}})
	got := to.wait(t, "Down firing", 10*time.Second)
	took := got.at.Sub(got.StartsAt) // StartsAt is the time of the evaluation
	t.Logf("told %s after the evaluation began", took)
	if took > 250*time.Millisecond {
		t.Errorf("told %s after the evaluation, want moments", took)
	}
}

func TestAToThatIsDownIsToldLater(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"rules.yml": downRule("0s")})
	to := newToban(t)
	to.answers(func([]alert) (int, error) { return 0, fmt.Errorf("down") })
	c := start(t, filepath.Join(dir, "data"), "--rules", filepath.Join(dir, "rules.yml"), "--alerts", to.url)
	c.push(sample{name: "shop_up", labels: []string{"instance", "a"}})
	eventually(t, 10*time.Second, func() bool { return c.metric("toban_metrics_alert_posts_failed_total") > 1 }, c.said)
	c.push(sample{name: "shop_up", labels: []string{"instance", "a"}, value: 1})
	eventually(t, 10*time.Second, func() bool { return c.query(`ALERTS{alertname="Down"}`) == "" }, c.said)
	to.answers(nil)
	to.wait(t, "Down resolved", 10*time.Second)
	eventually(t, 5*time.Second, func() bool { return c.metric("toban_metrics_alerts_waiting") == 0 }, c.said)
}
