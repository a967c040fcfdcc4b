package mackerel

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
)

const (
	rawdata = "DOMAIN-ENVIRONMENT.glue.job.make_rawdata.failed"
	alarm   = "DOMAIN-ENVIRONMENT.glue.job.make_alarm.failed"
	pattern = "DOMAIN-ENVIRONMENT.glue.job.*.failed"
)

// S4: each state of the workflow posts 1 when its job has failed and 0 when not.
func TestAJobThatPostsOneIsACriticalAlertAndZeroEndsIt(t *testing.T) {
	inBubble(t, nil, []*oncall.Monitor{failed("rawdata", rawdata)}, func(b *bench) {
		b.post(rawdata, 0)
		b.after(0)
		time.Sleep(time.Hour)
		began := time.Now()
		b.post(rawdata, 1)
		synctest.Wait()
		want := oncall.Signal{
			Integration: "monitors", Key: "rawdata/" + rawdata, GroupKey: "rawdata", Action: oncall.Trigger, Severity: oncall.Critical, Service: "batch",
			Title: "rawdata: the value is above 0", StartsAt: began.UTC(),
			Labels: map[string]string{
				"alertname": "rawdata", "monitor": "rawdata", "kind": "metric", "severity": "critical", "team": "data", "service": "ORGANIZATION", "name": rawdata,
			},
			Annotations: map[string]string{
				"reason": "critical", "summary": rawdata + " is 1 (> 0)", "metric": rawdata, "metric_service": "ORGANIZATION", "value": "1", "threshold": "> 0",
				"point_at": began.UTC().Format(time.RFC3339),
			},
		}
		if diff := cmp.Diff([]oncall.Signal{want}, b.stage.signals); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		b.after(time.Hour, "trigger critical "+want.Title)
		b.post(rawdata, 1) // still bad: nothing new
		b.after(time.Hour)
		b.post(rawdata, 0)
		b.after(0, "resolve critical rawdata: "+rawdata+" is 0")
		b.post(alarm, 1) // nobody watches it
		b.after(time.Hour)
	})
}

func TestOneFormOfNamesIsAnAlertForEachMetric(t *testing.T) {
	inBubble(t, nil, []*oncall.Monitor{failed("jobs", pattern)}, func(b *bench) {
		b.postAll(fmt.Sprintf(`{"name":%q,"time":%d,"value":1}`, rawdata, time.Now().Unix()), fmt.Sprintf(`{"name":%q,"time":%d,"value":1}`, alarm, time.Now().Unix()))
		synctest.Wait()
		keys := map[string]string{}
		for _, s := range b.stage.signals {
			keys[s.Key] = s.GroupKey
		}
		if diff := cmp.Diff(map[string]string{"jobs/" + rawdata: "jobs", "jobs/" + alarm: "jobs"}, keys); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		b.stage.said()
		b.post(alarm, 0)
		b.after(time.Minute, "resolve critical jobs: "+alarm+" is 0")
		list, err := b.m.Status(b.Context(), "jobs")
		if err != nil || len(list) != 2 || list[0].Metric != alarm || list[0].State.Level != oncall.MetricOK || list[1].Why != rawdata+" is 1 (> 0)" {
			t.Errorf("got %+v %v", list, err)
		}
	})
}

