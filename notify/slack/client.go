package slack

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	api "github.com/slack-go/slack"

	"toban/notify"
)

// Config says which workspace it is and how it is spoken to.
type Config struct {
	Name          string            // of the provider, "slack" if empty; another workspace needs another one
	Token         string            // of the bot, xoxb-…
	SigningSecret string            // signs what Slack sends
	Channel       string            // for services that name none, such as "#alerts"; "" = they are not posted
	BaseURL       string            // "" = https://slack.com
	Timeout       time.Duration     // of one request; zero = 10 s
	Transport     http.RoundTripper // nil = http.DefaultTransport
	Rehearsal     bool              // simulated: trouble with it is no incident about toban
}

const (
	slackURL    = "https://slack.com"
	requestTime = 10 * time.Second
	maxAnswer   = 16 << 20
	// deadToken is how long nothing is sent after Slack has refused the token.
	deadToken = 30 * time.Second
)

// Workspace is one Slack workspace with our app installed. Its methods may be
// called from many goroutines.
type Workspace struct {
	c      Config
	client *api.Client
	gate   *gate
	people *people
	rooms  *rooms
	self   *self
	boxes  boxes

	mu      sync.Mutex
	health  notify.Health
	trouble map[string]bool // what does not work by our configuration, told once
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "slack"
	}
	if c.BaseURL == "" {
		c.BaseURL = slackURL
	}
	if c.Timeout <= 0 {
		c.Timeout = requestTime
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	return c
}

// NewWorkspace checks the configuration. The error says what is missing, never a
// secret.
func NewWorkspace(c Config) (*Workspace, error) {
	c = c.withDefaults()
	base, err := url.Parse(c.BaseURL)
	switch {
	case c.Token == "":
		return nil, errors.New("slack: the token is missing")
	case c.SigningSecret == "":
		return nil, errors.New("slack: the signing secret is missing: buttons can't be checked without it")
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("slack: the base URL is not an http or https address")
	}
	w := &Workspace{
		c: c, gate: newGate(), people: newPeople(), rooms: &rooms{}, self: &self{},
		health: notify.Health{Provider: c.Name}, trouble: map[string]bool{},
	}
	w.client = api.New(c.Token,
		api.OptionAPIURL(strings.TrimSuffix(c.BaseURL, "/")+"/api/"),
		api.OptionLog(slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)),
		api.OptionHTTPClient(&http.Client{
			Transport:     capped{c.Transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
	)
	return w, nil
}

// Name is what the provider is called.
func (w *Workspace) Name() string { return w.c.Name }

// Health is how the workspace has done since it was made (R25).
func (w *Workspace) Health() notify.Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.health
}

// Is reports whether that is how the workspace is configured, so that it need
// not be made anew: what it knows and what Slack has asked of it would be lost.
func (w *Workspace) Is(c Config) bool {
	a, b := w.c, c.withDefaults()
	same := reflect.TypeOf(a.Transport).Comparable() && a.Transport == b.Transport
	a.Transport, b.Transport = nil, nil
	return same && a == b
}

// Forget lets what was not there be looked for again: members and channels. It
// is called when somebody may have added them.
func (w *Workspace) Forget() {
	w.people.forget()
	w.rooms.mu.Lock()
	defer w.rooms.mu.Unlock()
	w.rooms.read = time.Time{}
}

// capped bounds how much of an answer is read.
type capped struct{ next http.RoundTripper }

func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxAnswer), res.Body}
	return res, nil
}

// call asks Slack once, if the gate lets it pass: a Throttled failure with the
// code "pace" was not sent.
func (w *Workspace) call(ctx context.Context, method, channel string, f func(ctx context.Context) error) *notify.Failure {
	leave, wait := w.gate.enter(method, channel)
	if wait > 0 {
		return &notify.Failure{Class: notify.Throttled, Code: codePace, After: wait, Err: errors.New("slack is asked no faster")}
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, w.c.Timeout)
	defer cancel()
	began := time.Now()
	w.sending(1)
	failure := failed(f(ctx))
	w.sending(-1)
	w.note(time.Since(began), failure)
	switch {
	case failure == nil:
		w.healed(method)
	case failure.Class == notify.Throttled:
		w.gate.pause(method, channel, failure.After)
	case tokenCode(failure.Code):
		w.gate.close(deadToken)
	}
	return failure
}

func (w *Workspace) sending(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health.Sending += n
}

func (w *Workspace) note(took time.Duration, f *notify.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health.Note(took, f)
}

// news reports whether something that does not work by our configuration has not
// been told yet.
func (w *Workspace) news(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.trouble[key]
	w.trouble[key] = true
	return !known
}

// healed forgets what did not work.
func (w *Workspace) healed(keys ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.trouble, troubleToken)
	for _, key := range keys {
		delete(w.trouble, key)
	}
}

const troubleToken = "token"
