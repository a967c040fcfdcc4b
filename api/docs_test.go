package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"toban/api"
	"toban/docs"
)

func TestThePagesAboutTheAPILoadFromHereAlone(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	foreign := regexp.MustCompile(`(?:src|href)="(?:https?:)?//`)
	inline := regexp.MustCompile(`<script(?:[^>]*)>[^<]|<style|\sstyle="|\son\w+="`)
	for _, path := range []string{"/docs/api", "/docs/errors", "/docs/", "/docs/monitors", "/docs/exporter"} {
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
	for _, path := range []string{"/docs/api/", "/docs/api/index.html", "/docs/api/oauth2-redirect.html", "/docs/nothing", "/docs/monitors.md", "/docs/architecture"} {
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

// What the pages lead to is served, and nothing of Markdown is left over.
func TestTheDocumentationIsServedAndItsLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	pre := regexp.MustCompile(`(?s)<pre.*?</pre>|<code>.*?</code>`)
	link := regexp.MustCompile(`<a href="([^"]+)"`)
	pages := map[string]string{"errors": "", "api": ""}
	for _, name := range append(docs.Pages(), "errors") {
		got := i.as("", http.MethodGet, "/docs/"+name, "")
		if got.status != http.StatusOK {
			t.Errorf("/docs/%s: got %d", name, got.status)
		}
		pages[name] = string(got.body)
	}
	for name, page := range pages {
		for _, left := range []string{"```", "](", "**", "| ", "raw HTML omitted", "<img", "<p>#", "<p>- "} {
			if strings.Contains(pre.ReplaceAllString(page, ""), left) {
				t.Errorf("%s: %q is left over", name, left)
			}
		}
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			to, part, _ := strings.Cut(m[1], "#")
			switch {
			case strings.HasPrefix(to, "http"), to == "../", to == "./":
				continue
			case to == "":
				to = name
			}
			if to, known := pages[to]; !known || part != "" && !strings.Contains(to, `id="`+part+`"`) {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			}
		}
	}
	index := string(i.as("", http.MethodGet, "/docs/", "").body)
	for _, want := range []string{`<a href="monitors">Monitors</a>`, `<a href="exporter">`, `<a href="errors">`} {
		if !strings.Contains(index, want) {
			t.Errorf("the list has no %s", want)
		}
	}
}

func TestNothingOfAPageIsTakenForHTML(t *testing.T) {
	t.Parallel()
	title, body, err := api.DrawMarkdown("# A `<b>`\n\ntext <script>alert(1)</script> `a<b|c` [x](javascript:alert) [y](https://example.jp/?a=\"b) [z](https://example.jp/) [k](monitors.md#keys) ![i](x.png)\n\n| a \\| b | `c \\| d` |\n|---|---|\n| *e* | **f** |\n")
	if err != nil || title != "A <b>" {
		t.Fatalf("got %q %v", title, err)
	}
	for _, want := range []string{
		"<h1 id=\"a-b\">A <code>&lt;b&gt;</code></h1>", "<code>a&lt;b|c</code> x ", `<a href="https://example.jp/">z</a>`, `<a href="monitors#keys">k</a>`,
		`<table tabindex="0">`, "<th>a | b</th>", "<th><code>c | d</code></th>", "<td><strong>f</strong></td>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	for _, bad := range []string{"<script", "javascript:"} {
		if strings.Contains(body, bad) {
			t.Errorf("%s in\n%s", bad, body)
		}
	}
}
