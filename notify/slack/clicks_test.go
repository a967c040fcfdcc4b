package slack_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"toban/notify/slack"
	"toban/oncall"
	sim "toban/sim/slack"
)

// alert is an incident whose message stands in the team's channel.
func (h *house) alert(name string) (oncall.IncidentID, sim.Message) {
	h.Helper()
	id := h.trigger(name)
	h.after(3 * time.Second)
	list := h.cards("alerts")
	if len(list) == 0 {
		h.Fatal("nothing was posted")
	}
	return id, list[len(list)-1]
}

func (h *house) click(m sim.Message, action, member string) sim.Callback {
	h.Helper()
	c, err := h.slack.Click(m.Channel, m.TS, action, member)
	h.must(err)
	if c.Status != http.StatusOK || c.Took > 3*time.Second {
		h.Errorf("%s was answered with %d after %v, want 200 within 3 s", action, c.Status, c.Took)
	}
	h.after(100 * time.Millisecond)
	return c
}

// whispers are what one member alone is told.
func (h *house) whispers(channel, member string) (texts []string) {
	for _, m := range h.slack.Ephemerals(channel, member) {
		texts = append(texts, m.Text)
	}
	return texts
}

func TestButtonsActInTheNameOfWhoPressedThem(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.click(m, "ack", "U0TAKE") // known by mail address, whatever its letters
		if inc := h.incident(id); inc.State != oncall.Acknowledged || inc.AcknowledgedBy != "take" {
			t.Fatalf("got %s by %q, want it acknowledged by take", inc.State, inc.AcknowledgedBy)
		}
		h.nodes[0].entriesOf(h, id, func(e oncall.Entry) {
			if e.Kind == oncall.EntryAcknowledged && e.Data.Via != "slack" {
				t.Errorf("via %q, want slack", e.Data.Via)
			}
		})
		h.after(5 * time.Second)
		m = h.cards("alerts")[0]
		h.click(m, "renew", "U0TAKE")
		if kinds := h.entries(id); !has(kinds, "renewed") {
			t.Errorf("timeline %q lacks the renewal", kinds)
		}
		h.click(m, "escalate", "U0MATSU")
		if inc := h.incident(id); inc.State != oncall.Triggered {
			t.Errorf("got %s after escalating, want triggered", inc.State)
		}
		h.after(5 * time.Second)
		h.click(h.cards("alerts")[0], "resolve", "U0MATSU")
		if inc := h.incident(id); inc.State != oncall.Resolved {
			t.Errorf("got %s, want resolved", inc.State)
		}
		if got := append(h.whispers("alerts", "U0TAKE"), h.whispers("alerts", "U0MATSU")...); len(got) != 0 {
			t.Errorf("said %q, want nothing: the channel shows it", got)
		}
	}, quiet)
}

func TestR16_R18_ALateOrSecondClickIsToldSo(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.slack.Fault(sim.Fault{On: "chat.update", Error: "internal_error", Times: 1000}) // the message stays as it was
		h.click(m, "ack", "U0TAKE")
		h.click(m, "ack", "U0MATSU")
		if got := h.whispers("alerts", "U0MATSU"); len(got) != 1 || got[0] != "#1 は竹さんがすでに対応しています。" {
			t.Errorf("second: told %q", got)
		}
		if inc := h.incident(id); inc.AcknowledgedBy != "take" {
			t.Errorf("%s has it, want take still", inc.AcknowledgedBy)
		}
		if kinds := h.entries(id); !has(kinds, "too_late") || has(kinds, "renewed") {
			t.Errorf("timeline %q, want the second click as a note that renews nothing", kinds)
		}
		h.resolve(id, "take")
		for i, action := range []string{"ack", "escalate", "resolve"} {
			h.click(m, action, "U0UME")
			if got := h.whispers("alerts", "U0UME"); len(got) != i+1 || got[i] != "#1 はすでに解決しています。" {
				t.Errorf("late %s: told %q", action, got)
			}
		}
		if !has(h.entries(id), "too_late") {
			t.Error("the timeline lacks the late click")
		}
	}, quiet)
}

func TestAMemberWhomTobanDoesNotKnowIsToldWhatToDo(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.click(m, "ack", "U0GUEST")
		if inc := h.incident(id); inc.State != oncall.Triggered {
			t.Errorf("got %s, want nothing done", inc.State)
		}
		if got := h.whispers("alerts", "U0GUEST"); len(got) != 1 || !strings.Contains(got[0], "メールアドレス") {
			t.Errorf("told %q", got)
		}
	}, quiet)
}

