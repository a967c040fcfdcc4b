package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"toban/access"
	"toban/oncall"
)

func TestSigningInLeadsBackToThePageThatWasWanted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		inc := h.open("checkout", "down", oncall.Critical)
		h.account("ume", access.Responder)
		b := h.browser("", "")
		path := "/incidents/" + number(inc)
		got := b.get(path)
		if want := "/login?next=" + url.QueryEscape(path); got.header.Get("Location") != want {
			t.Fatalf("%s leads to %q, want %q", path, got.header.Get("Location"), want)
		}
		has(t, b.page("/login?next="+path), `name="password"`, path)
		got = b.post("/login", "account", "Ume", "password", password, "next", path)
		if got.status != http.StatusSeeOther || got.header.Get("Location") != path {
			t.Fatalf("signing in = %d to %q, want 303 to %s\n%s", got.status, got.header.Get("Location"), path, text(got.body))
		}
		cookie := got.header.Get("Set-Cookie")
		for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("the session's cookie is %q, want %s", cookie, want)
			}
		}
		has(t, b.page(path), "down")
		b.post("/logout")
		if got := b.get(path); got.status != http.StatusSeeOther {
			t.Errorf("after signing out %s = %d, want the login", path, got.status)
		}
	})
}

func TestTheNameThatPeopleSaySignsInToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("", "")
	b.lang = "ja"
	has(t, b.page("/login"), "最初のアカウントを作るリンク")
	h.account("matsu", access.Responder)
	hasNot(t, b.page("/login"), "最初のアカウントを作るリンク")
	if got := b.post("/login", "account", "松", "password", password); got.status != http.StatusSeeOther {
		t.Fatalf("signing in as 松 = %d, want the session of matsu", got.status)
	}
	has(t, b.page("/me"), "matsu")
}

func TestSettingUpSaysTheNameToSignInWith(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	secret, _, err := h.access.SetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser("", "")
	has(t, b.page("/setup/"+secret), "松 (matsu)")
	got := b.post("/setup/"+secret, "person", "matsu", "account", "", "password", password, "again", password)
	if got.header.Get("Location") != "/welcome" {
		t.Fatalf("= %d to %q, want the first-run list", got.status, got.header.Get("Location"))
	}
	has(t, b.page("/welcome"), "Your sign-in name is matsu.")
}

func TestAWrongPasswordKeepsTheNameAndNotThePassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	h.account("ume", access.Responder)
	b := h.browser("", "")
	got := b.post("/login", "account", "ume", "password", "wrong-horse-battery", "next", "/me")
	if got.status != http.StatusUnauthorized {
		t.Errorf("a wrong password = %d, want 401", got.status)
	}
	has(t, got.body, `value="ume"`, `value="/me"`, "The name or the password is wrong")
	hasNot(t, got.body, "wrong-horse")
	b.lang = "ja"
	has(t, b.post("/login", "account", "ume", "password", "x").body, `lang="ja"`, "パスワード")
}

func TestTooManyTriesSayUntilWhen(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	h.account("ume", access.Responder)
	b := h.browser("", "")
	var got answer
	for range 30 {
		if got = b.post("/login", "account", "ume", "password", "wrong-horse-battery"); got.status == http.StatusTooManyRequests {
			break
		}
	}
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Fatalf("after many tries = %d, Retry-After %q, want 429 with a time", got.status, got.header.Get("Retry-After"))
	}
	has(t, got.body, "Too many tries. Try again at")
}

func TestALinkToElsewhereIsNotFollowedAfterTheLogin(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	h.account("ume", access.Responder)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "evil", "/\n/evil"} {
		b := h.browser("", "")
		got := b.post("/login", "account", "ume", "password", password, "next", next)
		if got.header.Get("Location") != "/" {
			t.Errorf("next %q leads to %q, want /", next, got.header.Get("Location"))
		}
	}
}

func TestTheSetUpLinkMakesTheFirstAdminOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		secret, needed, err := h.access.SetUp(t.Context())
		if err != nil || !needed {
			t.Fatalf("SetUp = %v, %v", needed, err)
		}
		b := h.browser("", "")
		page := b.page("/setup/" + secret)
		has(t, page, "Welcome to toban", `value="ume"`, "松")
		got := b.post("/setup/"+secret, "person", "ume", "password", "short", "again", "short")
		has(t, got.body, "at least 10 characters")
		got = b.post("/setup/"+secret, "person", "ume", "password", password, "again", password+"x")
		has(t, got.body, "not the same")
		got = b.post("/setup/"+secret, "person", "ume", "password", password, "again", password)
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "/welcome" {
			t.Fatalf("set up = %d to %q, want 303 to /welcome\n%s", got.status, got.header.Get("Location"), text(got.body))
		}
		has(t, b.page("/me"), "Ume", "Admin")
		has(t, h.browser("", "").get("/setup/"+secret).body, "access.invite_used")
	})
}

func TestWithHttpsTheCookieIsForThisHostAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	h.account("ume", access.Responder)
	h.web.Secure = true
	got := h.browser("", "").post("/login", "account", "ume", "password", password)
	if cookie := got.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-toban=") || !strings.Contains(cookie, "Secure") {
		t.Errorf("the cookie is %q, want __Host-toban with Secure", cookie)
	}
}

func TestAStrangersLanguageAndThemeAreKeptInTheBrowser(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("", "")
	has(t, b.page("/login"), `lang="en"`)
	b.post("/look", "language", "ja", "back", "/login")
	b.post("/look", "theme", "dark", "back", "/login")
	has(t, b.page("/login"), `lang="ja"`, `data-theme="dark"`, "ログイン")
	b.post("/look", "theme", "system")
	hasNot(t, b.page("/login"), "data-theme")
	b = h.browser("", "")
	b.lang = "fr, de;q=0.9"
	has(t, b.page("/login"), `lang="ja"`) // the installation's
	b.lang = "fr, en-GB;q=0.8, ja;q=0.5"
	has(t, b.page("/login"), `lang="en"`)
}

func TestUnderASubPathEveryLinkHasIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "/ops")
	inc := h.open("checkout", "down", oncall.Critical)
	b := h.browser("ume", access.Admin)
	for _, path := range []string{"/", "/incidents/" + number(inc), "/me", "/incidents/new", "/i/" + h.token(inc.ID, "", zero)} {
		page := b.page(path)
		for _, attribute := range []string{`href="/`, `action="/`, `src="/`, `data-live="/`, `data-url="/`} {
			for rest := page; ; {
				_, after, found := strings.Cut(rest, attribute)
				if !found {
					break
				}
				if rest = after; !strings.HasPrefix(rest, "ops/") {
					t.Errorf("%s: %s%s… is not below /ops", path, attribute, rest[:min(30, len(rest))])
				}
			}
		}
	}
	got := b.post("/incidents/" + number(inc) + "/acknowledge")
	if want := "/ops/incidents/" + number(inc); got.header.Get("Location") != want {
		t.Errorf("an action leads to %q, want %q", got.header.Get("Location"), want)
	}
	if got := h.browser("", "").get("/me").header.Get("Location"); got != "/ops/login?next=%2Fme" {
		t.Errorf("without a session /me leads to %q", got)
	}
}
