package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
)

// reader is somebody with the first account, at a browser without scripts.
type reader struct {
	toban  *harness.Toban
	client *http.Client
}

var oneTimeLink = regexp.MustCompile(`http://\S+(/setup/[a-z0-9]+)`)

func readerOf(t *testing.T, toban *harness.Toban) reader {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := reader{toban, &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	path := ""
	harness.Wait(t, 30*time.Second, "the set-up link in the log", func(context.Context) (bool, error) {
		if found := oneTimeLink.FindStringSubmatch(toban.Log()); found != nil {
			path = found[1]
		}
		return path != "", nil
	})
	const password = "correct-horse-battery"
	form := url.Values{"account": {"reader"}, "password": {password}, "again": {password}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, toban.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // only for the text
		t.Fatalf("no account: %s %s", res.Status, said)
	}
	return r
}

// page is a page in English.
func (r reader) page(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.toban.URL+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept-Language", "en")
	res, err := r.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is %s", path, res.Status)
	}
	return string(body), err
}

// shows waits until a page says all of it.
func (r reader) shows(t *testing.T, path string, wants ...string) {
	t.Helper()
	harness.Wait(t, time.Minute, path+" shows what was measured", func(ctx context.Context) (bool, error) {
		body, err := r.page(ctx, path)
		for _, want := range wants {
			if err == nil && !strings.Contains(body, want) {
				err = fmt.Errorf("it does not say %q", want)
			}
		}
		return err == nil, err
	})
}

// What a monitor measures goes to the metrics process and comes back as charts;
// what a query gets wrong is shown where it is.
func TestWhatAMonitorMeasuresIsDrawn(t *testing.T) {
	t.Parallel()
	_, address := telephones(t)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	t.Cleanup(target.Close)
	toban := harness.New(t, "sqlite", func(listen string) string {
		return basics("http://"+listen, address) + pairs(1, "60s", "3s") +
			"monitors:\n  shop: { http: " + target.URL + ", every: 1s, service: " + service(0) + ", private: true }\n"
	})
	environment(toban)
	toban.Start()
	r := readerOf(t, toban)
	ask := func(expr, span string) string {
		return "/explore?" + url.Values{"expr": {expr}, "range": {span}}.Encode()
	}
	r.shows(t, "/explore", "To begin with", "topk(5, avg_over_time(probe_duration_seconds[5m]))", `<option value="probe_success">`)
	r.shows(t, ask(`probe_success{monitor="shop"}`, "15m"), `<g class="line line-1">`, "1 series", `<data value="1">1</data>`)
	r.shows(t, ask(`sum by (target) (rate(uptime_checks_total[1m]))`, "15m"), `<g class="line line-1">`, "How fast a counter grows per second", target.URL)
	r.shows(t, ask(`"text"`, "15m"), "text")
	r.shows(t, ask(`rate(probe_success[1m]`, "15m"), "It can&#39;t be read at character 23.", "Something was opened and not closed")
	r.shows(t, ask(`probe_success[1m]`, "15m"), "A name with [5m] is many samples")
	r.shows(t, ask(`rat(probe_success[1m])`, "15m"), "It can&#39;t be read at character 1.", "unknown function")
	r.shows(t, ask(`probe_success * on (location) {__name__=~"probe_success|probe_duration_seconds"}`, "15m"), "The two sides do not match one to one")
	r.shows(t, ask(`nothing_is_called_so`, "15m"), "No series")
	for _, query := range queriesOf(t, "../docs/coming-from-cloudwatch.md") {
		body, err := r.page(t.Context(), ask(query, "15m"))
		if err != nil || strings.Contains(body, "Prometheus can&#39;t answer this") || strings.Contains(body, "It can&#39;t be read") {
			t.Errorf("the page for those who come from CloudWatch has a query that does not work: %s (%v)", query, err)
		}
	}
	r.shows(t, "/monitors/shop?latency=1h", "Half of the checks took at most", "Most of the time goes to", `class="area area-1"`)
}

var fenced = regexp.MustCompile("(?s)```promql\n(.*?)```|promql: '([^']*)'")

// queriesOf are the queries that a page gives as examples.
func queriesOf(t *testing.T, name string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1]+m[2])
	}
	if len(all) < 5 {
		t.Fatalf("%s: found %d queries, want some", name, len(all))
	}
	return all
}
