package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	sim "toban/sim/slack"
)

// toPeople are the numbers of the incidents that a member was told of, and how
// often.
func (h *house) toPeople(member string) map[string]int {
	all := map[string]int{}
	for _, m := range h.direct(member) {
		mine := map[string]bool{}
		for _, hit := range numbers.FindAllStringSubmatch(string(m.Blocks), -1) {
			mine[hit[1]] = true
		}
		for n := range mine {
			all[n]++
		}
	}
	return all
}

// lost counts the messages to Matsu of which the timelines do not say that they
// were sent.
func (h *house) lost(ids []oncall.IncidentID) (n int) {
	for _, id := range ids {
		sent := 0
		h.nodes[0].entriesOf(h, id, func(e oncall.Entry) {
			if e.Kind == oncall.EntryOutcome && e.Data.Method == oncall.Slack && e.Data.User == "matsu" && e.Data.Outcome == oncall.Sent {
				sent++
			}
		})
		if sent != 1 {
			n++
		}
	}
	return n
}

func TestR24_MessagesThatWaitForOnePersonBecomeOne(t *testing.T) {
	inHouse(t, func(h *house) {
		const n = 60
		ids := h.storm(n, 2*time.Second)
		h.after(40 * time.Second)
		told := h.toPeople("U0MATSU")
		for i := 1; i <= n; i++ {
			if told[fmt.Sprint(i)] != 1 {
				t.Fatalf("incident %d was told %d times, want once", i, told[fmt.Sprint(i)])
			}
		}
		if got := len(h.direct("U0MATSU")); got > n/5 {
			t.Errorf("%d incidents in 2 s were %d messages, want a few", n, got)
		}
		if got := h.lost(ids); got != 0 {
			t.Errorf("%d messages were given up, want none", got)
		}
		for _, r := range h.slack.Requests("chat.postMessage") {
			if r.Status == 429 {
				t.Fatal("Slack's limit was hit")
			}
		}
	}, func(s *setup) { s.channel = "" })
}

func TestAFoldedMessageTakesEachIncidentByItself(t *testing.T) {
	inHouse(t, func(h *house) {
		ids := h.storm(12, 100*time.Millisecond)
		h.after(15 * time.Second)
		m, first := sim.Message{}, ""
		for _, each := range h.direct("U0MATSU") {
			if hits := numbers.FindAllString(each.Text, -1); strings.Contains(each.Text, "件の呼び出しです") && len(hits) > 2 {
				m, first = each, hits[0]
			}
		}
		if first == "" {
			t.Fatalf("nothing is folded: %q", texts(h.direct("U0MATSU")))
		}
		if !strings.Contains(string(m.Blocks), "https://toban.example.jp/i/") {
			t.Errorf("no link without a login: %s", m.Blocks)
		}
		before := strings.Count(string(m.Blocks), `"ack"`)
		h.click(m, "ack", "U0MATSU")
		var n int
		_, err := fmt.Sscanf(first, "#%d", &n)
		h.must(err)
		for _, id := range ids {
			inc := h.incident(id)
			if want := inc.Number == int64(n); (inc.AcknowledgedBy == "matsu") != want {
				t.Errorf("#%d is acknowledged: %v, want %v", inc.Number, !want, want)
			}
		}
		h.after(2 * time.Second)
		for _, each := range h.direct("U0MATSU") {
			if each.TS != m.TS {
				continue
			}
			if got := strings.Count(string(each.Blocks), `"ack"`); got != before-1 || !strings.Contains(string(each.Blocks), first+" の対応を始めました。") {
				t.Errorf("%d buttons of %d are left, want one less: %s", got, before, each.Blocks)
			}
		}
	}, func(s *setup) { s.channel = "" })
}

func TestR23_AFoldedMessageWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	inHouse(t, func(h *house) {
		ids := h.storm(3, 30*time.Millisecond)                 // one more than goes by itself: it waits for a second
		slow := sim.Slow("conversations.history", time.Second) // all of them ask at the same time
		slow.Times = 10
		cut := sim.DropAfter("chat.postMessage")
		cut.Channel = h.direct("U0MATSU")[0].Channel
		h.slack.Fault(cut, slow)
		for i := range 8 {
			ids = append(ids, h.trigger(fmt.Sprint("more-", i)))
		}
		h.after(40 * time.Second)
		for number, times := range h.toPeople("U0MATSU") {
			if times != 1 {
				t.Errorf("#%s was told %d times, want once", number, times)
			}
		}
		if got := len(h.toPeople("U0MATSU")); got != len(ids) {
			t.Errorf("%d incidents were told, want %d", got, len(ids))
		}
		if got := h.lost(ids); got != 0 {
			t.Errorf("%d messages were given up, want none", got)
		}
	}, func(s *setup) { s.channel = "" })
}

func TestR2_ADigestRemindsOfWhatStillFires(t *testing.T) {
	inHouse(t, func(h *house) {
		ids := h.storm(20, 2*time.Second)
		h.after(20 * time.Second)
		var digest sim.Message
		for _, m := range h.cards("alerts") {
			if strings.Contains(m.Text, "インシデントが続いています") {
				digest = m
			}
		}
		if digest.TS == "" {
			t.Fatalf("no digest: %q", h.texts("alerts"))
		}
		h.acknowledge(ids[18], "take")
		h.resolve(ids[17], "take")
		repeat := func() {
			for _, i := range []int{16, 18, 19} {
				h.trigger(fmt.Sprintf("host-%03d", i))
			}
			h.after(30 * time.Second)
		}
		h.after(5 * time.Minute)
		repeat()
		got := h.thread("alerts", digest.TS)
		if len(got) != 1 {
			t.Fatalf("got %q, want one reminder of all", got)
		}
		for _, want := range []string{"まだ続いています（3件）", "|#17>", "|#19>", "|#20>", "竹さんが対応中です", "対応している人がいません", "発生から5分"} {
			if !strings.Contains(got[0], want) {
				t.Errorf("the reminder lacks %q: %s", want, got[0])
			}
		}
		repeat() // too soon to be news
		if got := h.thread("alerts", digest.TS); len(got) != 1 {
			t.Errorf("got %q, want no more", got)
		}
		h.after(5 * time.Minute)
		h.slack.Fault(sim.DropAfter("chat.postMessage"))
		repeat()
		h.after(time.Minute)
		if got := h.thread("alerts", digest.TS); len(got) != 2 {
			t.Errorf("got %d reminders, want another one, once", len(got))
		}
	}, quiet)
}

func TestAFoldedMessageIsWhatSlackTakes(t *testing.T) {
	inHouse(t, func(h *house) {
		h.storm(50, time.Second)
		h.after(30 * time.Second)
		most := 0
		for _, m := range h.direct("U0MATSU") {
			var blocks []json.RawMessage
			h.must(json.Unmarshal(m.Blocks, &blocks))
			if len(blocks) == 0 {
				t.Errorf("posted without form: %s", m.Text)
			}
			most = max(most, len(blocks))
		}
		if most < 5 {
			t.Errorf("at most %d blocks in a message, want several incidents in one", most)
		}
	}, func(s *setup) { s.channel = "" })
}
