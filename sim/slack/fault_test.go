package slack_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/slack-go/slack"

	"toban/sim/slack"
)

// TestEveryFaultIsAsTheClientMeetsIt has what the vendor's client says, and
// whether the message was posted all the same.
func TestEveryFaultIsAsTheClientMeetsIt(t *testing.T) {
	t.Parallel()
	const method = "chat.postMessage"
	for name, tc := range map[string]struct {
		fault  slack.Fault
		says   func(error) bool
		posted int
	}{
		"429": {slack.RateLimited(method, 7*time.Second), func(err error) bool {
			var limited *sdk.RateLimitedError
			return errors.As(err, &limited) && limited.RetryAfter == 7*time.Second
		}, 0},
		"5xx": {slack.ServerError(method, 503), func(err error) bool {
			var status sdk.StatusCodeError
			return errors.As(err, &status) && status.Code == 503
		}, 0},
		"5xx after": {slack.Fault{On: method, Status: 500, After: true}, func(err error) bool { return strings.Contains(errText(err), "500") }, 1},
		"any error": {slack.Refusal(method, "restricted_action"), func(err error) bool { return errText(err) == "restricted_action" }, 0},
		"time-out":  {slack.HangAfter(method), func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }, 1},
		"dropped":   {slack.DropAfter(method), func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }, 1},
		"lost":      {slack.Fault{Drop: true}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }, 0},
		"slow":      {slack.Slow(method, 9*time.Second), func(err error) bool { return err == nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				must(t, tc.fault.Validate())
				w.Fault(tc.fault)
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				_, _, err := w.api.PostMessageContext(ctx, team, sdk.MsgOptionText("x", false))
				if !tc.says(err) || len(w.Messages(team)) != tc.posted {
					t.Errorf("%v; %d messages, want %d", err, len(w.Messages(team)), tc.posted)
				}
				if name == "slow" && time.Since(start) != 9*time.Second {
					t.Errorf("slow by %s", time.Since(start))
				}
				w.post(t, team) // once means once
			})
		})
	}
}

func TestAFaultChoosesItsRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(slack.Fault{On: "chat.postMessage", Channel: inner, Error: "fatal_error", Times: 2})
	w.post(t, team)
	for i, want := range []string{"fatal_error", "fatal_error", "ok"} {
		if got := code(w.call(t, "chat.postMessage", "channel", inner, "text", "x")); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
}

func TestAChannelCanBeArchivedOrDeletedBehindTheAppsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ts := w.post(t, team)
	must(t, w.Archive(matsu, team))
	if got := code(w.call(t, "chat.postMessage", "channel", team, "text", "x")); got != "is_archived" {
		t.Errorf("archived: %s", got)
	}
	must(t, w.Unarchive(matsu, team))
	must(t, w.Leave(bot, inner))
	if got := code(w.call(t, "chat.postMessage", "channel", inner, "text", "x")); got != "channel_not_found" {
		t.Errorf("thrown out of a private channel: %s", got)
	}
	must(t, w.Delete(team))
	for _, method := range []string{"chat.postMessage", "chat.update", "conversations.info", "conversations.archive"} {
		if got := code(w.call(t, method, "channel", team, "ts", ts, "text", "x")); got != "channel_not_found" {
			t.Errorf("%s in a deleted channel: %s", method, got)
		}
	}
	if err := w.Delete(team); !errors.Is(err, slack.ErrNoChannel) {
		t.Errorf("deleting again: %v", err)
	}
}

func TestFaultsAndPeopleComeAsJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ts := w.post(t, team)
	post := func(path, body string) (int, string) {
		res, err := w.web.Post("http://slack.invalid/sim/slack/control/"+path, "application/json", strings.NewReader(body))
		must(t, err)
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	for _, tc := range []struct {
		path, body string
		want       int
	}{
		{"faults", `{`, 400},
		{"faults", `{"on":"chat.shout"}`, 400},
		{"faults", `{"status":200}`, 400},
		{"faults", `{"delay":"soon"}`, 400},
		{"faults", `{"error":"Not Like One"}`, 400},
		{"faults", `{"colour":1}`, 400},
		{"faults", `[{"on":"chat.postMessage","error":"fatal_error"},{"on":"chat.postMessage","status":429,"retry_after":"2s"}]`, 204},
		{"callback-faults", `{"do":"explode"}`, 400},
		{"callback-faults", `{"on":"interact","do":"duplicate","by":"1s"}`, 204},
		{"token/lost", `{}`, 404},
		{"token/revoked", `{}`, 204},
		{"token/good", `{}`, 204},
		{"post", `{"user":"` + matsu + `","channel":"#team-checkout","text":"やあ"}`, 200},
		{"post", `{"user":"` + matsu + `","channel":"inc-7","text":"x"}`, 409},
		{"post", `{"user":"` + take + `","channel":"` + team + `","text":"x"}`, 409},
		{"react", `{"user":"` + matsu + `","channel":"` + team + `","ts":"` + ts + `","emoji":"eyes"}`, 200},
		{"click", `{"user":"` + matsu + `","channel":"team-checkout","ts":"` + ts + `","action":"ack"}`, 200},
		{"click", `{"user":"` + matsu + `","channel":"team-checkout","ts":"` + ts + `","action":"none"}`, 409},
		{"channels/team-checkout/archive", `{"user":"` + matsu + `"}`, 200},
		{"channels/team-checkout/unarchive", `{"user":"` + matsu + `"}`, 200},
		{"channels/team-checkout/join", `{"user":"` + take + `"}`, 200},
		{"channels/team-checkout/leave", `{"user":"` + take + `"}`, 200},
		{"channels/team-checkout/paint", `{"user":"` + take + `"}`, 409},
		{"channels/hidden/delete", `{}`, 200},
		{"channels/hidden/delete", `{}`, 409},
		{"verify", `{}`, 502},
		{"callbacks", `{"interact":"nowhere","events":""}`, 400},
		{"callbacks", `{"interact":"https://toban.example.jp/interact","events":"https://toban.example.jp/events"}`, 204},
		{"verify", `{}`, 204},
	} {
		if status, text := post(tc.path, tc.body); status != tc.want {
			t.Errorf("%s %s: %d %s, want %d", tc.path, tc.body, status, text, tc.want)
		}
	}
	if got := code(w.call(t, "chat.postMessage", "channel", team, "text", "x")); got != "fatal_error" {
		t.Errorf("after the faults: %s", got)
	}
	for path, want := range map[string]string{
		"channels": `"name":"team-checkout"`, "channels/team-checkout/messages": "やあ", "users": "matsu@example.jp", "groups": "oncall-checkout",
		"requests?method=chat.postMessage": `"method":"chat.postMessage"`, "callbacks?kind=interact": "block_actions",
	} {
		res, err := w.web.Get("http://slack.invalid/sim/slack/control/" + path)
		must(t, err)
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !strings.Contains(string(text), want) || strings.Contains(string(text), token) {
			t.Errorf("%s: %s, want %s and no token", path, text, want)
		}
	}
}

func TestAnotherSitesPageControlsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"post", "click", "control/faults", "control/channels/hidden/delete"} {
		r, err := http.NewRequest(http.MethodPost, "http://slack.invalid/sim/slack/"+path, strings.NewReader("{}"))
		must(t, err)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		res, err := w.web.Do(r)
		must(t, err)
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", path, res.StatusCode)
		}
	}
}
