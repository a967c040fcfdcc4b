package probe

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"toban/detect/probe/tree"
)

// HTTPSettings are the http part of a module: blackbox-exporter's keys and, last,
// ours. They are ready for use once a module was loaded.
type HTTPSettings struct {
	ValidStatusCodes           StatusCodes      `yaml:"valid_status_codes"` // none = 2xx
	ValidHTTPVersions          []string         `yaml:"valid_http_versions"`
	IPProtocol                 string           `yaml:"preferred_ip_protocol"` // ip4 or ip6
	IPProtocolFallback         bool             `yaml:"ip_protocol_fallback"`
	SkipResolvePhaseWithProxy  bool             `yaml:"skip_resolve_phase_with_proxy"`
	NoFollowRedirects          *bool            `yaml:"no_follow_redirects"` // the old name of the opposite
	FollowRedirects            bool             `yaml:"follow_redirects"`
	FailIfSSL                  bool             `yaml:"fail_if_ssl"`
	FailIfNotSSL               bool             `yaml:"fail_if_not_ssl"`
	Method                     string           `yaml:"method"` // "" = GET
	Headers                    HeaderTexts      `yaml:"headers"`
	FailIfBodyMatchesRegexp    []*regexp.Regexp `yaml:"fail_if_body_matches_regexp"`
	FailIfBodyNotMatchesRegexp []*regexp.Regexp `yaml:"fail_if_body_not_matches_regexp"`
	FailIfBodyJSONMatchesCEL   *tree.Node       `yaml:"fail_if_body_json_matches_cel"` // known, and not done here
	FailIfBodyJSONNotMatchCEL  *tree.Node       `yaml:"fail_if_body_json_not_matches_cel"`
	FailIfHeaderMatches        []HeaderMatch    `yaml:"fail_if_header_matches"`
	FailIfHeaderNotMatches     []HeaderMatch    `yaml:"fail_if_header_not_matches"`
	Body                       string           `yaml:"body"`
	BodyFile                   string           `yaml:"body_file"`
	Compression                string           `yaml:"compression"`     // gzip, br, deflate, identity
	BodySizeLimit              Bytes            `yaml:"body_size_limit"` // of the body without its compression; 0 = toban's limits
	EnableHTTP2                bool             `yaml:"enable_http2"`
	EnableHTTP3                bool             `yaml:"enable_http3"` // known, and not done here

	BasicAuth       *BasicAuth             `yaml:"basic_auth"`
	Authorization   *Authorization         `yaml:"authorization"`
	BearerToken     Secret                 `yaml:"bearer_token"`
	BearerTokenFile string                 `yaml:"bearer_token_file"`
	OAuth2          *OAuth2                `yaml:"oauth2"`
	HTTPHeaders     map[string]HeaderValue `yaml:"http_headers"`
	TLSConfig       *tls.Config            `yaml:"tls_config"` // nil = the system's roots
	Proxy           ProxySettings          `yaml:",inline"`

	// JSON are conditions in jq on the body, which have to be neither false nor
	// null, as in .status == "ok".
	JSON []JSONCondition `yaml:"json"`
	// KeepAlive keeps a connection for the next check of the target.
	KeepAlive bool `yaml:"keep_alive"`
	// HTTPVersion forces a version: 1.1 or 2, the latter also without TLS.
	HTTPVersion string `yaml:"http_version"`

	ready *httpReady
}

// DefaultHTTP are the settings of a module that says nothing.
func DefaultHTTP() HTTPSettings {
	return HTTPSettings{IPProtocolFallback: true, FollowRedirects: true, EnableHTTP2: true}
}

// HeaderTexts are headers of a request.
type HeaderTexts map[string]string

// HeaderValue are the values of one header of a request.
type HeaderValue struct {
	Values  []string `yaml:"values"`
	Secrets []Secret `yaml:"secrets"`
	Files   []string `yaml:"files"`
}

