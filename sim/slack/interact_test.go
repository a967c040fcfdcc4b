package slack_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/slack-go/slack"

	"toban/sim/slack"
)

// clicked is the payload of a callback as the vendor's library reads it.
func clicked(t *testing.T, h hit) sdk.InteractionCallback {
	t.Helper()
	r := &http.Request{Method: http.MethodPost, Form: url.Values{"payload": {h.payload}}}
	c, err := sdk.InteractionCallbackParse(r)
	must(t, err)
	return c
}

func TestAClickArrivesSignedWithAllThatTheServiceSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ts := w.post(t, team)
		call, err := w.Click(team, ts, "ack", matsu)
		must(t, err)
		hits := w.app.got("block_actions")
		if call.Status != http.StatusOK || call.Error != "" || len(hits) != 1 || hits[0].signed != nil {
			t.Fatalf("callback %+v, hits %+v", call, hits)
		}
		c := clicked(t, hits[0])
		a := c.ActionCallback.BlockActions[0]
		got := []any{
			c.Type, c.User.ID, c.User.Name, c.Team.ID, c.Channel.ID, c.Channel.Name, c.Container.MessageTs, c.Container.ChannelID, c.Container.IsEphemeral,
			c.APIAppID, c.Message.Timestamp, len(c.Message.Blocks.BlockSet), c.Message.Metadata.EventPayload["incident"], a.ActionID, a.BlockID, a.Value, a.Text.Text, string(a.Type),
		}
		want := []any{
			sdk.InteractionTypeBlockActions, matsu, "matsu", "T0CORP", team, "team-checkout", ts, team, false,
			"A0SIMAPP", ts, 4, "#482", "ack", "inc:#482", "#482", "対応する", "button",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !strings.HasPrefix(c.ResponseURL, "http://slack.invalid/sim/slack/actions/T0CORP/") || c.TriggerID == "" || a.ActionTs == "" {
			t.Errorf("response_url %q, trigger_id %q, action_ts %q", c.ResponseURL, c.TriggerID, a.ActionTs)
		}
	})
}

func TestAClickOnWhatOnlyOnePersonSeesTellsNoMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ts, err := w.api.PostEphemeral(team, matsu, sdk.MsgOptionText("x", false), sdk.MsgOptionBlocks(buttons()...))
	must(t, err)
	if _, err := w.Click(team, ts, "ack", take); !errors.Is(err, slack.ErrNoMessage) {
		t.Errorf("somebody else: %v, want ErrNoMessage", err)
	}
	_, err = w.Click(team, ts, "ack", matsu)
	must(t, err)
	c := clicked(t, w.app.got("block_actions")[0])
	if !c.Container.IsEphemeral || c.Container.MessageTs != ts || c.Message.Timestamp != "" {
		t.Errorf("container %+v, message %q", c.Container, c.Message.Timestamp)
	}
	_, _, err = w.api.PostMessage(team, sdk.MsgOptionDeleteOriginal(c.ResponseURL))
	must(t, err)
	if left := w.Ephemerals(team, ""); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestAMenusChoiceArrivesAsAnOption(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(t, "chat.postMessage", "channel", team, "blocks",
		`[{"type":"actions","elements":[{"type":"static_select","action_id":"snooze","options":[{"text":{"type":"plain_text","text":"1 時間"},"value":"1h"}]}]}]`)
	ts := w.Messages(team)[0].TS
	if _, err := w.Choose(team, ts, "snooze", "2h", matsu); !errors.Is(err, slack.ErrNoElement) {
		t.Errorf("an option that is not there: %v", err)
	}
	_, err := w.Choose(team, ts, "snooze", "1h", matsu)
	must(t, err)
	if a := clicked(t, w.app.got("block_actions")[0]).ActionCallback.BlockActions[0]; a.SelectedOption.Value != "1h" || a.SelectedOption.Text.Text != "1 時間" {
		t.Errorf("action: %+v", a)
	}
}

func TestWhatCantBeClickedSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ts, private := w.post(t, team), w.post(t, inner)
	for _, tc := range []struct {
		channel, ts, action, user string
		want                      error
	}{
		{"C0NONE", ts, "ack", matsu, slack.ErrNoChannel},
		{team, "1.0", "ack", matsu, slack.ErrNoMessage},
		{team, ts, "nothing", matsu, slack.ErrNoElement},
		{team, ts, "ack", "U0NONE", slack.ErrNoUser},
		{team, ts, "ack", bot, slack.ErrNoUser},
		{inner, private, "ack", take, slack.ErrNotMember},
	} {
		if _, err := w.Click(tc.channel, tc.ts, tc.action, tc.user); !errors.Is(err, tc.want) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
	w.SetCallbacks("", "")
	if _, err := w.Click(team, ts, "ack", matsu); !errors.Is(err, slack.ErrNoURL) {
		t.Errorf("without an address: %v", err)
	}
	if len(w.app.got()) != 0 {
		t.Error("something was sent")
	}
}

func TestAnAppThatIsSlowOrBrokenHasFailedTheClick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ts := w.post(t, team)
		w.app.reply("/interact", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		call, err := w.Click(team, ts, "ack", matsu)
		must(t, err)
		if call.Error != "http_timeout" || time.Since(start) != 3*time.Second {
			t.Errorf("slow: %q after %s, want http_timeout after 3s", call.Error, time.Since(start))
		}
		w.app.reply("/interact", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
		if call, err = w.Click(team, ts, "ack", matsu); err != nil || call.Error != "http_error" || call.Status != 500 {
			t.Errorf("broken: %+v %v", call, err)
		}
		if got := len(w.app.got()); got != 2 {
			t.Errorf("%d requests, want 2: clicks are not repeated", got)
		}
	})
}

func TestClicksGoWrongOnDemand(t *testing.T) {
	t.Parallel()
	for do, want := range map[string]struct {
		hits   int
		signed error
	}{
		"duplicate": {2, nil}, "lost": {0, nil}, "bad-signature": {1, sdk.ErrInvalidSignature}, "stale": {1, sdk.ErrExpiredTimestamp}, "late": {1, nil},
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				ts := w.post(t, team)
				w.FaultCallbacks(slack.CallbackFault{On: "interact", Do: do, By: slack.Span(2 * time.Second)})
				start := time.Now()
				_, err := w.Click(team, ts, "ack", matsu)
				must(t, err)
				time.Sleep(5 * time.Second)
				synctest.Wait()
				hits := w.app.got("block_actions")
				if len(hits) != want.hits {
					t.Fatalf("%d requests, want %d", len(hits), want.hits)
				}
				for _, h := range hits {
					if !errors.Is(h.signed, want.signed) {
						t.Errorf("signature: %v, want %v", h.signed, want.signed)
					}
				}
				if do == "duplicate" && hits[0].payload != hits[1].payload {
					t.Error("the duplicate is not the same")
				}
				if do == "late" && hits[0].at.Sub(start) != 2*time.Second {
					t.Errorf("late by %s", hits[0].at.Sub(start))
				}
				_, err = w.Click(team, ts, "ack", matsu) // once means once
				must(t, err)
				if got := w.app.got("block_actions"); len(got) != want.hits+1 || got[want.hits].signed != nil {
					t.Errorf("the next click is not as usual: %d requests", len(got))
				}
			})
		})
	}
}

// answer posts to a response_url and returns the status and the error.
func (w *world) answer(t *testing.T, address, body string) (int, string) {
	t.Helper()
	res, err := w.web.Post(address, "application/json; charset=utf-8", strings.NewReader(body))
	must(t, err)
	defer res.Body.Close()
	var out map[string]any
	must(t, json.NewDecoder(res.Body).Decode(&out))
	return res.StatusCode, code(out)
}

