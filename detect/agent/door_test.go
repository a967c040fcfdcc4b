package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang/snappy"

	"toban/detect"
	"toban/detect/probe"
	"toban/internal/remotewrite"
	"toban/oncall"
	"toban/store/storetest"
)

// post sends samples as remote write does, and returns the answer's status and
// code.
func (c *core) post(key string, header http.Header, samples ...remotewrite.Sample) (int, string) {
	c.t.Helper()
	recorded := &recorder{}
	s := remotewrite.New(remotewrite.Options{
		Target: remotewrite.Target{URL: "http://core" + writePath, Token: key}, Every: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Transport: recorded,
	})
	s.Append(samples)
	ctx, cancel := context.WithCancel(c.t.Context())
	cancel()
	if err := s.Run(ctx); err != nil || recorded.body == nil {
		c.t.Fatalf("nothing was sent: %v", err)
	}
	return c.postBody(key, header, recorded.body)
}

func (c *core) postBody(key string, header http.Header, body []byte) (int, string) {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://core"+writePath, bytes.NewReader(body))
	for name := range header {
		r.Header.Set(name, header.Get(name))
	}
	r.Header.Set("Authorization", "Bearer "+key)
	res, err := c.RoundTrip(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var doc struct{ Code string }
	_ = json.NewDecoder(res.Body).Decode(&doc) // an empty body has none
	return res.StatusCode, doc.Code
}

// success is a result as a sample.
func success(t *testing.T, at time.Time, up bool, labels ...string) remotewrite.Sample {
	t.Helper()
	all := map[string]string{}
	for i := 0; i < len(labels); i += 2 {
		all[labels[i]] = labels[i+1]
	}
	s, err := remotewrite.NewSeries("probe_success", all)
	if err != nil {
		t.Fatal(err)
	}
	sample := remotewrite.Sample{Series: s, At: remotewrite.At(at)}
	if up {
		sample.Value = 1
	}
	return sample
}

// doorBubble is a core with a monitor of two locations, in virtual time.
func doorBubble(t *testing.T, f func(t *testing.T, c *core)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCore(t, storetest.New(t, "sqlite"), "osaka", "sapporo")
		shop := monitor("shop", "osaka", "sapporo")
		shop.Quorum = 1
		c.apply([]*oncall.Monitor{shop, monitor("other", "sapporo")}, reference("sapporo"))
		c.start()
		time.Sleep(time.Second)
		synctest.Wait()
		c.desk.said()
		f(t, c)
		c.stop()
	})
}

func TestAKeyIsGoodForItsLocationAndNothingElse(t *testing.T) {
	t.Parallel()
	doorBubble(t, func(t *testing.T, c *core) {
		now := time.Now()
		mine := success(t, now, true, "monitor", "shop", "location", "osaka")
		status, code := c.post("key-of-osaka", nil, mine, success(t, now, false, "monitor", "shop", "location", "sapporo"))
		if status != http.StatusBadRequest || code != "agent.other_location" {
			t.Errorf("got %d %s for another location's sample, want it refused", status, code)
		}
		if len(c.samples) != 0 || len(c.status("shop").State.Places["osaka"].Status) != 0 {
			t.Errorf("got %v kept of a request that was refused", c.samples)
		}
		// What is asked from elsewhere is nothing of this key's, with whatever labels.
		for _, labels := range [][]string{{"monitor", "other"}, {"monitor", "location/sapporo/1"}, {"monitor", "none", "location", "osaka"}, {"job", "x"}} {
			if status, code := c.post("key-of-osaka", nil, success(t, now, false, labels...)); status != http.StatusNoContent {
				t.Errorf("%v: got %d %s, want it passed over", labels, status, code)
			}
		}
		heartbeat, err := remotewrite.NewSeries("toban_heartbeat_deadline_timestamp_seconds", map[string]string{"monitor": "shop"})
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := c.post("key-of-osaka", nil, remotewrite.Sample{Series: heartbeat, At: remotewrite.At(now), Value: 1e12}); status != http.StatusNoContent || len(c.samples) != 0 {
			t.Errorf("got %d and %v kept, want nothing but what probes measure", status, c.samples)
		}
		time.Sleep(time.Hour)
		c.want("other", oncall.MonitorUnknown)
		for key, want := range map[string]int{"key-of-nobody": http.StatusForbidden, "": http.StatusForbidden} {
			if got, _ := c.post(key, nil, mine); got != want {
				t.Errorf("key %q: got %d, want %d", key, got, want)
			}
		}
		c.keys["key-of-mackerel"] = &oncall.Integration{ID: "m", Dialect: "mackerel"}
		c.keys["key-of-old"] = &oncall.Integration{ID: "old", Dialect: Dialect}
		if got, _ := c.post("key-of-mackerel", nil, mine); got != http.StatusForbidden {
			t.Errorf("got %d for a key of another dialect", got)
		}
		if _, code := c.post("key-of-old", nil, mine); code != "agent.no_location" {
			t.Errorf("got %s for a key without a location", code)
		}
	})
}

