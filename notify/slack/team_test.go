package slack_test

import (
	"strings"
	"testing"
	"time"

	"toban/oncall"
)

func TestAnAlertStandsInTheTeamsChannelAndFollowsItsIncident(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(2 * time.Second)
		list := h.cards("alerts")
		if len(list) != 1 {
			t.Fatalf("got %d messages, want one: %+v", len(list), list)
		}
		m := list[0]
		for _, want := range []string{"● #1 決済: エラー率 7% &lt;b&gt; &amp; more db-1（未対応）"} {
			if m.Text != want {
				t.Errorf("got text %q, want %q", m.Text, want)
			}
		}
		blocks := string(m.Blocks)
		for _, want := range []string{`"ack"`, `"resolve"`, `"escalate"`, "https://toban.example.jp/incidents/1", "https://toban.example.jp/i/", "まだいません", "*発生*", "このあと"} {
			if !strings.Contains(blocks, want) {
				t.Errorf("blocks lack %q: %s", want, blocks)
			}
		}
		h.acknowledge(id, "take")
		h.after(3 * time.Second)
		m = h.cards("alerts")[0]
		blocks = string(m.Blocks)
		if !strings.Contains(m.Text, "対応中") || !strings.Contains(blocks, "<@U0TAKE>") && !strings.Contains(blocks, `\u003c@U0TAKE\u003e`) || strings.Contains(blocks, `"ack"`) || !strings.Contains(blocks, `"renew"`) {
			t.Errorf("after the acknowledgement: %q %s", m.Text, blocks)
		}
		if got := h.thread("alerts", m.TS); len(got) != 1 || !strings.Contains(got[0], "竹さんが画面で対応を始めました") {
			t.Errorf("thread %q, want one line that Take has it", got)
		}
		h.resolve(id, "take")
		h.after(3 * time.Second)
		list = h.cards("alerts")
		if len(list) != 1 || !strings.Contains(list[0].Text, "解決") || strings.Contains(string(list[0].Blocks), `"resolve"`) {
			t.Errorf("after the end: %+v, want the one message without buttons", list)
		}
		if got := h.thread("alerts", m.TS); len(got) != 2 || !strings.Contains(got[1], "解決") {
			t.Errorf("thread %q, want the end in it", got)
		}
	})
}

func TestS1_AWarningIsPostedToo(t *testing.T) {
	inHouse(t, func(h *house) {
		h.trigger("disk", func(s *oncall.Signal) { s.Severity = oncall.Warning })
		h.after(2 * time.Second)
		if got := h.cards("alerts"); len(got) != 1 || !strings.Contains(string(got[0].Blocks), "警告") {
			t.Errorf("got %+v, want one message of a warning", got)
		}
	})
}

func TestR2_ARepetitionPostsAReminderWithAgeAndHolder(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(2 * time.Second)
		h.acknowledge(id, "matsu")
		for i := range 3 {
			h.after(7 * time.Minute)
			h.trigger("db-1")
			h.after(2 * time.Second)
			got := h.thread("alerts", h.cards("alerts")[0].TS)
			n := 0
			for _, line := range got {
				n += strings.Count(line, "まだ続いています")
			}
			if n != i+1 || !strings.Contains(got[len(got)-1], "<@U0MATSU>") {
				t.Errorf("after %d repetitions: %q", i+1, got)
			}
		}
		for range 3 { // a sender that says it every minute is not news
			h.after(time.Minute + time.Second)
			h.trigger("db-1")
		}
		h.after(2 * time.Second)
		if got := h.thread("alerts", h.cards("alerts")[0].TS); strings.Count(strings.Join(got, "\n"), "まだ続いています") != 3 {
			t.Errorf("got %q, want three reminders", got)
		}
	})
}

func TestWithoutAChannelNothingIsPosted(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(time.Minute)
		h.acknowledge(id, "ume")
		h.after(time.Minute)
		for _, r := range h.slack.Requests("chat.postMessage") {
			if to, _ := r.Args["channel"].(string); !strings.HasPrefix(to, "D") {
				t.Errorf("posted to %s, want posts to people only", to)
			}
		}
	}, func(s *setup) { s.channel = "" })
}

func TestR27_ShadowModePostsNothingAndSaysSoOnce(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(time.Minute)
		h.acknowledge(id, "matsu")
		h.after(time.Minute)
		if got := h.slack.Requests("chat.postMessage", "conversations.create"); len(got) != 0 {
			t.Errorf("got %d requests, want none", len(got))
		}
		n := 0
		h.nodes[0].entriesOf(h, id, func(e oncall.Entry) {
			if e.Kind == oncall.EntryShadow && e.Data.Method == oncall.Slack && e.Data.User == "" {
				n++
			}
		})
		if n != 1 {
			t.Errorf("the timeline says %d times what would have been posted, want once", n)
		}
	}, func(s *setup) { s.service.Shadow = true })
}

func TestTheTeamMessageIsNotWrittenAtEveryStep(t *testing.T) {
	inHouse(t, func(h *house) {
		h.trigger("db-1")
		h.after(10 * time.Minute)
		edits := h.cards("alerts")[0].Edits
		if edits > 41 {
			t.Errorf("written %d times in ten minutes, want at most every 15 s", edits)
		}
	})
}
