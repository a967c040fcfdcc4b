package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/rules"
)

// receiver takes posted alerts without a network, and answers as it is told.
type receiver struct {
	mu     sync.Mutex
	answer func(body []alert) (int, error) // nil: 200
	got    []received                      // what was answered with 200
	posts  int
}

type received struct {
	at time.Time
	alert
}

func (r received) firing() bool { return r.EndsAt.After(r.at) }

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var alerts []alert
	if err := json.Unmarshal(body, &alerts); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts++
	status := http.StatusOK
	if r.answer != nil {
		if status, err = r.answer(alerts); err != nil {
			return nil, err
		}
	}
	if status == http.StatusOK {
		for _, a := range alerts {
			r.got = append(r.got, received{time.Now(), a})
		}
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader("said")), Header: http.Header{}}, nil
}

func (r *receiver) answers(f func([]alert) (int, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// posted is how many posts there were.
func (r *receiver) posted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posts
}

// forget drops what was taken.
func (r *receiver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = nil
}

// taken is what was taken, as "name firing" and "name resolved".
func (r *receiver) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var s []string
	for _, g := range r.got {
		state := "resolved"
		if g.firing() {
			state = "firing"
		}
		s = append(s, g.Labels["alertname"]+" "+state)
	}
	return s
}

func (r *receiver) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := r.taken(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("taken: got %q, want %q", got, want)
	}
}

// newBox is an outbox that runs until the bubble ends, its file in dir.
func newBox(t *testing.T, dir string, r *receiver) *outbox {
	t.Helper()
	external, _ := url.Parse("https://toban.example.jp/sub")
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	to := &post{client: &http.Client{Transport: r}, url: "http://toban" + alertsPath}
	b := newOutbox(to, firingFile(filepath.Join(dir, "alerts.json")), external, newFigures(prometheus.NewRegistry()), log)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { b.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return b
}

// fire is an alert that a rule has evaluated to firing now, valid for 4 min.
func fire(name string, more ...string) *rules.Alert {
	now := time.Now()
	return &rules.Alert{
		State: rules.StateFiring, Labels: labels.FromStrings(append([]string{"alertname", name}, more...)...),
		Annotations: labels.FromStrings("summary", "it is down"), FiredAt: now, ValidUntil: now.Add(4 * time.Minute),
	}
}

func heal(a *rules.Alert) *rules.Alert {
	b := *a
	b.State, b.ResolvedAt = rules.StateInactive, time.Now()
	return &b
}

func TestAnAlertIsToldAtOnceAndAgainAsOftenAsTheRulesSay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		b := newBox(t, dir, r)
		began := time.Now()
		a := fire("Down", "instance", "web-1")
		b.take(t.Context(), `up{job="web"} == 0`, a)
		r.want(t, "Down firing")
		if got := r.got[0]; !got.at.Equal(began) || !got.EndsAt.Equal(began.Add(4*time.Minute)) || got.Annotations["summary"] != "it is down" {
			t.Errorf("told: got %+v, want it at %s, valid for 4 min", got, began)
		}
		if got, want := r.got[0].GeneratorURL, "https://toban.example.jp/sub/explore?expr=up%7Bjob%3D%22web%22%7D+%3D%3D+0"; got != want {
			t.Errorf("generatorURL: got %s, want %s", got, want)
		}
		time.Sleep(time.Minute)
		b.take(t.Context(), "up", a)
		r.want(t, "Down firing", "Down firing")
		b.take(t.Context(), "up", heal(a))
		r.want(t, "Down firing", "Down firing", "Down resolved")
		time.Sleep(time.Minute)
		b.take(t.Context(), "up", heal(a)) // rules repeat it for 15 minutes
		r.want(t, "Down firing", "Down firing", "Down resolved")
	})
}

