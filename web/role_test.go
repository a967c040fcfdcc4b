package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"toban/access"
	"toban/oncall"
	"toban/store"
)

func TestEveryRouteHasARoleThatIsEnforced(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	by := map[access.Role]*browser{
		"": h.browser("", ""), access.Viewer: h.browser("vera", access.Viewer), access.Responder: h.browser("rob", access.Responder),
		access.Manager: h.browser("mia", access.Manager), access.Admin: h.browser("ada", access.Admin),
	}
	below := map[access.Role]access.Role{access.Viewer: "", access.Responder: access.Viewer, access.Manager: access.Responder, access.Admin: access.Manager}
	anybody := []string{"/login", "/logout", "/look", "/setup/{secret}", "/invite/{secret}", "/i/", "/manifest.webmanifest", "/sw.js", "/offline", "/favicon.ico"}
	fill := strings.NewReplacer("{$}", "", "{ref}", number(inc), "{id}", "infra", "{act}", "acknowledge", "{account}", "vera", "{override}", "ovr_0", "{secret}", "x", "{token}", "x")
	for _, e := range h.web.Roles() {
		path := fill.Replace(e.Pattern)
		if e.Role == "" {
			open := false
			for _, p := range anybody {
				open = open || strings.HasPrefix(e.Pattern, p)
			}
			if !open {
				t.Errorf("%s %s is open to anybody", e.Method, e.Pattern)
			}
			continue
		}
		lower, ok := below[e.Role]
		if !ok {
			t.Errorf("%s %s takes %q, which is no role", e.Method, e.Pattern, e.Role)
			continue
		}
		ask := func(b *browser) answer {
			if e.Method == http.MethodGet {
				return b.get(path)
			}
			return b.do(e.Method, path, map[string][]string{}, "Sec-Fetch-Site", "same-origin")
		}
		if got := ask(by[""]); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/login") {
			t.Errorf("%s %s without a session = %d to %q, want the login", e.Method, path, got.status, got.header.Get("Location"))
		}
		if lower != "" {
			if got := ask(by[lower]); got.status != http.StatusForbidden {
				t.Errorf("%s %s as %s = %d, want 403", e.Method, path, lower, got.status)
			}
		}
		if e.Method == http.MethodGet && !strings.HasPrefix(path, "/live") {
			if got := ask(by[e.Role]); got.status == http.StatusForbidden || got.status >= http.StatusInternalServerError {
				t.Errorf("%s %s as %s = %d\n%s", e.Method, path, e.Role, got.status, text(got.body))
			}
		}
	}
}

// twisted are other ways to write a path, of which none may lead to what the path
// itself does not.
func twisted(path string) []string {
	dir, last := path[:strings.LastIndex(path, "/")+1], path[strings.LastIndex(path, "/")+1:]
	if last == "" {
		return []string{"/%2F", "/x%2F.."}
	}
	hex := fmt.Sprintf("%%%02X", last[0])
	all := []string{
		dir + "x%2F" + last, dir + last + "%2Fx", dir + "%2F" + last, dir + hex + last[1:], dir + last + "%00", dir + last + "%20",
		dir + "%2E%2E%2F" + last, dir + last + ";x", dir + strings.ToUpper(last),
	}
	if dir != "/" {
		all = append(all, strings.TrimSuffix(dir, "/")+"%2F"+last)
	}
	return all
}

func TestNoOtherWayToWriteAPathLeadsPastItsRole(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	below := map[access.Role]*browser{
		access.Responder: h.browser("vera", access.Viewer), access.Manager: h.browser("ume", access.Responder), access.Admin: h.browser("mia", access.Manager),
	}
	fill := strings.NewReplacer("{$}", "", "{ref}", number(inc), "{id}", "infra", "{act}", "acknowledge", "{account}", "vera", "{override}", "ovr_0", "{secret}", "x", "{token}", "x")
	for _, e := range h.web.Roles() {
		b := below[e.Role]
		if b == nil {
			continue
		}
		for _, path := range twisted(fill.Replace(e.Pattern)) {
			form := url.Values{"policy": {"night"}, "user": {"take"}}
			if e.Method == http.MethodGet {
				form = nil
			}
			got := b.do(e.Method, path, form)
			if got.status < http.StatusBadRequest {
				t.Errorf("%s %s as one role below %s = %d to %q, want it refused", e.Method, path, e.Role, got.status, got.header.Get("Location"))
			}
		}
	}
	var policy string
	err := h.db.Read(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Responses(t.Context(), []oncall.IncidentID{inc.ID})
		policy = rows[inc.ID].Response.Policy
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := h.incident(inc.ID); got.State != oncall.Triggered || strings.Contains(policy, "night") {
		t.Errorf("the incident is %s by policy %q, want it untouched", got.State, policy)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	inc := h.open("checkout", "down", oncall.Critical)
	for _, from := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
	} {
		got := b.do(http.MethodPost, "/incidents/"+number(inc)+"/acknowledge", map[string][]string{}, from...)
		if got.status != http.StatusForbidden {
			t.Errorf("POST with %v = %d, want 403", from, got.status)
		}
		has(t, got.body, "request.cross_origin")
	}
	if got := h.incident(inc.ID).State; got != oncall.Triggered {
		t.Errorf("the incident is %s, want triggered", got)
	}
}

var (
	tag     = regexp.MustCompile(`<[a-z][^>]*>`)
	quoted  = regexp.MustCompile(`"[^"]*"`)
	running = regexp.MustCompile(`\s(?:on[a-z]+|style)=`)
)

func TestNoPageLoadsFromElsewhereOrRunsWhatStandsInIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", `<script>alert(1)</script>" onload="x`, oncall.Critical)
	b := h.browser("ume", access.Admin)
	for _, path := range []string{"/", "/?show=all", "/?show=mine", "/incidents/" + number(inc), "/incidents/new", "/oncall", "/oncall/page?user=take", "/schedules/infra", "/me", "/nowhere", "/i/" + h.token(inc.ID, "matsu", zero), "/i/x"} {
		got := b.get(path)
		if policy := got.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", path, policy)
		}
		for _, name := range []string{"Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options"} {
			if got.header.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		if strings.HasPrefix(path, "/i/") && got.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: the address of a link may be told to others", path)
		}
		for _, bad := range []string{"http://", "https://", "<style", "javascript:", "<script>"} {
			if strings.Contains(got.body, bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		for _, tag := range tag.FindAllString(got.body, -1) {
			if found := running.FindString(quoted.ReplaceAllString(tag, `""`)); found != "" {
				t.Errorf("%s has the attribute %q", path, found)
			}
		}
	}
}
