package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"toban/access"
	"toban/api"
)

var place = regexp.MustCompile(`\{\w+\}`)

func TestEveryOperationTakesItsRoleAndNoLess(t *testing.T) {
	t.Parallel()
	s, _ := document(t)
	i := sqlite(t)
	known := api.Roles()
	lower := map[access.Role]access.Role{access.Viewer: "", access.Responder: access.Viewer, access.Manager: access.Responder, access.Admin: access.Manager}
	for path, ops := range s.Paths {
		for method, op := range ops {
			role, ok := known[op.OperationID]
			if !ok {
				t.Errorf("%s has no role", op.OperationID)
				continue
			}
			delete(known, op.OperationID)
			if op.Role != string(role) {
				t.Errorf("%s: the document says %s, the table %s", op.OperationID, op.Role, role)
			}
			where := place.ReplaceAllString(path, "nothing-of-that-name")
			method := strings.ToUpper(method)
			if got := i.as("", method, where, ""); got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s as nobody: got %d %s, want 401 and how to log in", op.OperationID, got.status, got.body)
			}
			if below := lower[role]; below != "" {
				if got := i.as(string(below), method, where, "{}"); got.status != http.StatusForbidden || got.code() != "access.role" {
					t.Errorf("%s as %s: got %d %s, want 403 access.role", op.OperationID, below, got.status, got.body)
				}
			}
			for _, enough := range []string{string(role), "local"} {
				if got := i.as(enough, method, where, ""); got.status == http.StatusUnauthorized || got.status == http.StatusForbidden || got.status >= 500 {
					t.Errorf("%s as %s: got %d %s, want that it is let through", op.OperationID, enough, got.status, got.body)
				}
			}
		}
	}
	for name := range known {
		t.Errorf("%s has a role and is no operation", name)
	}
}

func TestWhoAsksIsFoundOut(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	for _, tc := range []struct {
		name, header string
		status       int
		code         string
	}{
		{"a token", "Bearer " + i.tokens["viewer"], 200, ""},
		{"the scheme in another case", "bearer " + i.tokens["viewer"], 200, ""},
		{"nothing", "", 401, "access.scheme"},
		{"another scheme", "Basic dTpw", 401, "access.scheme"},
		{"no secret", "Bearer", 401, "access.scheme"},
		{"an empty secret", "Bearer ", 401, "access.token"},
		{"an unknown token", "Bearer tbn_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 401, "access.token"},
		{"something long", "Bearer " + strings.Repeat("x", 8000), 401, "access.token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			headers := []string{}
			if tc.header != "" {
				headers = []string{"Authorization", tc.header}
			}
			got := i.as("", http.MethodGet, "/api/v1/me", "", headers...)
			if got.status != tc.status || got.code() != tc.code {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tc.status, tc.code)
			}
			if strings.Contains(string(got.body), "xxxx") || strings.Contains(i.log.String(), "tbn_") {
				t.Error("what was shown as a secret came back or is on the log")
			}
		})
	}
}

func TestTheSessionOfThePagesCountsFromThesePagesOnly(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	cookie := "toban=" + i.session("cho")
	i.must(200, "", http.MethodGet, "/api/v1/me", "", nil, "Cookie", cookie)
	const create = `{"service":"checkout","title":"x"}`
	for _, tc := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"from a page of ours", []string{"Sec-Fetch-Site", "same-origin"}, 201},
		{"from our address, behind a proxy that gives another host", []string{"Origin", "https://toban.example.jp", "Sec-Fetch-Site", "cross-site"}, 201},
		{"from another site", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"from another site, an old browser", []string{"Origin", "https://evil.example"}, 403},
	} {
		got := i.as("", http.MethodPost, "/api/v1/incidents", create, append(tc.headers, "Cookie", cookie)...)
		if got.status != tc.status {
			t.Errorf("%s: got %d %s, want %d", tc.name, got.status, got.body, tc.status)
		}
		if got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: the answer is offered to other sites", tc.name)
		}
	}
	if got := i.as("", http.MethodOptions, "/api/v1/incidents", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST"); got.status < 400 {
		t.Errorf("a preflight: got %d, want a refusal", got.status)
	}
	if got := i.as("", http.MethodGet, "/api/v1/me", "", "Cookie", "toban=nonsense"); got.status != http.StatusUnauthorized {
		t.Errorf("a cookie that is no session: got %d, want 401", got.status)
	}
}

func TestATokenThatAsksTooOftenIsToldToWait(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	limited := 0
	for range api.AtOnce + 100 {
		got := i.as("viewer", http.MethodGet, "/api/v1/me", "")
		if got.status == http.StatusTooManyRequests {
			limited++
			if got.header.Get("Retry-After") == "" || got.code() != "request.rate" {
				t.Fatalf("got %v %s, want when to come back", got.header, got.body)
			}
		}
	}
	if limited == 0 {
		t.Error("nothing was refused")
	}
	i.must(200, "responder", http.MethodGet, "/api/v1/me", "", nil) // another one is not concerned
	guesses := 0
	for range 100 {
		if i.as("", http.MethodGet, "/api/v1/me", "", "Authorization", "Bearer tbn_guess").status == http.StatusTooManyRequests {
			guesses++
		}
	}
	if guesses == 0 {
		t.Error("guessing was not slowed down")
	}
}

func TestAddressesThatAreNoOperationAreProblems(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	if got := i.as("viewer", http.MethodGet, "/api/v1/nothing", ""); got.status != 404 || got.code() != "page.not_found" {
		t.Errorf("got %d %s, want 404", got.status, got.body)
	}
	got := i.as("viewer", http.MethodPut, "/api/v1/incidents", "{}")
	if got.status != http.StatusMethodNotAllowed || got.code() != "request.method" || got.header.Get("Allow") != "GET, POST" {
		t.Errorf("got %d %s %v, want 405 with what is allowed", got.status, got.body, got.header)
	}
}
