package slack_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	sim "toban/sim/slack"
)

// direct are the messages that a member has got, oldest first.
func (h *house) direct(member string) (list []sim.Message) {
	for _, c := range h.slack.Channels() {
		if c.Direct && slices.Contains(c.Members, member) {
			list = append(list, h.slack.Messages(c.ID)...)
		}
	}
	return list
}

func TestR19_APageInADirectMessageCarriesButtonsAndASignedLink(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(5 * time.Second)
		list := h.direct("U0MATSU")
		if len(list) != 1 {
			t.Fatalf("got %d messages, want one", len(list))
		}
		m := list[0]
		blocks := string(m.Blocks)
		for _, want := range []string{`"ack"`, "呼び出しです", "https://toban.example.jp/i/", "#1 決済"} {
			if !strings.Contains(blocks, want) {
				t.Errorf("the message lacks %q: %s", want, blocks)
			}
		}
		h.click(m, "ack", "U0MATSU")
		if inc := h.incident(id); inc.AcknowledgedBy != "matsu" {
			t.Errorf("%q has it, want matsu", inc.AcknowledgedBy)
		}
		h.after(2 * time.Second)
		m = h.direct("U0MATSU")[0]
		if !strings.Contains(string(m.Blocks), "#1 の対応を始めました。") || strings.Contains(string(m.Blocks), `"ack"`) {
			t.Errorf("after the click the message says %s", m.Blocks)
		}
	})
}

func TestR15_WhoeverWasPagedIsToldWhoHasItAndThatItHealed(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(10 * time.Second)
		h.acknowledge(id, "take")
		h.after(5 * time.Second)
		list := h.direct("U0MATSU")
		if len(list) != 2 || !strings.Contains(list[1].Text, "竹さんが対応を始めました") || strings.Contains(string(list[1].Blocks), `"ack"`) {
			t.Errorf("got %q, want that Take has it, without buttons", texts(list))
		}
		id = h.trigger("db-2")
		h.after(5 * time.Second)
		h.resolve(id, "take")
		h.after(5 * time.Second)
		list = h.direct("U0MATSU")[3:] // behind the page
		if len(list) != 1 || !strings.Contains(list[0].Text, "解決しました") {
			t.Errorf("got %q, want that it is over", texts(list))
		}
	})
}

func TestR16_TheHolderIsAskedWhetherStillOnItAndAnswersByAButton(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(5 * time.Second)
		h.acknowledge(id, "matsu")
		h.after(26 * time.Minute)
		list := h.direct("U0MATSU")
		last := list[len(list)-1]
		if !strings.Contains(last.Text, "まだ対応中ですか") || !strings.Contains(string(last.Blocks), `"renew"`) {
			t.Fatalf("got %q, want the question with its button", last.Text)
		}
		if got := h.texts("inc-1-checkout"); !has(got, "対応中か確認しています") {
			t.Errorf("the channel was not asked: %q", got)
		}
		h.click(last, "renew", "U0MATSU")
		h.after(10 * time.Minute)
		if inc := h.incident(id); inc.State != oncall.Acknowledged {
			t.Errorf("got %s, want it held on", inc.State)
		}
		if !strings.Contains(string(h.direct("U0MATSU")[len(list)-1].Blocks), "#1 の対応を続けます。") {
			t.Error("the message does not say that the answer was taken")
		}
	}, own(oncall.ChatAlways))
}

func TestR23_ADirectMessageWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slack.Fault(sim.DropAfter("chat.postMessage"))
		h.trigger("db-1")
		h.after(30 * time.Second)
		if got := h.direct("U0MATSU"); len(got) != 1 {
			t.Errorf("got %d messages, want one", len(got))
		}
	}, func(s *setup) { s.channel = "" })
}

func TestAMemberWhoIsNotThereIsUndeliverable(t *testing.T) {
	inHouse(t, func(h *house) {
		id := h.trigger("db-1")
		h.after(20 * time.Second)
		bad := false
		h.nodes[0].entriesOf(h, id, func(e oncall.Entry) {
			bad = bad || e.Kind == oncall.EntryOutcome && e.Data.Method == oncall.Slack && e.Data.Outcome == oncall.Undeliverable
		})
		if !bad {
			t.Errorf("timeline %q, want the message undeliverable", h.entries(id))
		}
	}, func(s *setup) {
		s.sim.Users = slices.Clone(people)
		s.sim.Users[0].Deleted = true
	})
}

func TestR11_ASlowSlackDoesNotDelayTheNextPerson(t *testing.T) {
	inHouse(t, func(h *house) {
		h.slack.Fault(sim.Fault{Hang: true, Times: 10_000})
		began := time.Now()
		id := h.trigger("db-1")
		h.after(time.Minute)
		var called time.Time
		h.nodes[0].entriesOf(h, id, func(e oncall.Entry) {
			if e.Kind == oncall.EntryContact && e.Data.Method == oncall.Call && e.Data.User == "take" && called.IsZero() {
				called = e.At
			}
		})
		if called.IsZero() || called.Sub(began) > 2*time.Second {
			t.Errorf("Take was called after %v, want at once when Matsu could not be", called.Sub(began))
		}
	}, own(oncall.ChatAlways))
}

func texts(list []sim.Message) (texts []string) {
	for _, m := range list {
		texts = append(texts, m.Text)
	}
	return texts
}

// What Slack shows where it can't show the reader's own time.
func TestATimeInADirectMessageIsByTheClockOfItsReader(t *testing.T) {
	for _, tc := range []struct{ name, zone, want string }{
		{"the installation's", "", "2000-01-01 09:00:"},
		{"the user's own", "Europe/Berlin", "2000-01-01 01:00:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.trigger("db-1")
				h.after(5 * time.Second)
				list := h.direct("U0MATSU")
				if len(list) != 1 || !strings.Contains(string(list[0].Blocks), tc.want) {
					t.Fatalf("got %+v, want one message with %q", list, tc.want)
				}
				h.click(list[0], "ack", "U0MATSU")
				h.after(2 * time.Second)
				if m := h.direct("U0MATSU")[0]; !strings.Contains(string(m.Blocks), tc.want) {
					t.Errorf("after the click the message says %s, want %q", m.Blocks, tc.want)
				}
			}, func(s *setup) { s.zones = map[string]string{"matsu": tc.zone} })
		})
	}
}
