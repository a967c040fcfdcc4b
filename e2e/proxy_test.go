package e2e

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
	"toban/internal/link"
	"toban/internal/testserver"
	"toban/oncall"
)

// below is the sub-path under which the proxies here put toban.
const below = "/toban"

// signingKey is the installation's key in the tests that make signed links.
const signingKey = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

// proxied is a toban behind an nginx that has it below a path and nothing else.
type proxied struct {
	t     *testing.T
	toban *harness.Toban
	base  string // of the proxy, without the path
	http  *http.Client
	hops  []string // where the last request was sent, by redirects
}

// behindNginx starts both. A proxy that cuts takes the path off before it asks
// toban, another leaves it.
func behindNginx(t *testing.T, secure, cuts bool) *proxied {
	t.Helper()
	p := &proxied{t: t}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	p.http = &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second, CheckRedirect: p.follow}
	p.toban = harness.New(t, "sqlite", func(listen string) string {
		// Both as the page docs/install.md has them.
		location, pass := "location "+below, "proxy_pass http://"+listen+";"
		if cuts {
			location, pass = location+"/", "proxy_pass http://"+listen+"/;"
		}
		inside := location + " { " + pass + ` proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; }
			location / { return 404 "outside of toban\n"; }`
		if secure {
			p.base, transport.TLSClientConfig.RootCAs = testserver.NginxTLS(t, inside)
		} else {
			p.base = testserver.Nginx(t, inside)
		}
		return basics(p.base+below+"/", "http://127.0.0.1:1") + pairs(2, "25s", "1m") + "metrics: {}\n"
	})
	environment(p.toban)
	p.toban.Env = append(p.toban.Env, "TOBAN_KEY="+signingKey)
	p.toban.Start()
	return p
}

// follow holds every redirect to the path and keeps where it led.
func (p *proxied) follow(r *http.Request, via []*http.Request) error {
	p.hops = append(p.hops, r.URL.String())
	if !p.inside(r.URL) {
		return fmt.Errorf("%s redirects to %s, out of %s", via[len(via)-1].URL, r.URL, below)
	}
	if len(via) > 8 {
		return fmt.Errorf("the redirects do not end: %s", strings.Join(p.hops, " → "))
	}
	return nil
}

func (p *proxied) inside(u *url.URL) bool {
	return u.Scheme+"://"+u.Host == p.base && (u.Path == below || strings.HasPrefix(u.Path, below+"/"))
}

// send asks for an address at the proxy and returns the answer and its body.
func (p *proxied) send(req *http.Request) (*http.Response, string) {
	p.t.Helper()
	p.hops = nil
	res, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		p.t.Fatal(err)
	}
	return res, string(body)
}

