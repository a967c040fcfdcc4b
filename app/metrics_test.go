package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/app"
)

// seen is what the played Prometheus says of a question.
type seen struct {
	Query         string   `json:"query"`
	Hups          int      `json:"hups"`
	Written       int      `json:"written"`
	PID           int      `json:"pid"`
	Args          []string `json:"args"`
	Authorization string   `json:"authorization"`
	Cookie        string   `json:"cookie"`
	Env           []string `json:"env"`
}

// visitor asks one toban as one who has a token.
type visitor struct {
	t      *testing.T
	url    string
	secret string // of a token or key; "" = none
}

// visit makes a token of that role.
func (h *house) visit(a *app.App, role string) visitor {
	h.t.Helper()
	status, doc := h.do(http.MethodPost, "/api/v1/tokens", `{"name":"test","role":"`+role+`"}`)
	secret, ok := doc["secret"].(string)
	if status != http.StatusCreated || !ok {
		h.t.Fatalf("no token: %d %v", status, doc)
	}
	return visitor{h.t, "http://" + a.Addr(), secret}
}

func (v visitor) do(method, path, body string) (int, http.Header, []byte) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if v.secret != "" {
		req.Header.Set("Authorization", "Bearer "+v.secret)
	}
	req.Header.Set("Cookie", "toban=secret")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, res.Header, said
}

// ask asks the Prometheus, and waits until it is there.
func (v visitor) ask(query string) (s seen) {
	v.t.Helper()
	eventually(v.t, func() error {
		status, _, body := v.do(http.MethodGet, "/prometheus/api/v1/query?query="+query, "")
		if status != http.StatusOK {
			return fmt.Errorf("got %d %s", status, body)
		}
		return json.Unmarshal(body, &s)
	})
	return s
}

// eventually tries f again until it returns nil.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	deadline := time.NewTimer(15 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

func code(body []byte) string {
	var doc struct{ Code string }
	_ = json.Unmarshal(body, &doc) // what is no document has no code
	return doc.Code
}

// titles are those of the open incidents.
func (h *house) titles() (all []string) {
	h.t.Helper()
	_, doc := h.do(http.MethodGet, "/api/v1/incidents?state=open", "")
	list, _ := doc["incidents"].([]any)
	for _, each := range list {
		all = append(all, fmt.Sprint(each.(map[string]any)["title"]))
	}
	return all
}

func (h *house) waitFor(title string) {
	h.t.Helper()
	eventually(h.t, func() error {
		if all := h.titles(); !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, title) }) {
			return fmt.Errorf("got the incidents %q, want %q among them", all, title)
		}
		return nil
	})
}

func TestTheMetricsRunAsAChildAndAnswerThroughTheMainListener(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.o.Config = h.load(folder + "metrics: { retention: 30d, size: 1GB, memory: 300MiB, rules: [ mine ] }\n")
	a, _ := h.start()
	v := h.visit(a, "viewer")
	s := v.ask("up")
	args := strings.Join(s.Args, " ")
	for _, want := range []string{
		"--data " + filepath.Join(h.o.Data, "metrics"), "--listen unix:" + filepath.Join(h.o.Data, "metrics.sock"),
		"--alerts unix:" + filepath.Join(h.o.Data, "core.sock"), "--core unix:" + filepath.Join(h.o.Data, "core.sock"), "--retention 2592000s", "--size 1024MiB", "--memory 300MiB", "--until-stdin-closes",
		"--external-url http://" + a.Addr(), "--monitors " + filepath.Join(h.o.Data, "monitor-rules"),
	} {
		if !strings.Contains(args+" ", want+" ") {
			t.Errorf("got the arguments %s, want %s among them", args, want)
		}
	}
	if s.Query != "up" || s.Authorization != "" || s.Cookie != "" {
		t.Errorf("got %+v, want the question and neither token nor cookie", s)
	}
	status, header, _ := v.do(http.MethodPost, "/prometheus/api/v1/query?query=up", "")
	if status != http.StatusOK || header.Get("Set-Cookie") != "" || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("got %d %v, want an answer that can do nothing in toban's name", status, header)
	}
	if info, err := os.Stat(filepath.Join(h.o.Data, "core.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v for the socket of alerts, want it closed to others", info, err)
	}
	if status, _, body := (visitor{t, v.url, ""}).do(http.MethodGet, "/prometheus/api/v1/query?query=up", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token got %d %s, want 401", status, body)
	}
}