func TestAClickThatIsSentTwiceActsOnce(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.slack.FaultCallbacks(sim.CallbackFault{On: "interact", Do: "duplicate", By: sim.Span(time.Second)})
		h.click(m, "ack", "U0TAKE")
		h.after(3 * time.Second)
		if got := h.entries(id); has(got, "renewed") {
			t.Errorf("timeline %q: acted twice", got)
		}
	}, quiet)
}

func TestSlackIsAnsweredInTimeThoughItsOwnAnswersAreLate(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.slack.Fault(sim.Slow("users.info", 6*time.Second))
		h.click(m, "ack", "U0TAKE")
		h.after(10 * time.Second)
		if inc := h.incident(id); inc.AcknowledgedBy != "take" {
			t.Errorf("got %q, want it done after the answer", inc.AcknowledgedBy)
		}
	}, quiet)
}

func TestForgedAndStaleCallbacksHaveNoEffect(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		for _, do := range []string{"bad-signature", "stale"} {
			h.slack.FaultCallbacks(sim.CallbackFault{On: "interact", Do: do})
			c, err := h.slack.Click(m.Channel, m.TS, "ack", "U0TAKE")
			h.must(err)
			if c.Status != http.StatusForbidden {
				t.Errorf("%s: answered %d, want 403", do, c.Status)
			}
		}
		h.after(time.Second)
		if inc := h.incident(id); inc.State != oncall.Triggered {
			t.Errorf("got %s, want nothing done", inc.State)
		}
	}, quiet)
}

func TestBadCallbacksAreRefused(t *testing.T) {
	inHouse(t, func(h *house) {
		payload := func(p string) []byte { return []byte(url.Values{"payload": {p}}.Encode()) }
		for _, tc := range []struct {
			name, path string
			body       []byte
			change     func(r *http.Request)
			want       int
		}{
			{"no signature", "interact", payload(`{}`), func(r *http.Request) { r.Header.Del("X-Slack-Signature") }, 403},
			{"no timestamp", "interact", payload(`{}`), func(r *http.Request) { r.Header.Del("X-Slack-Request-Timestamp") }, 403},
			{"another time than signed", "events", []byte(`{}`), func(r *http.Request) {
				r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(time.Now().Unix()+1, 10))
			}, 403},
			{"too large", "events", bytes.Repeat([]byte("x"), 1<<20+1), nil, 413},
			{"no JSON", "interact", payload(`{`), nil, 400},
			{"no payload", "interact", []byte("a=b"), nil, 400},
			{"no event", "events", []byte("[]"), nil, 400},
			{"an endless challenge", "events", []byte(`{"type":"url_verification","challenge":"` + strings.Repeat("x", 5000) + `"}`), nil, 400},
			{"another kind", "interact", payload(`{"type":"view_submission"}`), nil, 200},
			{"no actions", "interact", payload(`{"type":"block_actions","user":{"id":"U0TAKE"}}`), nil, 200},
			{"an incident that is none", "interact", payload(`{"type":"block_actions","user":{"id":"U0TAKE"},"container":{"channel_id":"C0ALERTS"},"actions":[{"block_id":"b","action_id":"ack","value":"'; --","action_ts":"1"}]}`), nil, 200},
			{"an event of another kind", "events", []byte(`{"type":"event_callback","event_id":"Ev1","event":{"type":"team_join","user":{"id":"U1"}}}`), nil, 200},
			{"a channel as an object", "events", []byte(`{"type":"event_callback","event_id":"Ev2","event":{"type":"channel_unarchive","channel":{"id":"C1"}}}`), nil, 200},
		} {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/callbacks/slack/"+tc.path, bytes.NewReader(tc.body))
			stamp := strconv.FormatInt(time.Now().Unix(), 10)
			r.Header.Set("X-Slack-Request-Timestamp", stamp)
			r.Header.Set("X-Slack-Signature", sim.Sign(secret, stamp, tc.body))
			if tc.change != nil {
				tc.change(r)
			}
			w := httptest.NewRecorder()
			h.nodes[0].http.ServeHTTP(w, r)
			if w.Code != tc.want {
				t.Errorf("%s: got %d, want %d", tc.name, w.Code, tc.want)
			}
		}
		h.after(time.Second)
		if got := h.whispers("alerts", "U0TAKE"); len(got) != 1 || !strings.Contains(got[0], "見つかりません") {
			t.Errorf("told %q", got)
		}
	})
}

