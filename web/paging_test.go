package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/oncall"
	"toban/respond/respondtest"
	"toban/store"
)

var formKey = regexp.MustCompile(`name="key" value="([^"]+)"`)

func TestR17_WhoIsPagedByHandIsRungFirstAndAloneOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		rung := make(chan oncall.UserID, 10)
		h.mu.Lock()
		h.script = func(row store.OutboxRow) respondtest.Answer {
			rung <- row.Payload.User
			return respondtest.Answer{Never: true}
		}
		h.mu.Unlock()
		b := h.browser("ume", access.Responder)
		page := b.page("/oncall/page?user=take")
		has(t, page, `<option value="take" selected>`, `<option value="other" selected>`)
		key := formKey.FindStringSubmatch(page)[1]
		var at string
		for range 2 { // a form that is sent twice is one incident
			got := b.post("/oncall/page", "user", "take", "service", "checkout", "reason", "smoke in the rack", "key", key)
			if got.status != http.StatusSeeOther {
				t.Fatalf("POST = %d, want a redirect\n%s", got.status, text(got.body))
			}
			if at != "" && got.header.Get("Location") != at {
				t.Errorf("sent twice it leads to %s and %s, want one incident", at, got.header.Get("Location"))
			}
			at = got.header.Get("Location")
		}
		select {
		case who := <-rung:
			if who != "take" {
				t.Errorf("%s was rung first, want take", who)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("nobody was rung")
		}
		has(t, b.page(at), "smoke in the rack", "竹 is being paged", "Ume")
		select {
		case who := <-rung:
			t.Errorf("%s was rung beside take", who)
		case <-time.After(300 * time.Millisecond):
		}
	})
}

func TestR17_SomebodyIsCalledForHelpWithTheReasonOnTheTimeline(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	inc := h.open("checkout", "down", oncall.Critical)
	b.post("/incidents/" + number(inc) + "/acknowledge")
	has(t, b.page("/oncall/page?user=take"), "#"+number(inc)+" down · 決済")
	got := b.post("/oncall/page", "user", "take", "incident", number(inc), "reason", "you know this one")
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/incidents/"+number(inc) {
		t.Fatalf("POST = %d to %q\n%s", got.status, got.header.Get("Location"), text(got.body))
	}
	has(t, b.page("/incidents/"+number(inc)), "you know this one", "竹 is asked to help")
	if now := h.incident(inc.ID); now.State != oncall.Acknowledged || now.AcknowledgedBy != "ume" {
		t.Errorf("it is %s by %q, want that Ume keeps it", now.State, now.AcknowledgedBy)
	}
}

func TestWhatIsWrongWithAPageByHandIsSaidAndWhatWasTypedStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	over := h.open("checkout", "down", oncall.Critical)
	b.post("/incidents/" + number(over) + "/resolve")
	for _, tc := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"no reason", []string{"user", "take", "service", "checkout", "reason", " "}, "f-reason-wrong"},
		{"nobody", []string{"user", "none", "service", "checkout", "reason", "fire"}, "f-user-wrong"},
		{"no service", []string{"user", "take", "service", "none", "reason", "fire"}, "f-service-wrong"},
		{"help of nobody", []string{"user", "none", "incident", number(h.open("search", "slow", oncall.Critical)), "reason", "fire"}, "f-user-wrong"},
		{"an incident that is over", []string{"user", "take", "incident", number(over), "reason", "fire"}, "f-incident-wrong"},
		{"no incident", []string{"user", "take", "incident", "99999", "reason", "fire"}, "f-incident-wrong"},
	} {
		got := b.post("/oncall/page", tc.pairs...)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, `id="`+tc.want+`"`) {
			t.Errorf("%s: %d without %s:\n%s", tc.name, got.status, tc.want, text(got.body))
		}
		if tc.name != "no reason" && !strings.Contains(got.body, `value="fire"`) {
			t.Errorf("%s: what was typed is gone", tc.name)
		}
	}
	clerk := h.browser("clerk", access.Responder) // no user of the folder
	has(t, clerk.page("/oncall/page"), "This account is no user")
	if got := clerk.post("/oncall/page", "user", "take", "service", "checkout", "reason", "fire"); got.status != http.StatusBadRequest {
		t.Errorf("paging as nobody = %d, want 400", got.status)
	}
	boss := h.browser("boss", access.Manager)
	has(t, boss.page("/oncall/page"), `name="who"`)
	if got := boss.post("/oncall/page", "user", "take", "service", "checkout", "reason", "fire", "who", "ume"); got.status != http.StatusSeeOther {
		t.Errorf("paging in another name = %d, want a redirect\n%s", got.status, text(got.body))
	}
}

func TestOnlyWhoMaySeeNumbersHasALinkThatCalls(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	for role, want := range map[access.Role]struct{ call, page bool }{
		access.Viewer: {}, access.Responder: {page: true}, access.Manager: {true, true}, access.Admin: {true, true},
	} {
		page := h.browser("a-"+string(role), role).page("/oncall")
		if got := strings.Contains(page, `href="tel:+819000000002"`); got != want.call {
			t.Errorf("%s: a link that calls is there: %v, want %v", role, got, want.call)
		}
		if got := strings.Contains(page, "/oncall/page?user=take"); got != want.page {
			t.Errorf("%s: a link that pages is there: %v, want %v", role, got, want.page)
		}
		if !want.call && strings.Contains(page, "+8190") {
			t.Errorf("%s sees a number", role)
		}
	}
	own := h.browser("ume", access.Admin).page("/oncall")
	hasNot(t, own, "/oncall/page?user=ume", "+819000000003")
}