func TestAResponseURLWorksFiveTimesInHalfAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ts := w.post(t, team)
		_, err := w.Click(team, ts, "ack", matsu)
		must(t, err)
		address := clicked(t, w.app.got("block_actions")[0]).ResponseURL

		for body, want := range map[string]string{`{`: "invalid_payload", `{}`: "no_text", `{"blocks":[{"type":"x"}],"text":"x"}`: "invalid_blocks"} {
			if status, got := w.answer(t, address, body); status != 400 || got != want {
				t.Errorf("%s: %d %s, want %s", body, status, got, want)
			}
		}
		// The vendor's client, for replacing and answering one person.
		_, _, err = w.api.PostMessage(team, sdk.MsgOptionReplaceOriginal(address), sdk.MsgOptionText("松さんが対応中です", false))
		must(t, err)
		_, _, err = w.api.PostMessage(team, sdk.MsgOptionResponseURL(address, sdk.ResponseTypeEphemeral), sdk.MsgOptionText("ありがとう", false))
		must(t, err)
		_, _, err = w.api.PostMessage(team, sdk.MsgOptionResponseURL(address, sdk.ResponseTypeInChannel), sdk.MsgOptionText("みなさん", false))
		must(t, err)
		m, mine := w.Messages(team), w.Ephemerals(team, matsu)
		if len(m) != 2 || m[0].TS != ts || m[0].Text != "松さんが対応中です" || m[0].Blocks != nil || m[1].Text != "みなさん" || len(mine) != 1 || mine[0].Text != "ありがとう" {
			t.Errorf("messages %+v, ephemerals %+v", m, mine)
		}
		_, _, err = w.api.PostMessage(team, sdk.MsgOptionDeleteOriginal(address))
		must(t, err)
		if m := w.Messages(team); len(m) != 1 || m[0].TS == ts {
			t.Errorf("after deleting: %+v", m)
		}
		if status, got := w.answer(t, address, `{"text":"5"}`); status != 200 || got != "ok" {
			t.Errorf("the fifth: %d %s", status, got)
		}
		if status, got := w.answer(t, address, `{"text":"6"}`); status != 404 || got != "used_url" {
			t.Errorf("the sixth: %d %s, want used_url", status, got)
		}

		ts = w.post(t, team)
		_, err = w.Click(team, ts, "ack", matsu)
		must(t, err)
		address = clicked(t, w.app.got("block_actions")[1]).ResponseURL
		time.Sleep(30*time.Minute + time.Second)
		if status, got := w.answer(t, address, `{"text":"late"}`); status != 404 || got != "expired_url" {
			t.Errorf("after half an hour: %d %s, want expired_url", status, got)
		}
		if status, got := w.answer(t, address+"x", `{"text":"?"}`); status != 404 || got != "invalid_url" {
			t.Errorf("another address: %d %s", status, got)
		}
	})
}

func TestATriggerOpensOneViewWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ts := w.post(t, team)
		trigger := func() string {
			_, err := w.Click(team, ts, "resolve", matsu)
			must(t, err)
			hits := w.app.got("block_actions")
			return clicked(t, hits[len(hits)-1]).TriggerID
		}
		view := sdk.ModalViewRequest{
			Type: sdk.VTModal, CallbackID: "resolve_modal", PrivateMetadata: "#482", Title: sdk.NewTextBlockObject("plain_text", "解決", false, false),
			Submit: sdk.NewTextBlockObject("plain_text", "送信", false, false),
			Blocks: sdk.Blocks{BlockSet: []sdk.Block{sdk.NewInputBlock("note", sdk.NewTextBlockObject("plain_text", "原因", false, false), nil, sdk.NewPlainTextInputBlockElement(nil, "v"))}},
		}
		first := trigger()
		r, err := w.api.OpenView(first, view)
		must(t, err)
		if v := w.Views(); len(v) != 1 || v[0].User != matsu || v[0].ID != r.ID || r.PrivateMetadata != "#482" {
			t.Errorf("views %+v, answer %+v", v, r.View)
		}
		if _, err := w.api.OpenView(first, view); errText(err) != "exchanged_trigger_id" {
			t.Errorf("again: %v", err)
		}
		late := trigger()
		time.Sleep(3*time.Second + time.Millisecond)
		if _, err := w.api.OpenView(late, view); errText(err) != "expired_trigger_id" {
			t.Errorf("late: %v", err)
		}
		view.Title = sdk.NewTextBlockObject("plain_text", strings.Repeat("あ", 25), false, false)
		if _, err := w.api.OpenView(trigger(), view); errText(err) != "invalid_arguments" {
			t.Errorf("a long title: %v", err)
		}
	})
}