func TestWhatCouldNotBeToldIsToldAgainUntilItIsTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		b := newBox(t, dir, r)
		r.answers(func([]alert) (int, error) { return http.StatusServiceUnavailable, nil })
		a, other := fire("Down"), fire("Slow")
		b.take(t.Context(), "up", a)
		b.take(t.Context(), "slow", other)
		time.Sleep(time.Minute)
		b.take(t.Context(), "up", heal(a)) // before its beginning was ever taken
		time.Sleep(30 * time.Minute)       // longer than rules remember an end
		if n := r.posted(); n > 400 {
			t.Errorf("posts in 31 minutes: got %d, want at most one in 5 s", n)
		}
		r.answers(func([]alert) (int, error) { return 0, errors.New("refused") })
		time.Sleep(time.Minute)
		r.answers(nil)
		time.Sleep(lastRetry)
		synctest.Wait()
		got := strings.Join(r.taken(), ", ")
		if !strings.Contains(got, "Down resolved") || !strings.Contains(got, "Slow") || len(r.taken()) != 2 {
			t.Errorf("taken: got %s, want the end of Down and Slow, each once", got)
		}
	})
}

func TestAnInvalidAlertNeverHoldsUpItsNeighbours(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		r.answers(func(body []alert) (int, error) {
			for _, a := range body {
				if a.Labels["alertname"] == "Bad" {
					return http.StatusBadRequest, nil
				}
			}
			return http.StatusOK, nil
		})
		b := newBox(t, dir, r)
		b.take(t.Context(), "up", fire("One"), fire("Bad"), fire("Two"))
		r.want(t, "One firing", "Two firing")
		posts := r.posted()
		time.Sleep(time.Hour)
		if n := r.posted(); n != posts {
			t.Errorf("posts after a refusal: got %d more, want none", n-posts)
		}
	})
}

func TestLabelsAreThoseOfAPrometheusAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		b := newBox(t, dir, r)
		b.apply(dressing{
			external: labels.FromStrings("site", "tokyo", "replica", "a", "job", "other"),
			relabel: []*relabel.Config{
				{Action: relabel.LabelDrop, Regex: relabel.MustNewRegexp("replica"), NameValidationScheme: model.UTF8Validation},
				{
					Action: relabel.Drop, SourceLabels: model.LabelNames{"alertname"}, Regex: relabel.MustNewRegexp("Quiet"),
					NameValidationScheme: model.UTF8Validation,
				},
			},
		})
		b.take(t.Context(), "up", fire("Down", "job", "web"), fire("Quiet"))
		r.want(t, "Down firing")
		want := map[string]string{"alertname": "Down", "job": "web", "site": "tokyo"}
		if got := r.got[0].Labels; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("labels: got %v, want %v", got, want)
		}
	})
}

func TestThousandsOfAlertsAreToldInTheirOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		b := newBox(t, dir, r)
		var many []*rules.Alert
		for i := range maxAlerts + 5 {
			many = append(many, fire("Down", "instance", fmt.Sprint(i)))
		}
		b.take(t.Context(), "up", many...)
		synctest.Wait()
		if last := len(r.got) - 1; last != maxAlerts || r.got[last].Labels["alertname"] != overflowName {
			t.Fatalf("taken: got %d, want %d, and that five found no place", len(r.got), maxAlerts)
		}
		for i, g := range r.got[:maxAlerts] {
			if g.Labels["instance"] != fmt.Sprint(i) {
				t.Fatalf("the %dth told is %s", i, g.Labels["instance"])
			}
		}
		if want := (maxAlerts + batchSize) / batchSize; r.posted() != want {
			t.Errorf("posts: got %d, want %d", r.posted(), want)
		}
	})
}

func TestWhatWasToldOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		first := &receiver{}
		began := time.Now()
		a := fire("Down")
		killed := newBox(t, dir, first)
		killed.take(t.Context(), "up", a, fire("Healed"), fire("Gone"))
		first.want(t, "Down firing", "Healed firing", "Gone firing")

		time.Sleep(10 * time.Minute)
		second := &receiver{}
		b := newBox(t, dir, second)
		good := rule("Healed", rules.HealthGood)
		stillDown := rule("Down", rules.HealthGood)
		quiet := time.Now().Add(5 * time.Minute)

		// Still firing: told again, since when it has really been.
		b.take(t.Context(), "up", fire("Down"))
		second.want(t, "Down firing")
		if got := second.got[0].StartsAt; !got.Equal(began) {
			t.Errorf("startsAt: got %s, want %s", got, began)
		}
		// Nothing is resolved before the samples had time to come back: all stand …
		b.settle(time.Now(), quiet, []*rules.AlertingRule{good, rule("Down", rules.HealthUnknown)}, true)
		synctest.Wait()
		if got := len(second.taken()); got != 3 || strings.Contains(fmt.Sprint(second.taken()), "resolved") {
			t.Fatalf("taken: got %q, want all three firing", second.taken())
		}
		time.Sleep(5 * time.Minute)
		second.forget()
		// … nor by a rule that can't be evaluated, nor while rule files are left out.
		b.settle(time.Now(), quiet, []*rules.AlertingRule{rule("Healed", rules.HealthBad), rule("Down", rules.HealthUnknown)}, false)
		synctest.Wait()
		if got := len(second.taken()); got != 3 || strings.Contains(fmt.Sprint(second.taken()), "resolved") {
			t.Fatalf("taken: got %q, want all three renewed", second.taken())
		}
		second.forget()
		b.settle(time.Now(), quiet, []*rules.AlertingRule{good, rule("Down", rules.HealthUnknown)}, false)
		second.want(t, "Healed resolved")
		b.settle(time.Now(), quiet, []*rules.AlertingRule{good, rule("Down", rules.HealthUnknown)}, true)
		second.want(t, "Healed resolved", "Gone resolved")
		b.settle(time.Now(), quiet, []*rules.AlertingRule{good, stillDown}, true) // it is seen by no rule any more
		second.want(t, "Healed resolved", "Gone resolved", "Down resolved")

		time.Sleep(keepEvery)
		synctest.Wait()
		if left := firingFile(filepath.Join(dir, "alerts.json")).read(slog.New(slog.DiscardHandler)); len(left) != 0 {
			t.Errorf("left in the file: got %v, want nothing", left)
		}
	})
}

// rule is an alerting rule that has been evaluated with that health, and found
// nothing.
func rule(name string, health rules.RuleHealth) *rules.AlertingRule {
	expr, err := newParser().ParseExpr("up == 0")
	if err != nil {
		panic(err) // a constant
	}
	r := rules.NewAlertingRule(name, expr, 0, 0, labels.EmptyLabels(), labels.EmptyLabels(), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	r.SetHealth(health)
	r.SetEvaluationTimestamp(time.Now())
	return r
}

func TestADamagedFileOfAlertsIsNoReasonNotToStart(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"alerts.json": `{"version":1,"alerts":[{`})
	var said bytes.Buffer
	kept := firingFile(filepath.Join(dir, "alerts.json"))
	if got := kept.read(slog.New(slog.NewTextHandler(&said, nil))); got != nil {
		t.Errorf("got %v, want nothing", got)
	}
	if !strings.Contains(said.String(), "alerts.json") {
		t.Errorf("log: got %q, want the file named", said.String())
	}
	if err := kept.write(nil); err != nil {
		t.Error(err)
	}
}

func TestAnAddressForAlertsIsAURLOrASocket(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"unix:/run/core.sock":                               "http://toban/alertmanager/api/v2/alerts",
		"http://127.0.0.1:8080":                             "http://127.0.0.1:8080/alertmanager/api/v2/alerts",
		"https://toban.example.jp/sub/":                     "https://toban.example.jp/sub/alertmanager/api/v2/alerts",
		"http://alertmanager.example.jp:9093/api/v2/alerts": "http://alertmanager.example.jp:9093/api/v2/alerts",
	} {
		if p, err := newPost(address, ""); err != nil || p.url != want {
			t.Errorf("%s: got %+v (%v), want %s", address, p, err, want)
		}
	}
	if _, err := newPost("ftp://user:secret@x", ""); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error without the password", err)
	}
}
