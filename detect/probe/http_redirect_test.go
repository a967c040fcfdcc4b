package probe

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRedirectsAreFollowedAndEachIsInTheEvidence(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(says(200, "home"))
	t.Cleanup(secure.Close)
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/login?token=1", http.StatusFound)
		case "/login":
			http.Redirect(w, r, secure.URL+"/home", http.StatusMovedPermanently)
		}
	})
	r := ask(t, asking(t, "tls_config: { insecure_skip_verify: true }"), s.URL)
	wantUp(t, r)
	wantSample(t, r, "probe_http_redirects", 2)
	wantSample(t, r, "probe_http_ssl", 1)
	tried := strings.Join(r.Evidence.Tried, "\n")
	for _, want := range []string{"GET " + s.URL + "/ → HTTP/1.1 302 Found", "/login?token=… → HTTP/1.1 301", "agreed on TLS", secure.URL + "/home → HTTP/"} {
		if !strings.Contains(tried, want) {
			t.Errorf("got\n%s\nwant %q in it", tried, want)
		}
	}
	wantDown(t, ask(t, asking(t, "tls_config: { insecure_skip_verify: true }", "fail_if_ssl: true"), s.URL), ReasonTLS)
}

func TestRedirectsThatAreNotFollowedAreAnswers(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	for _, key := range []string{"follow_redirects: false", "no_follow_redirects: true"} {
		r := ask(t, asking(t, key), s.URL)
		wantDown(t, r, ReasonStatus, "302")
		wantSample(t, r, "probe_http_redirects", 1)
		wantSample(t, r, "probe_http_status_code", 302)
		wantUp(t, ask(t, asking(t, key, "valid_status_codes: [302]"), s.URL))
		wantUp(t, ask(t, asking(t, key, "valid_status_codes: [302]", "fail_if_body_not_matches_regexp: [elsewhere]"), s.URL))
	}
}

func TestRedirectsThatLeadNowhereAreDown(t *testing.T) {
	t.Parallel()
	var location string
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		to := location
		if r.URL.Path == "/loop" {
			to = "/loop"
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	})
	for _, tc := range []struct {
		to, words string
		reason    Reason
	}{
		{"/loop", "more than 10 times", ReasonRedirect},
		{"ftp://example.jp/", "ftp", ReasonRedirect},
		{"javascript:alert(1)", "javascript", ReasonRedirect},
		{"http://[::1/", "not a URL", ReasonRedirect},
		{"http://169.254.169.254/latest/", "169.254.169.254", ReasonForbidden},
		{"http://" + nobody(t) + "/", "refused", ReasonRefused},
	} {
		location = tc.to
		wantDown(t, ask(t, asking(t, "valid_status_codes: [2xx, 302]"), s.URL), tc.reason, tc.words)
	}
	location = ""
	wantDown(t, ask(t, asking(t), s.URL), ReasonStatus, "302") // an answer, as it sends nowhere
}

func TestMethodAndBodyAfterARedirect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		want   string
	}{{301, "GET "}, {302, "GET "}, {303, "GET "}, {307, "POST {}"}, {308, "POST {}"}} {
		got := make(chan string, 1)
		s := site(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.Header().Set("Location", "there")
				w.WriteHeader(tc.status)
				return
			}
			body, _ := io.ReadAll(r.Body)
			got <- r.Method + " " + string(body)
		})
		wantUp(t, ask(t, asking(t, "method: POST", "body: '{}'", "headers: { Content-Type: application/json }"), s.URL))
		if got := <-got; got != tc.want {
			t.Errorf("%d: got %q, want %q", tc.status, got, tc.want)
		}
	}
}

func TestALoginBehindACookieAndARedirectWorks(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("visit"); err != nil || c.Value != "1" {
			http.SetCookie(w, &http.Cookie{Name: "visit", Value: "1", Path: "/"})
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
	})
	r := ask(t, asking(t), s.URL)
	wantUp(t, r)
	wantSample(t, r, "probe_http_redirects", 1)
	c := asking(t)
	wantUp(t, ask(t, c, s.URL))
	wantSample(t, ask(t, c, s.URL), "probe_http_redirects", 1) // cookies end with the check
}

func TestCredentialsStayWithTheTarget(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	other := site(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	target := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "" || r.Header.Get("X-Tenant") == "":
			t.Errorf("%s: got %v, want the credentials", r.URL, r.Header)
		case r.URL.Path == "/":
			http.Redirect(w, r, "/second", http.StatusFound)
		default:
			http.SetCookie(w, &http.Cookie{Name: "own", Value: "geheim"})
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
		}
	})
	for _, way := range []string{
		"basic_auth: { username: sato, password: geheim }\n  headers: { X-Plain: fine, Cookie: a=geheim }", "bearer_token: geheim\n  headers: { X-Plain: fine }",
		"headers: { Authorization: geheim, X-Api-Key: geheim, X-Plain: fine }",
	} {
		wantUp(t, ask(t, asking(t, way, "preferred_ip_protocol: ip4", "http_headers: { X-Tenant: { values: [geheim] } }"), target.URL))
		header := <-got
		if text := fmt.Sprint(header); strings.Contains(text, "geheim") || header.Get("X-Plain") != "fine" {
			t.Errorf("%s: another host got %v, want X-Plain and no credentials", way, header)
		}
	}
}

func TestAVirtualHostStaysTheSameAfterARelativeRedirect(t *testing.T) {
	t.Parallel()
	s := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "shop.example.jp" {
			t.Errorf("%s: got host %s", r.URL, r.Host)
		}
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/next", http.StatusFound)
		}
	})
	m, err := loaded(t, "prober: http").WithHost("shop.example.jp")
	if err != nil {
		t.Fatal(err)
	}
	wantUp(t, ask(t, m.Checker(nearby()), s.URL))
	named := loaded(t, "prober: http\nhttp: { headers: { host: other.example.jp } }")
	if _, err := named.WithHost("shop.example.jp"); err == nil {
		t.Error("got no error, want one for two hosts")
	}
}
