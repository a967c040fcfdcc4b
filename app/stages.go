package app

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"toban/config"
	"toban/internal/link"
	"toban/internal/network"
	"toban/internal/problem"
	"toban/notify"
	"toban/notify/events"
	"toban/notify/push"
	"toban/notify/shadow"
	"toban/notify/slack"
	"toban/notify/twilio"
	"toban/oncall"
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
	sims     *simulators

	now atomic.Pointer[channels]
}

// newStages makes stages without channels: use gives it those. Set its other
// parts before anybody asks for one.
func newStages(key []byte, getenv func(string) string, log *slog.Logger) (*stages, error) {
	s := &stages{key: key, getenv: getenv, log: log}
	var err error
	s.sims, err = newSimulators(key, s)
	return s, err
}

// channels are those of one configuration. Nothing of them changes any more.
type channels struct {
	dir       *oncall.Directory
	real      map[oncall.Method]notify.Channel
	simulated map[oncall.Method]notify.Channel
	callbacks map[string]http.Handler // by path prefix
	workspace *slack.Workspace        // the real one; nil = none
	rehearsed *slack.Workspace        // the simulated one; nil = no stage has it
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
	known := c.dir.Stages[stage]
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
	if c := s.now.Load(); c != nil {
		return c.workspaceOf(stage)
	}
	return nil
}

func (c *channels) workspaceOf(stage oncall.Stage) *slack.Workspace {
	known := c.dir.Stages[stage]
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
// nothing, and many may build at once; use takes them into use. What keeps
// something in mind is taken over from the channels that are in use, where it is
// configured in the same way: a workspace knows what Slack has asked of it.
func (s *stages) build(dir *oncall.Directory, p config.Providers) (*channels, error) {
	c := &channels{
		dir: dir, real: map[oncall.Method]notify.Channel{}, simulated: map[oncall.Method]notify.Channel{}, callbacks: map[string]http.Handler{},
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
		if c.workspace, err = s.realWorkspace(t); err != nil {
			return nil, err
		}
		c.real[oncall.Slack] = slack.NewChannel(c.workspace, link.NewSigner(s.key), base)
		c.callbacks[slackPath] = s.chat.Handler(oncall.Production, slackPath)
	}
	if staged := simulatedStage(dir.Stages); staged != "" {
		c.rehearsed = s.sims.workspace
		c.simulated[oncall.Slack] = slack.NewChannel(c.rehearsed, link.NewSigner(s.key), base)
		c.callbacks[chatPath] = s.chat.Handler(staged, chatPath)
	}
	c.simulated[oncall.Push] = shadow.Channel{}
	c.simulated[oncall.Call] = s.sims.voice
	c.simulated[oncall.Events] = shadow.Channel{}
	c.callbacks[simulatedPath] = s.sims.voice.Handler(s.notify, s.log)
	return c, nil
}

// use takes channels into use.
func (s *stages) use(c *channels) {
	s.sims.furnish(c.dir)
	s.now.Store(c)
	for _, w := range []*slack.Workspace{c.workspace, c.rehearsed} {
		if w != nil {
			w.Forget() // who is new here may be known there by now
		}
	}
	s.chat.Refresh()
}

// healths says how the providers do: those of messages to people, and the
// workspaces, of which that is the lesser part.
func (s *stages) healths() []notify.Health {
	list := s.notify.Healths()
	c := s.now.Load()
	if c == nil {
		return list
	}
	for _, w := range []*slack.Workspace{c.workspace, c.rehearsed} {
		if w == nil {
			continue
		}
		h := w.Health()
		if i := slices.IndexFunc(list, func(other notify.Health) bool { return other.Provider == h.Provider }); i >= 0 {
			h.Undone, h.Looked = list[i].Undone, list[i].Looked // every request has gone through the workspace
			list[i] = h
		} else {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b notify.Health) int { return strings.Compare(a.Provider, b.Provider) })
	return list
}

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

// realWorkspace is the one that is in use when it is configured like that, else
// another one.
func (s *stages) realWorkspace(t *config.Slack) (*slack.Workspace, error) {
	token, err := t.Token.Resolve(s.getenv)
	if err != nil {
		return nil, fmt.Errorf("providers.slack.token: %w", err)
	}
	secret, err := t.SigningSecret.Resolve(s.getenv)
	if err != nil {
		return nil, fmt.Errorf("providers.slack.signing_secret: %w", err)
	}
	want := slack.Config{Token: token, SigningSecret: secret, Channel: t.Channel, BaseURL: t.BaseURL}
	if c := s.now.Load(); c != nil && c.workspace != nil && c.workspace.Is(want) {
		return c.workspace, nil
	}
	return slack.NewWorkspace(want)
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

// page is the simulator's, for whoever sits at this machine: it shows phones and
// has their keys.
func (s *stages) page(w http.ResponseWriter, r *http.Request) {
	c := s.now.Load()
	switch chat := strings.HasPrefix(r.URL.Path, "/sim/slack"); {
	case !local(r), c == nil, chat && c.rehearsed == nil:
		problem.Write(w, r, s.log, errNoPage)
	case chat:
		s.sims.chats.ServeHTTP(w, r)
	default:
		s.sims.phones.ServeHTTP(w, r)
	}
}

// local reports whether the request comes from this machine, by a name that is its
// own, and was not forwarded by a proxy on it.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !network.IsOwnName(r.Host) || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "" {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func (s *stages) close() error {
	s.sims.phones.Close()
	s.sims.chats.Close()
	return nil
}
