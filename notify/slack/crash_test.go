package slack_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/testserver"
	"toban/oncall"
	sim "toban/sim/slack"
)

// cutting lets requests of a method through and never says what came of it.
type cutting struct {
	next   func() http.RoundTripper
	method string
	after  bool // it is done before it is cut
	left   atomic.Int32
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/"+c.method) && c.left.Add(-1) >= 0 {
		if c.after {
			res, err := c.next().RoundTrip(r)
			if err == nil {
				_ = res.Body.Close()
			}
		}
		<-r.Context().Done() // the process ends while it waits
		return nil, r.Context().Err()
	}
	return c.next().RoundTrip(r)
}

func TestR23_WhatWasPostedBeforeACrashIsFoundAndNotRepeated(t *testing.T) {
	for _, tc := range []struct {
		name, method string
		done         bool
		held         bool
	}{
		{"the message was posted", "chat.postMessage", true, false},
		{"the message was not posted", "chat.postMessage", false, false},
		{"the channel was made", "conversations.create", true, true},
		{"the channel was not made", "conversations.create", false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "toban.db")
			synctest.Test(t, func(t *testing.T) {
				cut := &cutting{method: tc.method, after: tc.done}
				cut.left.Store(1)
				var h *house
				cut.next = func() http.RoundTripper { return h.slack.Transport() }
				h = newHouse(t, []string{"sqlite:" + path}, quiet, func(s *setup) {
					s.clients = cut
					if tc.held {
						s.service.Chat.PerIncident = oncall.ChatAlways
					}
				})
				defer h.close()
				h.trigger("db-1")
				h.after(time.Second)
				h.kill(h.nodes[0]) // the time-out of its request is all that it waits for
				n := h.open("sqlite:"+path, "a")
				h.nodes = append(h.nodes, n)
				n.run(t)
				h.after(2 * time.Minute)
				if got := h.cards("alerts"); len(got) != 1 {
					t.Errorf("got %d messages, want one: %+v", len(got), got)
				}
				made := 0
				for _, c := range h.slack.Channels() {
					if strings.HasPrefix(c.Name, "inc-") {
						made++
					}
				}
				if want := map[bool]int{true: 1}[tc.held]; made != want {
					t.Errorf("got %d channels, want %d", made, want)
				}
			})
		})
	}
}

func TestAPostWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	for name, fault := range map[string]sim.Fault{
		"no answer":           sim.HangAfter("chat.postMessage"),
		"cut off":             sim.DropAfter("chat.postMessage"),
		"cut off before":      {On: "chat.postMessage", Drop: true},
		"a 5xx":               {On: "chat.postMessage", Status: 502},
		"a 5xx after":         {On: "chat.postMessage", Status: 502, After: true},
		"an internal error":   sim.Refusal("chat.postMessage", "internal_error"),
		"slow by 8 s":         sim.Slow("chat.postMessage", 8*time.Second),
		"a line in a thread":  {On: "chat.postMessage", Channel: "C0ALERTS", Drop: true, After: true},
		"the one of a digest": {On: "chat.postMessage", Drop: true, After: true, Times: 3},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.slack.Fault(fault)
				id := h.trigger("db-1")
				if strings.Contains(name, "digest") {
					for range 8 {
						h.trigger("host-" + time.Now().String())
					}
				}
				h.after(time.Minute)
				h.acknowledge(id, "take")
				h.after(2 * time.Minute)
				for n, times := range h.told("alerts") {
					if times != 1 {
						t.Errorf("incident %s is told %d times", n, times)
					}
				}
				if len(h.told("alerts")) == 0 {
					t.Error("nothing was posted")
				}
				if name == "a line in a thread" {
					if got := h.thread("alerts", h.cards("alerts")[0].TS); len(got) != 1 {
						t.Errorf("thread %q, want one line", got)
					}
				}
			}, quiet)
		})
	}
}

