// Package push reaches the browsers and telephones of a user by web push
// (RFC 8030, 8291, 8292): the alert stands on the locked screen, with a button
// that takes the incident where the browser can show one.
//
// A message is encrypted for the device; the push service in between sees when
// and to which device, and nothing of what. It carries the signed link (R19), so
// that neither the button nor the page asks for a login. What is said of one
// incident replaces what was said of it before, on its way and on the screen, so
// sending again is harmless. An endpoint comes from a browser, so what it names is
// not trusted: only https, and only public addresses.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"toban/i18n"
	"toban/internal/link"
	"toban/notify"
	"toban/oncall"
	"toban/store"

	"golang.org/x/sync/errgroup"
)

// Config says how devices are reached.
type Config struct {
	DB  *store.DB
	Key []byte // the installation's; the same on all nodes
	// Base returns the external URL that links begin with, without a slash at its
	// end; "" = links are relative to where the device has subscribed.
	Base func() string
	// Subject is whom a push service may write to about this sender: an address
	// (mailto: may be left out) or an https URL. "" = Base where that is https.
	Subject string
	Name    string // of the provider; "" = "push"

	Timeout      time.Duration     // of one message to all devices of a user; zero = 4 s
	Transport    http.RoundTripper // nil = one that reaches public addresses only
	AllowPrivate bool              // endpoints may be http and private addresses: tests and the demo
	Log          *slog.Logger      // nil = none
}

// Channel is the channel for oncall.Push. Make it with New.
type Channel struct {
	c       Config
	devices *Devices
	links   link.Signer
	private string // the VAPID key as the library wants it
	client  *http.Client
	log     *slog.Logger
}