func TestWhatIsNoRequestOrComesAtABadTimeIsAnsweredSo(t *testing.T) {
	t.Parallel()
	doorBubble(t, func(t *testing.T, c *core) {
		for name, tc := range map[string]struct {
			body []byte
			want string
		}{
			"nonsense":            {[]byte("{}"), "400 agent.unreadable"},
			"cut off":             {snappy.Encode(nil, []byte{0x0a, 9}), "400 agent.unreadable"},
			"large":               {make([]byte, remotewrite.MaxPacked+1), "413 agent.too_large"},
			"large when unpacked": {snappy.Encode(nil, make([]byte, remotewrite.MaxUnpacked+1)), "413 agent.too_large"},
		} {
			status, code := c.postBody("key-of-osaka", nil, tc.body)
			if got := fmt.Sprintf("%d %s", status, code); got != tc.want {
				t.Errorf("%s: got %s, want %s", name, got, tc.want)
			}
		}
		result := success(t, time.Now(), true, "monitor", "shop")
		c.held.Store(true)
		if status, code := c.post("key-of-osaka", nil, result); status != http.StatusServiceUnavailable || code != "agent.held" {
			t.Errorf("got %d %s of a node that may not act, want it to be sent again", status, code)
		}
		c.held.Store(false)
		if status, _ := c.post("key-of-osaka", nil, result); status != http.StatusNoContent {
			t.Errorf("got %d, want it taken", status)
		}
		c.want("shop", oncall.MonitorUp)
	})
}

func TestAPrometheusWithABlackboxExporterIsAnAgentToo(t *testing.T) {
	t.Parallel()
	doorBubble(t, func(t *testing.T, c *core) {
		labels := []string{"monitor", "shop", "location", "osaka", "instance", "https://shop.example.jp", "job", "blackbox"}
		for range 3 {
			if status, code := c.post("key-of-osaka", nil, success(t, time.Now(), false, labels...)); status != http.StatusNoContent {
				t.Fatalf("got %d %s", status, code)
			}
			time.Sleep(15 * time.Second)
		}
		synctest.Wait()
		c.said("trigger shop")
		if s := c.status("shop"); s.State.Reason != "answer" || !strings.Contains(s.State.Message, "the probe failed") || strings.Contains(s.Problem, "osaka") {
			t.Errorf("got %+v, problem %q, want the reason that the value alone gives", s.State, s.Problem)
		}
		want := []remotewrite.Label{{Name: "__name__", Value: "probe_success"}, {Name: "instance", Value: "https://shop.example.jp"}, {Name: "job", Value: "blackbox"}, {Name: "location", Value: "osaka"}, {Name: "monitor", Value: "shop"}}
		if len(c.samples) != 3 || c.samples[0].Series != c.samples[2].Series || !c.samples[0].Soon || c.samples[2].Soon {
			t.Fatalf("got %+v, want three samples of one series", c.samples)
		}
		recorded := &recorder{}
		s := remotewrite.New(remotewrite.Options{Target: remotewrite.Target{URL: "http://x"}, Log: slog.New(slog.DiscardHandler), Transport: recorded})
		s.Append(c.samples[:1])
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = s.Run(ctx) // it sends what waits, and ends
		got, err := remotewrite.Decode(recorded.body)
		if err != nil || fmt.Sprint(got[0].Labels) != fmt.Sprint(want) {
			t.Errorf("got %v %v, want the labels %v", got, err, want)
		}
		// The end of the series is no result.
		end := success(t, time.Now(), false, labels...)
		end.Value = remotewrite.Stale()
		if status, _ := c.post("key-of-osaka", nil, end); status != http.StatusNoContent || len(c.samples) != 4 {
			t.Errorf("got %d, %d samples, want the end of the series kept", status, len(c.samples))
		}
	})
}

func TestAClockThatIsOffChangesNothing(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{0, -5 * time.Minute, 5 * time.Minute, -20 * 365 * 24 * time.Hour} {
		doorBubble(t, func(t *testing.T, c *core) {
			send := func(up bool) {
				t.Helper()
				theirs := time.Now().Add(off)
				header := http.Header{headerAgent: {"a"}, headerSent: {strconv.FormatInt(theirs.UnixMilli(), 10)}}
				time.Sleep(100 * time.Millisecond) // on the way
				if status, code := c.post("key-of-osaka", header, success(t, theirs, up, "monitor", "shop")); status != http.StatusNoContent {
					t.Fatalf("got %d %s", status, code)
				}
				synctest.Wait()
			}
			send(true)
			c.want("shop", oncall.MonitorUp)
			time.Sleep(15 * time.Second)
			send(false)
			if got := time.Since(c.status("shop").Last["osaka"].At); got > time.Second {
				t.Errorf("off by %s: the last result is %s old", off, got)
			}
			time.Sleep(15 * time.Second)
			send(false)
			c.said("trigger shop")
			for _, s := range c.samples {
				if age := time.Since(time.UnixMilli(s.At)); age < -time.Second || age > 32*time.Second {
					t.Errorf("off by %s: got a sample that is %s old", off, age)
				}
			}
		})
	}
}

