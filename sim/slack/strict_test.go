package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"toban/sim/slack"
)

// TestEveryCheckOfTheServiceIsMade has a line for each refusal: the method, its
// arguments, and the error.
func TestEveryCheckOfTheServiceIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ts := w.post(t, team)
	theirs, err := w.Post(matsu, team, "by hand")
	must(t, err)
	atEnd := w.post(t, team)
	long := func(n int) string { return strings.Repeat("あ", n) }
	for i, tc := range []struct {
		method string
		args   []string
		want   string
	}{
		{"no.suchMethod", nil, "unknown_method"},

		{"chat.postMessage", []string{"text", "x"}, "invalid_arguments"},
		{"chat.postMessage", []string{"channel", "C0NONE", "text", "x"}, "channel_not_found"},
		{"chat.postMessage", []string{"channel", "nowhere", "text", "x"}, "channel_not_found"},
		{"chat.postMessage", []string{"channel", hidden, "text", "x"}, "channel_not_found"},
		{"chat.postMessage", []string{"channel", gone, "text", "x"}, "channel_not_found"},
		{"chat.postMessage", []string{"channel", old, "text", "x"}, "is_archived"},
		{"chat.postMessage", []string{"channel", side, "text", "x"}, "ok"}, // chat:write.public
		{"chat.postMessage", []string{"channel", "#team-checkout", "text", "x"}, "ok"},
		{"chat.postMessage", []string{"channel", team}, "no_text"},
		{"chat.postMessage", []string{"channel", team, "blocks", "[]"}, "no_text"},
		{"chat.postMessage", []string{"channel", team, "text", long(40_001)}, "msg_too_long"},
		{"chat.postMessage", []string{"channel", team, "text", long(40_000)}, "ok"},
		{"chat.postMessage", []string{"channel", team, "blocks", "[{"}, "invalid_blocks_format"},
		{"chat.postMessage", []string{"channel", team, "blocks", `{"type":"divider"}`}, "invalid_blocks"},
		{"chat.postMessage", []string{"channel", team, "attachments", "x"}, "invalid_attachments"},
		{"chat.postMessage", []string{"channel", team, "attachments", `["x"]`}, "invalid_attachments"},
		{"chat.postMessage", []string{"channel", team, "attachments", "[" + strings.Repeat("{},", 100) + "{}]"}, "too_many_attachments"},
		{"chat.postMessage", []string{"channel", team, "text", "x", "metadata", "x"}, "invalid_metadata_format"},
		{"chat.postMessage", []string{"channel", team, "text", "x", "metadata", "[]"}, "invalid_metadata_format"},
		{"chat.postMessage", []string{"channel", team, "text", "x", "metadata", `{"event_type":"a"}`}, "invalid_metadata_schema"},
		{"chat.postMessage", []string{"channel", team, "text", "x", "metadata", `{"event_type":"","event_payload":{}}`}, "invalid_metadata_schema"},
		{"chat.postMessage", []string{"channel", team, "text", "x", "metadata", `{"event_type":"a","event_payload":{"b":"` + long(6000) + `"}}`}, "metadata_too_large"},
		{"chat.postMessage", []string{"channel", team, "text", "x", "metadata", `{"event_type":"a","event_payload":{}}`}, "ok"},

		{"chat.update", []string{"channel", team, "text", "x"}, "invalid_arguments"},
		{"chat.update", []string{"channel", "C0NONE", "ts", ts, "text", "x"}, "channel_not_found"},
		{"chat.update", []string{"channel", team, "ts", "1.000000", "text", "x"}, "message_not_found"},
		{"chat.update", []string{"channel", team, "ts", theirs, "text", "x"}, "cant_update_message"},
		{"chat.update", []string{"channel", team, "ts", ts}, "no_text"},
		{"chat.update", []string{"channel", team, "ts", ts, "text", long(4_001)}, "msg_too_long"},
		{"chat.update", []string{"channel", team, "ts", ts, "text", long(4_000)}, "ok"},
		{"chat.delete", []string{"channel", team, "ts", theirs}, "cant_delete_message"},
		{"chat.getPermalink", []string{"channel", team, "message_ts", "1.000000"}, "message_not_found"},
		{"chat.postEphemeral", []string{"channel", team, "text", "x"}, "invalid_arguments"},
		{"chat.postEphemeral", []string{"channel", team, "user", "U0NONE", "text", "x"}, "user_not_found"},
		{"chat.postEphemeral", []string{"channel", team, "user", take, "text", "x"}, "user_not_in_channel"},

		{"conversations.create", nil, "invalid_name_required"},
		{"conversations.create", []string{"name", "Inc-1"}, "invalid_name_specials"},
		{"conversations.create", []string{"name", "inc 1"}, "invalid_name_specials"},
		{"conversations.create", []string{"name", "inc.1"}, "invalid_name_specials"},
		{"conversations.create", []string{"name", "障害、決済"}, "invalid_name_specials"},
		{"conversations.create", []string{"name", "-_-"}, "invalid_name_punctuation"},
		{"conversations.create", []string{"name", long(81)}, "invalid_name_maxlength"},
		{"conversations.create", []string{"name", long(80)}, "ok"},
		{"conversations.create", []string{"name", "inc_482-決済サーバー々"}, "ok"},
		{"conversations.create", []string{"name", "team-checkout"}, "name_taken"},
		{"conversations.create", []string{"name", "inc-7"}, "name_taken"},           // archived
		{"conversations.create", []string{"name", "hidden"}, "name_taken"},          // not to be seen
		{"conversations.create", []string{"name", "oncall-checkout"}, "name_taken"}, // a group's handle
		{"conversations.rename", []string{"channel", team, "name", "inc-7"}, "name_taken"},
		{"conversations.rename", []string{"channel", inner, "name", "X"}, "invalid_name_specials"},
		{"conversations.rename", []string{"channel", old, "name", "x"}, "is_archived"},

		{"conversations.invite", []string{"channel", team}, "no_user"},
		{"conversations.invite", []string{"channel", team, "users", bot}, "cant_invite_self"},
		{"conversations.invite", []string{"channel", team, "users", matsu}, "already_in_channel"},
		{"conversations.invite", []string{"channel", team, "users", take + "," + matsu}, "already_in_channel"},
		{"conversations.invite", []string{"channel", team, "users", "U0NONE"}, "user_not_found"},
		{"conversations.invite", []string{"channel", team, "users", gone}, "user_not_found"},
		{"conversations.invite", []string{"channel", team, "users", strings.Repeat(take+",", 101)}, "too_many_users"},
		{"conversations.invite", []string{"channel", side, "users", take}, "ok"}, // after joining, below
		{"conversations.invite", []string{"channel", old, "users", take}, "is_archived"},
		{"conversations.invite", []string{"channel", "C0NONE", "users", take}, "channel_not_found"},
		{"conversations.invite", []string{"users", take}, "invalid_arguments"},
		{"conversations.invite", []string{"channel", team, "users", take + "," + matsu, "force", "true"}, "ok"},
		{"conversations.kick", []string{"channel", team, "user", bot}, "cant_kick_self"},
		{"conversations.kick", []string{"channel", team, "user", "U0NONE"}, "user_not_found"},
		{"conversations.kick", []string{"channel", inner, "user", take}, "not_in_channel"},
		{"conversations.kick", []string{"channel", "C0GENERAL", "user", take}, "cant_kick_from_general"},
		{"conversations.leave", []string{"channel", "C0GENERAL"}, "cant_leave_general"},
		{"conversations.join", []string{"channel", old}, "is_archived"},
		{"conversations.join", []string{"channel", hidden}, "channel_not_found"},
		{"conversations.join", []string{"channel", inner}, "method_not_supported_for_channel_type"},

		{"conversations.setTopic", []string{"channel", team}, "invalid_arguments"},
		{"conversations.setTopic", []string{"channel", team, "topic", long(251)}, "too_long"},
		{"conversations.setTopic", []string{"channel", team, "topic", long(250)}, "ok"},
		{"conversations.setTopic", []string{"channel", team, "topic", ""}, "ok"},
		{"conversations.setTopic", []string{"channel", old, "topic", "x"}, "is_archived"},
		{"conversations.setPurpose", []string{"channel", team, "purpose", long(251)}, "too_long"},

		{"conversations.archive", []string{"channel", old}, "already_archived"},
		{"conversations.archive", []string{"channel", "C0GENERAL"}, "cant_archive_general"},
		{"conversations.archive", []string{"channel", hidden}, "channel_not_found"},
		{"conversations.unarchive", []string{"channel", team}, "not_archived"},
		{"conversations.unarchive", []string{"channel", old}, "not_in_channel"}, // bots can't

		{"conversations.open", nil, "users_list_not_supplied"},
		{"conversations.open", []string{"users", ""}, "not_enough_users"},
		{"conversations.open", []string{"users", strings.Repeat(take+",", 9)}, "too_many_users"},
		{"conversations.open", []string{"users", "U0NONE"}, "user_not_found"},
		{"conversations.open", []string{"users", gone}, "user_disabled"},
		{"conversations.open", []string{"channel", team}, "method_not_supported_for_channel_type"},
		{"conversations.list", []string{"types", "secret"}, "invalid_types"},
		{"conversations.list", []string{"limit", "many"}, "invalid_limit"},
		{"conversations.list", []string{"cursor", "bm8="}, "invalid_cursor"},
		{"conversations.members", []string{"channel", team, "cursor", "x"}, "invalid_cursor"},
		{"conversations.history", []string{"channel", team, "cursor", "x"}, "invalid_cursor"},
		{"conversations.history", []string{"channel", team, "oldest", "yesterday"}, "invalid_ts_oldest"},
		{"conversations.history", []string{"channel", team, "latest", "now"}, "invalid_ts_latest"},
		{"conversations.history", []string{"channel", hidden}, "channel_not_found"},
		{"conversations.replies", []string{"channel", team, "ts", "1.000000"}, "thread_not_found"},

		{"users.lookupByEmail", []string{"email", "nobody@example.jp"}, "users_not_found"},
		{"users.lookupByEmail", []string{"email", "gone@example.jp"}, "users_not_found"},
		{"users.lookupByEmail", nil, "invalid_arguments"},
		{"users.info", []string{"user", "U0NONE"}, "user_not_found"},
		{"usergroups.users.update", []string{"usergroup", group}, "no_users_provided"},
		{"usergroups.users.update", []string{"usergroup", group, "users", "U0NONE"}, "invalid_users"},
		{"usergroups.users.update", []string{"usergroup", group, "users", bot}, "invalid_user"},
		{"usergroups.users.update", []string{"usergroup", "S0NONE", "users", take}, "no_such_subteam"},

		{"reactions.add", []string{"channel", team, "name", "eyes"}, "no_item_specified"},
		{"reactions.add", []string{"channel", team, "name", "eyes", "timestamp", "x"}, "bad_timestamp"},
		{"reactions.add", []string{"channel", team, "name", "Eyes!", "timestamp", ts}, "invalid_name"},
		{"reactions.add", []string{"channel", team, "name", "eyes", "timestamp", "1.000000"}, "message_not_found"},
		{"reactions.add", []string{"channel", team, "name", "eyes", "timestamp", ts}, "ok"},
		{"reactions.add", []string{"channel", team, "name", "eyes", "timestamp", ts}, "already_reacted"},
		{"pins.add", []string{"channel", team, "timestamp", ts}, "ok"},
		{"pins.add", []string{"channel", team, "timestamp", ts}, "already_pinned"},
		{"bookmarks.add", []string{"channel_id", team, "title", "x", "type", "link", "link", "ftp://x"}, "invalid_link"},
		{"bookmarks.add", []string{"channel_id", team, "title", "x", "type", "folder"}, "invalid_bookmark_type"},
		{"views.open", []string{"trigger_id", "1.2.x", "view", `{"type":"modal"}`}, "invalid_trigger_id"},

		{"conversations.archive", []string{"channel", team}, "ok"},
		{"chat.update", []string{"channel", team, "ts", atEnd, "text", "x"}, "is_inactive"},
		{"chat.postMessage", []string{"channel", team, "text", "x"}, "is_archived"},
		{"reactions.add", []string{"channel", team, "name", "eyes", "timestamp", atEnd}, "is_archived"},
		{"pins.add", []string{"channel", team, "timestamp", atEnd}, "is_archived"},
		{"conversations.create", []string{"name", "team-checkout"}, "name_taken"},
	} {
		if tc.method == "conversations.invite" && len(tc.args) > 1 && tc.args[1] == side {
			if got := code(w.call(t, tc.method, tc.args...)); got != "not_in_channel" {
				t.Errorf("inviting into a channel without the bot: %s, want not_in_channel", got)
			}
			w.call(t, "conversations.join", "channel", side)
		}
		if got := code(w.call(t, tc.method, tc.args...)); got != tc.want {
			t.Errorf("%d: %s %.120v: %s, want %s", i, tc.method, tc.args, got, tc.want)
		}
	}
}

