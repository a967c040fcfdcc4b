package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"toban/access"
)

func TestAWrongPasswordIsToldAndTooManyAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	h.owner()
	b := open(t, h.toban.URL, phone())
	b.speak("ja")
	b.expect("401", "429")
	b.visit("/schedules/infra")
	b.until(`location.pathname === "/login"`)
	for try := range 11 {
		if eval[bool](b, `document.querySelector('input[name="account"]').value === ""`) {
			b.fill(`input[name="account"]`, "matsu") // of whom there is no account: nobody can tell
		}
		b.fill(`input[name="password"]`, fmt.Sprintf("not my password %d", try))
		eval[bool](b, `window.old = true`)
		b.click(`main form button.button-primary`)
		b.until(`!window.old && document.querySelector('[role="alert"]')`)
		switch try {
		case 0:
			b.sound()
			b.shoot("login-wrong.ja.light.390")
		case 9:
			b.says("違います")
		}
	}
	b.says("回数")
	b.sound()
	b.shoot("login-limited.ja.light.390")

	// Who was signed in already goes on.
	other := h.owner().at(t, desktop())
	other.speak("en")
	other.visit("/login?next=/schedules/infra")
	other.until(`location.pathname === "/schedules/infra"`)
}

func TestLanguageAndThemeAreKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	h.owner()
	b := open(t, h.toban.URL, desktop())
	b.visit("/login")
	b.ready()
	if got := eval[string](b, `document.documentElement.lang`); got != "en" { // the browser's own
		t.Errorf("the page is in %q, want en", got)
	}
	b.click(`button[name="language"][value="ja"]`)
	b.until(`document.documentElement.lang === "ja"`)
	b.click(`button[name="theme"][value="dark"]`)
	b.until(`document.documentElement.dataset.theme === "dark"`)
	b.shoot("login.ja.chosen-dark.1280")
	b.fill(`input[name="account"]`, "ume")
	b.fill(`input[name="password"]`, password)
	b.click(`main form button.button-primary`)
	b.until(`location.pathname === "/"`)
	b.until(`document.documentElement.lang === "ja" && document.documentElement.dataset.theme === "dark"`)

	// The account's own choice holds in every browser.
	b.visit("/me")
	b.ready()
	b.set(`select[name="language"]`, "en")
	b.set(`select[name="theme"]`, "light")
	b.set(`select[name="zone"]`, "America/New_York")
	b.click(`form[action$="/me/preferences"] button[type="submit"]`)
	b.until(`document.documentElement.lang === "en" && document.documentElement.dataset.theme === "light" && document.documentElement.dataset.zone === "America/New_York"`)
	other := h.owner().at(t, phone())
	other.speak("ja")
	other.visit("/")
	other.until(`document.documentElement.lang === "en" && document.documentElement.dataset.theme === "light"`)
}

func TestAViewerSeesNoButtonsAndIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	vera := s.member("vera", access.Viewer)
	for _, screen := range []size{phone(), desktop()} {
		for _, lang := range []string{"ja", "en"} {
			b := vera.at(t, screen)
			b.speak(lang)
			for _, l := range []look{
				{"viewer-incidents", "/"},
				{"viewer-incident", pathOf(s.paging)},
				{"viewer-schedule", "/schedules/infra"},
				{"viewer-service", "/services/checkout"},
				{"viewer-settings", "/settings"},
				{"viewer-me", "/me"},
			} {
				b.look(l)
				offered := eval[[]string](b, `[...document.querySelectorAll('main form[method="post"]')].map((f) => new URL(f.action).pathname)
					.filter((p) => !p.startsWith("/me/") && !p.startsWith("/settings/sessions"))`)
				if len(offered) > 0 {
					t.Errorf("%s offers a viewer %v", l.path, offered)
				}
			}
			b.expect("403")
			for _, l := range []look{{"denied-people", "/settings/people"}, {"denied-audit", "/settings/audit"}, {"denied-new", "/incidents/new"}} {
				b.look(l)
				b.says("access.role")
			}
			b.end()
		}
	}
	for _, path := range []string{pathOf(s.paging) + "/acknowledge", pathOf(s.paging) + "/resolve", "/incidents", "/schedules/infra/overrides", "/settings/people"} {
		if got := vera.post(path, "service", "checkout", "title", "x"); got.status != http.StatusForbidden {
			t.Errorf("POST %s as viewer = %d, want 403", path, got.status)
		}
	}
	if state, _ := s.state(s.paging); state != "triggered" {
		t.Errorf("the incident is %s, want triggered", state)
	}
}

// The browser sends the session's cookie to toban from a page of another port as
// well: that must not be enough.
func TestAFormOnAnotherSiteDoesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	inc := h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>prize</title><link rel="icon" href="data:,"><form method="post" action="%s%s/resolve"><button>You have won</button></form>`, h.toban.URL, pathOf(inc))
	}))
	t.Cleanup(evil.Close)
	b := h.owner().at(t, desktop())
	b.speak("en")
	b.may(evil.URL)
	b.visit("/")
	b.ready()
	b.base = evil.URL
	b.visit("/")
	b.expect("403")
	b.click("button")
	b.says("request.cross_origin")
	b.ready()
	b.sound()
	b.shoot("cross-origin.en.light.1280")
	if state, _ := h.state(inc); state != "triggered" {
		t.Errorf("the incident is %s, want triggered", state)
	}
}
