package incident_test

import (
	"testing"
	"time"

	"toban/incident"
	"toban/oncall"
	"toban/respond/respondtest"
)

func TestADrillRingsOnlyItsUserAndIsOverAfterFiveMinutes(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		inc, err := h.life.Drill(t.Context(), "ben", "ann")
		if err != nil {
			t.Fatal(err)
		}
		after(4 * time.Minute)
		again, err := h.life.Drill(t.Context(), "ben", "ann")
		if err != nil || again.ID != inc.ID {
			t.Errorf("a second drill while one runs: got %v, %v, want incident %s", again, err, inc.ID)
		}
		after(2 * time.Minute)
		claims := h.Phones.Claims()
		if len(claims) < 2 {
			t.Errorf("got %d calls in five minutes, want it to ring on", len(claims))
		}
		for _, c := range claims {
			if c.Row.Payload.User != "ben" {
				t.Errorf("%s was called for ben's drill", c.Row.Payload.User)
			}
		}
		last, err := h.life.LastDrill(t.Context(), "ben")
		if err != nil || last == nil || last.Incident.State != oncall.Resolved || !last.Pressed.IsZero() {
			t.Errorf("after five minutes: got %+v, %v, want it resolved and no key pressed", last, err)
		}
		next, err := h.life.Drill(t.Context(), "ben", "ann")
		if err != nil || next.ID == inc.ID || !incident.IsDrill(next) {
			t.Errorf("the next drill: got %v, %v, want one of its own", next, err)
		}
		after(time.Second)
		call := h.Phones.Claims()
		if _, err := h.life.Press(t.Context(), call[len(call)-1].Delivery, "1"); err != nil {
			t.Fatal(err)
		}
		if last, err = h.life.LastDrill(t.Context(), "ben"); err != nil || last.Pressed.IsZero() {
			t.Errorf("after key 1: got %+v, %v, want that it was pressed", last, err)
		}
		if none, err := h.life.LastDrill(t.Context(), "cho"); none != nil || err != nil {
			t.Errorf("cho's last drill: got %v, %v, want none", none, err)
		}
	})
}

func TestADrillOfNobodyIsRefused(t *testing.T) {
	rehearse(t, respondtest.Config{}, func(t *testing.T, h *house) {
		if _, err := h.life.Drill(t.Context(), "nobody", "ann"); !isKind(err, oncall.Invalid) {
			t.Errorf("got %v, want an Invalid error", err)
		}
	})
}
