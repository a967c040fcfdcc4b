package heartbeat

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
)

const aRun = "3f2a1b9c-0d4e-4f5a-8b6c-7d8e9f0a1b2c"

func TestAPingIsAnsweredAsHealthchecksDoes(t *testing.T) {
	twin := changed(hourly("twin"), func(m *oncall.Monitor) { m.Heartbeat.Slug = "double" })
	other := changed(hourly("other"), func(m *oncall.Monitor) { m.Heartbeat.Slug = "double" })
	inBubble(t, []*oncall.Monitor{hourly("backup"), twin, other}, func(b *bench) {
		uuid, key := b.l.Addresses().UUID("backup"), b.l.Addresses().PingKey()
		for _, tc := range []struct {
			request string
			status  int
			text    string
			kind    oncall.PingKind // of what is kept; "" = nothing
		}{
			{"GET /ping/" + uuid, 200, "OK", oncall.PingSuccess},
			{"HEAD /ping/" + uuid, 200, "OK", oncall.PingSuccess}, // the recorder shows what a connection leaves out
			{"POST /ping/" + uuid, 200, "OK", oncall.PingSuccess},
			{"PUT /ping/" + uuid, 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + uuid + "/", 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + strings.ToUpper(uuid), 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + uuid + "/start", 200, "OK", oncall.PingStart},
			{"GET /ping/" + uuid + "/fail", 200, "OK", oncall.PingFail},
			{"POST /ping/" + uuid + "/log", 200, "OK", oncall.PingLog},
			{"GET /ping/" + uuid + "/0", 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + uuid + "/1", 200, "OK", oncall.PingFail},
			{"GET /ping/" + uuid + "/255", 200, "OK", oncall.PingFail},
			{"GET /ping/" + uuid + "/256", 400, "invalid url format", ""},
			{"GET /ping/" + uuid + "/99999999999999999999", 400, "invalid url format", ""},
			{"GET /ping/" + uuid + "?rid=" + aRun, 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + uuid + "?rid=" + strings.ToUpper(aRun), 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + uuid + "?rid=", 400, "invalid uuid format", ""},
			{"GET /ping/" + uuid + "?rid=" + aRun[1:], 400, "invalid uuid format", ""},
			{"GET /ping/" + key + "/backup", 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + key + "/backup?create=1", 200, "OK", oncall.PingSuccess},
			{"GET /ping/" + key + "/backup/start?rid=" + aRun, 200, "OK", oncall.PingStart},
			{"GET /ping/" + key + "/backup/7", 200, "OK", oncall.PingFail},
			{"GET /ping/" + key + "/Backup", 400, "invalid url format", ""},
			{"GET /ping/" + key + "/double", 409, "ambiguous slug", ""},
			{"GET /ping/" + key + "/nightly", 404, "not found", ""},
			{"GET /ping/" + key + "/nightly?create=1", 404, "not found: heartbeats are not made by pinging them here; add one with this slug to the configuration", ""},
			{"GET /ping/" + key[1:] + "/backup", 404, "not found", ""},
			{"GET /ping/" + key, 404, "not found", ""},
			{"GET /ping/" + uuid + "/stop", 404, "not found", ""},
			{"GET /ping/" + uuid + "/-1", 404, "not found", ""},
			{"GET /ping/" + key + "/backup/start/1", 404, "not found", ""},
			{"GET /ping/" + aRun, 404, "not found", ""},
			{"GET /ping/", 404, "not found", ""},
			{"GET /ping/" + strings.Repeat("a", 1000), 404, "not found", ""},
			{"DELETE /ping/" + uuid, 405, "", ""},
			{"OPTIONS /ping/" + uuid, 405, "", ""},
		} {
			time.Sleep(time.Second) // below its rate
			before := b.status("backup").State.Pings
			got := b.ask(tc.request, "")
			text, _ := io.ReadAll(got.Body)
			if got.StatusCode != tc.status || string(text) != tc.text {
				b.Errorf("%s: got %d %q, want %d %q", tc.request, got.StatusCode, text, tc.status, tc.text)
			}
			h := got.Header
			if h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cache-Control") != "no-store" {
				b.Errorf("%s: headers %v", tc.request, h)
			}
			if limit := h.Get("Ping-Body-Limit"); (limit == "10000") != (tc.status == 200) {
				b.Errorf("%s: limit %q", tc.request, limit)
			}
			pings, err := b.l.Pings(b.Context(), "backup", 0, 1)
			if err != nil {
				b.Fatal(err)
			}
			switch now := b.status("backup").State.Pings; {
			case tc.kind == "" && now != before:
				b.Errorf("%s: was kept", tc.request)
			case tc.kind != "" && (now != before+1 || pings[0].Kind != tc.kind):
				b.Errorf("%s: got %s, want %s", tc.request, pings[0].Kind, tc.kind)
			}
		}
	})
}