func TestTwoNodesPostNothingTwice(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, []string{dsn, dsn}, quiet, own(oncall.ChatAlways), func(s *setup) {
			s.sim.Limits.Off = true
		})
		defer h.close()
		var ids []oncall.IncidentID
		for i := range 3 {
			id := h.nodes[i%2].trigger(h, string(rune('k'+i)))
			h.nodes[(i+1)%2].touch(h, id) // both are told
			ids = append(ids, id)
		}
		h.after(20 * time.Second)
		for i, id := range ids {
			n := h.nodes[i%2]
			_, err := n.life.Acknowledge(h.Context(), id, "take", "web")
			h.must(err)
			h.nodes[(i+1)%2].touch(h, id)
		}
		h.after(time.Minute)
		for n, times := range h.told("alerts") {
			if times != 1 {
				t.Errorf("incident %s is told %d times", n, times)
			}
		}
		for _, m := range h.cards("alerts") {
			if got := h.thread("alerts", m.TS); len(got) != 1 {
				t.Errorf("thread of %q: %q, want one line", m.Text, got)
			}
		}
		if got := len(h.cards("alerts")); got != 3 {
			t.Errorf("got %d messages, want 3", got)
		}
		made := 0
		for _, c := range h.slack.Channels() {
			if strings.HasPrefix(c.Name, "inc-") {
				made++
				if got := h.texts(c.Name); len(got) != 2 {
					t.Errorf("%s: %q, want the card and one line", c.Name, got)
				}
			}
		}
		if made != 3 {
			t.Errorf("got %d channels, want 3", made)
		}
	})
}

func TestARevokedTokenRaisesAnAlarmOnceAndNothingIsLost(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slack.Revoke()
		for i := range 3 {
			h.trigger("db-" + string(rune('1'+i)))
		}
		h.after(30 * time.Minute)
		if got := h.alarms.raised(); len(got) != 1 || got[0] != "slack/token" || !strings.Contains(h.alarms.title, "token_revoked") || strings.Contains(h.alarms.title, token) {
			t.Errorf("got alarms %v %q, want one", got, h.alarms.title)
		}
		if n := len(h.slack.Requests()); n > 400 {
			t.Errorf("asked %d times in half an hour", n)
		}
		health := h.nodes[0].ws.Health()
		if health.Refused == 0 || health.LastCode != "token_revoked" {
			t.Errorf("health %+v", health)
		}
		h.slack.Restore()
		h.after(10 * time.Minute)
		if got := len(h.told("alerts")); got != 3 {
			t.Errorf("%d incidents are told after the token works again, want 3", got)
		}
		h.slack.Deactivate()
		h.trigger("db-9")
		h.after(time.Minute)
		if got := h.alarms.raised(); len(got) != 2 {
			t.Errorf("got alarms %v, want another one", got)
		}
	}, quiet)
}

func TestAMissingScopeIsNamed(t *testing.T) {
	inHouse(t, func(h *house) {
		h.trigger("db-1")
		h.after(time.Minute)
		if got := h.alarms.raised(); len(got) != 1 || !strings.Contains(h.alarms.title, "missing_scope") {
			t.Errorf("got alarms %v %q", got, h.alarms.title)
		}
		if len(h.cards("alerts")) != 1 {
			t.Error("the team's channel was not told")
		}
	}, quiet, own(oncall.ChatAlways), func(s *setup) {
		for _, scope := range sim.DefaultScopes() {
			if scope != "channels:manage" {
				s.sim.Scopes = append(s.sim.Scopes, scope)
			}
		}
	})
}

func TestAChannelThatIsNotThereIsAnAlarm(t *testing.T) {
	inHouse(t, func(h *house) {
		h.trigger("db-1")
		h.after(time.Minute)
		if got := h.alarms.raised(); len(got) != 1 || !strings.Contains(h.alarms.title, "#nowhere") {
			t.Errorf("got alarms %v %q", got, h.alarms.title)
		}
	}, quiet, func(s *setup) { s.channel = "#nowhere" })
}

func TestABotThatIsNotInTheChannelJoinsIt(t *testing.T) {
	inHouse(t, func(h *house) {
		h.trigger("db-1")
		h.after(5 * time.Second)
		if len(h.cards("alerts")) != 1 {
			t.Errorf("got %q, want the message", h.texts("alerts"))
		}
	}, quiet, func(s *setup) {
		for _, scope := range sim.DefaultScopes() {
			if scope != "chat:write.public" {
				s.sim.Scopes = append(s.sim.Scopes, scope)
			}
		}
	})
}
