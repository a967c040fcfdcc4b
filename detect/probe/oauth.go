package probe

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"toban/detect/probe/tree"
)

// OAuth2 is how a token is had for the targets: by the grant client_credentials.
type OAuth2 struct {
	ClientID         string            `yaml:"client_id"`
	ClientSecret     Secret            `yaml:"client_secret"`
	ClientSecretFile string            `yaml:"client_secret_file"`
	Scopes           []string          `yaml:"scopes"`
	TokenURL         string            `yaml:"token_url"`
	EndpointParams   map[string]Secret `yaml:"endpoint_params"`
	TLSConfig        *tls.Config       `yaml:"tls_config"`
	Proxy            ProxySettings     `yaml:",inline"`

	// Of another grant, which toban doesn't know. They are read so that a file
	// with them can be.
	GrantType                string     `yaml:"grant_type"`
	ClientCertificateKeyID   string     `yaml:"client_certificate_key_id"`
	ClientCertificateKey     Secret     `yaml:"client_certificate_key"`
	ClientCertificateKeyFile string     `yaml:"client_certificate_key_file"`
	SignatureAlgorithm       string     `yaml:"signature_algorithm"`
	Iss                      string     `yaml:"iss"`
	Audience                 string     `yaml:"audience"`
	Claims                   *tree.Node `yaml:"claims"`
}

// oauthReady is what is made of the settings once.
type oauthReady struct {
	address    string
	id, secret string
	form       url.Values
	tls        *tls.Config
	proxy      func(*url.URL) (*url.URL, error)
	connect    http.Header
}

func (s *OAuth2) prepare(l *loading, bad func(key, format string, args ...any)) (r *oauthReady, secrets []string) {
	u, err := url.Parse(s.TokenURL)
	switch {
	case s.ClientID == "":
		bad("oauth2", "client_id is missing")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		bad("oauth2", "token_url has to be a URL")
	}
	s.Proxy.check(func(key, format string, args ...any) { bad("oauth2", key+": "+format, args...) })
	content, why := l.textOrFile(string(s.ClientSecret), s.ClientSecretFile)
	if why != "" {
		bad("oauth2", "client_secret_file: %s", why)
	}
	r = &oauthReady{
		address: s.TokenURL, id: s.ClientID, secret: strings.TrimSpace(string(content)), tls: s.TLSConfig,
		form: url.Values{"grant_type": {"client_credentials"}}, proxy: s.Proxy.chooser(l.source.Getenv), connect: s.Proxy.headers(),
	}
	if len(s.Scopes) > 0 {
		r.form.Set("scope", strings.Join(s.Scopes, " "))
	}
	secrets = []string{r.secret}
	for key, value := range s.EndpointParams {
		r.form.Set(key, string(value))
		secrets = append(secrets, string(value))
	}
	return r, secrets
}

// tokens has the token of a checker until it ends.
type tokens struct {
	*oauthReady
	options Options
	named   bool          // the proxy looks names up
	asking  chan struct{} // held by the check that fetches a token; a check waits for it no longer than it has time

	mu    sync.Mutex
	token string
	until time.Time
}

func newTokens(o *oauthReady, options Options, named bool) *tokens {
	return &tokens{oauthReady: o, options: options, named: named, asking: make(chan struct{}, 1)}
}

// early is how long before its end a token is no longer used.
const early = 10 * time.Second

// authorization is the header for a request. The look-up takes from the check's
// own time.
func (t *tokens) authorization(ctx context.Context) (string, error) {
	if token := t.now(); token != "" {
		return "Bearer " + token, nil
	}
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		reason, message := reasonOf(ctx.Err())
		return "", &fault{reason, "no token for the target: " + message + ", while another check asks for it"}
	}
	if token := t.now(); token != "" { // the one before has it
		return "Bearer " + token, nil
	}
	token, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	return "Bearer " + token, nil
}

// now is the token that holds, "" without one.
func (t *tokens) now() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.until.IsZero() && time.Now().After(t.until) {
		return ""
	}
	return t.token
}

// forget has the next check ask for a new token: the target did not take this
// one.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = ""
}

// fetch asks for a token and keeps it. One that ends at once serves one check.
func (t *tokens) fetch(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.address, strings.NewReader(t.form.Encode()))
	if err != nil {
		return "", &fault{ReasonTarget, "oauth2: token_url is not a URL"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", userAgent)
	req.SetBasicAuth(url.QueryEscape(t.id), url.QueryEscape(t.secret))
	transport := &http.Transport{DialContext: t.options.dial, TLSClientConfig: t.tls.Clone(), DisableKeepAlives: true, ProxyConnectHeader: t.connect}
	if t.proxy != nil {
		proxy, err := t.proxy(req.URL)
		if err != nil {
			return "", &fault{ReasonTarget, "no token for the target: the proxy is not a URL"}
		}
		if proxy != nil {
			if _, _, err := t.options.throughProxy(ctx, req.URL.Hostname(), "", true, t.named); err != nil {
				reason, message := reasonOf(err)
				return "", &fault{reason, "no token for the target: " + message}
			}
			transport.Proxy = http.ProxyURL(proxy)
		}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		reason, message := reasonOf(err)
		return "", &fault{reason, "no token for the target: " + message}
	}
	defer resp.Body.Close()
	const most = 64 << 10
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		reason, message := reasonOf(err)
		return "", &fault{reason, "no token for the target: " + message}
	}
	var answer struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || resp.StatusCode != http.StatusOK || !validHeader("Authorization", answer.AccessToken) || answer.AccessToken == "" {
		return "", &fault{ReasonStatus, fmt.Sprintf("no token for the target: the token URL answered %d without one", resp.StatusCode)}
	}
	until := time.Time{}
	if seconds, err := answer.ExpiresIn.Float64(); err == nil && seconds > 0 && seconds < 1e9 {
		until = time.Now().Add(time.Duration(seconds * float64(time.Second))).Add(-early)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.until = answer.AccessToken, until
	return t.token, nil
}
