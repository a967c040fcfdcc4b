package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"toban/docs"
)

func TestThePagesAboutTheAPILoadFromHereAlone(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	foreign := regexp.MustCompile(`(?:src|href)="(?:https?:)?//`)
	inline := regexp.MustCompile(`<script(?:[^>]*)>[^<]|<style|\sstyle="|\son\w+="`)
	for _, path := range []string{"/docs/api", "/docs/errors"} {
		got := i.as("", http.MethodGet, path, "")
		if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Fatalf("%s: got %d %s, want the page", path, got.status, got.header.Get("Content-Type"))
		}
		policy := got.header.Get("Content-Security-Policy")
		if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: got the policy %q, want a strict one", path, policy)
		}
		if found := foreign.FindString(string(got.body)); found != "" {
			t.Errorf("%s loads from elsewhere: %s", path, found)
		}
		if found := inline.FindString(string(got.body)); found != "" {
			t.Errorf("%s has script or style in it: %s", path, found)
		}
	}
	for path, kind := range map[string]string{
		"/docs/api.js": "text/javascript", "/docs/docs.css": "text/css", "/docs/api/swagger-ui.css": "text/css",
		"/docs/api/swagger-ui-bundle.js": "text/javascript", "/docs/api/favicon-32x32.png": "image/png",
	} {
		for _, encoding := range []string{"", "gzip"} {
			got := i.as("", http.MethodGet, path, "", "Accept-Encoding", encoding)
			if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), kind) || len(got.body) == 0 {
				t.Errorf("%s: got %d %s, want it", path, got.status, got.header.Get("Content-Type"))
			}
		}
	}
	for _, path := range []string{"/docs/api/", "/docs/api/index.html", "/docs/api/oauth2-redirect.html", "/docs/", "/docs/nothing"} {
		if got := i.as("viewer", http.MethodGet, path, ""); got.status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, got.status)
		}
	}
}

func TestEachErrorCodeHasItsPlaceOnThePage(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	page := string(i.as("", http.MethodGet, "/docs/errors", "").body)
	heads := regexp.MustCompile("(?m)^### `?([a-z0-9_.]+)`?$").FindAllStringSubmatch(docs.Errors(), -1)
	if len(heads) < 60 {
		t.Fatalf("got %d codes, want all", len(heads))
	}
	for _, m := range heads {
		if !strings.Contains(page, `<h3 id="`+m[1]+`">`) {
			t.Errorf("%s has no place to go to", m[1])
		}
	}
	if strings.Contains(page, "**") || strings.Contains(page, "`") || strings.Contains(page, "###") {
		t.Error("the page shows its marks")
	}
}