// New makes a channel. It needs Config.DB and Config.Key.
func New(c Config) (*Channel, error) {
	devices, err := NewDevices(c.DB, c.Key, c.AllowPrivate)
	if err != nil {
		return nil, err
	}
	if c.Subject, err = subject(c.Subject); err != nil {
		return nil, err
	}
	if c.Base == nil {
		c.Base = func() string { return "" }
	}
	if c.Name == "" {
		c.Name = "push"
	}
	if c.Timeout <= 0 {
		c.Timeout = 4 * time.Second
	}
	if c.Transport == nil {
		c.Transport = guarded(c.AllowPrivate)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Channel{
		c: c, devices: devices, links: link.NewSigner(c.Key), private: base64.RawURLEncoding.EncodeToString(devices.identity.Bytes()), log: c.Log,
		client: &http.Client{
			Transport:     c.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Devices are what users have subscribed, as the pages need them.
func (c *Channel) Devices() *Devices { return c.devices }

// PublicKey is what browsers subscribe to (applicationServerKey), in base64url.
func (c *Channel) PublicKey() string { return c.devices.PublicKey() }

// Provider implements notify.Channel. Each browser's maker has a service of its
// own and says by itself when it is too much.
func (c *Channel) Provider() notify.Provider {
	return notify.Provider{Name: c.c.Name, Timeout: c.c.Timeout}
}

const (
	// maxTold is how many incidents of one message get a notification of their
	// own; the last one says how many more there are.
	maxTold = 8
	// atOnce bounds the devices that are reached at a time.
	atOnce = 8
	// pageTTL is how long a push service keeps a message for a device that is not
	// reached; quiet ones hold as long as their link.
	pageTTL  = 4 * time.Hour
	quietTTL = link.Lifetime
)

// Send tells all devices of m.User how each incident of m stands. One device
// that took it is enough.
func (c *Channel) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	if len(m.Incidents) == 0 {
		return notify.Receipt{}, refuse(notify.BadConfig, "empty", "the message tells of nothing")
	}
	to, err := c.devices.open(ctx, m.User)
	if err != nil {
		return notify.Receipt{}, err
	}
	now := time.Now()
	for i, inc := range m.Incidents[:min(len(m.Incidents), maxTold)] {
		more := 0
		if i == maxTold-1 {
			more = len(m.Incidents) - maxTold
		}
		n := c.notice(i18n.In(m.Language), m.User, inc, more, now)
		if to, err = c.toAll(ctx, to, n); err != nil {
			return notify.Receipt{}, err
		}
	}
	return notify.Receipt{ProviderID: string(m.Delivery), Outcome: oncall.Sent}, nil
}

// Try sends a sample to all devices of a user, in the user's language, or fails
// with a *notify.Failure. It tells of no incident.
func (c *Channel) Try(ctx context.Context, user oncall.UserID) error {
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()
	to, err := c.devices.open(ctx, user)
	if err != nil {
		return err
	}
	_, err = c.toAll(ctx, to, c.sample(i18n.In(c.language(ctx, user))))
	return err
}

// language is the user's, or what the installation speaks.
func (c *Channel) language(ctx context.Context, user oncall.UserID) (language string) {
	err := c.c.DB.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		if language = dir.Settings.Language; language == "" {
			language = i18n.Japanese
		}
		if u := dir.Users[user]; u != nil && u.Language != "" {
			language = u.Language
		}
		return nil
	})
	if err != nil {
		return i18n.Japanese // a sample in another language is better than none
	}
	return language
}

// toAll sends a notice to devices and returns those that are still there. It
// fails when none took it, with the failure that a repetition helps most.
func (c *Channel) toAll(ctx context.Context, to []device, n notice) ([]device, error) {
	body, err := n.write()
	if err != nil {
		return to, refuse(notify.BadConfig, "payload", "the message can't be written")
	}
	failures := make([]*notify.Failure, len(to))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, d := range to {
		group.Go(func() error {
			failures[i] = c.toOne(ctx, d, body, n)
			return nil
		})
	}
	_ = group.Wait() // none returns an error

	var left []device
	var worst *notify.Failure
	took := 0
	for i, d := range to {
		f := failures[i]
		if f == nil {
			took++
			c.used(ctx, d)
		} else if f.Class == notify.BadAddress {
			c.forget(ctx, d)
			continue
		} else if worst == nil || rank(f) > rank(worst) {
			worst = f
		}
		left = append(left, d)
	}
	switch {
	case took > 0:
		return left, nil
	case worst == nil: // all of them are gone
		return nil, errNoDevice()
	}
	return left, worst
}

// rank orders failures by how much a repetition helps.
func rank(f *notify.Failure) int {
	switch f.Class {
	case notify.Transient:
		return 3
	case notify.Throttled:
		return 2
	}
	return 1
}

// used writes down that a device is alive; not at every message, since a storm
// is not worth a row each.
func (c *Channel) used(ctx context.Context, d device) {
	if time.Since(d.usedAt) < time.Hour {
		return
	}
	err := c.c.DB.Tx(ctx, func(tx *store.Tx) error { return tx.UseSubscription(ctx, d.id) })
	if err != nil {
		c.log.WarnContext(ctx, "use of a device not written down", "device", d.id, "err", err)
	}
}

// forget deletes a device whose service says that it is gone.
func (c *Channel) forget(ctx context.Context, d device) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.c.Timeout)
	defer cancel()
	if err := c.c.DB.Tx(ctx, func(tx *store.Tx) error { return tx.DeleteSubscription(ctx, d.id) }); err != nil {
		c.log.WarnContext(ctx, "device that is gone not deleted; the next message finds it again", "device", d.id, "err", err)
		return
	}
	c.log.InfoContext(ctx, "device is gone", "device", d.id)
}

// topic names an incident to push services, which see no more of it.
func topic(of oncall.IncidentID) string {
	sum := sha256.Sum256([]byte("toban push topic\x00" + string(of)))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// subject checks whom a push service may write to. The library puts mailto: in
// front by itself.
func subject(text string) (string, error) {
	text = strings.TrimPrefix(text, "mailto:")
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "", nil
	case err == nil && u.Scheme == "https" && u.Host != "":
		return text, nil
	case strings.Count(text, "@") == 1 && !strings.ContainsAny(text, " :/<>\r\n\t") && !strings.HasPrefix(text, "@") && !strings.HasSuffix(text, "@"):
		return text, nil
	}
	return "", errors.New("push: the subject is neither a mail address nor an https URL")
}

// subscriber is the subject in force. Apple's service refuses what it could not
// write to.
func (c *Channel) subscriber() string {
	if c.c.Subject != "" {
		return c.c.Subject
	}
	u, err := url.Parse(c.c.Base())
	switch {
	case err == nil && u.Scheme == "https" && u.Host != "":
		return u.Scheme + "://" + u.Host
	case err == nil && u.Hostname() != "" && !strings.Contains(u.Hostname(), ":"):
		return "toban@" + u.Hostname()
	}
	return "toban@localhost"
}

func (n notice) write() ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is never put into a page
	if err := e.Encode(n.payload); err != nil {
		return nil, err
	}
	if b.Len() > maxPayload {
		return nil, errors.New("push: the message is too long")
	}
	return []byte(b.String()), nil
}
