package probe

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"toban/detect/probe/tree"
)

// httpReady is what is made of the settings once, when a module is loaded.
type httpReady struct {
	method  string
	host    string // the Host header, "" = that of the target
	header  http.Header
	private []string // headers that go to the target's own host alone
	body    []byte
	// bodyStays says that there is a secret in the body, so that no redirect takes
	// it to another host.
	bodyStays bool
	proxy     func(*url.URL) (*url.URL, error) // nil = none
	connect   http.Header                      // sent to proxies
	oauth     *oauthReady
	secrets   redactor
}

// ProxySettings are the proxy by which targets are asked.
type ProxySettings struct {
	URL             string              `yaml:"proxy_url"` // http, https, socks5, socks5h
	NoProxy         string              `yaml:"no_proxy"`
	FromEnvironment bool                `yaml:"proxy_from_environment"`
	ConnectHeader   map[string][]Secret `yaml:"proxy_connect_header"`
}

func (p *ProxySettings) check(bad func(key, format string, args ...any)) {
	if p.URL != "" {
		u, err := url.Parse(p.URL)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			bad("proxy_url", "it is a URL that begins with http, https, socks5 or socks5h")
		}
	}
	switch {
	case p.FromEnvironment && p.URL != "":
		bad("proxy_from_environment", "it excludes proxy_url")
	case p.FromEnvironment && p.NoProxy != "":
		bad("proxy_from_environment", "it excludes no_proxy")
	case p.URL == "" && p.NoProxy != "":
		bad("no_proxy", "it needs proxy_url")
	case len(p.ConnectHeader) > 0 && p.URL == "" && !p.FromEnvironment:
		bad("proxy_connect_header", "it needs proxy_url or proxy_from_environment")
	}
	for name, values := range p.ConnectHeader {
		for _, v := range values {
			if !validHeader(name, string(v)) {
				bad("proxy_connect_header", "%q can't be a header", safeText([]byte(name), 60))
			}
		}
	}
}

// chooser returns the proxy for a URL, nil for none; a nil chooser is none for
// all.
func (p *ProxySettings) chooser(getenv func(string) string) func(*url.URL) (*url.URL, error) {
	if one, err := url.Parse(p.URL); err == nil && p.URL != "" && p.NoProxy == "" && !p.FromEnvironment {
		return func(*url.URL) (*url.URL, error) { return one, nil } // also for loopback, which the library leaves out
	}
	c := httpproxy.Config{HTTPProxy: p.URL, HTTPSProxy: p.URL, NoProxy: p.NoProxy}
	if p.FromEnvironment && getenv != nil {
		either := func(name string) string {
			if v := getenv(strings.ToUpper(name)); v != "" {
				return v
			}
			return getenv(name)
		}
		c = httpproxy.Config{HTTPProxy: either("http_proxy"), HTTPSProxy: either("https_proxy"), NoProxy: either("no_proxy")}
	}
	if c.HTTPProxy == "" && c.HTTPSProxy == "" {
		return nil
	}
	return c.ProxyFunc()
}

func (p *ProxySettings) headers() http.Header {
	h := http.Header{}
	for name, values := range p.ConnectHeader {
		for _, v := range values {
			h.Add(name, string(v))
		}
	}
	return h
}

// prepare makes the settings ready and finds what is wrong with them. n is the
// http part of the module, nil without one, and key the key in front of it.
func (s *HTTPSettings) prepare(l *loading, m *Module, n, key *tree.Node) (problems []Problem) {
	if n == nil && m.Prober != "http" {
		return nil
	}
	at := func(name string) *tree.Node {
		if n == nil {
			return key
		}
		return nearer(n.Key(name), key, n)
	}
	bad := func(name, format string, args ...any) {
		problems = append(problems, at(name).Problem(name+": "+format, args...))
	}
	s.check(bad)
	if s.NoFollowRedirects != nil {
		s.FollowRedirects = !*s.NoFollowRedirects
	}
	if m.Prober == "http" {
		for _, cannot := range []struct {
			key, why string
			wanted   bool
		}{
			{"fail_if_body_json_matches_cel", "conditions in CEL are not known to toban; write one in jq: json: '.status == \"ok\"'", s.FailIfBodyJSONMatchesCEL != nil},
			{"fail_if_body_json_not_matches_cel", "conditions in CEL are not known to toban; write one in jq: json: '.status == \"ok\"'", s.FailIfBodyJSONNotMatchCEL != nil},
			{"enable_http3", "toban does not speak HTTP/3", s.EnableHTTP3},
		} {
			if cannot.wanted {
				m.Unsupported = cannot.why
				problems = append(problems, warning(at(cannot.key), cannot.key+": "+cannot.why))
			}
		}
	}
	r := &httpReady{method: strings.ToUpper(s.Method), header: http.Header{}, body: []byte(s.Body)}
	if r.method == "" {
		r.method = http.MethodGet
	}
	if s.BodyFile != "" {
		var why string
		if r.body, why = l.file(s.BodyFile); why != "" {
			bad("body_file", "%s", why)
		}
	}
	r.bodyStays = l.source.holdsSecret(string(r.body))
	secrets := r.addHeaders(l, s, bad)
	secrets = append(secrets, r.authorize(l, s, bad)...)
	if s.OAuth2 != nil {
		var found []string
		r.oauth, found = s.OAuth2.prepare(l, bad)
		secrets = append(secrets, found...)
		if s.OAuth2.GrantType != "" && s.OAuth2.GrantType != "client_credentials" && m.Prober == "http" {
			m.Unsupported = "of OAuth 2.0, toban knows the grant client_credentials"
			problems = append(problems, warning(at("oauth2"), m.Unsupported))
		}
	}
	if u, err := url.Parse(s.Proxy.URL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		secrets = append(secrets, password)
	}
	r.proxy, r.connect = s.Proxy.chooser(l.source.Getenv), s.Proxy.headers()
	for _, values := range s.Proxy.ConnectHeader {
		for _, v := range values {
			secrets = append(secrets, string(v))
		}
	}
	r.secrets = newRedactor(secrets)
	s.ready = r
	return problems
}

