package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"toban/notify/slack"
	"toban/oncall"
	sim "toban/sim/slack"
	"toban/store"
)

// altered lets the workspace say other things about its members.
type altered struct {
	next    func() http.RoundTripper
	members map[string]map[string]any // by id: fields of the user object
	team    atomic.Pointer[string]    // nil: the workspace's own
}

func (a *altered) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := a.next().RoundTrip(r)
	if team := a.team.Load(); err == nil && team != nil && strings.HasSuffix(r.URL.Path, "/auth.test") {
		raw := `{"ok":true,"user_id":"U0SIMBOT","team_id":"` + *team + `"}`
		res.Body, res.ContentLength = io.NopCloser(strings.NewReader(raw)), int64(len(raw))
		return res, nil
	}
	if err != nil || !strings.HasSuffix(r.URL.Path, "/users.info") && !strings.HasSuffix(r.URL.Path, "/users.lookupByEmail") {
		return res, err
	}
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if user, ok := answer["user"].(map[string]any); ok {
		id, _ := user["id"].(string)
		maps.Copy(user, a.members[id])
	}
	raw, err := json.Marshal(answer)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return res, err
}

func TestAMailAddressThatOthersHaveSetMakesNobodyAResponder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		is    map[string]any
		knows bool
	}{
		{"a member", nil, true},
		{"of another workspace of the same company", map[string]any{"team_id": "T0OTHER", "enterprise_user": map[string]any{"teams": []string{"T0OTHER", "T0SIM"}}}, true},
		{"a guest", map[string]any{"is_restricted": true}, false},
		{"a guest of one channel", map[string]any{"is_restricted": true, "is_ultra_restricted": true}, false},
		{"a stranger of a shared channel", map[string]any{"is_stranger": true}, false},
		{"of another team", map[string]any{"team_id": "T0OTHER"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var h *house
			a := &altered{next: func() http.RoundTripper { return h.slack.Transport() }, members: map[string]map[string]any{"U0TAKE": tc.is}}
			inHouse(t, func(in *house) {
				h = in
				id, m := h.alert("db-1")
				h.click(m, "ack", "U0TAKE")
				if got := h.incident(id).State == oncall.Acknowledged; got != tc.knows {
					t.Errorf("acted: %v, want %v", got, tc.knows)
				}
				if got := h.whispers("alerts", "U0TAKE"); has(got, "見つかりません") == tc.knows {
					t.Errorf("told %q", got)
				}
			}, quiet, func(s *setup) { s.clients, s.sim.Team = a, sim.Team{ID: "T0SIM", Name: "sim", Domain: "sim"} })
		})
	}
}

func TestAMemberWhoCouldBeTwoUsersActsAsNeither(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.click(m, "ack", "U0GUEST")
		if inc := h.incident(id); inc.State != oncall.Triggered {
			t.Errorf("acknowledged by %s, want nothing done", inc.AcknowledgedBy)
		}
		if got := h.whispers("alerts", "U0GUEST"); !has(got, "何人も") {
			t.Errorf("told %q", got)
		}
		h.click(m, "ack", "U0UME") // the other one says which member it is
		if inc := h.incident(id); inc.AcknowledgedBy != "ume" {
			t.Errorf("acknowledged by %q, want ume", inc.AcknowledgedBy)
		}
	}, quiet, func(s *setup) {
		user := func(name, mail string, contacts ...oncall.ContactMethod) store.Object {
			return store.Object{Kind: store.ObjectUser, Name: name, File: "house.yaml", Line: 1, Body: mustJSON(oncall.User{
				ID: oncall.UserID(name), Name: name, Email: mail, Contacts: contacts,
			})}
		}
		s.more = []store.Object{
			user("kiku", "guest@example.com"), user("ran", "Guest@example.com"),
			user("sora", "ume@example.jp", oncall.ContactMethod{Name: "slack", Method: oncall.Slack, Address: "U0ELSE", Verified: true}),
		}
	})
}

func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// roles are who may act.
type roles map[oncall.UserID]bool

func (r roles) MayAct(_ context.Context, user oncall.UserID) (bool, error) { return r[user], nil }

func TestWhoMayOnlyLookPressesButtonsInVain(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.after(5 * time.Second)
		c, ok := h.slack.Channel("inc-1-checkout")
		if !ok {
			t.Fatal("no channel")
		}
		h.click(m, "resolve", "U0TAKE")
		h.must(h.slack.Join("U0TAKE", c.ID))
		_, err := h.slack.Post("U0TAKE", c.ID, "toban: note a word")
		h.must(err)
		h.after(time.Second)
		if inc := h.incident(id); inc.State != oncall.Triggered || has(h.entries(id), "note") {
			t.Errorf("got %s with %q, want nothing done", inc.State, h.entries(id))
		}
		for _, channel := range []string{"alerts", c.ID} {
			if got := h.whispers(channel, "U0TAKE"); len(got) != 1 || !strings.Contains(got[0], "権限") {
				t.Errorf("%s: told %q", channel, got)
			}
		}
		h.click(m, "resolve", "U0MATSU")
		if inc := h.incident(id); inc.State != oncall.Resolved {
			t.Errorf("got %s, want it resolved by who may", inc.State)
		}
	}, quiet, own(oncall.ChatAlways), func(s *setup) { s.options.Roles = roles{"matsu": true} })
}

// press sends the click of a member as Slack does, and returns the status.
func (h *house) press(m sim.Message, action string, incident oncall.IncidentID, member, at string) int {
	payload := `{"type":"block_actions","user":{"id":"` + member + `"},"container":{"channel_id":"` + m.Channel + `","message_ts":"` + m.TS +
		`"},"actions":[{"block_id":"b","action_id":"` + action + `","value":"` + string(incident) + `","action_ts":"` + at + `"}]}`
	body := url.Values{"payload": {payload}}.Encode()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/callbacks/slack/interact", strings.NewReader(body))
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", sim.Sign(secret, stamp, []byte(body)))
	w := httptest.NewRecorder()
	h.nodes[0].http.ServeHTTP(w, r)
	return w.Code
}

func TestASlackThatIsSlowToTakeWordsKeepsNobodyFromActing(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.click(m, "ack", "U0GUEST") // known to be nobody from now on
		h.slack.Fault(sim.Fault{On: "chat.postEphemeral", Hang: true, Times: 10_000})
		for i := range 40 { // more than are worked on at a time
			go h.press(m, "ack", id, "U0GUEST", strconv.Itoa(i))
		}
		h.after(50 * time.Millisecond)
		if code := h.press(m, "ack", id, "U0MATSU", "mine"); code != http.StatusOK {
			t.Errorf("got %d while others are being told, want 200", code)
		}
		h.after(time.Second)
		if inc := h.incident(id); inc.AcknowledgedBy != "matsu" {
			t.Errorf("acknowledged by %q, want matsu", inc.AcknowledgedBy)
		}
		h.after(30 * time.Second)
	}, quiet)
}

func TestAClickActsWhenTheWorkspaceIsConfiguredAnewMeanwhile(t *testing.T) {
	inHouse(t, func(h *house) {
		id, m := h.alert("db-1")
		h.click(m, "ack", "U0MATSU")
		if inc := h.incident(id); inc.AcknowledgedBy != "matsu" {
			t.Errorf("acknowledged by %q, want matsu; told %q", inc.AcknowledgedBy, h.whispers("alerts", "U0MATSU"))
		}
	}, quiet, func(s *setup) {
		s.workspaces = func(_ oncall.Stage, as *slack.Workspace) *slack.Workspace { return as.Again() }
	})
}
