package slack_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"toban/notify/slack"
	"toban/oncall"
)

func TestOpenIncidentsAreShownOnceInAWorkspaceThatComesLater(t *testing.T) {
	var there atomic.Bool
	inHouse(t, func(h *house) {
		h.trigger("db-1")
		over := h.trigger("db-2")
		h.resolve(over, "take")
		h.after(time.Minute)
		if got := h.cards("alerts"); len(got) != 0 {
			t.Fatalf("posted %d times without a workspace", len(got))
		}
		there.Store(true)
		h.nodes[0].f.Refresh()
		h.after(3 * time.Second)
		if got := h.texts("alerts"); len(got) != 1 || !has(got, "#1") {
			t.Errorf("got %q, want the open incident", got)
		}
		asked := len(h.slack.Requests())
		for range 3 {
			h.nodes[0].f.Refresh() // nothing has changed
			h.after(3 * time.Second)
		}
		if got := len(h.slack.Requests()); got != asked {
			t.Errorf("asked %d times more", got-asked)
		}
		h.plan.settings.Language = "en"
		h.apply(h.nodes[0].db)
		h.nodes[0].f.Refresh()
		h.after(20 * time.Second)
		if got := h.texts("alerts"); len(got) != 1 || !has(got, "triggered") {
			t.Errorf("got %q, want it in the new language", got)
		}
	}, quiet, func(s *setup) {
		s.workspaces = func(_ oncall.Stage, production *slack.Workspace) *slack.Workspace {
			if there.Load() {
				return production
			}
			return nil
		}
	})
}

func TestInTheWorkspaceOfAnotherTeamOpenIncidentsArePostedAnew(t *testing.T) {
	var h *house
	var moved atomic.Pointer[slack.Workspace]
	a := &altered{next: func() http.RoundTripper { return h.slack.Transport() }}
	inHouse(t, func(in *house) {
		h = in
		h.alert("db-1")
		moved.Store(h.nodes[0].ws.Again()) // configured anew, and it is the same
		h.nodes[0].f.Refresh()
		h.after(10 * time.Second)
		if got := h.texts("alerts"); len(got) != 1 {
			t.Fatalf("got %q, want it posted once in one workspace", got)
		}
		team := "T0ELSE"
		a.team.Store(&team)
		moved.Store(h.nodes[0].ws.Again())
		h.nodes[0].f.Refresh()
		h.after(10 * time.Second)
		if got := h.texts("alerts"); len(got) != 2 {
			t.Errorf("got %q, want it posted in the other workspace, too", got)
		}
	}, quiet, func(s *setup) {
		s.clients = a
		s.workspaces = func(_ oncall.Stage, production *slack.Workspace) *slack.Workspace {
			if w := moved.Load(); w != nil {
				return w
			}
			return production
		}
	})
}