// get asks as a browser does.
func (p *proxied) get(address string) (*http.Response, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,*/*")
	return p.send(req)
}

// submit sends a form as a browser does from the page at from.
func (p *proxied) submit(from, address string, fields ...string) (*http.Response, string) {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.resolve(from, address), strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Origin", p.base)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.send(req)
}

// resolve is an address as the page at from means it; one outside of the path
// fails the test.
func (p *proxied) resolve(from, address string) string {
	p.t.Helper()
	page, err := url.Parse(from)
	if err != nil {
		p.t.Fatal(err)
	}
	u, err := page.Parse(strings.ReplaceAll(address, "&amp;", "&"))
	if err != nil {
		p.t.Fatalf("%s has the address %q: %v", from, address, err)
	}
	if !p.inside(u) {
		p.t.Errorf("%s leads to %s, out of %s", from, address, below)
	}
	u.Fragment = ""
	return u.String()
}

var (
	printedLink = regexp.MustCompile(`https?://\S+/setup/\S+`)
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
)

// join makes the first account, by the link that the first start prints.
func (p *proxied) join() {
	p.t.Helper()
	address := ""
	harness.Wait(p.t, 10*time.Second, "the set-up link in the log", func(context.Context) (bool, error) {
		address = printedLink.FindString(p.toban.Log())
		return address != "", nil
	})
	if want := p.base + below + "/setup/"; !strings.HasPrefix(address, want) {
		p.t.Fatalf("the set-up link is %s, want it to begin with %s", address, want)
	}
	res, page := p.get(address)
	action := formAction.FindStringSubmatch(page)
	if res.StatusCode != http.StatusOK || action == nil {
		p.t.Fatalf("the set-up link: got %s, want a page with a form\n%s", res.Status, page)
	}
	res, page = p.submit(address, action[1], "account", "second0", "person", "second0", "password", "correct horse battery", "again", "correct horse battery")
	if want := p.base + below + "/welcome"; res.StatusCode != http.StatusOK || res.Request.URL.String() != want {
		p.t.Fatalf("the set-up form: got %s at %s, want the page %s\n%s", res.Status, res.Request.URL, want, page)
	}
}

func TestUnderASubPathNothingLeadsOutOfIt(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		for _, cuts := range []bool{true, false} {
			name := map[bool]string{true: "https, ", false: "http, "}[secure] + map[bool]string{true: "a proxy that cuts the path off", false: "a proxy that keeps the path"}[cuts]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := behindNginx(t, secure, cuts)
				p.signsInAndComesBack()
				p.bareAndCrookedAddresses()
				p.everyLinkAndFileOfEveryPage()
				p.streamsAtOnce()
				p.signedLink()
				p.programs()
			})
		}
	}
}

// signsInAndComesBack: who asks for a page and has to sign in first is there
// afterwards.
func (p *proxied) signsInAndComesBack() {
	t := p.t
	t.Helper()
	wanted := p.base + below + "/settings/people?x=1"
	p.join()
	if res, page := p.submit(wanted, below+"/logout"); res.StatusCode >= 400 {
		t.Fatalf("signing out: got %s\n%s", res.Status, page)
	}
	res, page := p.get(wanted)
	at := res.Request.URL
	if at.Path != below+"/login" {
		t.Fatalf("a page without a session: got %s at %s, want the page %s/login", res.Status, at, below)
	}
	action := formAction.FindStringSubmatch(page)
	next := regexp.MustCompile(`name="next" value="([^"]*)"`).FindStringSubmatch(page)
	if action == nil || next == nil {
		t.Fatalf("no form to sign in with:\n%s", page)
	}
	res, page = p.submit(at.String(), action[1], "next", strings.ReplaceAll(next[1], "&amp;", "&"), "account", "second0", "password", "correct horse battery")
	if got := res.Request.URL.String(); res.StatusCode != http.StatusOK || got != wanted {
		t.Fatalf("after signing in: got %s at %s, want %s\n%s", res.Status, got, wanted, page)
	}
}

// bareAndCrookedAddresses: what a router mends by a redirect is mended below
// the path.
func (p *proxied) bareAndCrookedAddresses() {
	t := p.t
	t.Helper()
	for address, want := range map[string]string{
		"":                     "/",
		"//settings/people":    "/settings/people",
		"/oncall/../settings":  "/settings",
		"/./services":          "/services",
		"/prometheus":          "/prometheus/",
		"/docs":                "/docs/",
		"/static":              "/static/",
		"/api/v1":              "/api/v1/",
		"/settings/":           "/settings/",
		"/nothing-of-the-kind": "/nothing-of-the-kind",
	} {
		res, _ := p.get(p.base + below + address)
		if got := path.Clean(res.Request.URL.Path); got != path.Clean(below+want) { // a proxy may clean it by itself
			t.Errorf("%q: got %s at %s, want %s", address, res.Status, res.Request.URL, below+want)
		}
		if res.StatusCode >= http.StatusInternalServerError {
			t.Errorf("%q: got %s", address, res.Status)
		}
	}
}

var (
	inPage   = regexp.MustCompile(` (?:href|src|action|formaction|data-[a-z-]+)="([^"]*)"`)
	inStyle  = regexp.MustCompile(`url\(["']?([^"')]+)["']?\)`)
	inScript = regexp.MustCompile(`(?:from|import)\s*\(?["'](\.*/[^"']+)["']`)
)

// everyLinkAndFileOfEveryPage walks everything that can be reached by links and
// looks at every address that stands in a page, style or script.
func (p *proxied) everyLinkAndFileOfEveryPage() {
	t := p.t
	t.Helper()
	start := p.base + below + "/"
	seen, todo, pages := map[string]bool{start: true}, []string{start}, 0
	asked := map[string]int{} // of one path: spans of time have links to spans before them, without an end
	for len(todo) > 0 && len(seen) < 2000 {
		address := todo[0]
		todo = todo[1:]
		res, body := p.get(address)
		if res.StatusCode >= 400 {
			t.Errorf("%s: got %s", address, res.Status)
			continue
		}
		var found [][]string
		kind := res.Header.Get("Content-Type")
		switch {
		case strings.HasPrefix(kind, "text/html"):
			pages++
			found = inPage.FindAllStringSubmatch(body, -1)
		case strings.HasPrefix(kind, "text/css"):
			found = inStyle.FindAllStringSubmatch(body, -1)
		case strings.Contains(kind, "javascript"):
			found = inScript.FindAllStringSubmatch(body, -1)
		}
		for _, m := range found {
			next := m[1]
			forScripts := strings.HasPrefix(m[0], " data-") // and forms: what they send is not asked for
			switch {
			case next == "", strings.HasPrefix(next, "#"), strings.HasPrefix(next, "data:"), strings.HasPrefix(next, "tel:"), strings.HasPrefix(next, "mailto:"):
				continue
			case strings.HasPrefix(m[0], " data-") && !strings.HasPrefix(next, "/"): // no address
				continue
			case strings.HasPrefix(next, "https://") && !strings.HasPrefix(next, p.base): // to somebody else's page
				continue
			}
			next = p.resolve(res.Request.URL.String(), next)
			u, err := url.Parse(next)
			if err != nil {
				t.Fatal(err)
			}
			if asked[u.Path]++; seen[next] || forScripts || strings.Contains(m[0], "action=") || asked[u.Path] > 50 && u.RawQuery != "" {
				continue
			}
			// A list with every filter is one page, and pages of other days are endless.
			if u.RawQuery != "" && slices.ContainsFunc(todo, func(other string) bool { return strings.HasPrefix(other, p.base+u.Path+"?") }) {
				continue
			}
			seen[next] = true
			todo = append(todo, next)
		}
	}
	if pages < 12 || pages > 500 {
		t.Errorf("got %d pages by links, want all of toban's and an end", pages)
	}
	t.Logf("%d pages, %d addresses", pages, len(seen))
}

// streamsAtOnce: what happens is on an open page, though nginx keeps answers
// back until they are whole by its own choice.
func (p *proxied) streamsAtOnce() {
	t := p.t
	t.Helper()
	_, page := p.get(p.base + below + "/")
	live := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(page)
	if live == nil {
		t.Fatalf("the page has no stream:\n%s", page)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.resolve(p.base+below+"/", live[1]), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("got %s of type %q, want a stream", res.Status, kind)
	}
	trigger(t, p.toban, service(0))
	began := time.Now()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if lines.Text() == "event: patch" {
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("the page heard of it after %s, want at once", took)
			}
			return
		}
	}
	t.Errorf("the stream said nothing of an incident within 15 s: %v", ctx.Err())
}

