package incident_test

import (
	"slices"
	"testing"
	"time"

	"toban/incident"
	"toban/oncall"
	"toban/respond/respondtest"
)

func TestR17_WhoIsAskedFirstIsCalledBeforeThePolicyGoesOn(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never}, func(t *testing.T, h *house) {
		if _, err := h.life.Create(t.Context(), incident.ByHand{Service: "shop", Title: "smoke", First: "nobody", By: "ben"}); !isKind(err, oncall.Invalid) {
			t.Errorf("asking nobody: %v, want an Invalid error", err)
		}
		inc, err := h.life.Create(t.Context(), incident.ByHand{Service: "shop", Title: "smoke", First: "cho", Key: "form", By: "ben", Via: "web"})
		if err != nil {
			t.Fatal(err)
		}
		again, err := h.life.Create(t.Context(), incident.ByHand{Service: "shop", Title: "smoke", First: "cho", Key: "form", By: "ben", Via: "web"})
		if err != nil || again.ID != inc.ID {
			t.Errorf("the same key again: %v, %v, want %s", again, err, inc.ID)
		}
		after(10 * time.Second)
		if claims := h.Phones.Claims(); len(claims) != 1 || claims[0].Row.Payload.User != "cho" {
			t.Errorf("at first there were the calls %v, want one to cho", claims)
		}
		after(6 * time.Minute)
		var called []oncall.UserID
		for _, c := range h.Phones.Claims() {
			called = append(called, c.Row.Payload.User)
		}
		if next := slices.IndexFunc(called, func(u oncall.UserID) bool { return u != "cho" }); next < 0 || called[next] != "ann" {
			t.Errorf("called were %v, want cho and then ann, who is the policy's level 1", called)
		}
		if inc := h.Incident(inc.ID); inc.State != oncall.Triggered {
			t.Errorf("it is %s, want triggered", inc.State)
		}
	})
}
