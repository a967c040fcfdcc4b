package slack_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	sim "toban/sim/slack"
)

// office are support hours that the bubble's clock, which begins at midnight
// UTC on a Saturday, lies outside or inside of.
func office(from, to oncall.Clock) *oncall.Hours {
	all := oncall.DaySet{Weekdays: [7]bool{true, true, true, true, true, true, true}}
	return &oncall.Hours{Zone: "UTC", During: []oncall.Span{{Days: all, From: from, To: to}}}
}

func TestWhichIncidentsGetAChannelOfTheirOwn(t *testing.T) {
	low := func(s *oncall.Signal) { s.Severity = oncall.Warning }
	high := func(*oncall.Signal) {}
	for _, tc := range []struct {
		name   string
		when   oncall.ChatWhen
		hours  *oncall.Hours
		signal func(*oncall.Signal)
		want   bool
	}{
		{"nothing said", "", nil, high, false},
		{"never", oncall.ChatNever, nil, high, false},
		{"always, low", oncall.ChatAlways, nil, low, true},
		{"high, high", oncall.ChatHigh, nil, high, true},
		{"high, low", oncall.ChatHigh, nil, low, false},
		{"off-hours, at night", oncall.ChatOffHours, office(9*60, 18*60), high, true},
		{"off-hours, in the hours", oncall.ChatOffHours, office(0, 18*60), high, false},
		{"off-hours, without hours", oncall.ChatOffHours, nil, high, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.trigger("db-1", tc.signal)
				h.after(10 * time.Second)
				if _, got := h.slack.Channel("inc-1-checkout"); got != tc.want {
					t.Errorf("has a channel: %v, want %v", got, tc.want)
				}
			}, own(tc.when), func(s *setup) { s.service.SupportHours = tc.hours })
		})
	}
}

func TestS3_TheChannelOfAnIncidentLivesAsLongAsTheIncident(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(8 * time.Second)
		c, ok := h.slack.Channel("inc-1-checkout")
		if !ok {
			t.Fatalf("no channel: %+v", h.slack.Channels())
		}
		if !slices.Contains(c.Members, "U0MATSU") {
			t.Errorf("members %v lack who is paged", c.Members)
		}
		if !strings.Contains(c.Topic, "未対応") {
			t.Errorf("topic %q, want that nobody has it", c.Topic)
		}
		if m := h.cards("inc-1-checkout"); len(m) != 1 || !strings.Contains(string(m[0].Blocks), `"ack"`) {
			t.Errorf("got %+v, want the card", m)
		}
		if m := h.cards("alerts"); !strings.Contains(string(m[0].Blocks), "#"+c.ID) {
			t.Errorf("the team's message does not lead to the channel: %s", m[0].Blocks)
		}

		h.acknowledge(id, "take")
		_, err := h.nodes[0].life.Note(h.Context(), id, "再起動します <now>", "take", "web")
		h.must(err)
		h.after(8 * time.Second)
		c, _ = h.slack.Channel("inc-1-checkout")
		if !strings.Contains(c.Topic, "<@U0TAKE>") || !slices.Contains(c.Members, "U0TAKE") {
			t.Errorf("topic %q, members %v: want Take in both", c.Topic, c.Members)
		}
		told := strings.Join(h.texts("inc-1-checkout"), "\n")
		for _, want := range []string{"竹さんが画面で対応を始めました", "竹さん: 再起動します &lt;now&gt;"} {
			if !strings.Contains(told, want) {
				t.Errorf("the channel lacks %q: %s", want, told)
			}
		}

		h.resolve(id, "take")
		h.after(14 * time.Minute)
		if c, _ = h.slack.Channel("inc-1-checkout"); c.Archived || !strings.Contains(c.Topic, "解決") {
			t.Errorf("14 min after the end: %+v, want it open and resolved", c)
		}
		h.after(2 * time.Minute)
		if c, _ = h.slack.Channel("inc-1-checkout"); !c.Archived {
			t.Error("not archived 16 min after the end")
		}
		n := len(h.slack.Requests())
		h.after(time.Hour)
		if more := h.slack.Requests()[n:]; len(more) != 0 {
			t.Errorf("asked again after the end: %+v", more)
		}
	}, own(oncall.ChatAlways))
}

func TestR4_AReopenedIncidentUsesItsChannelAgain(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(10 * time.Second)
		h.resolve(id, "take")
		h.after(10 * time.Minute)
		if again := h.trigger("db-1"); again != id {
			t.Fatalf("got %s, want the same incident %s", again, id)
		}
		h.after(20 * time.Minute)
		c, _ := h.slack.Channel("inc-1-checkout")
		if c.Archived || !has(h.texts("inc-1-checkout"), "再発しました") || !strings.Contains(c.Topic, "未対応") {
			t.Errorf("got %+v %q, want the channel open and told", c, h.texts("inc-1-checkout"))
		}
		if _, ok := h.slack.Channel("inc-1-checkout-2"); ok {
			t.Error("there is a second channel")
		}
	}, own(oncall.ChatAlways))
}

