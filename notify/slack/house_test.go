package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/incident"
	"toban/internal/due"
	"toban/internal/link"
	"toban/notify"
	"toban/notify/slack"
	"toban/oncall"
	"toban/respond"
	sim "toban/sim/slack"
	"toban/store"
)

const (
	secret = "8f742231b10e8888abcd99yyyzzz85a5"
	token  = "xoxb-test-token-that-is-secret"
	key    = "0123456789abcdef0123456789abcdef"
)

// house is an installation with a workspace, in a bubble.
type house struct {
	*testing.T
	slack  *sim.Server
	nodes  []*node
	alarms *alarms
	plan   *setup
}

// node is one process.
type node struct {
	db   *store.DB
	life *incident.Lifecycle
	f    *slack.Follower
	ws   *slack.Workspace
	d    *notify.Dispatcher
	http http.Handler
	run  func(t *testing.T)
	stop func()
}

type setup struct {
	sim      sim.Options
	settings oncall.Settings
	service  oncall.Service
	more     []store.Object
	options  slack.Options
	channel  string
	clients  http.RoundTripper // nil: the simulator's own
	log      *slog.Logger
	calls    notify.Channel
	zones    map[string]string // of users that have one of their own

	workspaces func(stage oncall.Stage, production *slack.Workspace) *slack.Workspace
}

type set func(s *setup)

type alarms struct {
	mu    sync.Mutex
	keys  []string
	title string
}

func (a *alarms) Raise(_ context.Context, key, title string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys, a.title = append(a.keys, key), title
}

func (a *alarms) raised() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.keys)
}

var people = []sim.User{
	{ID: "U0MATSU", Name: "matsu", Email: "matsu@example.jp"},
	{ID: "U0TAKE", Name: "take", Email: "Take@Example.jp"},
	{ID: "U0UME", Name: "ume", Email: "ume@example.jp"},
	{ID: "U0GUEST", Name: "guest", Email: "guest@example.com"},
}

// inHouse runs f in a bubble with an installation that runs.
func inHouse(t *testing.T, f func(h *house), sets ...set) {
	t.Helper()
	t.Parallel()
	path := filepath.Join(t.TempDir(), "toban.db")
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, []string{"sqlite:" + path}, sets...)
		defer h.close()
		f(h)
	})
}

