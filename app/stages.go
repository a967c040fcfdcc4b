package app

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"toban/config"
	"toban/internal/problem"
	"toban/notify"
	"toban/notify/events"
	"toban/notify/shadow"
	"toban/notify/twilio"
	"toban/oncall"
	simtwilio "toban/sim/twilio"
)

// stages holds the channels of each stage: the real providers, or the
// simulators in this very process, so that a rehearsal can't reach anybody. It
// changes as a whole when the configuration does.
type stages struct {
	external string // where this toban is reached when the configuration does not say
	key      []byte
	getenv   func(string) string
	notify   *notify.Dispatcher
	log      *slog.Logger

	now   atomic.Pointer[channels]
	sim   *simtwilio.Server // one for all configurations: its phones go on ringing
	token string
}

// channels are those of one configuration.
type channels struct {
	real      map[oncall.Method]notify.Channel
	simulated map[oncall.Method]notify.Channel
	isSim     map[oncall.Stage]bool
	callbacks map[string]http.Handler // by path prefix
}

// Where the callbacks of the providers come back.
const (
	twilioPath    = "/callbacks/twilio"
	simulatedPath = "/callbacks/simulated"
)

func (s *stages) channel(stage oncall.Stage, m oncall.Method) notify.Channel {
	c := s.now.Load()
	if c == nil {
		return nil
	}
	if c.isSim[stage] {
		return c.simulated[m]
	}
	return c.real[m]
}

// ServeHTTP answers the providers' callbacks.
func (s *stages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c := s.now.Load(); c != nil {
		for prefix, h := range c.callbacks {
			if strings.HasPrefix(r.URL.Path, prefix+"/") {
				h.ServeHTTP(w, r)
				return
			}
		}
	}
	problem.Write(w, r, s.log, errNoPage)
}

// configure makes the channels that c wants. When it fails, those of before
// stay.
func (s *stages) configure(c *config.Config) error {
	next := &channels{
		real: map[oncall.Method]notify.Channel{}, simulated: map[oncall.Method]notify.Channel{},
		isSim: map[oncall.Stage]bool{}, callbacks: map[string]http.Handler{},
	}
	if c == nil {
		s.now.Store(next)
		return nil
	}
	pager, err := events.New(events.Config{Secret: func(ref string) (string, error) { return config.ResolveRef(ref, s.getenv) }})
	if err != nil {
		return err
	}
	next.real[oncall.Events] = pager
	if t := c.Providers.Twilio; t != nil {
		voice, err := realVoice(t, callbackBase(c.Server, s.external), s.key, s.getenv)
		if err != nil {
			return err
		}
		next.real[oncall.Call] = voice
		next.callbacks[twilioPath] = voice.Handler(s.notify, s.log)
	}
	for _, stage := range c.Stages() {
		next.isSim[stage.Name] = stage.Simulated
	}
	voice, err := s.simulate(c)
	if err != nil {
		return err
	}
	next.simulated[oncall.Call] = voice
	next.simulated[oncall.Events] = shadow.Channel{}
	next.callbacks[simulatedPath] = voice.Handler(s.notify, s.log)
	s.now.Store(next)
	return nil
}

// callbackBase is the URL under which providers reach this toban.
func callbackBase(c config.Server, external string) string {
	switch {
	case c.Public.URL != "":
		return c.Public.URL
	case c.ExternalURL != "":
		return c.ExternalURL
	}
	return external
}

func realVoice(t *config.Twilio, base string, key []byte, getenv func(string) string) (*twilio.Voice, error) {
	account, err := t.Account.Resolve(getenv)
	if err != nil {
		return nil, fmt.Errorf("providers.twilio.account: %w", err)
	}
	token, err := t.Token.Resolve(getenv)
	if err != nil {
		return nil, fmt.Errorf("providers.twilio.token: %w", err)
	}
	return twilio.New(twilio.Config{
		Account: account, Token: token, From: t.From, CallsPerSecond: t.CallsPerSecond, MinuteMicros: t.CallMinuteMicros,
		BaseURL: t.BaseURL, PublicURL: base, Key: key,
	})
}

// The account of the phone simulator in this process. Its token is made anew
// for each process and known to nobody else.
const (
	simulatedCaller = "+815000000000"
	simulatedHost   = "http://simulated.test"
)

// simulate returns the channel that calls the phone simulator, with no network
// between them.
func (s *stages) simulate(c *config.Config) (*twilio.Voice, error) {
	const perSecond = 30
	if s.sim == nil {
		s.token = rand.Text()
		s.sim = simtwilio.New(simtwilio.Options{
			Accounts: []simtwilio.Account{{SID: simtwilio.DemoSID, Token: s.token, Numbers: []string{simulatedCaller}, CallsPerSecond: perSecond}},
			People:   phonebook(c), Client: &http.Client{Transport: inProcess{s}},
		})
	}
	return twilio.New(twilio.Config{
		Name: "simulated", Account: simtwilio.DemoSID, Token: s.token, From: []string{simulatedCaller}, CallsPerSecond: perSecond,
		BaseURL: simulatedHost, PublicURL: simulatedHost, Path: simulatedPath, Key: s.key, Transport: s.sim.Transport(),
	})
}

// phonebook names the phones on the simulator's page.
func phonebook(c *config.Config) (people []simtwilio.Person) {
	for _, u := range c.Users() {
		for _, contact := range u.Contacts {
			if contact.Method == oncall.Call {
				people = append(people, simtwilio.Person{Name: u.Name, Number: contact.Address})
			}
		}
	}
	return people
}

// inProcess carries the simulator's callbacks to who answers them.
type inProcess struct{ h http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	return w.Result(), nil
}

// page is the simulator's page, while a stage is simulated.
func (s *stages) page(w http.ResponseWriter, r *http.Request) {
	if s.sim == nil {
		problem.Write(w, r, s.log, errNoPage)
		return
	}
	s.sim.ServeHTTP(w, r)
}

func (s *stages) close() error {
	if s.sim != nil {
		s.sim.Close()
	}
	return nil
}
