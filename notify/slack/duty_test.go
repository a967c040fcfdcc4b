package slack_test

import (
	"strings"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
)

// following is a daily rotation of Matsu, Take and Ume that a group and a topic
// follow.
func following(users ...oncall.UserID) set {
	return func(s *setup) {
		var layers []oncall.Layer
		if len(users) > 0 {
			layers = []oncall.Layer{{Name: "day", Users: users, Rotate: &oncall.Rotation{Every: 1, Unit: oncall.Day, From: oncall.Date{Year: 2000, Month: 1, Day: 1}, Handoff: 9 * 60}}}
		}
		s.more = append(s.more, scheduleObject(layers))
	}
}

func scheduleObject(layers []oncall.Layer) store.Object {
	return object(nil, store.ObjectSchedule, "infra", oncall.Schedule{
		ID: "infra", Zone: "UTC", Layers: layers, Chat: oncall.ScheduleChat{Group: "@oncall-infra", Topic: "#infra"},
	})
}

func TestAGroupAndATopicFollowWhoIsOnDuty(t *testing.T) {
	inHouse(t, func(h *house) {
		h.after(5 * time.Second) // midnight: the last turn before the first
		check := func(member, until string) {
			t.Helper()
			if got := h.slack.GroupMembers("oncall-infra"); len(got) != 1 || got[0] != member {
				t.Errorf("the group is %v, want %s", got, member)
			}
			if c, _ := h.slack.Channel("infra"); !strings.Contains(c.Topic, "<@"+member+">") || !strings.Contains(c.Topic, until) {
				t.Errorf("topic %q, want %s until %s", c.Topic, member, until)
			}
		}
		check("U0TAKE", "1月1日 09:00")
		h.after(9*time.Hour - 5*time.Second + 2*time.Second)
		check("U0MATSU", "1月2日 09:00")
		n := len(h.slack.Requests("usergroups.users.update", "conversations.setTopic"))
		h.after(5 * time.Hour)
		if more := h.slack.Requests("usergroups.users.update", "conversations.setTopic")[n:]; len(more) != 0 {
			t.Errorf("set again without a change: %+v", more)
		}
		override := object(t, store.ObjectOverride, "ovr_1", oncall.Override{
			ID: "ovr_1", Schedule: "infra", User: "ume", From: time.Now(), To: time.Now().Add(time.Hour),
		})
		h.plan.more = append(h.plan.more, override)
		h.apply(h.nodes[0].db)
		h.after(2 * time.Second)
		check("U0UME", "1月1日 15:00")
	}, following("matsu", "take"))
}

func TestWithNobodyOnDutyTheGroupStaysAndTheTopicSaysSo(t *testing.T) {
	inHouse(t, func(h *house) {
		h.after(time.Minute)
		if got := h.slack.GroupMembers("oncall-infra"); len(got) != 1 || got[0] != "U0UME" {
			t.Errorf("the group is %v, want it as it was", got)
		}
		if c, _ := h.slack.Channel("infra"); c.Topic != "infraの当番: いません" {
			t.Errorf("topic %q", c.Topic)
		}
	}, following())
}

func TestAGroupThatIsNotThereIsAnAlarm(t *testing.T) {
	inHouse(t, func(h *house) {
		h.after(10 * time.Minute)
		if got := h.alarms.raised(); len(got) != 1 || !strings.Contains(h.alarms.title, "グループ @oncall-infra") || strings.Contains(h.alarms.title, "チャンネル") {
			t.Errorf("got alarms %v %q, want one about the group", got, h.alarms.title)
		}
	}, following("matsu"), func(s *setup) { s.sim.Groups = nil })
}