func TestTheAddressForEventsIsVerified(t *testing.T) {
	inHouse(t, func(h *house) {
		if !h.slack.Verify() {
			t.Error("the challenge did not come back")
		}
	})
}

func TestR16_ANoteInTheChannelOfAnIncidentRenews(t *testing.T) {
	inHouse(t, func(h *house) {
		id, _ := h.alert("db-1")
		h.acknowledge(id, "take")
		h.after(10 * time.Second)
		c, ok := h.slack.Channel("inc-1-checkout")
		if !ok {
			t.Fatal("no channel")
		}
		for _, text := range []string{
			"just talk", "toban is great", "<@U0SIMBOT> note 1: a &lt; b", "toban: note 2", "TOBAN メモ 3つめ",
			"<@U0MATSU> note not for toban",
		} {
			_, err := h.slack.Post("U0TAKE", c.ID, text)
			h.must(err)
			h.after(time.Second)
		}
		_, err := h.slack.Post("U0MATSU", "C0ALERTS", "toban note elsewhere")
		h.must(err)
		h.after(10 * time.Second)
		var notes []string
		h.nodes[0].entriesOf(h, id, func(e oncall.Entry) {
			if e.Kind == oncall.EntryNote {
				notes = append(notes, e.Actor+" "+e.Data.Text)
			}
		})
		if got, want := strings.Join(notes, "|"), "take 1: a < b|take 2|take 3つめ"; got != want {
			t.Errorf("notes %q, want %q", got, want)
		}
		if !has(h.texts("inc-1-checkout"), "竹さん: 2") {
			t.Errorf("the channel does not say that the note was taken: %q", h.texts("inc-1-checkout"))
		}
		_, err = h.slack.Post("U0TAKE", c.ID, "toban: note")
		h.must(err)
		h.after(time.Second)
		if got := h.whispers(c.ID, "U0TAKE"); len(got) != 1 {
			t.Errorf("told %q of an empty note", got)
		}
	}, quiet, own(oncall.ChatAlways))
}

func TestAWorkspaceActsOnItsOwnStageOnly(t *testing.T) {
	var staging *slack.Workspace
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		var err error
		staging, err = slack.NewWorkspace(slack.Config{Name: "staging", Token: token, SigningSecret: "another", BaseURL: "http://slack.test", Transport: h.slack.Transport()})
		h.must(err)
		body := url.Values{"payload": {`{"type":"block_actions","user":{"id":"U0TAKE"},"container":{"channel_id":"C0ALERTS","message_ts":"` + m.TS +
			`"},"actions":[{"block_id":"b","action_id":"ack","value":"` + string(id) + `","action_ts":"1"}]}`}}.Encode()
		post := func(path, secret string, stage oncall.Stage) int {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path+"/interact", strings.NewReader(body))
			stamp := strconv.FormatInt(time.Now().Unix(), 10)
			r.Header.Set("X-Slack-Request-Timestamp", stamp)
			r.Header.Set("X-Slack-Signature", sim.Sign(secret, stamp, []byte(body)))
			w := httptest.NewRecorder()
			h.nodes[0].f.Handler(stage, path).ServeHTTP(w, r)
			return w.Code
		}
		if code := post("/callbacks/simulated/slack", "another", "staging"); code != http.StatusOK {
			t.Errorf("got %d, want 200", code)
		}
		h.after(time.Second)
		if inc := h.incident(id); inc.State != oncall.Triggered {
			t.Errorf("got %s, want nothing done by a rehearsal's workspace", inc.State)
		}
		if code := post("/callbacks/x", secret, "staging"); code != http.StatusForbidden {
			t.Errorf("with the secret of the other workspace: got %d, want 403", code)
		}
		if code := post("/callbacks/y", secret, "unheard-of"); code != http.StatusForbidden {
			t.Errorf("without a workspace: got %d, want 403", code)
		}
	}, quiet, func(s *setup) {
		s.workspaces = func(stage oncall.Stage, production *slack.Workspace) *slack.Workspace {
			switch stage {
			case oncall.Production:
				return production
			case "staging":
				return staging
			}
			return nil
		}
	})
}