// BasicAuth is a user and a password.
type BasicAuth struct {
	Username     string `yaml:"username"`
	UsernameFile string `yaml:"username_file"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
}

// Authorization is the header of that name.
type Authorization struct {
	Type            string `yaml:"type"` // "" = Bearer
	Credentials     Secret `yaml:"credentials"`
	CredentialsFile string `yaml:"credentials_file"`
}

// HeaderMatch is a condition on a header of the answer.
type HeaderMatch struct {
	Header       string         `yaml:"header"`
	Regexp       *regexp.Regexp `yaml:"regexp"`
	AllowMissing bool           `yaml:"allow_missing"`
}

// StatusCodes are those that are wanted: 204, "2xx", "200-299".
type StatusCodes []statusRange

type statusRange struct{ from, to int }

// UnmarshalTree reads one or a list of them.
func (s *StatusCodes) UnmarshalTree(n *tree.Node) error {
	items := n.List
	if n.Kind != tree.List {
		items = []*tree.Node{n}
	}
	*s = make(StatusCodes, 0, len(items))
	for _, item := range items {
		r, ok := statusRangeOf(item.Text)
		if !ok || item.Kind != tree.Scalar {
			return fmt.Errorf("a status is written as 204, 2xx or 200-299, not %q", safeText([]byte(item.Text), 60))
		}
		*s = append(*s, r)
	}
	return nil
}

func statusRangeOf(text string) (statusRange, bool) {
	if len(text) == 3 && strings.EqualFold(text[1:], "xx") && '1' <= text[0] && text[0] <= '9' {
		hundred := int(text[0]-'0') * 100
		return statusRange{hundred, hundred + 99}, true
	}
	first, last, several := strings.Cut(text, "-")
	if !several {
		last = first
	}
	from, err := strconv.Atoi(strings.TrimSpace(first))
	to, err2 := strconv.Atoi(strings.TrimSpace(last))
	return statusRange{from, to}, err == nil && err2 == nil && 100 <= from && from <= to && to <= 999
}

func (s StatusCodes) match(code int) bool {
	if len(s) == 0 {
		return 200 <= code && code < 300
	}
	return slices.ContainsFunc(s, func(r statusRange) bool { return r.from <= code && code <= r.to })
}

// String is what is wanted, for a sentence.
func (s StatusCodes) String() string {
	if len(s) == 0 {
		return "2xx"
	}
	var words []string
	for _, r := range s {
		switch {
		case r.from == r.to:
			words = append(words, strconv.Itoa(r.from))
		case r.from%100 == 0 && r.to == r.from+99:
			words = append(words, strconv.Itoa(r.from/100)+"xx")
		default:
			words = append(words, strconv.Itoa(r.from)+"–"+strconv.Itoa(r.to))
		}
	}
	if len(words) > 10 {
		words = append(words[:10], "…")
	}
	return strings.Join(words, ", ")
}

// Bytes is a size: 10MB, 512KiB, 1024. As in blackbox-exporter, K is 1024 with
// and without an i.
type Bytes int64

var byteSize = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*([KMGTP]i?)?B?$`)

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	m := byteSize.FindStringSubmatch(string(text))
	if m == nil {
		return fmt.Errorf("%q is no size; write it as in 10MB", safeText(text, 60))
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if m[2] != "" {
		v *= math.Pow(1024, float64(1+strings.Index("KMGTP", m[2][:1])))
	}
	if err != nil || v > math.MaxInt64/2 {
		return errors.New("this size is too large")
	}
	*b = Bytes(v)
	return nil
}

// check finds what is wrong with the settings, by the keys that it is about.
func (s *HTTPSettings) check(bad func(key, format string, args ...any)) {
	if err := validateAddress(s.IPProtocol, ""); err != nil {
		bad("preferred_ip_protocol", "%v", err)
	}
	if s.Body != "" && s.BodyFile != "" {
		bad("body_file", "body and body_file exclude each other")
	}
	if !validMethod(s.Method) {
		bad("method", "%q is no method", safeText([]byte(s.Method), 60))
	}
	if strings.EqualFold(s.Method, http.MethodConnect) {
		bad("method", "CONNECT asks a proxy, no target; proxy_url goes through one")
	}
	switch s.Compression {
	case "", "gzip", "br", "deflate", "identity":
	default:
		bad("compression", "it is gzip, br, deflate or identity")
	}
	for name, value := range s.Headers {
		if !validHeader(name, value) {
			bad("headers", "%q can't be a header", safeText([]byte(name), 60))
		}
		if http.CanonicalHeaderKey(name) == "Accept-Encoding" && !accepts(value, s.Compression) {
			bad("headers", "%s: %s does not accept compression: %s", name, safeText([]byte(value), 60), s.Compression)
		}
	}
	for _, m := range slices.Concat(s.FailIfHeaderMatches, s.FailIfHeaderNotMatches) {
		if m.Header == "" || m.Regexp == nil || m.Regexp.String() == "" {
			bad("fail_if_header_matches", "a condition on a header needs header and regexp")
		}
	}
	if slices.Contains(s.ValidHTTPVersions, "HTTP/3.0") && !s.EnableHTTP3 {
		bad("valid_http_versions", "HTTP/3.0 can't come without enable_http3")
	}
	switch s.HTTPVersion {
	case "", "1.1":
	case "2", "2.0":
		if !s.EnableHTTP2 {
			bad("http_version", "it is 2, and enable_http2 is false")
		}
	default:
		bad("http_version", "it is 1.1 or 2; without it the best that the target has is used")
	}
	if err := checkJSON(s.JSON); err != nil {
		bad("json", "%v", err)
	}
	s.Proxy.check(bad)
}

func validMethod(m string) bool {
	return len(m) <= 40 && strings.IndexFunc(m, func(r rune) bool { return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || r == '-' || r == '_') }) < 0
}

// validHeader reports whether a header can be sent.
func validHeader(name, value string) bool {
	token := func(r rune) bool {
		return r > ' ' && r < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}
	bad := func(r rune) bool { return unicode.IsControl(r) && r != '\t' }
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return !token(r) }) < 0 && strings.IndexFunc(value, bad) < 0
}

// accepts reports whether an Accept-Encoding header lets a compression through:
// where one is wanted, it has to be asked for.
func accepts(header, compression string) bool {
	if compression == "" || header == "" {
		return true
	}
	found, best := false, -1.0
	for part := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(part, ";")
		name = strings.TrimSpace(name)
		if name != compression && name != "*" {
			continue
		}
		quality := 1.0
		if parameter != "" {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(parameter), "q="), 64)
			if err != nil {
				q = 0
			}
			quality = q
		}
		if quality > best {
			found, best = quality > 0, quality
		}
	}
	return found
}

// host is the Host header that the module names.
func (s *HTTPSettings) host() (string, bool) {
	for name, value := range s.Headers {
		if textproto.CanonicalMIMEHeaderKey(name) == "Host" {
			return value, true
		}
	}
	return "", false
}

// withHost is s with another Host header.
func (s *HTTPSettings) withHost(host string) HTTPSettings {
	changed := *s
	ready := *s.ready
	ready.host = host
	changed.ready = &ready
	return changed
}
