package config

import (
	"fmt"
	"path/filepath"
	"time"

	"toban/oncall"
)

// DefaultListen is where toban listens when nothing says otherwise: reachable
// from this machine only.
const DefaultListen = "127.0.0.1:8080"

// Config is a folder without errors.
type Config struct {
	Server    Server
	Providers Providers
	Tests     []Test

	dir     string // as given to Load
	objects []object
	presets []preset

	expressions []Expression
	doubted     map[*node]bool // names of objects with an error in them
	failed      bool           // there is an error
}

// doubt remembers that there is an error in what is called name; nil is nothing
// with a name.
func (c *Config) doubt(name *node) {
	c.failed = true
	if c.doubted == nil {
		c.doubted = map[*node]bool{}
	}
	c.doubted[name] = true
}

// sound reports whether no error is in what is called name.
func (c *Config) sound(name *node) bool { return !c.doubted[name] }

// Server is what the process itself needs to know.
type Server struct {
	Listen      string // of the main listener; "" = DefaultListen
	ExternalURL string // without a slash at its end; "" = not known
	Public      Public
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []string
}

// Public is the listener that providers and senders on the internet may reach;
// off without Listen.
type Public struct {
	Listen string
	URL    string // "" = the external URL
}

// Providers are the accounts that reach people, and what toban has its metrics
// from.
type Providers struct {
	Twilio  *Twilio  // nil = none
	Slack   *Slack   // nil = none
	Metrics *Metrics // nil = nothing is written about it
	// Mackerel is where service metrics are passed on to; nil = nowhere.
	Mackerel *Mackerel
}

// Twilio is an account with Twilio, or with whoever speaks its API at BaseURL.
type Twilio struct {
	Account          Secret
	Token            Secret
	From             []string // E.164, the numbers calls come from
	CallsPerSecond   float64  // that the account may begin
	BaseURL          string   // "" = Twilio itself
	CallMinuteMicros int64    // tariff of a started minute, in millionths of Currency
	SMSMicros        int64
	Currency         string // ISO 4217; "" without a tariff
}

// Slack is a workspace, or what speaks Slack's API at BaseURL.
type Slack struct {
	Token         Secret
	SigningSecret Secret
	Channel       string // for services without one of their own; "" = only services that name one are posted
	BaseURL       string // "" = Slack itself
}

// Mackerel is an organization at Mackerel, or what speaks its API at BaseURL.
type Mackerel struct {
	Key     Secret
	BaseURL string // "" = Mackerel itself
}

// Object is one thing of the folder as the store keeps it.
type Object struct {
	Kind string
	Name string // unique within the kind
	Body []byte // canonical JSON of the oncall type
	File string // relative to the folder; "" for what is there by default
	Line int
}

// object is an Object with the value itself and its place.
type object struct {
	Object
	value any
	at    *node
}

// preset is an integration key that the folder refers to.
type preset struct {
	integration oncall.IntegrationID
	key         Secret
}

// KeyPreset is a key of an integration that the folder refers to.
type KeyPreset struct {
	Integration string
	Key         string // in clear: only its hash is kept
}

// KeyPresets resolves the integration keys that the folder refers to.
func (c *Config) KeyPresets(getenv func(string) string) ([]KeyPreset, error) {
	var all []KeyPreset
	for _, p := range c.presets {
		key, err := p.key.Resolve(getenv)
		if err != nil {
			return nil, fmt.Errorf("integrations.%s.key: %w", p.integration, err)
		}
		const least = 16
		if len(key) < least {
			return nil, fmt.Errorf("integrations.%s.key: a key has at least %d characters", p.integration, least)
		}
		all = append(all, KeyPreset{Integration: string(p.integration), Key: key})
	}
	return all, nil
}

// Dir is the folder as it was given to Load; "" for any other file system.
func (c *Config) Dir() string { return c.dir }

// path is where a file is that the folder names: relative to the folder, so
// that it does not matter from where toban is started.
func (c *Config) path(name string) string {
	if c.dir == "" || filepath.IsAbs(name) {
		return name
	}
	if abs, err := filepath.Abs(filepath.Join(c.dir, name)); err == nil {
		return abs
	}
	return filepath.Join(c.dir, name)
}

// Users returns the users in the order of the files.
func (c *Config) Users() []*oncall.User { return valuesOf[*oncall.User](c) }

// Stages returns the stages in the order of the files; production and staging
// are always among them.
func (c *Config) Stages() []*oncall.StageConfig { return valuesOf[*oncall.StageConfig](c) }

func valuesOf[T any](c *Config) (all []T) {
	for i := range c.objects {
		if v, ok := c.objects[i].value.(T); ok {
			all = append(all, v)
		}
	}
	return all
}

// Test is a promise of the folder's section `tests`: what happens to a signal
// when people meet calls as given. It is read and checked; playing it is the
// forecast's.
type Test struct {
	Name   string
	Signal TestSignal
	Given  map[oncall.UserID]oncall.Outcome // how a user meets calls; others do not answer
	Expect []Expectation                    // a subsequence of what happens
	File   string
	Line   int
}

// TestSignal is what comes in.
type TestSignal struct {
	Service  oncall.ServiceID // "" = by Labels
	Labels   map[string]string
	Severity oncall.Severity
	At       time.Time
}

// Expectation is one thing that has to happen after the one before it.
type Expectation struct {
	Method oncall.Method
	User   oncall.UserID
	Again  bool          // not for the first time
	Within time.Duration // since the signal; 0 = at any time
}
