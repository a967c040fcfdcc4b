package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/slack-go/slack"

	"toban/i18n"
	"toban/notify"
	"toban/oncall"
)

func TestTheSignatureIsSlacks(t *testing.T) {
	t.Parallel()
	const secret, body = "8f742231b10e8888abcd99yyyzzz85a5", "payload=%7B%22type%22%3A%22block_actions%22%7D"
	at := time.Unix(1795155600, 0)
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", "1795155600")
	h.Set("X-Slack-Signature", "v0=66c2c49b332e903157f3efdcce709735e15828a05b21c1364d61ebee9869a158")
	for _, tc := range []struct {
		name         string
		now          time.Time
		body, secret string
		want         bool
	}{
		{"as signed", at, body, secret, true},
		{"five minutes later", at.Add(5 * time.Minute), body, secret, true},
		{"later still", at.Add(5*time.Minute + time.Second), body, secret, false},
		{"early by more than five minutes", at.Add(-5*time.Minute - time.Second), body, secret, false},
		{"another body", at, body + " ", secret, false},
		{"another secret", at, body, secret + "x", false},
		{"no secret", at, body, "", false},
	} {
		if got := signed(h, []byte(tc.body), tc.secret, tc.now); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestWhatSlackSaysIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err   error
		class notify.Class
		code  string
		after time.Duration
	}{
		{&api.RateLimitedError{RetryAfter: 30 * time.Second}, notify.Throttled, "ratelimited", 30 * time.Second},
		{&api.RateLimitedError{}, notify.Throttled, "ratelimited", time.Second},
		{&api.RateLimitedError{RetryAfter: 24 * time.Hour}, notify.Throttled, "ratelimited", 10 * time.Minute},
		{api.StatusCodeError{Code: 429}, notify.Throttled, "http429", time.Second},
		{api.StatusCodeError{Code: 503}, notify.Ambiguous, "http503", 0},
		{api.StatusCodeError{Code: 404}, notify.BadConfig, "http404", 0},
		{api.SlackErrorResponse{Err: "token_revoked"}, notify.BadConfig, "token_revoked", 0},
		{api.SlackErrorResponse{Err: "missing_scope"}, notify.BadConfig, "missing_scope", 0},
		{api.SlackErrorResponse{Err: "is_archived"}, notify.BadAddress, "is_archived", 0},
		{api.SlackErrorResponse{Err: "ratelimited"}, notify.Throttled, "ratelimited", time.Second},
		{api.SlackErrorResponse{Err: "fatal_error"}, notify.Ambiguous, "fatal_error", 0},
		{api.SlackErrorResponse{Err: "User +8190 is <odd>"}, notify.BadAddress, "unknown", 0},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, notify.Transient, "dial", 0},
		{&net.DNSError{}, notify.Transient, "dns", 0},
		{context.DeadlineExceeded, notify.Ambiguous, "timeout", 0},
		{errors.New("unexpected EOF"), notify.Ambiguous, "cut", 0},
	} {
		f := failed(tc.err)
		if f.Class != tc.class || f.Code != tc.code || f.After != tc.after {
			t.Errorf("%v: got %s %s %v, want %s %s %v", tc.err, f.Class, f.Code, f.After, tc.class, tc.code, tc.after)
		}
	}
	if failed(nil) != nil {
		t.Error("no error is a failure")
	}
}

func TestTheGateKeepsToAPostASecondInEachChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		began := time.Now()
		pass := func(channel string) {
			for {
				leave, wait := g.enter(postMethod, channel)
				if wait == 0 {
					leave()
					return
				}
				time.Sleep(wait)
			}
		}
		for range 10 {
			pass("#alerts")
		}
		if took := time.Since(began); took < 8*time.Second || took > 20*time.Second {
			t.Errorf("ten posts took %v, want about 8 s", took)
		}
		began = time.Now()
		pass("#other")
		if took := time.Since(began); took != 0 {
			t.Errorf("another channel waited %v", took)
		}
		g.known("#alerts", "C1")
		g.pause(postMethod, "C1", time.Minute)
		if _, wait := g.enter(postMethod, "#alerts"); wait < time.Minute {
			t.Errorf("the channel by its name waits %v, want a minute as by its id", wait)
		}
		g.close(time.Hour)
		if _, wait := g.enter("users.info", ""); wait < time.Hour {
			t.Errorf("with a dead token the wait is %v, want an hour", wait)
		}
	})
}

func TestTextFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a & b": "a &amp; b", "<!channel>": "&lt;!channel&gt;", "<@U1>": "&lt;@U1&gt;"} {
		if got := escape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got, want := anchor("https://x.example.jp/a|b>c", "a|<b"), "<https://x.example.jp/a%7Cb%3Ec|a¦&lt;b>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := clip(strings.Repeat("松", 10), 4); got != "松松松…" {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]string{"checkout": "checkout", "Web/API v2": "web-api-v2", "決済": "決済", "--": "incident", "ＡＢＣ!": "ａｂｃ"} {
		if got := slug(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// Slack's limits hold for whatever stands in an incident.
func TestMessagesKeepToSlacksLimits(t *testing.T) {
	t.Parallel()
	for _, language := range i18n.Languages() {
		w, st := standing(func(w *wanted, _ *state) {
			w.Directory.Settings.Language = language
			w.Incident.Title = strings.Repeat("長い<題>&", 2000)
			w.Link, w.Page = "https://toban.example.jp/i/x", "https://toban.example.jp/incidents/1"
			w.NextAt, w.NextWhy = noon, oncall.NextLevel
			for i := range 20 {
				e := line(int64(i+1), oncall.EntryNote, "take")
				e.Data.Text = strings.Repeat("<long> & ", 900)
				w.Lines = append(w.Lines, e)
			}
		})
		ops, _ := plan(w, st)
		all := []message{w.card(st.Room.ID)}
		for _, o := range ops {
			if len(o.Lines) > 0 {
				all = append(all, w.lines(o))
			}
		}
		if len(all) != 3 {
			t.Fatalf("got %d messages", len(all))
		}
		for _, m := range all {
			if n := len([]rune(m.Text)); n > 4000 || n == 0 {
				t.Errorf("a text of %d characters", n)
			}
			if len(m.Blocks) > 50 {
				t.Errorf("%d blocks", len(m.Blocks))
			}
			for _, b := range m.Blocks {
				raw, err := json.Marshal(b)
				if err != nil {
					t.Fatal(err)
				}
				var is struct {
					Type string
					Text struct{ Text string }
				}
				if err := json.Unmarshal(raw, &is); err != nil {
					t.Fatal(err)
				}
				limit := map[string]int{"header": 150, "section": 3000}[is.Type]
				if n := len([]rune(is.Text.Text)); limit > 0 && n > limit {
					t.Errorf("a %s of %d characters", is.Type, n)
				}
			}
		}
		if n := len([]rune(w.topic())); n > 250 {
			t.Errorf("a topic of %d characters", n)
		}
	}
}

func TestAWorkspaceIsCheckedWhenItIsMade(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"no token":      {SigningSecret: "s"},
		"no secret":     {Token: "xoxb-hidden"},
		"no address":    {Token: "xoxb-hidden", SigningSecret: "s", BaseURL: "slack.com"},
		"not over http": {Token: "xoxb-hidden", SigningSecret: "s", BaseURL: "ftp://slack.com"},
	} {
		if _, err := NewWorkspace(c); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
