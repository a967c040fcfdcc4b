package app

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"toban/config"
	"toban/internal/link"
	"toban/internal/problem"
	"toban/notify"
	"toban/notify/events"
	"toban/notify/push"
	"toban/notify/shadow"
	"toban/notify/slack"
	"toban/notify/twilio"
	"toban/oncall"
	simslack "toban/sim/slack"
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
	chat     *slack.Follower
	push     *push.Channel
	log      *slog.Logger

	now   atomic.Pointer[channels]
	sim   *simtwilio.Server // one for all configurations: its phones go on ringing
	token string

	chats                 *simslack.Server
	chatToken, chatSecret string
}

// channels are those of one configuration.
type channels struct {
	real      map[oncall.Method]notify.Channel
	simulated map[oncall.Method]notify.Channel
	stages    map[oncall.Stage]*oncall.StageConfig
	callbacks map[string]http.Handler // by path prefix
	workspace *slack.Workspace        // the real one; nil = none
	rehearsed *slack.Workspace        // the simulated one
}

// Where the callbacks of the providers come back.
const (
	twilioPath    = "/callbacks/twilio"
	simulatedPath = "/callbacks/simulated"
	slackPath     = "/callbacks/slack"
	chatPath      = "/callbacks/simulated-slack"
)

func (s *stages) channel(stage oncall.Stage, m oncall.Method) notify.Channel {
	c := s.now.Load()
	if c == nil {
		return nil
	}
	known := c.stages[stage]
	switch {
	case known != nil && known.Simulated:
		return c.simulated[m]
	case known != nil || stage == oncall.Production:
		return c.real[m]
	}
	return nil // a stage that nobody knows reaches nobody
}