// userAgent is what toban calls itself.
const userAgent = "toban"

// addHeaders puts the headers of the settings into the request, and returns
// those values that are secret.
func (r *httpReady) addHeaders(l *loading, s *HTTPSettings, bad func(key, format string, args ...any)) (secrets []string) {
	for name, value := range s.Headers {
		name = http.CanonicalHeaderKey(name)
		if name == "Host" {
			r.host = value
			continue
		}
		r.header[name] = []string{value}
		if secretHeader(name) || l.source.holdsSecret(value) {
			secrets = append(secrets, value, lastWord(value))
			r.private = append(r.private, name)
		}
	}
	for name, all := range s.HTTPHeaders {
		var values []string
		values = append(values, all.Values...)
		for _, v := range all.Secrets {
			values = append(values, string(v))
			secrets = append(secrets, string(v), lastWord(string(v)))
		}
		for _, file := range all.Files {
			content, why := l.file(file)
			if why != "" {
				bad("http_headers", "%s: %s", safeText([]byte(name), 60), why)
			}
			values = append(values, strings.TrimSpace(string(content)))
			secrets = append(secrets, strings.TrimSpace(string(content)))
		}
		for _, v := range values {
			if !validHeader(name, v) {
				bad("http_headers", "%q can't be a header", safeText([]byte(name), 60))
			}
		}
		name = http.CanonicalHeaderKey(name)
		if reservedHeader(name) {
			bad("http_headers", "%s is set by the settings that are made for it", name)
			continue
		}
		r.header[name] = values
		r.private = append(r.private, name)
	}
	if _, named := r.header["User-Agent"]; !named {
		r.header["User-Agent"] = []string{userAgent}
	}
	return secrets
}

// reservedHeader names what http_headers can't set, as in Prometheus.
func reservedHeader(name string) bool {
	switch name {
	case "Authorization", "Host", "Content-Encoding", "Content-Length", "Content-Type", "User-Agent", "Connection", "Keep-Alive",
		"Proxy-Authenticate", "Proxy-Authorization", "Www-Authenticate", "Accept-Encoding", "X-Prometheus-Remote-Write-Version",
		"X-Prometheus-Remote-Read-Version", "X-Prometheus-Scrape-Timeout-Seconds", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256":
		return true
	}
	return false
}

// lastWord is the token of "Bearer token".
func lastWord(value string) string { return value[strings.LastIndexByte(value, ' ')+1:] }

// authorize puts the credentials of the settings into the request, and returns
// them.
func (r *httpReady) authorize(l *loading, s *HTTPSettings, bad func(key, format string, args ...any)) (secrets []string) {
	ways := 0
	for _, used := range []bool{s.BasicAuth != nil, s.Authorization != nil, s.OAuth2 != nil, s.BearerToken != "" || s.BearerTokenFile != ""} {
		if used {
			ways++
		}
	}
	if ways > 1 {
		bad("authorization", "at most one of basic_auth, authorization, oauth2 and bearer_token is used")
		return nil
	}
	read := func(key, text, file string) string {
		content, why := l.textOrFile(text, file)
		if why != "" {
			bad(key, "%s", why)
		}
		if file != "" {
			content = []byte(strings.TrimSpace(string(content)))
		}
		if !validHeader("Authorization", string(content)) {
			bad(key, "there is a character in it that can't be sent")
		}
		return string(content)
	}
	value := ""
	switch {
	case s.BasicAuth != nil:
		user := read("basic_auth", s.BasicAuth.Username, s.BasicAuth.UsernameFile)
		password := read("basic_auth", string(s.BasicAuth.Password), s.BasicAuth.PasswordFile)
		pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		value = "Basic " + pair
		secrets = []string{password, pair}
	case s.Authorization != nil:
		kind := strings.TrimSpace(s.Authorization.Type)
		if strings.EqualFold(kind, "basic") {
			bad("authorization", "for the type basic there is basic_auth")
		}
		if kind == "" {
			kind = "Bearer"
		}
		token := read("authorization", string(s.Authorization.Credentials), s.Authorization.CredentialsFile)
		value, secrets = fmt.Sprintf("%s %s", kind, token), []string{token}
	case s.BearerToken != "" || s.BearerTokenFile != "":
		token := read(named(s.BearerTokenFile, "bearer_token_file", "bearer_token"), string(s.BearerToken), s.BearerTokenFile)
		value, secrets = "Bearer "+token, []string{token}
	}
	// A header that was written out wins, as in blackbox-exporter.
	if _, written := r.header["Authorization"]; value != "" && !written {
		r.header["Authorization"] = []string{value}
		r.private = append(r.private, "Authorization")
	}
	return secrets
}