func TestAnArchivedChannelIsOpenedAgainOrReplaced(t *testing.T) {
	for _, may := range []bool{true, false} {
		t.Run(fmt.Sprint("the bot may unarchive: ", may), func(t *testing.T) {
			inHouse(t, func(h *house) {
				id := h.trigger("db-1")
				h.after(10 * time.Second)
				h.resolve(id, "take")
				h.after(time.Minute)
				if c, _ := h.slack.Channel("inc-1-checkout"); !c.Archived {
					t.Fatal("not archived after the quiet time")
				}
				h.trigger("db-1")
				h.after(15 * time.Second)
				name := "inc-1-checkout"
				if !may {
					name = "inc-1-checkout-2"
				}
				if c, ok := h.slack.Channel(name); !ok || c.Archived || !has(h.texts(name), "再発しました") {
					t.Errorf("%s: %+v %v %q", name, c, ok, h.texts(name))
				}
			}, own(oncall.ChatAlways), func(s *setup) {
				s.sim.BotMayUnarchive = may
				s.options.Quiet = 20 * time.Second
			})
		})
	}
}

func TestATakenNameGetsASuffix(t *testing.T) {
	inHouse(t, func(h *house) {
		h.trigger("db-1")
		h.after(10 * time.Second)
		if _, ok := h.slack.Channel("inc-1-checkout-3"); !ok {
			t.Errorf("got %+v, want inc-1-checkout-3", h.slack.Channels())
		}
	}, own(oncall.ChatAlways), func(s *setup) {
		s.sim.Channels = append(s.sim.Channels, sim.Channel{ID: "C1", Name: "inc-1-checkout", Archived: true}, sim.Channel{ID: "C2", Name: "inc-1-checkout-2"})
	})
}

func TestAChannelThatSomebodyArchivesIsLeftAlone(t *testing.T) {
	for _, heard := range []bool{true, false} {
		t.Run(fmt.Sprint("told by an event: ", heard), func(t *testing.T) {
			inHouse(t, func(h *house) {
				id := h.trigger("db-1")
				h.after(10 * time.Second)
				c, _ := h.slack.Channel("inc-1-checkout")
				h.must(h.slack.Archive("U0MATSU", c.ID))
				h.after(5 * time.Second)
				h.acknowledge(id, "take")
				h.after(time.Minute)
				n := len(h.slack.Requests("chat.postMessage", "conversations.create", "conversations.setTopic"))
				_, err := h.nodes[0].life.Note(h.Context(), id, "again", "take", "web")
				h.must(err)
				h.after(10 * time.Second)
				for _, r := range h.slack.Requests("chat.postMessage", "conversations.create", "conversations.setTopic")[n:] {
					if r.Args["channel"] == c.ID || r.Method != "chat.postMessage" {
						t.Errorf("%s in the archived channel", r.Method)
					}
				}
				if m := h.cards("alerts")[0]; !strings.Contains(m.Text, "対応中") {
					t.Errorf("the team's message says %q, want it kept up to date", m.Text)
				}
			}, own(oncall.ChatAlways), func(s *setup) {
				if !heard {
					s.sim.EventsURL = ""
				}
			})
		})
	}
}

func TestWhereChannelsMayNotBeMadeTheTimelineSaysSo(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slack.Fault(sim.Refusal("conversations.create", "restricted_action"))
		id := h.trigger("db-1")
		h.after(20 * time.Minute)
		if got := h.slack.Requests("conversations.create"); len(got) != 1 {
			t.Errorf("asked %d times, want once", len(got))
		}
		if !slices.Contains(h.entries(id), "delivery slack_restricted_action") {
			t.Errorf("timeline %q", h.entries(id))
		}
		if len(h.cards("alerts")) != 1 {
			t.Error("the team's channel was not told")
		}
	}, own(oncall.ChatAlways))
}

func TestWhoCannotBeInvitedKeepsNobodyOut(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.acknowledge(id, "take")
		h.after(30 * time.Second)
		c, _ := h.slack.Channel("inc-1-checkout")
		if !slices.Contains(c.Members, "U0TAKE") {
			t.Errorf("members %v, want Take in it though Matsu is gone", c.Members)
		}
	}, own(oncall.ChatAlways), func(s *setup) {
		s.sim.Users = slices.Clone(people)
		s.sim.Users[0].Deleted = true
	})
}

func TestNamesOfChannelsAreAsSlackTakesThem(t *testing.T) {
	inHouse(t, func(h *house) {
		h.trigger("db-1")
		h.after(10 * time.Second)
		found := false
		for _, c := range h.slack.Channels() {
			found = found || strings.HasPrefix(c.Name, "inc-1-決済-api-v2-") && len([]rune(c.Name)) == 80
		}
		if !found {
			t.Errorf("got %+v", h.slack.Channels())
		}
	}, own(oncall.ChatAlways), func(s *setup) {
		s.service.ID = oncall.ServiceID("決済/API v2 (" + strings.Repeat("x", 100) + ")")
	})
}
