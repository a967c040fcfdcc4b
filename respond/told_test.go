package respond_test

import (
	"slices"
	"testing"
	"time"

	"toban/oncall"
	"toban/respond/respondtest"
	"toban/store"
)

func TestR15_WhoWasPagedHearsByMessageWhoHasItAndNeverByCall(t *testing.T) {
	const number = "+819000000011"
	c := respondtest.Config{
		Script: func(row store.OutboxRow) respondtest.Answer {
			if row.Kind == oncall.Call {
				return respondtest.Answer{Outcome: oncall.Busy, After: time.Second}
			}
			return respondtest.Answer{Outcome: oncall.Sent, After: time.Second}
		},
		More: []store.Object{respondtest.Object(t, store.ObjectUser, "ann", oncall.User{ID: "ann", Name: "Ann", Contacts: []oncall.ContactMethod{
			{Name: "phone", Method: oncall.Call, Address: number, Verified: true},
			{Name: "chat", Method: oncall.Slack, Address: "U0001", Verified: true},
			{Name: "app", Method: oncall.Push, Address: "devices", Verified: true},
			{Name: "old", Method: oncall.Slack, Address: "U0002"},
		}, Rules: map[oncall.Urgency][]oncall.NotificationRule{oncall.High: {{Via: []string{"phone"}}}}})},
	}
	rehearse(t, c, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		after(3 * time.Second) // ann is busy, ben is called
		acknowledge(t, h, id, "ben")
		after(3 * time.Second)
		var told []string
		for _, c := range h.Phones.Claims() {
			if c.Row.Payload.Tell != "" {
				told = append(told, string(c.Row.Payload.User)+" "+string(c.Row.Kind)+" "+string(c.Row.Payload.Tell))
			}
			if c.Row.Payload.Tell != "" && c.Row.Kind == oncall.Call {
				t.Errorf("%s was called to be told", c.Row.Payload.User)
			}
		}
		slices.Sort(told)
		if want := []string{"ann push taken", "ann slack taken"}; !slices.Equal(told, want) {
			t.Errorf("told = %v, want %v: by every verified contact method that does not ring", told, want)
		}
	})
}