func newHouse(t *testing.T, dsns []string, sets ...set) *house {
	t.Helper()
	s := &setup{
		channel:  "#alerts",
		settings: oncall.Settings{Language: "ja", Zone: "Asia/Tokyo", ExternalURL: "https://toban.example.jp"},
		service:  oncall.Service{ID: "checkout", Name: "決済", Policy: "main", CatchAll: true},
		log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	s.sim = sim.Options{
		Token: token, SigningSecret: secret, Users: people,
		InteractURL: "http://toban.test/callbacks/slack/interact", EventsURL: "http://toban.test/callbacks/slack/events",
		Channels: []sim.Channel{
			{ID: "C0GENERAL", Name: "general", General: true, Members: []string{"U0MATSU", "U0TAKE", "U0UME", "U0GUEST"}},
			{ID: "C0ALERTS", Name: "alerts", Members: []string{"U0MATSU", "U0TAKE", "U0UME", "U0GUEST"}},
			{ID: "C0INFRA", Name: "infra", Members: []string{"U0MATSU"}},
		},
		Groups: []sim.Group{{ID: "S0INFRA", Handle: "oncall-infra", Name: "On call", Users: []string{"U0UME"}}},
	}
	for _, set := range sets {
		set(s)
	}
	h := &house{T: t, alarms: &alarms{}, plan: s}
	s.sim.Client = &http.Client{Transport: answering{h}}
	h.slack = sim.New(s.sim)
	for i, dsn := range dsns {
		h.nodes = append(h.nodes, h.open(dsn, string(rune('a'+i))))
		if i == 0 {
			h.apply(h.nodes[0].db)
		}
	}
	for _, n := range h.nodes {
		n.run(t)
	}
	return h
}

// open makes a node that does not run yet.
func (h *house) open(dsn, name string) *node {
	h.Helper()
	db, err := store.Open(h.Context(), dsn, store.Options{Node: name})
	if err != nil {
		h.Fatal(err)
	}
	db.Follow(store.TimerChat, func(oncall.Stage) bool { return true })
	n := &node{db: db}
	log := h.plan.log
	n.ws, err = slack.NewWorkspace(slack.Config{
		Token: token, SigningSecret: secret, Channel: h.plan.channel, BaseURL: "http://slack.test", Transport: h.transport(),
	})
	if err != nil {
		h.Fatal(err)
	}
	driver := respond.New(db, log, respond.Options{})
	n.life = incident.New(db, driver, log)
	o := h.plan.options
	o.Actions, o.Alarms, o.Links = n.life, h.alarms, link.NewSigner([]byte(key))
	o.Workspace = func(stage oncall.Stage) *slack.Workspace {
		if h.plan.workspaces != nil {
			return h.plan.workspaces(stage, n.ws)
		}
		return n.ws
	}
	n.f = slack.New(db, log, o)
	n.http = n.f.Handler(oncall.Production, "/callbacks/slack")
	dms := slack.NewChannel(n.ws, o.Links, "https://toban.example.jp")
	n.d = notify.New(db, log, notify.Options{Outcomes: driver, Keys: n.life, Key: []byte(key), Channels: func(_ oncall.Stage, m oncall.Method) notify.Channel {
		switch {
		case m == oncall.Slack:
			return dms
		case m == oncall.Call && h.plan.calls != nil:
			return h.plan.calls
		}
		return nil
	}})
	q := due.New(db, log)
	driver.Register(q)
	n.life.Register(q)
	n.f.Register(q)
	n.d.Register(q)
	n.prepare(q, driver)
	return n
}

func (h *house) transport() http.RoundTripper {
	if h.plan.clients != nil {
		return h.plan.clients
	}
	return h.slack.Transport()
}

// prepare says what runs with the node.
func (n *node) prepare(q *due.Queue, driver *respond.Driver) {
	n.stop = func() {}
	n.run = func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		for _, part := range []func(context.Context) error{q.Run, driver.Run, n.d.Run, n.f.Run} {
			work.Go(func() {
				if err := part(ctx); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		n.stop = sync.OnceFunc(func() { cancel(); work.Wait() })
	}
}

// kill ends a node as a crash does for the store: what it was doing is lost.
func (h *house) kill(n *node) {
	h.Helper()
	n.stop()
	if err := n.db.Close(); err != nil {
		h.Error(err)
	}
	h.nodes = slices.DeleteFunc(h.nodes, func(o *node) bool { return o == n })
}

func (h *house) close() {
	for _, n := range slices.Clone(h.nodes) {
		h.kill(n)
	}
	h.slack.Close()
}

// answering carries the simulator's callbacks to the first node.
type answering struct{ h *house }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if len(a.h.nodes) == 0 {
		return nil, errors.New("nobody is there")
	}
	a.h.nodes[0].http.ServeHTTP(w, r)
	return w.Result(), nil
}

func (h *house) apply(db *store.DB) {
	h.Helper()
	user := func(id, name, slackID string) store.Object {
		u := oncall.User{ID: oncall.UserID(id), Name: name, Email: id + "@example.jp", Language: "ja", Zone: h.plan.zones[id]}
		u.Contacts = []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: "+819000000001", Verified: true}}
		at := []oncall.NotificationRule{{Via: []string{"phone"}}}
		if slackID != "" {
			u.Contacts = append(u.Contacts, oncall.ContactMethod{Name: "slack", Method: oncall.Slack, Address: slackID, Verified: true})
			at[0].Via = []string{"slack", "phone"}
		}
		u.Rules = map[oncall.Urgency][]oncall.NotificationRule{oncall.High: at, oncall.Low: at}
		return object(h, store.ObjectUser, id, u)
	}
	target := func(name string) oncall.Target { return oncall.Target{Kind: oncall.TargetUser, Name: name} }
	objects := []store.Object{
		object(h, store.ObjectSettings, "settings", h.plan.settings),
		user("matsu", "松", "U0MATSU"), user("take", "竹", "take@example.jp"), user("ume", "梅", ""),
		object(h, store.ObjectPolicy, "main", oncall.Policy{
			ID: "main", Name: "main", Rounds: 2, Fallback: target("ume"), AcknowledgementTimeout: 30 * time.Minute,
			Levels: []oncall.Level{
				{Targets: []oncall.Target{target("matsu")}, Strategy: oncall.InOrder, Wait: 5 * time.Minute, OnNoAnswer: oncall.GoNext},
				{Targets: []oncall.Target{target("take")}, Strategy: oncall.InOrder, Wait: 5 * time.Minute, OnNoAnswer: oncall.GoNext},
			},
		}),
		object(h, store.ObjectService, string(h.plan.service.ID), h.plan.service),
	}
	objects = append(objects, h.plan.more...)
	err := db.Tx(h.Context(), func(tx *store.Tx) error {
		_, _, err := tx.Apply(h.Context(), objects)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
}

func object(t testing.TB, kind, name string, v any) store.Object {
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return store.Object{Kind: kind, Name: name, Body: body, File: "house.yaml", Line: 1}
}

// trigger lets an alert fire at the first node and returns its incident.
func (h *house) trigger(name string, change ...func(*oncall.Signal)) oncall.IncidentID {
	h.Helper()
	return h.nodes[0].trigger(h, name, change...)
}

func (n *node) trigger(h *house, name string, change ...func(*oncall.Signal)) oncall.IncidentID {
	h.Helper()
	s := oncall.Signal{Key: name, Severity: oncall.Critical, Title: "エラー率 7% <b> & more " + name}
	for _, c := range change {
		c(&s)
	}
	var dir *oncall.Directory
	n.read(h, func(tx *store.Tx) (err error) {
		dir, err = tx.Directory(h.Context())
		return err
	})
	done, err := n.db.Accept(h.Context(), []store.Acceptance{respond.Opening(dir, dir.Service(h.plan.service.ID), s, "", "", time.Now())})
	if err != nil {
		h.Fatal(err)
	}
	n.touch(h, done[0].Incident)
	return done[0].Incident
}

// touch wakes who follows an incident, as every transaction that changes one
// does.
func (n *node) touch(h *house, id oncall.IncidentID) {
	h.Helper()
	err := n.db.Tx(h.Context(), func(tx *store.Tx) error { return tx.HurryChat(h.Context(), string(id), tx.Now) })
	if err != nil {
		h.Fatal(err)
	}
}

func (n *node) read(h *house, f func(tx *store.Tx) error) {
	h.Helper()
	if err := n.db.Read(h.Context(), f); err != nil {
		h.Fatal(err)
	}
}

func (h *house) incident(id oncall.IncidentID) (inc *oncall.Incident) {
	h.Helper()
	h.nodes[0].read(h, func(tx *store.Tx) (err error) {
		inc, err = tx.IncidentUnlocked(h.Context(), id)
		return err
	})
	return inc
}

// entries are the kinds on an incident's timeline.
func (h *house) entries(id oncall.IncidentID) (kinds []string) {
	h.Helper()
	h.nodes[0].read(h, func(tx *store.Tx) error {
		list, err := tx.Timeline(h.Context(), id, 0, 1000)
		for _, e := range list {
			kinds = append(kinds, strings.TrimSpace(string(e.Kind)+" "+e.Data.Text))
		}
		return err
	})
	return kinds
}

// after lets time pass and everything settle.
func (h *house) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// cards are the messages of a channel that show an incident, without threads.
func (h *house) cards(channel string) (list []sim.Message) {
	for _, m := range h.slack.Messages(channel) {
		if m.Subtype == "" && m.ThreadTS == "" && m.BotID != "" {
			list = append(list, m)
		}
	}
	return list
}

// threads are the replies to a message.
func (h *house) thread(channel, ts string) (texts []string) {
	for _, m := range h.slack.Timeline(channel) {
		if m.ThreadTS == ts && m.TS != ts {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// texts are what a bot has posted in a channel, oldest first, with edits.
func (h *house) texts(channel string) (texts []string) {
	for _, m := range h.cards(channel) {
		texts = append(texts, m.Text)
	}
	return texts
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) acknowledge(id oncall.IncidentID, by oncall.UserID) {
	h.Helper()
	_, err := h.nodes[0].life.Acknowledge(h.Context(), id, by, "web")
	h.must(err)
}

func (h *house) resolve(id oncall.IncidentID, by oncall.UserID) {
	h.Helper()
	_, err := h.nodes[0].life.Resolve(h.Context(), id, by, "web")
	h.must(err)
}

func has(list []string, part string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
}

// own is a service whose incidents get a channel of their own.
func own(when oncall.ChatWhen) set {
	return func(s *setup) { s.service.Chat.PerIncident = when }
}

func (n *node) entriesOf(h *house, id oncall.IncidentID, f func(e oncall.Entry)) {
	h.Helper()
	n.read(h, func(tx *store.Tx) error {
		list, err := tx.Timeline(h.Context(), id, 0, 1000)
		for _, e := range list {
			f(e)
		}
		return err
	})
}