func TestAWarningThatGetsWorseIsToldAgainAndSoIsOneThatGetsBetter(t *testing.T) {
	inBubble(t, nil, []*oncall.Monitor{failed("errors", "errors", func(m *oncall.Monitor) {
		five, ten := 5.0, 10.0
		m.Metric.Warning, m.Metric.Critical, m.Metric.Points = &five, &ten, 3
	})}, func(b *bench) {
		said := []string{}
		for _, v := range []float64{6, 6, 30, 0, 0, 0} {
			b.post("errors", v)
			synctest.Wait()
			said = append(said, b.stage.said()...)
			time.Sleep(time.Minute)
		}
		want := []string{
			"trigger warning errors: the value is above 5",
			"trigger critical errors: the value is above 10",
			"trigger warning errors: the value is above 5",
			"resolve warning errors: errors is 0",
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestPointsThatDoNotComeAreAnAlert(t *testing.T) {
	inBubble(t, nil, []*oncall.Monitor{failed("jobs", "jobs", func(m *oncall.Monitor) { m.Metric.Missing = 30 * time.Minute })}, func(b *bench) {
		b.post("jobs", 0)
		b.after(30*time.Minute - time.Millisecond)
		b.after(2*time.Millisecond, "trigger critical jobs: no point comes")
		b.after(2 * time.Hour)
		b.post("jobs", 0)
		b.after(0, "resolve critical jobs: jobs is 0")
	})
}

func TestWhatFellDueWhileTobanWasAwayIsMissedAWhileAfterItsStart(t *testing.T) {
	jobs := failed("jobs", "jobs", func(m *oncall.Monitor) { m.Metric.Missing = 30 * time.Minute })
	inBubble(t, nil, []*oncall.Monitor{jobs}, func(b *bench) {
		b.post("jobs", 0)
		b.after(20 * time.Minute)
		b.close()
		time.Sleep(time.Hour)
		b.open(jobs)
		b.after(9 * time.Minute)
		b.post("jobs", 0)
		b.after(20 * time.Minute)
		b.close()
		time.Sleep(time.Hour)
		b.open(jobs)
		b.after(10*time.Minute-time.Second, []string(nil)...)
		b.after(2*time.Second, "trigger critical jobs: no point comes")
	})
}

func TestWhatIsToldIsNeitherLostNorRepeatedByAStartOrAChange(t *testing.T) {
	jobs := failed("jobs", "jobs")
	inBubble(t, nil, []*oncall.Monitor{jobs}, func(b *bench) {
		b.stage.refuse(errors.New("the store is full"))
		b.post("jobs", 1)
		b.after(0)
		b.close() // it is committed, and not told yet
		b.stage.refuse(nil)
		b.open(jobs)
		b.after(6*time.Second, "trigger critical jobs: the value is above 0")
		b.close()
		b.open(jobs)
		b.after(time.Hour)
		high := failed("jobs", "jobs", func(m *oncall.Monitor) { five := 5.0; m.Metric.Critical = &five })
		if err := b.m.Apply(b.Context(), []*oncall.Monitor{high}); err != nil {
			t.Fatal(err)
		}
		b.after(0, "resolve critical jobs: jobs is 1")
		if err := b.m.Apply(b.Context(), []*oncall.Monitor{jobs}); err != nil {
			t.Fatal(err)
		}
		b.after(0, "trigger critical jobs: the value is above 0")
		if err := b.m.Apply(b.Context(), []*oncall.Monitor{failed("jobs", "jobs", func(m *oncall.Monitor) { m.Paused = true })}); err != nil {
			t.Fatal(err)
		}
		b.after(0, "resolve critical jobs: jobs is paused")
		b.post("jobs", 2)
		b.after(time.Minute)
		if err := b.m.Apply(b.Context(), []*oncall.Monitor{jobs}); err != nil {
			t.Fatal(err)
		}
		b.after(0, "trigger critical jobs: the value is above 0")
		if err := b.m.Apply(b.Context(), nil); err != nil {
			t.Fatal(err)
		}
		b.after(0, "resolve critical jobs: jobs is not watched any more")
		err := b.db.Read(b.Context(), func(tx *store.Tx) error {
			left, err := tx.MetricStates(b.Context(), false)
			if len(left) != 0 {
				t.Errorf("left %+v", left[0])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAMonitorJudgesWhatHasComeBeforeIt(t *testing.T) {
	inBubble(t, nil, nil, func(b *bench) {
		b.post(rawdata, 1)
		if err := b.m.Apply(b.Context(), []*oncall.Monitor{failed("jobs", pattern)}); err != nil {
			t.Fatal(err)
		}
		b.after(0, "trigger critical jobs: "+rawdata+" is above 0")
	})
}

func TestSamplesOfTheMetricsProcessAreNewOnesInTheirOrder(t *testing.T) {
	inBubble(t, nil, nil, func(b *bench) {
		now := time.Now().Unix()
		b.postAll(fmt.Sprintf(`{"name":"a","time":%d,"value":2}`, now), fmt.Sprintf(`{"name":"a","time":%d,"value":1}`, now-60), fmt.Sprintf(`{"name":"b","time":%d,"value":3}`, now-7200))
		b.postAll(fmt.Sprintf(`{"name":"a","time":%d,"value":9}`, now-30))
		var got []string
		for _, s := range b.samples {
			got = append(got, fmt.Sprintf("%v@%d", s.Value, s.At/1000-now))
		}
		if want := "1@-60 2@0"; strings.Join(got, " ") != want {
			t.Errorf("got %s, want %s", got, want)
		}
		points, err := b.m.Points(b.Context(), "ORGANIZATION", "a")
		if err != nil || len(points) != 3 || points[1].Value != 9 {
			t.Errorf("got %v %v", points, err)
		}
	})
}

func TestTheAnswersAreMackerels(t *testing.T) {
	inBubble(t, nil, nil, func(b *bench) {
		now := time.Now().Unix()
		const path = "/api/v0/services/ORGANIZATION/tsdb"
		good := fmt.Sprintf(`[{"name":"a-b_C.1","time":%d,"value":0}]`, now)
		many := "[" + strings.Repeat(fmt.Sprintf(`{"name":"a","time":%d,"value":1},`, now), 5000) + fmt.Sprintf(`{"name":"a","time":%d,"value":1}]`, now)
		for _, tc := range []struct {
			name, method, path, key, body string
			status                        int
			want                          string
		}{
			{"taken", "POST", path, senderKey, good, 200, `{"success":true}`},
			{"a number as in 1e9", "POST", path, senderKey, `[{"name":"a","time":9.46e8,"value":-1.5e3}]`, 200, `{"success":true}`},
			{"none", "POST", path, senderKey, `[]`, 200, `{"success":true}`},
			{"older than a day", "POST", path, senderKey, `[{"name":"old","time":1,"value":1}]`, 200, `{"success":true}`},
			{"no key", "POST", path, "", good, 401, `{"error":{"message":"Authentication failed. Please try with valid Api Key."}}`},
			{"a key of another dialect", "POST", path, "other", good, 403, ""},
			{"too often", "POST", path, "often", good, 429, ""},
			{"a store that is away", "POST", path, "broken", good, 503, ""},
			{"no list", "POST", path, senderKey, `{"name":"a"}`, 400, ""},
			{"no JSON", "POST", path, senderKey, `[`, 400, ""},
			{"null", "POST", path, senderKey, `null`, 400, ""},
			{"null in it", "POST", path, senderKey, `[null]`, 400, ""},
			{"a bad name", "POST", path, senderKey, fmt.Sprintf(`[{"name":"a b","time":%d,"value":0}]`, now), 400, ""},
			{"a slash", "POST", path, senderKey, fmt.Sprintf(`[{"name":"a/b","time":%d,"value":0}]`, now), 400, ""},
			{"no name", "POST", path, senderKey, fmt.Sprintf(`[{"time":%d,"value":0}]`, now), 400, ""},
			{"no value", "POST", path, senderKey, fmt.Sprintf(`[{"name":"a","time":%d}]`, now), 400, ""},
			{"a word for a value", "POST", path, senderKey, fmt.Sprintf(`[{"name":"a","time":%d,"value":"1"}]`, now), 400, ""},
			{"too large a value", "POST", path, senderKey, fmt.Sprintf(`[{"name":"a","time":%d,"value":1e999}]`, now), 400, ""},
			{"no time", "POST", path, senderKey, `[{"name":"a","value":1}]`, 400, ""},
			{"a part of a second", "POST", path, senderKey, `[{"name":"a","time":1.5,"value":1}]`, 400, ""},
			{"milliseconds", "POST", path, senderKey, fmt.Sprintf(`[{"name":"a","time":%d000,"value":1}]`, now), 400, ""},
			{"too many", "POST", path, senderKey, many, 413, ""},
			{"too large", "POST", path, senderKey, strings.Repeat(" ", maxBody+1), 413, ""},
			{"a bad service", "POST", "/api/v0/services/a/tsdb", senderKey, good, 404, ""},
			{"something else", "POST", "/api/v0/hosts", senderKey, good, 404, ""},
			{"two services", "POST", "/api/v0/services/a/b/tsdb", senderKey, good, 404, ""},
			{"asked for", "GET", path, senderKey, "", 405, ""},
		} {
			status, text := b.ask(tc.method, tc.path, tc.key, tc.body)
			if status != tc.status || tc.want != "" && text != tc.want || status != 200 && !strings.HasPrefix(text, `{"error":{"message":"`) {
				t.Errorf("%s: got %d %s, want %d %s", tc.name, status, text, tc.status, tc.want)
			}
			if strings.Contains(text, senderKey) {
				t.Errorf("%s: the key is in the answer", tc.name)
			}
		}
		if points, err := b.m.Points(b.Context(), "ORGANIZATION", "old"); err != nil || len(points) != 0 {
			t.Errorf("got %v %v, want nothing of what is older than a day", points, err)
		}
	})
}

func TestNothingIsTakenBeforeTheMonitorsAreKnown(t *testing.T) {
	inBubble(t, nil, nil, func(b *bench) {
		early := &bench{TB: b, m: New(Options{DB: b.db, Accept: b.stage.accept, Log: b.m.log})}
		if status, _ := early.ask("POST", "/api/v0/services/shop/tsdb", senderKey, fmt.Sprintf(`[{"name":"a","time":%d,"value":1}]`, time.Now().Unix())); status != http.StatusServiceUnavailable {
			t.Errorf("got %d, want 503", status)
		}
	})
}
