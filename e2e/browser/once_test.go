package browser_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"toban/access"
)

// shownOnce are the forms that answer with a page of their own, which has a
// secret and can't be asked for again.
func shownOnce() []string {
	return []string{"/services/{}/keys", "/settings/tokens", "/settings/people", "/settings/people/{}/reset"}
}

// What is shown once has to be seen, on whatever page it was asked for: a script
// that went on to the form's address would find nothing there, and whoever tries
// again has made two.
func TestWhatIsShownOnceIsSeenWhereverItIsAskedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	h.member("take", access.Responder)
	key, invite := `http://[^\s']+/integrations/generic/[A-Z2-7]{20,}`, `http://\S+/invite/\S{20,}`
	for _, screen := range []size{desktop(), phone()} {
		b := h.owner().at(t, screen)
		b.speak("ja")
		for _, tc := range []struct {
			name, path, form string
			fill             func()
			secret           string
		}{
			{"the key of the first-run list", "/welcome", `#step-alert form`, nil, key},
			{"a service's key", "/services/checkout", `#feeds form[action$="/services/checkout/keys"]`, nil, key},
			{"a token", "/settings/tokens", `main form[action$="/settings/tokens"]`, func() { b.fill(`input[name="name"]`, "夜間バッチ") }, `tbn_\S{20,}`},
			{"an invitation", "/settings/people", `form[action$="/settings/people"]:has(input[name="account"]:not([type="hidden"]))`, func() { b.fill(`input[name="account"]:not([type="hidden"])`, "vera") }, invite},
			{"an invitation of somebody in the list", "/settings/people", `form.act[action$="/settings/people"]`, nil, invite},
			{"a new password's link", "/settings/people", `form[action$="/settings/people/take/reset"]`, nil, invite},
		} {
			b.visit(tc.path)
			b.ready()
			if tc.fill != nil {
				tc.fill()
			}
			eval[bool](b, `(document.querySelector(`+quoted(tc.form)+`)?.closest("details")?.setAttribute("open", ""), true)`)
			if box := eval[string](b, `document.querySelector(`+quoted(tc.form)+`)?.closest("dialog[popover]")?.id ?? ""`); box != "" {
				b.click(`button[popovertarget="` + box + `"]:not([popovertargetaction])`)
			}
			b.click(tc.form + ` button[type="submit"]`)
			b.until(`document.querySelector("#made")`)
			if made := eval[string](b, `document.querySelector("#made").innerText`); !regexp.MustCompile(tc.secret).MatchString(made) {
				t.Errorf("%s: got %q, want the secret", tc.name, made)
			}
			if hidden := eval[bool](b, `(() => { const r = document.querySelector("#made").getBoundingClientRect(); return r.top < document.querySelector(".top").offsetHeight || r.top > innerHeight / 2; })()`); hidden {
				t.Errorf("%s: it is not in sight", tc.name)
			}
			b.sound() // and nothing was not found
		}
		b.end()
		h.owner().post("/settings/people/matsu/uninvite") // for the next one to be offered it again
	}
	b := h.owner().at(t, desktop())
	b.visit("/services/checkout")
	if got := eval[int](b, `document.querySelectorAll(".key-row").length`); got != 5 { // one by the folder, and one for each press
		t.Errorf("%d keys are listed, want the folder's and four more", got)
	}
}

// form is one that is posted, with what the browser would send.
type form struct {
	Action string
	Pairs  [][2]string
}

// Every form of every page, so that a new one with a secret is not forgotten.
func TestNoOtherFormAnswersWithAPageOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	owner := h.owner()
	h.member("take", access.Responder)
	inc := h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	b := owner.at(t, desktop())
	b.speak("ja")
	span := url.Values{"user": {"ume"}, "from": {clock(time.Hour)}, "to": {clock(3 * time.Hour)}}
	var forms []form
	for _, path := range []string{
		"/welcome", "/services/checkout", "/settings/people", "/settings/tokens", "/me", "/oncall/page?user=take", "/incidents/new",
		"/schedules/infra/override?" + span.Encode(), h.signed(inc, "matsu", time.Now().Add(time.Hour)), pathOf(inc), "/",
	} {
		b.visit(path)
		forms = append(forms, eval[[]form](b, `[...document.querySelectorAll('form[method="post"]')].map((f) => ({ Action: new URL(f.action).pathname, Pairs: [...new FormData(f)] }))`)...)
	}
	last := []string{"/logout", "/look", "/me/password", "/disable"} // would end the session, or need what only people know
	seen := 0
	for _, f := range forms {
		if slices.ContainsFunc(last, func(end string) bool { return strings.HasSuffix(f.Action, end) }) {
			continue
		}
		var pairs []string
		for _, p := range f.Pairs {
			pairs = append(pairs, p[0], p[1])
		}
		got := owner.post(f.Action, pairs...)
		if got.status == 200 && !slices.Contains(shownOnce(), shape(f.Action)) {
			t.Errorf("POST %s answers with a page that has no address; it has to be tried in the browser as well", f.Action)
		}
		seen++
	}
	if seen < 20 {
		t.Errorf("%d forms were found, want those of all pages", seen)
	}
}

var named = regexp.MustCompile(`^/(services|settings/people)/[^/]+/`)

// shape is a path without the name in it.
func shape(path string) string { return named.ReplaceAllString(path, "/$1/{}/") }

func quoted(selector string) string { return "`" + selector + "`" }
