// Package events hands incidents to another pager by PagerDuty's Events API v2,
// which PagerDuty, and many others that imitate it, understand.
//
// The incident's id is the dedup key, so handing it over twice is handing it
// over once. What is said follows the incident's state: triggered, acknowledged
// or resolved.
package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"toban/notify"
	"toban/oncall"
)

// Config says how pagers are reached.
type Config struct {
	// Secret resolves a reference such as env:NAME at the moment of sending.
	Secret func(reference string) (string, error)
	Source string // who we say we are; "" = "toban"

	Timeout   time.Duration     // of one request; zero = 4 s
	Transport http.RoundTripper // nil = http.DefaultTransport
}

// Channel is the channel for oncall.Events. Make it with New.
type Channel struct {
	c      Config
	client *http.Client
}

// New makes a channel. It needs Config.Secret.
func New(c Config) (*Channel, error) {
	if c.Secret == nil {
		return nil, errors.New("events: there is nobody to resolve routing keys")
	}
	if c.Source == "" {
		c.Source = "toban"
	}
	if c.Timeout <= 0 {
		c.Timeout = 4 * time.Second
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	return &Channel{c: c, client: &http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Provider implements notify.Channel. PagerDuty bears about 120 events a minute
// for each key and says so by itself.
func (c *Channel) Provider() notify.Provider {
	return notify.Provider{Name: "events", Timeout: c.c.Timeout}
}

// event is the wire form.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Links      []link   `json:"links,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type payload struct {
	Summary   string         `json:"summary"`
	Source    string         `json:"source"`
	Severity  string         `json:"severity"`
	Timestamp string         `json:"timestamp"`
	Component string         `json:"component,omitempty"`
	Details   map[string]any `json:"custom_details,omitempty"`
}

const (
	enqueuePath = "/v2/enqueue"
	keyLength   = 32
	maxSummary  = 1024
	maxAnswer   = 64 << 10
)

// Send tells the pager how each incident of m stands.
func (c *Channel) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	if m.Pager == nil {
		return notify.Receipt{}, refuse(notify.BadAddress, "pager", "the pager does not exist")
	}
	address, err := addressOf(m.Pager)
	if err != nil {
		return notify.Receipt{}, err
	}
	key, err := c.c.Secret(m.Pager.RoutingKey)
	if err != nil || utf8.RuneCountInString(key) != keyLength {
		// What the resolver says may hold the secret.
		return notify.Receipt{}, refuse(notify.BadConfig, "routing_key", "the routing key of the pager can't be read or is not 32 characters long")
	}
	for _, inc := range m.Incidents {
		if err := c.post(ctx, address, c.event(key, inc)); err != nil {
			return notify.Receipt{}, err
		}
	}
	return notify.Receipt{ProviderID: string(m.Delivery), Outcome: oncall.Sent}, nil
}

// addressOf is where the pager takes events: the whole address, as Alertmanager
// has it, or only its host.
func addressOf(p *oncall.Pager) (string, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", refuse(notify.BadConfig, "url", "the address of the pager is not an http or https address")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = enqueuePath
	}
	return u.String(), nil
}

func (c *Channel) event(key string, inc notify.Incident) event {
	e := event{RoutingKey: key, DedupKey: string(inc.ID)}
	switch inc.State {
	case oncall.Acknowledged:
		e.Action = "acknowledge"
		return e
	case oncall.Resolved:
		e.Action = "resolve"
		return e
	}
	e.Action, e.Client, e.ClientURL = "trigger", "toban", inc.URL
	if inc.URL != "" {
		e.Links = []link{{Href: inc.URL, Text: "toban #" + strconv.FormatInt(inc.Number, 10)}}
	}
	e.Payload = &payload{
		Summary: summary(inc), Source: c.c.Source, Severity: string(inc.Severity),
		Timestamp: inc.TriggeredAt.UTC().Format("2006-01-02T15:04:05.000-0700"), Component: string(inc.Service),
		Details: map[string]any{"number": inc.Number, "service": inc.ServiceName, "urgency": string(inc.Urgency)},
	}
	return e
}

func summary(inc notify.Incident) string {
	text := inc.Title
	if text == "" {
		text = inc.ServiceName
	}
	text = inc.ServiceName + ": " + text
	if runes := []rune(text); len(runes) > maxSummary {
		return string(runes[:maxSummary])
	}
	return text
}

func (c *Channel) post(ctx context.Context, address string, e event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return refuse(notify.BadConfig, "event", "the event can't be written")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return refuse(notify.BadConfig, "url", "the address of the pager can't be asked")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "toban")
	res, err := c.client.Do(r)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			return refuse(notify.Transient, "dial", "the pager can't be connected to")
		}
		// It may have been taken; the dedup key makes a repetition harmless.
		return refuse(notify.Transient, "cut", "the pager did not answer")
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) // so that the connection can be used again
	code := "http" + strconv.Itoa(res.StatusCode)
	switch {
	case res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusOK:
		return nil
	case res.StatusCode == http.StatusTooManyRequests:
		f := refuse(notify.Throttled, code, "the pager takes no more events now")
		f.After = retryAfter(res.Header.Get("Retry-After"))
		return f
	case res.StatusCode == http.StatusRequestTimeout || res.StatusCode >= 500:
		return refuse(notify.Transient, code, "the pager is in trouble")
	}
	return refuse(notify.BadConfig, code, "the pager refuses the event")
}

// retryAfter reads seconds; PagerDuty does not say and advises half a minute,
// which is longer than the next person should wait.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 && seconds < 86400 {
		return time.Duration(seconds) * time.Second
	}
	return 30 * time.Second
}

func refuse(class notify.Class, code, text string) *notify.Failure {
	return &notify.Failure{Class: class, Code: code, Err: errors.New(text)}
}
