package app

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"toban/config"
	"toban/notify"
	"toban/notify/events"
	"toban/notify/shadow"
	"toban/notify/twilio"
	"toban/oncall"
	simtwilio "toban/sim/twilio"
)

// stages holds the channels of each stage: the real providers, or the
// simulators in this very process, so that a rehearsal can't reach anybody.
type stages struct {
	real      map[oncall.Method]notify.Channel
	simulated map[oncall.Method]notify.Channel
	isSim     map[oncall.Stage]bool
	sim       *simtwilio.Server
}

// simulatedPath is where the simulator's callbacks come back.
const simulatedPath = "/callbacks/simulated"

func (s *stages) channel(stage oncall.Stage, m oncall.Method) notify.Channel {
	if s.isSim[stage] {
		return s.simulated[m]
	}
	return s.real[m]
}

func (s *stages) shadow() notify.Channel { return shadow.Channel{} }

// build makes the channels that c configures and returns who answers their
// callbacks, by path.
func (s *stages) build(c *config.Config, base string, key []byte, getenv func(string) string, d *notify.Dispatcher, log *slog.Logger) (map[string]http.Handler, error) {
	handlers := map[string]http.Handler{}
	s.real = map[oncall.Method]notify.Channel{}
	s.simulated = map[oncall.Method]notify.Channel{}
	s.isSim = map[oncall.Stage]bool{}
	if c == nil {
		return handlers, nil
	}
	pager, err := events.New(events.Config{Secret: func(ref string) (string, error) { return config.ResolveRef(ref, getenv) }})
	if err != nil {
		return nil, err
	}
	s.real[oncall.Events] = pager
	if t := c.Providers.Twilio; t != nil {
		voice, err := realVoice(t, base, key, getenv)
		if err != nil {
			return nil, err
		}
		s.real[oncall.Call] = voice
		handlers["/callbacks/twilio/"] = voice.Handler(d, log)
	}
	for _, stage := range c.Stages() {
		s.isSim[stage.Name] = stage.Simulated
	}
	if !s.anySimulated() {
		return handlers, nil
	}
	voice, err := s.simulate(c, key, handlers)
	if err != nil {
		return nil, err
	}
	s.simulated[oncall.Call] = voice
	s.simulated[oncall.Events] = shadow.Channel{}
	handlers[simulatedPath+"/"] = voice.Handler(d, log)
	return handlers, nil
}

func (s *stages) anySimulated() bool {
	for _, sim := range s.isSim {
		if sim {
			return true
		}
	}
	return false
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

// simulate starts the phone simulator and the channel that calls it, with no
// network between them.
func (s *stages) simulate(c *config.Config, key []byte, handlers map[string]http.Handler) (*twilio.Voice, error) {
	const number, host = "+815000000000", "http://simulated.test"
	account := simtwilio.Account{SID: simtwilio.DemoSID, Token: rand.Text(), Numbers: []string{number}, CallsPerSecond: 30}
	s.sim = simtwilio.New(simtwilio.Options{
		Accounts: []simtwilio.Account{account}, People: phonebook(c),
		Client: &http.Client{Transport: inProcess(handlers)},
	})
	return twilio.New(twilio.Config{
		Name: "simulated", Account: account.SID, Token: account.Token, From: account.Numbers, CallsPerSecond: account.CallsPerSecond,
		BaseURL: host, PublicURL: host, Path: simulatedPath, Key: key, Transport: s.sim.Transport(),
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
type inProcess map[string]http.Handler

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	for prefix, h := range p {
		if strings.HasPrefix(r.URL.Path, prefix) {
			h.ServeHTTP(w, r)
			return w.Result(), nil
		}
	}
	http.NotFound(w, r)
	return w.Result(), nil
}

// page is the simulator's page, or nil.
func (s *stages) page() http.Handler {
	if s.sim == nil {
		return nil
	}
	return s.sim
}

func (s *stages) close() error {
	if s.sim != nil {
		s.sim.Close()
	}
	return nil
}
