package slack_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/slack-go/slack"

	"toban/sim/slack"
)

func documented(o *slack.Options) { o.Limits = slack.Limits{} }

func TestEveryTierHasItsRate(t *testing.T) {
	t.Parallel()
	for method, tc := range map[string]struct {
		burst int
		wait  time.Duration // until the next one is let through
	}{
		"conversations.create":   {20, 3 * time.Second},
		"conversations.setTopic": {20, 3 * time.Second},
		"chat.update":            {50, 2 * time.Second}, // 1.2 s, told in whole seconds
		"conversations.invite":   {50, 2 * time.Second},
		"users.info":             {100, time.Second},
		"auth.test":              {600, time.Second},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, documented)
				for i := range tc.burst {
					if got := code(w.call(t, method)); got == "ratelimited" {
						t.Fatalf("limited at %d, want %d", i, tc.burst)
					}
				}
				res, err := w.web.PostForm("http://slack.invalid/api/"+method, url.Values{"token": {token}})
				must(t, err)
				defer res.Body.Close()
				if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != sec(tc.wait) {
					t.Errorf("%d, Retry-After %q; want 429 and %s", res.StatusCode, res.Header.Get("Retry-After"), sec(tc.wait))
				}
				time.Sleep(tc.wait)
				if got := code(w.call(t, method)); got == "ratelimited" {
					t.Error("limited after Retry-After")
				}
				if got := code(w.call(t, "reactions.add")); got == "ratelimited" {
					t.Error("one method's rate limits another")
				}
			})
		})
	}
}

func sec(d time.Duration) string { return strings.TrimSuffix(d.String(), "s") }

func TestAChannelTakesOneMessageASecondAfterAShortBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, documented)
		for range 4 {
			w.post(t, team)
		}
		_, _, err := w.api.PostMessage("team-checkout", sdk.MsgOptionText("x", false)) // by name: the same channel
		var limited *sdk.RateLimitedError
		if !errors.As(err, &limited) || limited.RetryAfter != time.Second {
			t.Fatalf("the fifth: %v, want a limit of 1 s", err)
		}
		w.post(t, inner) // another channel
		time.Sleep(limited.RetryAfter)
		w.post(t, team)
		if _, _, err := w.api.PostMessage(team, sdk.MsgOptionText("x", false)); !errors.As(err, &limited) {
			t.Errorf("two in a second: %v", err)
		}
		if len(w.Messages(team)) != 5 {
			t.Errorf("%d messages, want 5: what is limited is not posted", len(w.Messages(team)))
		}
	})
}

func TestTheWorkspaceHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *slack.Options) { o.Limits = slack.Limits{PostBurst: 100, Workspace: 6} })
		for range 6 {
			w.post(t, team)
		}
		_, _, err := w.api.PostMessage(inner, sdk.MsgOptionText("x", false))
		var limited *sdk.RateLimitedError
		if !errors.As(err, &limited) || limited.RetryAfter != 10*time.Second {
			t.Errorf("the seventh: %v, want a limit of 10 s", err)
		}
	})
}
