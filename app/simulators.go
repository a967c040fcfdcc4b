package app

import (
	"crypto/rand"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"

	"toban/notify/slack"
	"toban/notify/twilio"
	"toban/oncall"
	simslack "toban/sim/slack"
	simtwilio "toban/sim/twilio"
)

// simulators are the providers in this process, with what speaks to them. They
// are made once, whatever the configuration says: phones go on ringing, and what
// was posted stays. Their secrets are made anew for each process and known to
// nobody else.
type simulators struct {
	phones    *simtwilio.Server
	voice     *twilio.Voice
	chats     *simslack.Server
	workspace *slack.Workspace

	furnishing sync.Mutex
}

const (
	simulatedCaller = "+815000000000"
	simulatedHost   = "http://simulated.test"
)

// newSimulators makes them; back answers what they send.
func newSimulators(key []byte, back http.Handler) (s *simulators, err error) {
	const perSecond, channel = 30, "rehearsal"
	s = &simulators{}
	client := &http.Client{Transport: inProcess{back}}
	token := rand.Text()
	s.phones = simtwilio.New(simtwilio.Options{
		Accounts: []simtwilio.Account{{SID: simtwilio.DemoSID, Token: token, Numbers: []string{simulatedCaller}, CallsPerSecond: perSecond}},
		Client:   client,
	})
	s.voice, err = twilio.New(twilio.Config{
		Name: "simulated", Account: simtwilio.DemoSID, Token: token, From: []string{simulatedCaller}, CallsPerSecond: perSecond,
		BaseURL: simulatedHost, PublicURL: simulatedHost, Path: simulatedPath, Key: key, Transport: s.phones.Transport(),
	})
	if err != nil {
		return nil, err
	}
	bot, secret := "xoxb-"+rand.Text(), rand.Text()
	s.chats = simslack.New(simslack.Options{
		Token: bot, SigningSecret: secret, Channels: []simslack.Channel{{Name: channel}}, URL: simulatedHost,
		InteractURL: simulatedHost + chatPath + "/interact", EventsURL: simulatedHost + chatPath + "/events", Client: client,
	})
	s.workspace, err = slack.NewWorkspace(slack.Config{
		Rehearsal: true,
		Name:      "simulated-slack", Token: bot, SigningSecret: secret, Channel: channel, BaseURL: simulatedHost, Transport: s.chats.Transport(),
	})
	return s, err
}

// furnish lets the simulators know whom and what the directory names. Who came
// before stays: a phone may be ringing.
func (s *simulators) furnish(dir *oncall.Directory) {
	s.furnishing.Lock()
	defer s.furnishing.Unlock()
	phonebook(s.phones, dir)
	chatroom(s.chats, dir)
}

// channelID is how Slack names a channel that is not called by its name.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)

// chatroom gives the simulated workspace everybody and everything that the
// directory names: a rehearsal must not fail for want of a channel.
func chatroom(chats *simslack.Server, dir *oncall.Directory) {
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
func phonebook(phones *simtwilio.Server, dir *oncall.Directory) {
	for _, id := range slices.Sorted(maps.Keys(dir.Users)) {
		u := dir.Users[id]
		for _, contact := range u.Contacts {
			if contact.Method == oncall.Call {
				phones.AddPerson(simtwilio.Person{Name: u.Name, Number: contact.Address})
			}
		}
	}
}

// inProcess carries the simulator's callbacks to who answers them.
type inProcess struct{ h http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	return w.Result(), nil
}