func TestTheClockOfAnAgentIsNotJudgedByOneSlowRequest(t *testing.T) {
	t.Parallel()
	c := newClocks(slog.New(slog.DiscardHandler))
	now := time.Now()
	look := func(behind time.Duration) time.Duration {
		return c.off(speaker{"osaka", "a"}, strconv.FormatInt(now.Add(-behind).UnixMilli(), 10), now).Round(time.Second)
	}
	for i, step := range []struct{ seems, want time.Duration }{
		{100 * time.Millisecond, 0},
		{5 * time.Second, 0}, // a slow way
		{200 * time.Millisecond, 0},
		{time.Minute, 0},
		{time.Minute, time.Minute}, // it is so
		{61 * time.Second, time.Minute},
		{-time.Hour, -time.Hour}, // nothing comes before it is sent
		{0, -time.Hour},
		{0, 0},
	} {
		if got := look(step.seems); got != step.want {
			t.Errorf("look %d: got %s for what seems %s behind, want %s", i, got, step.seems, step.want)
		}
	}
}

func TestWhatIsSentTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	doorBubble(t, func(t *testing.T, c *core) {
		c.post("key-of-osaka", nil, success(t, time.Now(), true, "monitor", "shop"))
		time.Sleep(15 * time.Second)
		failed := success(t, time.Now(), false, "monitor", "shop")
		for range 5 { // no answer came through
			c.post("key-of-osaka", nil, failed)
			time.Sleep(time.Second)
		}
		c.said()
		time.Sleep(10 * time.Second)
		c.post("key-of-osaka", nil, success(t, time.Now(), false, "monitor", "shop"))
		synctest.Wait()
		c.said("trigger shop")
	})
}

func TestSecretsAreReadByTheirNamesAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	given, kept := filepath.Join(dir, "given"), filepath.Join(dir, "kept")
	for _, name := range []string{given, kept} {
		if err := os.WriteFile(name, []byte("a secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := 0
	a := New(Options{
		Server: "http://core", Secrets: []string{"env:GIVEN", "file:" + given}, Transport: http.DefaultTransport, Log: slog.New(slog.DiscardHandler),
		Resolve: func(string) (string, error) { read++; return "a secret", nil },
	})
	ask := func(module string, secrets ...string) string {
		m := monitor("shop", "osaka")
		m.Module, m.Secrets = module, secrets
		c, err := a.compile(m)
		if err != nil {
			return err.Error()
		}
		shut(c)
		return ""
	}
	token := func(of string) string { return `{"prober":"http","http":{"bearer_token":` + strconv.Quote(of) + `}}` }
	file := func(name string) string {
		return `{"prober":"http","http":{"bearer_token_file":` + strconv.Quote(name) + `}}`
	}
	if got := ask(token(oncall.Placeholder(0)), "env:GIVEN"); got != "" || read != 1 {
		t.Errorf("got %q, read %d times, want a secret that was given", got, read)
	}
	if got := ask(file(given), "file:"+given); got != "" {
		t.Errorf("got %q, want a file that was given", got)
	}
	for name, got := range map[string]string{
		"another variable":                ask(token(oncall.Placeholder(0)), "env:KEPT"),
		"one of several":                  ask(token(oncall.Placeholder(0)), "env:GIVEN", "env:KEPT"),
		"another file":                    ask(file(kept), "file:"+kept),
		"another file, named beside":      ask(file(kept), "file:"+given),
		"a file by a way round":           ask(file(given+"/../kept"), "file:"+given),
		"a store's":                       ask(token(oncall.Placeholder(0)), "store:GIVEN"),
		"a part of a name that was given": ask(token(oncall.Placeholder(0)), "env:GIVE"),
	} {
		if got == "" || strings.Contains(got, "a secret") {
			t.Errorf("%s: got %q, want it refused", name, got)
		}
	}
	if read != 1 {
		t.Errorf("read %d secrets, want none but the first", read)
	}
}

func TestWhatACheckFoundIsTheSameAtTheCore(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	r := &probe.Result{
		Reason: probe.ReasonTimeout, Message: "no answer in time", Start: at.Add(-1500 * time.Millisecond), Duration: 1500 * time.Millisecond,
		Phases: []probe.Phase{{Name: "resolve", Duration: 3 * time.Millisecond}}, Evidence: &probe.Evidence{Tried: []string{"192.0.2.1:443"}},
	}
	got, err := detect.DecodeReport(detect.EncodeReport(r, ""), false, at)
	if err != nil || got.Reason != r.Reason || got.Message != r.Message || !got.Start.Equal(r.Start) || got.Duration != r.Duration ||
		fmt.Sprint(got.Phases) != fmt.Sprint(r.Phases) || got.Evidence.Tried[0] != "192.0.2.1:443" {
		t.Errorf("got %+v %v, want %+v", got, err, r)
	}
}