func TestTheStartOfABodyIsKeptAndALongOneCounts(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		address := "POST " + b.l.Addresses().Path("backup")
		for _, n := range []int{0, 1, store.MaxPingBody, store.MaxPingBody + 1, maxBody + 1} {
			if got := b.ask(address, strings.Repeat("x", n)).StatusCode; got != 200 {
				b.Errorf("%d bytes: got %d", n, got)
			}
			pings, err := b.l.Pings(b.Context(), "backup", 0, 1)
			if err != nil || len(pings[0].Body) != min(n, store.MaxPingBody) {
				b.Errorf("%d bytes: kept %d, %v", n, len(pings[0].Body), err)
			}
		}
	})
}

func TestAFloodIsLimitedAndKeepsNoFailureOut(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup"), hourly("other")}, func(b *bench) {
		address := b.l.Addresses().Path("backup")
		for range pingBurst {
			b.ping("backup", "")
		}
		got := b.ask("GET "+address, "")
		if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
			b.Errorf("got %d, want 429 and when to come again", got.StatusCode)
		}
		b.ping("backup", "/fail")
		b.ping("other", "")
		time.Sleep(time.Second)
		if err := b.l.Apply(b.Context(), []*oncall.Monitor{hourly("backup"), hourly("other")}); err != nil {
			b.Fatal(err)
		}
		for range pingRate {
			b.ping("backup", "")
		}
		if got := b.ask("GET "+address, "").StatusCode; got != http.StatusTooManyRequests {
			b.Errorf("got %d, want a change of the configuration to forget no flood", got)
		}
	})
}

func TestWhatCannotBeStoredIsToBePingedAgain(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		if err := b.db.Close(); err != nil {
			b.Fatal(err)
		}
		got := b.ask("GET "+b.l.Addresses().Path("backup"), "")
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			b.Errorf("got %d, want 503 and when to come again", got.StatusCode)
		}
		if b.l.unheard["backup"].IsZero() {
			b.Error("it is not remembered that a ping was not kept")
		}
	})
}

func TestABodyThatBreaksOffIsAPingAllTheSame(t *testing.T) {
	inBubble(t, []*oncall.Monitor{hourly("backup")}, func(b *bench) {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.l.Addresses().Path("backup"), io.MultiReader(strings.NewReader("half"), broken{}))
		if err != nil {
			b.Fatal(err)
		}
		if err := b.l.ping(r); err != nil {
			b.Error(err)
		}
		if got := b.status("backup").State.Pings; got != 1 {
			b.Errorf("got %d pings, want 1", got)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestAnAddressIsTheSameOnEveryNodeAndCannotBeGuessedFromAnother(t *testing.T) {
	t.Parallel()
	a, again, elsewhere := NewAddresses(installationKey), NewAddresses(installationKey), NewAddresses([]byte("another key of an installation..."))
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, id := range []oncall.MonitorID{"backup", "backup2", "", "夜間"} {
		uuid := a.UUID(id)
		if !shape.MatchString(uuid) || seen[uuid] || uuid == elsewhere.UUID(id) || uuid != again.UUID(id) {
			t.Errorf("%q: got %s", id, uuid)
		}
		seen[uuid] = true
	}
	if key := a.PingKey(); len(key) != 26 || key == elsewhere.PingKey() || a.SlugPath("nightly") != "/ping/"+key+"/nightly" || a.SlugPath("") != "" {
		t.Errorf("got %s", key)
	}
	none := NewAddresses(nil)
	if none.UUID("backup") != "" || none.PingKey() != "" || none.Path("backup") != "" || none.SlugPath("a") != "" || none.isPingKey("") {
		t.Error("there are addresses without a key")
	}
}