func TestAnAlertOfTheChildOpensAnIncident(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.o.Config = h.load(folder + "metrics: {}\n")
	a, _ := h.start()
	h.visit(a, "viewer").ask("alert")
	h.waitFor("disk full")
}

func TestAGreedyQueryEndsTheChildAndNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.o.Config = h.load(folder + "metrics: {}\n")
	a, _ := h.start()
	v := h.visit(a, "viewer")
	first := v.ask("up").PID
	status, header, body := v.do(http.MethodGet, "/prometheus/api/v1/query?query=greedy", "")
	if status != http.StatusServiceUnavailable || code(body) != "metrics.down" || header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 503 metrics.down", status, body)
	}
	if got := post(t, v.url+"/integrations/alertmanager/a-key-of-sixteen-or-more", firing); got != http.StatusAccepted {
		t.Errorf("got %d for an alert meanwhile, want it accepted", got)
	}
	if second := v.ask("up").PID; second == first {
		t.Error("the same process answers")
	}
	h.waitFor("toban: the metrics process does not work")
	if res, err := http.Get(v.url + "/readyz"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %v, %v, want toban ready whatever becomes of its child", res, err)
	}
}

func TestChangedFilesAreReadAgainWithoutARestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.o.Config = h.load(folder + "metrics: {}\n")
	a, _ := h.start()
	v := h.visit(a, "viewer")
	first := v.ask("up")
	a.Apply(h.load(folder + "metrics: {}\n")) // SIGHUP
	eventually(t, func() error {
		if s := v.ask("up"); s.Hups == 0 || s.PID != first.PID {
			return fmt.Errorf("got %+v, want the same process to have been told", s)
		}
		return nil
	})
	a.Apply(h.load(folder + "metrics: { memory: 400MiB }\n"))
	eventually(t, func() error {
		s := v.ask("up")
		if s.PID == first.PID || !slices.Contains(s.Args, "400MiB") {
			return fmt.Errorf("got %v, want another process with another limit", s.Args)
		}
		return nil
	})
	a.Apply(h.load(folder + "metrics: { enabled: false }\n"))
	eventually(t, func() error {
		if status, _, body := v.do(http.MethodGet, "/prometheus/api/v1/query?query=up", ""); code(body) != "metrics.off" {
			return fmt.Errorf("got %d %s, want metrics.off", status, body)
		}
		return nil
	})
}

func TestWhatIsNotConfiguredDoesNotRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.o.Config = h.load(folder)
	a, _ := h.start()
	if status, _, body := h.visit(a, "viewer").do(http.MethodGet, "/prometheus/api/v1/query?query=up", ""); status != http.StatusNotFound || code(body) != "metrics.off" {
		t.Errorf("got %d %s, want 404 metrics.off", status, body)
	}
	if _, err := os.Stat(filepath.Join(h.o.Data, "metrics")); err == nil {
		t.Error("there is a folder of metrics")
	}
}

func TestAProgramWithoutMetricsSaysSoAtItsStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder + "metrics: {}\n")
	if _, err := app.New(t.Context(), h.o); err == nil || !strings.Contains(err.Error(), "metrics.url") {
		t.Errorf("got %v, want a refusal that names another way", err)
	}
}

func TestSamplesTakeATokenOrAKeyOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.env["AGENT_KEY"] = "a-key-for-samples-alone"
	h.o.Config = h.load(strings.Replace(folder, "integrations: {", "integrations: { agents: { dialect: remote_write, key: env:AGENT_KEY },", 1) + "metrics: {}\n")
	a, _ := h.start()
	viewer, manager := h.visit(a, "viewer"), h.visit(a, "manager")
	viewer.ask("up")
	for _, tc := range []struct {
		name   string
		who    visitor
		status int
	}{
		{"nobody", visitor{t, viewer.url, ""}, http.StatusForbidden},
		{"a guess", visitor{t, viewer.url, "guess"}, http.StatusForbidden},
		{"a key for alerts", visitor{t, viewer.url, "a-key-of-sixteen-or-more"}, http.StatusNotFound},
		{"a viewer's token", viewer, http.StatusForbidden},
		{"a manager's token", manager, http.StatusNoContent},
		{"a key for samples", visitor{t, viewer.url, "a-key-for-samples-alone"}, http.StatusNoContent},
	} {
		if status, _, body := tc.who.do(http.MethodPost, "/prometheus/api/v1/write", "0123456789"); status != tc.status {
			t.Errorf("%s: got %d %s, want %d", tc.name, status, body, tc.status)
		}
	}
	if got := viewer.ask("up").Written; got != 20 {
		t.Errorf("got %d bytes written, want those of the two that may", got)
	}
	if status, _, body := (visitor{t, viewer.url, "a-key-for-samples-alone"}).do(http.MethodGet, "/prometheus/api/v1/query?query=up", ""); status != http.StatusUnauthorized {
		t.Errorf("reading with the key for samples: got %d %s, want 401", status, body)
	}
	if status, _, body := manager.do(http.MethodPost, "/prometheus/api/v1/write", strings.Repeat("x", 9<<20)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s for 9 MiB, want 413", status, body)
	}
}

func TestAPrometheusOfOnesOwnTakesThePlaceOfTheChild(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user, password, _ := r.BasicAuth()
		asked = append(asked, r.Method+" "+r.URL.Path+" "+user+":"+password)
		if r.URL.Query().Get("query") == "refused" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	defer own.Close()
	h := newHouse(t)
	h.env["PROM_PASSWORD"] = "s3cret"
	h.o.Config = h.load(folder + "metrics: { url: " + own.URL + "/prom, user: toban, password: env:PROM_PASSWORD }\n")
	a, _ := h.start()
	v := h.visit(a, "viewer")
	v.ask("up")
	status, header, _ := v.do(http.MethodGet, "/prometheus/api/v1/query?query=refused", "")
	if status != http.StatusUnauthorized || header.Get("WWW-Authenticate") != "" {
		t.Errorf("got %d %v, want a browser not to ask for a password of somebody else's", status, header)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "GET /prom/api/v1/query toban:s3cret"; !slices.Contains(asked, want) {
		t.Errorf("got %q, want %q", asked, want)
	}
	if _, err := os.Stat(filepath.Join(h.o.Data, "metrics")); err == nil {
		t.Error("there is a folder of metrics")
	}
}

func TestASecretThatIsMissingIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Config = h.load(folder + "metrics: { url: https://prom.example.jp, token: env:NOT_SET }\n")
	if _, err := app.New(t.Context(), h.o); err == nil || !strings.Contains(err.Error(), "NOT_SET") {
		t.Errorf("got %v, want the name of what is missing", err)
	}
}

func TestAMonitorInPromQLIsCheckedEvaluatedAndMissedWhenItIsNot(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.o.Metrics = true
	h.o.Config = h.load(folder + "monitors: { good: { promql: up == 0 }, bad: { promql: up == == 1 } }\n") // at a start it is a warning
	a, _ := h.start()
	manager := h.visit(a, "manager")
	eventually(t, func() error {
		status, _, body := manager.do(http.MethodGet, "/api/v1/monitors", "")
		var got struct {
			Monitors []struct{ Name, State, Problem string } `json:"monitors"`
		}
		if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK {
			return fmt.Errorf("got %d %s", status, body)
		}
		for _, m := range got.Monitors {
			if want := map[string]string{"good": "up", "bad": "unknown"}[m.Name]; m.State != want || (m.Problem != "") != (m.Name == "bad") {
				return fmt.Errorf("got %+v, want the one that is evaluated up and the other one unknown with the reason", m)
			}
		}
		if len(got.Monitors) != 2 {
			return fmt.Errorf("got %s", body)
		}
		return nil
	})
	put := func(promql string) (int, string) {
		status, _, body := manager.do(http.MethodPut, "/api/v1/monitors/disk", `{"promql":"`+promql+`"}`)
		return status, string(body)
	}
	if status, body := put("up == == 1"); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest || !strings.Contains(body, "/promql") || !strings.Contains(body, "line 1, column 7 of the expression") {
		t.Errorf("got %d %s, want a refusal with field, line and column", status, body)
	}
	if status, body := put("up == 1"); status >= 300 {
		t.Errorf("got %d %s, want it taken", status, body)
	}
}
