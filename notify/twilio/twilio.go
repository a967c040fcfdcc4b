// Package twilio carries calls through Twilio's voice API: it makes, finds,
// looks at and hangs up calls, checks the callbacks, and says the words.
//
// A key is the only sign of a human (R21): an answered call means nothing by
// itself. What a key does is not decided here but by whoever stands behind
// notify.Keys.
package twilio

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"toban/notify"
	"toban/oncall"
)

// Config says which account calls from where, and how its callbacks come back.
type Config struct {
	Name     string // of the provider, "twilio" if empty; another account needs another one
	Account  string // AC…
	Token    string // signs the callbacks; is the password of Account without a key
	OldToken string // callbacks signed with it still count while the token is rotated

	KeySID, KeySecret string // an API key for requests, in place of the token

	From           []string // E.164; a person is always called from the same one (R11)
	CallsPerSecond float64  // zero = 1, as for a new account
	MinuteMicros   int64    // tariff of a started minute, in millionths of its currency
	BaseURL        string   // "" = https://api.twilio.com
	PublicURL      string   // where the provider reaches toban, with its sub-path
	Path           string   // below PublicURL; "" = /callbacks/twilio
	Key            []byte   // signs what the callback URLs carry; at least 16 bytes, the same on all nodes

	Timeout   time.Duration     // of one request; zero = 4 s
	Transport http.RoundTripper // nil = http.DefaultTransport
}

const (
	apiURL      = "https://api.twilio.com"
	defaultPath = "/callbacks/twilio"
	// talk is the longest that an answered call lasts: two readings, 8 s, and a
	// few repetitions.
	talk = 180 * time.Second
	// tokenLives is how long the callbacks of a call are listened to: much longer
	// than any call lasts, so that late ones are understood.
	tokenLives = time.Hour
)

// Voice is the channel for calls. Make it with New.
type Voice struct {
	c      Config
	public *url.URL
	client *http.Client
	said   *answers
	speech *speech
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// New checks the configuration. The error says what is missing, never a secret.
func New(c Config) (*Voice, error) {
	if c.Name == "" {
		c.Name = "twilio"
	}
	if c.BaseURL == "" {
		c.BaseURL = apiURL
	}
	if c.Path == "" {
		c.Path = defaultPath
	}
	if c.CallsPerSecond <= 0 {
		c.CallsPerSecond = 1
	}
	if c.Timeout <= 0 {
		c.Timeout = 4 * time.Second
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	switch {
	case c.Account == "":
		return nil, errors.New("twilio: the account is missing")
	case c.Token == "":
		return nil, errors.New("twilio: the token is missing: callbacks can't be checked without it")
	case len(c.From) == 0:
		return nil, errors.New("twilio: there is no number to call from")
	case len(c.Key) < 16:
		return nil, errors.New("twilio: the key for callback URLs is shorter than 16 bytes")
	case !strings.HasPrefix(c.Path, "/"):
		return nil, errors.New("twilio: the path of callbacks does not start with /")
	}
	for _, from := range c.From {
		if !e164.MatchString(from) {
			return nil, errors.New("twilio: a number to call from is not in E.164 form, such as +815000000000")
		}
	}
	if _, err := webURL(c.BaseURL); err != nil {
		return nil, fmt.Errorf("twilio: base URL: %w", err)
	}
	public, err := webURL(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("twilio: public URL: %w", err)
	}
	speech, err := newSpeech()
	if err != nil {
		return nil, fmt.Errorf("twilio: %w", err)
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	return &Voice{
		c: c, public: public, speech: speech, said: newAnswers(),
		client: &http.Client{
			Transport:     c.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func webURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("it is not an http or https address")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("it has a query or a fragment")
	case strings.Contains(u.Hostname(), "_"):
		return nil, errors.New("the provider does not accept an underscore in a host name")
	}
	return u, nil
}

// Provider implements notify.Channel.
func (v *Voice) Provider() notify.Provider {
	return notify.Provider{
		Name: v.c.Name, PerSecond: v.c.CallsPerSecond, Timeout: v.c.Timeout, Micros: v.c.MinuteMicros,
	}
}

// from is the number that a person is called from: always the same for the same
// person, so that a phone that lets a second call through sees one.
func (v *Voice) from(to string) string {
	sum := 0
	for _, b := range []byte(to) {
		sum = (sum*31 + int(b)) % len(v.c.From)
	}
	return v.c.From[sum]
}

// callback is the address of one kind of callback for a delivery.
func (v *Voice) callback(kind string, d oncall.DeliveryID, expires time.Time) string {
	u := *v.public
	u.Path = strings.TrimSuffix(u.Path, "/") + v.c.Path + "/" + kind
	u.RawQuery = v.ticket(d, expires).Encode()
	return u.String()
}

// Asking again is cheap and a lost callback is not: the fragment makes the
// provider try every failed one three times more. It is not part of what is
// signed.
const insist = "#rc=3&rp=all"
