package incident_test

import (
	"testing"
	"time"

	"toban/notify"
	"toban/oncall"
	"toban/respond/respondtest"
)

// Whoever comes second is told so in one way, by whatever way they come.
func TestR16_R18_ASecondPersonsAcknowledgementIsANoteAndRenewsNothing(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		after(time.Second)
		if _, err := h.life.Acknowledge(t.Context(), id, "ben", "api"); err != nil {
			t.Fatal(err)
		}
		end := h.Response(id).Response.HoldEnd
		after(10 * time.Minute)
		inc, err := h.life.Acknowledge(t.Context(), id, "cho", "slack")
		if err != nil {
			t.Fatal(err)
		}
		if inc.State != oncall.Acknowledged || inc.AcknowledgedBy != "ben" {
			t.Errorf("got %s by %q, want acknowledged by ben still", inc.State, inc.AcknowledgedBy)
		}
		if got := h.Response(id).Response.HoldEnd; !got.Equal(end) {
			t.Errorf("the time-out ends at %s, want %s as before", got, end)
		}
		if e := has(t, h.Timeline(id), oncall.EntryTooLate); e.Actor != "cho" || e.Data.Via != "slack" || e.Data.Text != "acknowledge" {
			t.Errorf("note %+v, want one of cho's acknowledgement by slack", e)
		}
		none(t, h.Timeline(id), oncall.EntryRenewed)

		if _, err := h.life.Acknowledge(t.Context(), id, "ben", "api"); err != nil { // the holder's own second one
			t.Fatal(err)
		}
		if got := h.Response(id).Response.HoldEnd; !got.After(end) {
			t.Errorf("the time-out ends at %s after the holder's own, want later than %s", got, end)
		}
		has(t, h.Timeline(id), oncall.EntryRenewed)
	})
}

func TestR16_StillOnItRenewsWhoeverSaysIt(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		id := h.Open("down", oncall.Critical)
		if _, err := h.life.Acknowledge(t.Context(), id, "ben", "api"); err != nil {
			t.Fatal(err)
		}
		end := h.Response(id).Response.HoldEnd
		after(10 * time.Minute)
		inc, err := h.life.Renew(t.Context(), id, "cho", "web")
		if err != nil {
			t.Fatal(err)
		}
		if inc.AcknowledgedBy != "ben" {
			t.Errorf("%q has it, want ben", inc.AcknowledgedBy)
		}
		if got := h.Response(id).Response.HoldEnd; !got.Equal(end.Add(10 * time.Minute)) {
			t.Errorf("the time-out ends at %s, want ten minutes after %s", got, end)
		}
		if e := has(t, h.Timeline(id), oncall.EntryRenewed); e.Actor != "cho" || e.Data.Via != "web" {
			t.Errorf("renewed by %q via %q, want cho via web", e.Actor, e.Data.Via)
		}
	})
}

// Somebody who is called to help the holder has answered by any key and any
// button: they are not called on.
func TestR17_R18_AHelperWhoAnswersIsNotCalledAgain(t *testing.T) {
	for _, how := range []string{"page", "key 1", "key 2"} {
		t.Run(how, func(t *testing.T) {
			rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
				ctx := t.Context()
				id := h.Open("down", oncall.Critical)
				after(time.Second)
				if _, err := h.life.Acknowledge(ctx, id, "ben", "api"); err != nil {
					t.Fatal(err)
				}
				after(time.Second)
				if _, err := h.life.AddResponder(ctx, id, []oncall.UserID{"dan"}, "ben", "api"); err != nil {
					t.Fatal(err)
				}
				after(time.Second)
				live := h.Phones.Live(ctx, id)
				if len(live) != 1 || live[0].User != "dan" {
					t.Fatalf("live calls = %+v, want dan's", live)
				}
				if how == "page" {
					if _, err := h.life.Acknowledge(ctx, id, "dan", "web"); err != nil {
						t.Fatal(err)
					}
				} else {
					said, err := h.life.Press(ctx, live[0].ID, how[len("key "):])
					if err != nil || said.Kind != notify.SaidLate || said.Incidents[0].Holder != "ben" {
						t.Errorf("said %+v, %v, want late, held by ben", said, err)
					}
					h.Phones.End(ctx, live[0].ID, oncall.Answered)
				}
				after(time.Second)
				if got := h.Phones.Live(ctx, id); len(got) != 0 {
					t.Errorf("live calls = %d, want none", len(got))
				}
				before := len(h.Phones.Claims())
				after(20 * time.Minute)
				if got := len(h.Phones.Claims()); got != before {
					t.Errorf("%d claims after the answer, want none", got-before)
				}
				if inc := h.Incident(id); inc.AcknowledgedBy != "ben" {
					t.Errorf("%q has it, want ben", inc.AcknowledgedBy)
				}
			})
		})
	}
}

func none(t *testing.T, all []oncall.Entry, kind oncall.EntryKind) {
	t.Helper()
	for _, e := range all {
		if e.Kind == kind {
			t.Errorf("timeline has %q by %q, want none", kind, e.Actor)
		}
	}
}