func TestOneWrongGuestKeepsEverybodyOutUnlessForced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.call(t, "conversations.invite", "channel", team, "users", take+",U0NONE,"+matsu)
	if c, _ := w.Channel(team); code(out) != "user_not_found" || len(out["errors"].([]any)) != 2 || len(c.Members) != 2 {
		t.Errorf("invite: %v, members %v", out, c.Members)
	}
	if _, err := w.api.ForceInviteUsersToConversation(team, take, "U0NONE", matsu); err != nil {
		t.Errorf("forced: %v", err)
	}
	if c, _ := w.Channel(team); len(c.Members) != 3 {
		t.Errorf("members %v, want three", c.Members)
	}
}

func TestTheTokenIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(method, kind, bearer, body string) string {
		r, err := http.NewRequest(method, "http://slack.invalid/api/auth.test", strings.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", kind)
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		res, err := w.web.Do(r)
		must(t, err)
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body)
		var out map[string]any
		if err := json.Unmarshal(raw, &out); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", res.StatusCode, raw)
		}
		return fmt.Sprint(code(out), " ", out["warning"])
	}
	const form, plainJSON, fullJSON = "application/x-www-form-urlencoded", "application/json", "application/json; charset=utf-8"
	for _, tc := range []struct{ method, kind, bearer, body, want string }{
		{"POST", form, "", "", "not_authed <nil>"},
		{"POST", form, "", "token=xoxb-other", "invalid_auth <nil>"},
		{"POST", form, "", "token=" + token, "ok <nil>"},
		{"POST", form, token, "", "ok <nil>"},
		{"POST", form, token, "token=xoxb-other", "ok <nil>"},
		{"POST", fullJSON, token, "{}", "ok <nil>"},
		{"POST", plainJSON, token, "{}", "ok missing_charset"},
		{"POST", fullJSON, "", `{"token":"` + token + `"}`, "not_authed <nil>"}, // not read from JSON
		{"POST", fullJSON, token, `{`, "invalid_json <nil>"},
		{"POST", fullJSON, token, `[]`, "json_not_object <nil>"},
		{"POST", "text/plain", token, "x", "invalid_post_type <nil>"},
		{"POST", "", token, "x", "missing_post_type <nil>"},
		{"GET", "", token, "", "ok <nil>"},
	} {
		if got := ask(tc.method, tc.kind, tc.bearer, tc.body); got != tc.want {
			t.Errorf("%+v: %s", tc, got)
		}
	}
	w.Revoke()
	if got := ask("POST", form, token, ""); got != "token_revoked <nil>" {
		t.Errorf("revoked: %s", got)
	}
	w.Deactivate()
	if got := ask("POST", form, token, ""); got != "account_inactive <nil>" {
		t.Errorf("deactivated: %s", got)
	}
	w.Restore()
	if got := ask("POST", form, token, ""); got != "ok <nil>" {
		t.Errorf("restored: %s", got)
	}
}