// workspace is where a stage's incidents are talked about; nil = nowhere.
func (s *stages) workspace(stage oncall.Stage) *slack.Workspace {
	c := s.now.Load()
	if c == nil {
		return nil
	}
	known := c.stages[stage]
	switch {
	case known != nil && known.Simulated:
		return c.rehearsed
	case known != nil || stage == oncall.Production:
		return c.workspace
	}
	return nil
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

// build makes the channels for a directory and its providers. It changes
// nothing; use takes them into use.
func (s *stages) build(dir *oncall.Directory, p config.Providers) (*channels, error) {
	c := &channels{
		real: map[oncall.Method]notify.Channel{}, simulated: map[oncall.Method]notify.Channel{},
		stages: dir.Stages, callbacks: map[string]http.Handler{},
	}
	pager, err := events.New(events.Config{Secret: func(ref string) (string, error) { return config.ResolveRef(ref, s.getenv) }})
	if err != nil {
		return nil, err
	}
	c.real[oncall.Events] = pager
	if t := p.Twilio; t != nil {
		voice, err := realVoice(t, callbackBase(dir.Settings, s.external), s.key, s.getenv)
		if err != nil {
			return nil, err
		}
		c.real[oncall.Call] = voice
		c.callbacks[twilioPath] = voice.Handler(s.notify, s.log)
	}
	c.real[oncall.Push] = s.push
	base := callbackBase(dir.Settings, s.external)
	if t := p.Slack; t != nil {
		if c.workspace, err = realWorkspace(t, s.getenv); err != nil {
			return nil, err
		}
		c.real[oncall.Slack] = slack.NewChannel(c.workspace, link.NewSigner(s.key), base)
		c.callbacks[slackPath] = s.chat.Handler(oncall.Production, slackPath)
	}
	if staged := simulatedStage(dir.Stages); staged != "" {
		if c.rehearsed, err = s.rehearse(dir); err != nil {
			return nil, err
		}
		c.simulated[oncall.Slack] = slack.NewChannel(c.rehearsed, link.NewSigner(s.key), base)
		c.callbacks[chatPath] = s.chat.Handler(staged, chatPath)
	}
	c.simulated[oncall.Push] = shadow.Channel{}
	voice, err := s.simulate(dir)
	if err != nil {
		return nil, err
	}
	c.simulated[oncall.Call] = voice
	c.simulated[oncall.Events] = shadow.Channel{}
	c.callbacks[simulatedPath] = voice.Handler(s.notify, s.log)
	return c, nil
}

func (s *stages) use(c *channels) { s.now.Store(c) }

// talks reports whether incidents of some stage are talked about in a chat.
func (c *channels) talks() bool { return c.workspace != nil || c.rehearsed != nil }

// simulatedStage is the first stage whose providers are the simulators; "" =
// none.
func simulatedStage(stages map[oncall.Stage]*oncall.StageConfig) oncall.Stage {
	for _, name := range slices.Sorted(maps.Keys(stages)) {
		if stages[name].Simulated {
			return name
		}
	}
	return ""
}

func realWorkspace(t *config.Slack, getenv func(string) string) (*slack.Workspace, error) {
	token, err := t.Token.Resolve(getenv)
	if err != nil {
		return nil, fmt.Errorf("providers.slack.token: %w", err)
	}
	secret, err := t.SigningSecret.Resolve(getenv)
	if err != nil {
		return nil, fmt.Errorf("providers.slack.signing_secret: %w", err)
	}
	return slack.NewWorkspace(slack.Config{Token: token, SigningSecret: secret, Channel: t.Channel, BaseURL: t.BaseURL})
}

// callbackBase is the URL under which providers reach this toban.
func callbackBase(s oncall.Settings, external string) string {
	switch {
	case s.PublicURL != "":
		return s.PublicURL
	case s.ExternalURL != "":
		return s.ExternalURL
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
func (s *stages) simulate(dir *oncall.Directory) (*twilio.Voice, error) {
	const perSecond = 30
	if s.sim == nil {
		s.token = rand.Text()
		s.sim = simtwilio.New(simtwilio.Options{
			Accounts: []simtwilio.Account{{SID: simtwilio.DemoSID, Token: s.token, Numbers: []string{simulatedCaller}, CallsPerSecond: perSecond}},
			People:   phonebook(dir), Client: &http.Client{Transport: inProcess{s}},
		})
	}
	return twilio.New(twilio.Config{
		Name: "simulated", Account: simtwilio.DemoSID, Token: s.token, From: []string{simulatedCaller}, CallsPerSecond: perSecond,
		BaseURL: simulatedHost, PublicURL: simulatedHost, Path: simulatedPath, Key: s.key, Transport: s.sim.Transport(),
	})
}

// rehearse is the workspace of the chat simulator in this process, with the
// people of the directory in it.
func (s *stages) rehearse(dir *oncall.Directory) (*slack.Workspace, error) {
	const channel = "rehearsal"
	if s.chats == nil {
		s.chatToken, s.chatSecret = "xoxb-"+rand.Text(), rand.Text()
		s.chats = simslack.New(simslack.Options{
			Token: s.chatToken, SigningSecret: s.chatSecret, Channels: []simslack.Channel{{Name: channel}}, URL: simulatedHost,
			InteractURL: simulatedHost + chatPath + "/interact", EventsURL: simulatedHost + chatPath + "/events", Client: &http.Client{Transport: inProcess{s}},
		})
	}
	furnish(s.chats, dir)
	return slack.NewWorkspace(slack.Config{
		Rehearsal: true,
		Name:      "simulated-slack", Token: s.chatToken, SigningSecret: s.chatSecret, Channel: channel, BaseURL: simulatedHost, Transport: s.chats.Transport(),
	})
}

// channelID is how Slack names a channel that is not called by its name.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)

// furnish gives the simulated workspace everybody and everything that the
// directory names: a rehearsal must not fail for want of a channel.
func furnish(chats *simslack.Server, dir *oncall.Directory) {
	for _, id := range slices.Sorted(maps.Keys(dir.Users)) {
		u := dir.Users[id]
		m := simslack.User{Name: string(id), RealName: u.Name, Email: u.Email}
		for _, c := range u.Contacts {
			if c.Method == oncall.Slack && strings.Contains(c.Address, "@") {
				m.Email = c.Address
			} else if c.Method == oncall.Slack {
				m.ID = c.Address
			}
		}
		chats.AddUser(m)
	}
	open := func(name string) {
		switch name = strings.TrimPrefix(name, "#"); {
		case name == "":
		case channelID.MatchString(name):
			chats.AddChannel(simslack.Channel{ID: name, Name: strings.ToLower(name)})
		default:
			chats.AddChannel(simslack.Channel{Name: name})
		}
	}
	for _, service := range dir.Services {
		open(service.Chat.Channel)
	}
	for _, id := range slices.Sorted(maps.Keys(dir.Schedules)) {
		chat := dir.Schedules[id].Chat
		open(chat.Topic)
		if chat.Group != "" {
			chats.AddGroup(simslack.Group{Handle: chat.Group, Name: chat.Group})
		}
	}
}

// phonebook names the phones on the simulator's page.
func phonebook(dir *oncall.Directory) (people []simtwilio.Person) {
	for _, id := range slices.Sorted(maps.Keys(dir.Users)) {
		u := dir.Users[id]
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

// page is the simulator's, for whoever sits at this machine: it shows phones and
// has their keys.
func (s *stages) page(w http.ResponseWriter, r *http.Request) {
	switch chat := strings.HasPrefix(r.URL.Path, "/sim/slack"); {
	case !local(r), chat && s.chats == nil, s.sim == nil:
		problem.Write(w, r, s.log, errNoPage)
	case chat:
		s.chats.ServeHTTP(w, r)
	default:
		s.sim.ServeHTTP(w, r)
	}
}

// local reports whether the request comes from this machine and was not
// forwarded by a proxy on it.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "" {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func (s *stages) close() error {
	if s.sim != nil {
		s.sim.Close()
	}
	if s.chats != nil {
		s.chats.Close()
	}
	return nil
}