// signedLink: the page behind a message's link, and the button on it.
func (p *proxied) signedLink() {
	t := p.t
	t.Helper()
	key, err := hex.DecodeString(signingKey)
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.toban.Incidents(t.Context(), "open")
	if err != nil || len(list) == 0 {
		t.Fatalf("got %d incidents, %v, want one", len(list), err)
	}
	token := link.NewSigner(key).Make(link.Link{Incident: oncall.IncidentID(list[0].ID), User: "second0", Expires: time.Now().Add(time.Hour)})
	address := p.base + below + link.Path(token)
	res, page := p.get(address)
	actions := formAction.FindAllStringSubmatch(page, -1)
	if res.StatusCode != http.StatusOK || len(actions) == 0 {
		t.Fatalf("the signed link: got %s and no form\n%s", res.Status, page)
	}
	for _, a := range actions {
		p.resolve(address, a[1])
	}
	res, page = p.submit(address, below+link.AcknowledgePath(token), "who", "second0")
	if want := below + link.Path(token); res.StatusCode != http.StatusOK || res.Request.URL.Path != want {
		t.Errorf("taking it: got %s at %s, want the page %s\n%s", res.Status, res.Request.URL, want, page)
	}
}

// programs: the API, its description and Prometheus' API.
func (p *proxied) programs() {
	t := p.t
	t.Helper()
	said, err := p.toban.CLI("token", "new", "proxy", "--role", "manager")
	token := madeToken.FindString(said)
	if err != nil || token == "" {
		t.Fatalf("no token: %v %s", err, said)
	}
	ask := func(at string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+below+at, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		return p.send(req)
	}
	for at, want := range map[string]string{
		"/api/v1/incidents?state=all": `"number":1`,
		"/api/v1/openapi.json":        `"servers":[{"url":"` + below + `"}]`,
		"/healthz":                    "ok",
		"/readyz":                     "ok",
	} {
		if res, body := ask(at); res.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: got %s, want 200 with %q\n%.300s", at, res.Status, want, body)
		}
	}
	harness.Wait(t, 30*time.Second, "Prometheus answers", func(context.Context) (bool, error) {
		res, body := ask("/prometheus/api/v1/query?query=vector(1)")
		return res.StatusCode == http.StatusOK && strings.Contains(body, `"success"`), nil
	})
	for at, code := range map[string]string{
		"/api/v1/incidents/4711":        "incident.not_found", // the framework writes it
		"/api/v1/incidents?state=wrong": "request.invalid",
		"/api/v1/nothing":               "page.not_found",
		"/integrations/nobody/key":      "gateway.no_route",
	} {
		if res, body := ask(at); res.StatusCode < 400 || !strings.Contains(body, `"type":"`+below+`/docs/errors#`+code+`"`) {
			t.Errorf("%s: got %s, want a problem whose type is below %s\n%.300s", at, res.Status, below, body)
		}
	}
	if res, body := ask("/prometheus/api/v1/label/__name__/values"); res.StatusCode != http.StatusOK {
		t.Errorf("the names of metrics: got %s, want 200\n%.300s", res.Status, body)
	}
}
