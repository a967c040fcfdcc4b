package slack_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack/slackevents"

	"toban/sim/slack"
)

// event is a callback as the vendor's library reads it.
func event(t *testing.T, h hit) slackevents.EventsAPIInnerEvent {
	t.Helper()
	e, err := slackevents.ParseEvent(json.RawMessage(h.payload), slackevents.OptionNoVerifyToken())
	must(t, err)
	return e.InnerEvent
}

func TestEventsTellWhatHappensInTheBotsChannels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		ts, err := w.Post(matsu, team, "<@"+bot+"> 状況は？")
		must(t, err)
		_, err = w.Post(matsu, side, "elsewhere") // the bot does not hear it
		must(t, err)
		must(t, w.React(matsu, team, ts, ":eyes:"))
		must(t, w.Join(take, team))
		must(t, w.Archive(matsu, team))
		synctest.Wait()
		if h := w.app.got("url_verification"); len(h) == 0 || h[0].signed != nil {
			t.Errorf("handshake: %+v", h)
		}
		types := map[string]int{}
		for _, h := range w.app.got("event_callback") {
			if h.signed != nil || h.header.Get("X-Slack-Retry-Num") != "" {
				t.Errorf("signature %v, retry %q", h.signed, h.header.Get("X-Slack-Retry-Num"))
			}
			e := event(t, h)
			types[e.Type]++
			switch d := e.Data.(type) {
			case *slackevents.AppMentionEvent:
				if d.User != matsu || d.Channel != team || d.TimeStamp != ts {
					t.Errorf("mention: %+v", d)
				}
			case *slackevents.ReactionAddedEvent:
				if d.User != matsu || d.Reaction != "eyes" || d.Item.Timestamp != ts {
					t.Errorf("reaction: %+v", d)
				}
			case *slackevents.MemberJoinedChannelEvent:
				if d.User != take || d.Channel != team {
					t.Errorf("joined: %+v", d)
				}
			case *slackevents.ChannelArchiveEvent:
				if d.User != matsu || d.Channel != team {
					t.Errorf("archived: %+v", d)
				}
			}
		}
		// message: posted, joined, archived
		if diff := cmp.Diff(map[string]int{"message": 3, "app_mention": 1, "reaction_added": 1, "member_joined_channel": 1, "channel_archive": 1}, types); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestEditsAndDeletionsAreMessageEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		ts := w.post(t, team)
		w.call(t, "chat.update", "channel", team, "ts", ts, "text", "new")
		w.call(t, "chat.delete", "channel", team, "ts", ts)
		synctest.Wait()
		if c, d := w.app.got("message_changed", "previous_message"), w.app.got("message_deleted"); len(c) != 1 || len(d) != 1 {
			t.Errorf("%d changed, %d deleted", len(c), len(d))
		}
	})
}

func TestAnEventThatIsNotTakenIsSentThreeTimesMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		if !w.Verify() {
			t.Fatal("the handshake failed")
		}
		w.app.reply("/events", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
		start := time.Now()
		_, err := w.Post(matsu, team, "x")
		must(t, err)
		time.Sleep(10 * time.Minute)
		var got []string
		for _, h := range w.app.got("event_callback") {
			got = append(got, h.at.Sub(start).String()+" "+h.header.Get("X-Slack-Retry-Num")+" "+h.header.Get("X-Slack-Retry-Reason"))
			if h.signed != nil {
				t.Errorf("signature: %v", h.signed)
			}
		}
		if diff := cmp.Diff([]string{"0s  ", "0s 1 http_error", "1m0s 2 http_error", "6m0s 3 http_error"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		ids := w.app.got("event_callback")
		if a, b := w.Callbacks("event")[0], w.Callbacks("event")[3]; a.EventID == "" || a.EventID != b.EventID || ids[0].payload != ids[3].payload {
			t.Errorf("retries have another id: %+v %+v", a, b)
		}
	})
}

func TestAnAppCanSayThatItWantsNoRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		w.Verify()
		w.app.reply("/events", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Slack-No-Retry", "1")
			rw.WriteHeader(http.StatusInternalServerError)
		})
		_, err := w.Post(matsu, team, "x")
		must(t, err)
		time.Sleep(10 * time.Minute)
		if got := len(w.app.got("event_callback")); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

func TestASlowAppGetsAnEventAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		w.Verify()
		w.app.reply("/events", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		_, err := w.Post(matsu, team, "x")
		must(t, err)
		time.Sleep(5 * time.Second)
		hits := w.app.got("event_callback")
		if len(hits) != 2 || hits[1].header.Get("X-Slack-Retry-Reason") != "http_timeout" {
			t.Errorf("%d requests", len(hits))
		}
	})
}

func TestAnAddressThatDoesNotAnswerTheChallengeGetsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		w.app.reply("/events", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("hello")) })
		_, err := w.Post(matsu, team, "x")
		must(t, err)
		synctest.Wait()
		if w.Verify() || len(w.app.got("event_callback")) != 0 {
			t.Error("an address that is not the app's gets events")
		}
		w.app.reply("/events", func(rw http.ResponseWriter, r *http.Request) { // as JSON, and in time for the retry
			h := w.app.got()
			var in struct{ Challenge string }
			_ = json.Unmarshal([]byte(h[len(h)-1].payload), &in)
			_ = json.NewEncoder(rw).Encode(in)
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := len(w.app.got("event_callback")); got != 1 {
			t.Errorf("%d events after the handshake, want 1", got)
		}
	})
}

func TestEventsGoWrongOnDemand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		w.Verify()
		w.FaultCallbacks(slack.CallbackFault{On: "message", Do: "duplicate", By: slack.Span(time.Second), Times: 2}, slack.CallbackFault{On: "event", Do: "bad-signature", Times: 2})
		for _, text := range []string{"first", "second", "third"} {
			_, err := w.Post(matsu, team, text)
			must(t, err)
			synctest.Wait()
		}
		time.Sleep(5 * time.Second)
		for text, want := range map[string]int{"first": 2, "second": 2, "third": 1} {
			hits := w.app.got(text)
			bad := slices.ContainsFunc(hits, func(h hit) bool { return h.signed != nil })
			if len(hits) != want || bad != (want == 2) {
				t.Errorf("%s: %d requests, badly signed %v; want %d", text, len(hits), bad, want)
			}
		}
	})
}

func TestClosingWaitsForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, withEvents)
		w.app.reply("/events", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		for range 5 {
			_, err := w.Post(matsu, team, strings.Repeat("x", 10))
			must(t, err)
		}
		start := time.Now()
		w.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("closing took %s", took)
		}
	})
}
