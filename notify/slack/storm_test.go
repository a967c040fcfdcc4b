package slack_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	sim "toban/sim/slack"
)

// storm lets n alerts fire within a time.
func (h *house) storm(n int, within time.Duration) (ids []oncall.IncidentID) {
	for i := range n {
		ids = append(ids, h.trigger(fmt.Sprintf("host-%03d", i)))
		h.after(within / time.Duration(n))
	}
	return ids
}

var numbers = regexp.MustCompile(`#(\d+)`)

// told are the numbers of the incidents that a channel tells of.
func (h *house) told(channel string) map[string]int {
	all := map[string]int{}
	for _, m := range h.cards(channel) {
		mine := map[string]bool{}
		for _, hit := range numbers.FindAllStringSubmatch(m.Text+string(m.Blocks), -1) {
			mine[hit[1]] = true
		}
		for n := range mine {
			all[n]++
		}
	}
	return all
}

func TestR24_AStormIsFoldedAndNothingIsLost(t *testing.T) {
	for _, limited := range []bool{false, true} {
		t.Run(fmt.Sprint("slack is slow to take posts: ", limited), func(t *testing.T) {
			inHouse(t, func(h *house) {
				n := 500
				if limited {
					n = 120
					f := sim.RateLimited("chat.postMessage", 20*time.Second)
					f.Times = 2
					h.slack.Fault(f)
				}
				ids := h.storm(n, time.Minute)
				h.after(30 * time.Second)
				list := h.cards("alerts")
				if len(list) > 12 {
					t.Errorf("%d incidents in a minute were %d posts, want a handful", n, len(list))
				}
				told := h.told("alerts")
				for i := 1; i <= n; i++ {
					if told[fmt.Sprint(i)] != 1 {
						t.Fatalf("incident %d is told %d times, want once", i, told[fmt.Sprint(i)])
					}
				}
				over := ids[n/4 : n/2]
				for _, id := range over {
					h.resolve(id, "take")
				}
				h.after(time.Minute)
				resolved := 0
				for _, m := range h.cards("alerts") {
					resolved += strings.Count(string(m.Blocks), "✓ ")
				}
				if resolved < len(over) {
					t.Errorf("%d are shown as resolved, want %d", resolved, len(over))
				}
				h.after(2 * time.Minute)
				before := len(h.cards("alerts"))
				h.trigger("later")
				h.after(3 * time.Second)
				if got := h.cards("alerts"); len(got) != before+1 || !strings.Contains(string(got[len(got)-1].Blocks), `"ack"`) {
					t.Errorf("after the storm an incident is not posted by itself: %d → %d posts", before, len(got))
				}
			}, quiet)
		})
	}
}

// quiet leaves the people out, who would get 500 messages each.
func quiet(s *setup) {
	s.service.PageAfter = time.Hour
}

func TestR24_NoLimitIsHitInAStorm(t *testing.T) {
	inHouse(t, func(h *house) {
		h.storm(60, time.Minute)
		h.after(5 * time.Minute)
		refused := map[string]int{}
		for _, r := range h.slack.Requests() {
			if r.Status == 429 {
				refused[r.Method]++
			}
		}
		for method, n := range refused {
			if n > 3 {
				t.Errorf("%s was refused %d times", method, n)
			}
		}
		made := 0
		for _, c := range h.slack.Channels() {
			if strings.HasPrefix(c.Name, "inc-") {
				made++
			}
		}
		if made != 60 {
			t.Errorf("%d channels, want one for each of 60 incidents", made)
		}
	}, quiet, own(oncall.ChatAlways))
}

func TestA429IsObeyedForItsChannelAlone(t *testing.T) {
	inHouse(t, func(h *house) {
		f := sim.RateLimited("chat.postMessage", 30*time.Second)
		f.Channel = "#alerts"
		h.slack.Fault(f)
		h.trigger("db-1")
		h.after(10 * time.Second)
		if _, ok := h.slack.Channel("inc-1-checkout"); !ok || len(h.cards("inc-1-checkout")) == 0 {
			t.Error("the incident's own channel waits for the team's")
		}
		if got := h.cards("alerts"); len(got) != 0 {
			t.Errorf("posted before Retry-After was over: %+v", got)
		}
		h.after(25 * time.Second)
		if got := h.cards("alerts"); len(got) != 1 {
			t.Errorf("got %d posts after Retry-After, want one", len(got))
		}
		at := []time.Time{}
		for _, r := range h.slack.Requests("chat.postMessage") {
			if r.Args["channel"] == "#alerts" {
				at = append(at, r.At)
			}
		}
		if len(at) != 2 || at[1].Sub(at[0]) < 30*time.Second {
			t.Errorf("asked at %v, want once more after 30 s", at)
		}
	}, quiet, own(oncall.ChatAlways))
}

func TestASlowChannelHoldsUpNoOther(t *testing.T) {
	inHouse(t, func(h *house) {
		f := sim.Fault{Channel: "#alerts", Hang: true, Times: 1000}
		h.slack.Fault(f)
		for i := range 40 {
			h.trigger(fmt.Sprint("host-", i), func(s *oncall.Signal) { s.Severity = oncall.Warning })
		}
		h.after(2 * time.Second)
		began := time.Now()
		h.trigger("db-1", func(s *oncall.Signal) { s.Severity = oncall.Critical })
		h.after(5 * time.Second)
		var c []sim.Channel
		for _, each := range h.slack.Channels() {
			if strings.HasPrefix(each.Name, "inc-") {
				c = append(c, each)
			}
		}
		if len(c) != 1 || c[0].Created.Sub(began) > 3*time.Second {
			t.Errorf("got %+v, want the channel of the urgent incident at once", c)
		}
	}, quiet, own(oncall.ChatHigh))
}

func TestADigestSaysHowManyInWords(t *testing.T) {
	inHouse(t, func(h *house) {
		ids := h.storm(20, 2*time.Second)
		h.acknowledge(ids[19], "take")
		h.after(20 * time.Second)
		i := slices.IndexFunc(h.cards("alerts"), func(m sim.Message) bool { return strings.Contains(m.Text, "インシデントが続いています") })
		if i < 0 {
			t.Fatalf("no digest: %q", h.texts("alerts"))
		}
		m := h.cards("alerts")[i]
		for _, want := range []string{"対応中 1件", "竹さん", "https://toban.example.jp/incidents/20", "（未対応）"} {
			if !strings.Contains(string(m.Blocks), want) {
				t.Errorf("the digest lacks %q: %s", want, m.Blocks)
			}
		}
	}, quiet)
}
