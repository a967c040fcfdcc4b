package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
	"toban/internal/link"
	"toban/internal/problem"
	"toban/internal/testserver"
	"toban/oncall"
)

// publicBelow is the sub-path of the public listener here: another one than that
// of the pages, which are somewhere else altogether.
const publicBelow = "/oncall"

// reached is a toban whose public listener is behind an nginx, below a path.
type reached struct {
	t     *testing.T
	toban *harness.Toban
	base  string // of the proxy, without the path
	http  *http.Client
}

// publicBehindNginx starts both.
func publicBehindNginx(t *testing.T, cuts bool) *reached {
	t.Helper()
	listen := fmt.Sprintf("127.0.0.1:%d", harness.Port(t))
	location, pass := "location "+publicBelow, "proxy_pass http://"+listen+";"
	if cuts {
		location, pass = location+"/", "proxy_pass http://"+listen+"/;"
	}
	base := testserver.Nginx(t, location+" { "+pass+` proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; }
		location / { return 404 "outside of toban\n"; }`)
	r := &reached{t: t, base: base}
	r.http = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if !strings.HasPrefix(req.URL.String(), base+publicBelow+"/") {
			return fmt.Errorf("%s redirects to %s, out of %s", via[len(via)-1].URL, req.URL, publicBelow)
		}
		return nil
	}}
	r.toban = harness.New(t, "sqlite", func(string) string {
		const toban = "toban: { "
		return strings.Replace(basics("https://toban.example.jp/inside", "http://127.0.0.1:1"), toban,
			toban+fmt.Sprintf("public: { listen: %q, url: %q }, ", listen, base+publicBelow), 1) + pairs(1, "25s", "1m")
	})
	environment(r.toban)
	r.toban.Env = append(r.toban.Env, "TOBAN_KEY="+signingKey)
	r.toban.Start()
	return r
}

func (r *reached) ask(method, at, contentType, body string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+at, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if strings.HasPrefix(contentType, "application/x-www-form") {
		req.Header.Set("Origin", r.base)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		r.t.Fatal(err)
	}
	return res, string(said)
}

func TestThePublicListenerIsReachedBelowAPath(t *testing.T) {
	t.Parallel()
	for _, cuts := range []bool{true, false} {
		t.Run(map[bool]string{true: "a proxy that cuts the path off", false: "a proxy that keeps the path"}[cuts], func(t *testing.T) {
			t.Parallel()
			r := publicBehindNginx(t, cuts)
			r.sendersAndProviders()
			r.nothingElse()
			r.signedLink()
		})
	}
}

// sendersAndProviders: a signal is taken, and what is refused says so in
// documents that know where toban is.
func (r *reached) sendersAndProviders() {
	t := r.t
	t.Helper()
	event := `{"service":"` + service(0) + `","key":"k","title":"down","severity":"critical"}`
	if res, body := r.ask(http.MethodPost, publicBelow+"/integrations/generic/"+hookKey, "application/json", event); res.StatusCode != http.StatusAccepted {
		t.Fatalf("a signal: got %s, want 202\n%s", res.Status, body)
	}
	for at, want := range map[string]struct {
		status int
		code   string
	}{
		"/integrations/generic/" + strings.Repeat("x", 20): {http.StatusForbidden, "intake.unknown_key"},
		"/integrations/nobody/" + hookKey:                  {http.StatusNotFound, "intake.unknown_dialect"},
		"/nothing":                                         {http.StatusNotFound, "page.not_found"},
	} {
		res, body := r.ask(http.MethodPost, publicBelow+at, "application/json", event)
		var doc problem.Document
		if err := json.Unmarshal([]byte(body), &doc); err != nil || res.StatusCode != want.status || doc.Type != publicBelow+"/docs/errors#"+want.code {
			t.Errorf("%s: got %s, type %q, want %d and %s/docs/errors#%s\n%s", at, res.Status, doc.Type, want.status, publicBelow, want.code, body)
		}
	}
	if res, _ := r.ask(http.MethodPost, publicBelow+"/callbacks/twilio/voice", "application/x-www-form-urlencoded", "CallSid=CA1"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a callback that nobody has signed: got %s, want 403", res.Status)
	}
}

// nothingElse: what is not for the internet is not there, below the path or
// without it.
func (r *reached) nothingElse() {
	r.t.Helper()
	for _, at := range []string{"/", "/login", "/incidents", "/api/v1/incidents", "/metrics", "/prometheus/api/v1/query", "/healthz", "/docs/errors", "/sim/phones", "/setup/x"} {
		if res, body := r.ask(http.MethodGet, publicBelow+at, "", ""); res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusForbidden {
			r.t.Errorf("%s: got %s, want it not to be there\n%.200s", at, res.Status, body)
		}
	}
}

// signedLink: the page of one incident with its styles, and the button on it.
func (r *reached) signedLink() {
	t := r.t
	t.Helper()
	key, err := hex.DecodeString(signingKey)
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.toban.Incidents(t.Context(), "open")
	if err != nil || len(list) == 0 {
		t.Fatalf("got %d incidents, %v, want one", len(list), err)
	}
	token := link.NewSigner(key).Make(link.Link{Incident: oncall.IncidentID(list[0].ID), User: "second0", Expires: time.Now().Add(time.Hour)})
	res, page := r.ask(http.MethodGet, publicBelow+link.Path(token), "", "")
	if res.StatusCode != http.StatusOK || len(formAction.FindAllString(page, -1)) == 0 {
		t.Fatalf("the signed link: got %s and no form\n%s", res.Status, page)
	}
	files := 0
	for _, m := range inPage.FindAllStringSubmatch(page, -1) {
		to, err := res.Request.URL.Parse(m[1])
		if err != nil || !strings.HasPrefix(m[1], "/") {
			continue
		}
		if inside := strings.HasPrefix(to.Path+"/", publicBelow+"/"); !inside {
			t.Errorf("the page has %s, which is outside of %s", m[0], publicBelow)
			continue
		}
		if strings.HasPrefix(to.Path, publicBelow+"/static/") {
			files++
			if res, _ := r.ask(http.MethodGet, to.RequestURI(), "", ""); res.StatusCode != http.StatusOK {
				t.Errorf("%s: got %s, want 200", to, res.Status)
			}
		}
	}
	if files == 0 {
		t.Errorf("the page has no style and no script\n%s", page)
	}
	res, page = r.ask(http.MethodPost, publicBelow+link.AcknowledgePath(token), "application/x-www-form-urlencoded", url.Values{"who": {"second0"}}.Encode())
	if want := publicBelow + link.Path(token); res.StatusCode != http.StatusOK || res.Request.URL.Path != want {
		t.Errorf("taking it: got %s at %s, want the page %s\n%s", res.Status, res.Request.URL, want, page)
	}
	harness.Wait(t, 10*time.Second, "the incident is taken", func(context.Context) (bool, error) {
		list, err := r.toban.Incidents(t.Context(), "all")
		return err == nil && len(list) > 0 && list[0].State == "acknowledged", err
	})
}