func TestJSONIsTakenOnlyWhereTheServiceTakesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(method, body string) map[string]any {
		r, err := http.NewRequest(http.MethodPost, "http://slack.invalid/api/"+method, strings.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := w.web.Do(r)
		must(t, err)
		defer res.Body.Close()
		var out map[string]any
		must(t, json.NewDecoder(res.Body).Decode(&out))
		return out
	}
	for _, blocks := range []string{`[{"type":"divider"}]`, `"[{\"type\":\"divider\"}]"`} { // an array, and an array in a string
		if out := ask("chat.postMessage", `{"channel":"`+team+`","text":"x","blocks":`+blocks+`}`); code(out) != "ok" {
			t.Errorf("post with blocks %s: %v", blocks, out)
		}
	}
	if out := ask("conversations.invite", `{"channel":"`+team+`","users":["`+take+`"]}`); code(out) != "ok" {
		t.Errorf("invite: %v", out)
	}
	if out := ask("conversations.info", `{"channel":"`+team+`"}`); code(out) != "invalid_arguments" {
		t.Errorf("info takes forms only: %v, want invalid_arguments", out)
	}
}

func TestBodiesHaveALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, err := w.web.Post("http://slack.invalid/api/chat.postMessage", "application/x-www-form-urlencoded", strings.NewReader("text="+strings.Repeat("x", 2<<20)))
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", res.StatusCode)
	}
}

func TestWhatTheServiceSaysByItselfIsInTheTimelineAndNotAMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(t, "conversations.invite", "channel", team, "users", take)
	w.call(t, "conversations.setTopic", "channel", team, "topic", "x")
	w.call(t, "conversations.setTopic", "channel", team, "topic", "x") // no change, no note
	w.call(t, "conversations.archive", "channel", team)
	var kinds []string
	for _, m := range w.Timeline(team) {
		kinds = append(kinds, m.Subtype)
	}
	if got := strings.Join(kinds, " "); got != "channel_join channel_topic channel_archive" || len(w.Messages(team)) != 0 {
		t.Errorf("timeline %q, %d messages", got, len(w.Messages(team)))
	}
}

func TestAClosedServerAnswersAsOneThatIsDown(t *testing.T) {
	t.Parallel()
	s := slack.New(slack.Options{})
	s.Close()
	res, err := (&http.Client{Transport: s.Transport()}).Get("http://slack.invalid/api/auth.test")
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %s, want 503 and HTML", res.StatusCode, res.Header.Get("Content-Type"))
	}
}
