package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"toban/config"
	"toban/notify"
	"toban/notify/slack"
	"toban/oncall"
	simslack "toban/sim/slack"
	"toban/store"
)

// newStagesFor makes stages that are connected as in an App.
func newStagesFor(t *testing.T) *stages {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "toban.db"), store.Options{Node: "a"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing was written
	s, err := newStages([]byte("0123456789abcdef0123456789abcdef"), func(name string) string { return name }, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	s.notify = notify.New(db, log, notify.Options{})
	s.chat = slack.New(db, log, slack.Options{Workspace: s.workspace})
	return s
}

func directoryOf(users ...string) *oncall.Directory {
	dir := &oncall.Directory{
		Users:  map[oncall.UserID]*oncall.User{},
		Stages: map[oncall.Stage]*oncall.StageConfig{"staging": {Simulated: true}},
	}
	for i, name := range users {
		dir.Users[oncall.UserID(name)] = &oncall.User{ID: oncall.UserID(name), Name: name, Email: name + "@example.jp", Contacts: []oncall.ContactMethod{
			{Name: "phone", Method: oncall.Call, Address: fmt.Sprintf("+8190000000%02d", i), Verified: true},
		}}
	}
	return dir
}

// slackOf is a workspace; here every variable of the environment holds its name.
func slackOf(t *testing.T, token, base string) config.Providers {
	t.Helper()
	body := fmt.Sprintf(`{"Token":{"Ref":"env:%s"},"SigningSecret":{"Ref":"env:SIGNING"},"Channel":"#alerts","BaseURL":%q}`, token, base)
	p, err := config.ReadProviders([]config.Object{{Kind: config.KindProvider, Name: "slack", Body: []byte(body)}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *stages) configured(t *testing.T, dir *oncall.Directory, p config.Providers) {
	t.Helper()
	c, err := s.build(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	s.use(c)
}

func TestAWorkspaceIsKeptWhileItIsConfiguredInTheSameWay(t *testing.T) {
	t.Parallel()
	s := newStagesFor(t)
	s.configured(t, directoryOf("ann"), slackOf(t, "TOKEN_1", "http://127.0.0.1:1"))
	real, rehearsed := s.workspace(oncall.Production), s.workspace("staging")
	if real == nil || rehearsed == nil {
		t.Fatal("a stage has no workspace")
	}
	s.configured(t, directoryOf("ann", "ben"), slackOf(t, "TOKEN_1", "http://127.0.0.1:1"))
	if s.workspace(oncall.Production) != real || s.workspace("staging") != rehearsed {
		t.Error("another user made other workspaces: what Slack has asked of them is forgotten")
	}
	if _, err := s.build(directoryOf("ann"), slackOf(t, "TOKEN_2", "http://127.0.0.1:1")); err != nil || s.workspace(oncall.Production) != real {
		t.Errorf("building alone has changed something: %v", err)
	}
	s.configured(t, directoryOf("ann"), slackOf(t, "TOKEN_2", "http://127.0.0.1:1"))
	if s.workspace(oncall.Production) == real {
		t.Error("another token is used by the workspace with the old one")
	}
}

func TestWhoComesLaterReachesTheSimulators(t *testing.T) {
	t.Parallel()
	s := newStagesFor(t)
	s.configured(t, directoryOf("ann"), config.Providers{})
	send := func(to string) error {
		_, err := s.channel("staging", oncall.Slack).Send(t.Context(), notify.Message{
			Delivery: "dlv_1", Method: oncall.Slack, To: to + "@example.jp", User: oncall.UserID(to), Incidents: []notify.Incident{{ID: "inc_1", Title: "down"}},
		})
		return err
	}
	if err := send("ben"); err == nil {
		t.Fatal("Ben is reached before anybody knows him")
	}
	if _, err := s.build(directoryOf("ann", "ben"), config.Providers{}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.sims.phones.Phones()); n != 1 || slices.ContainsFunc(s.sims.chats.Users(), func(u simslack.User) bool { return u.Name == "ben" }) {
		t.Error("a configuration that nobody uses has reached the simulators")
	}
	s.configured(t, directoryOf("ann", "ben"), config.Providers{})
	if err := send("ben"); err != nil {
		t.Errorf("Ben is not reached: %v", err)
	}
	if n := len(s.sims.phones.Phones()); n != 2 {
		t.Errorf("the page shows %d phones, want 2", n)
	}
}

func TestManyMayBuildWhileHandlersRead(t *testing.T) {
	t.Parallel()
	s := newStagesFor(t)
	s.configured(t, directoryOf("ann"), slackOf(t, "TOKEN_1", "http://127.0.0.1:1"))
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for n := range 20 {
				if c, err := s.build(directoryOf("ann", fmt.Sprint("user", i, "-", n)), slackOf(t, "TOKEN_1", "http://127.0.0.1:1")); err != nil {
					t.Error(err)
				} else if i == 0 {
					s.use(c)
				}
			}
		})
		work.Go(func() {
			for range 20 {
				r := httptest.NewRequest(http.MethodGet, "/sim/slack", nil)
				r.RemoteAddr, r.Host = "127.0.0.1:4000", "127.0.0.1"
				s.page(httptest.NewRecorder(), r)
				s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, chatPath+"/interact", strings.NewReader("")))
				_, _ = s.channel("staging", oncall.Slack), s.workspace(oncall.Production)
				s.healths()
			}
		})
	}
	work.Wait()
}

func TestTheWorkspacesAreAmongTheProvidersWhoseHealthIsShown(t *testing.T) {
	t.Parallel()
	revoked := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": "token_revoked"}) // the test sees it
	})
	there := httptest.NewServer(revoked)
	defer there.Close()
	s := newStagesFor(t)
	s.configured(t, directoryOf("ann"), slackOf(t, "TOKEN_1", there.URL))
	_, err := s.channel(oncall.Production, oncall.Slack).Send(context.Background(), notify.Message{To: "ann@example.jp"})
	if err == nil {
		t.Fatal("got no error of a token that was revoked")
	}
	var names []string
	for _, h := range s.healths() {
		names = append(names, h.Provider)
		if h.Provider == "slack" && (h.LastCode != "token_revoked" || h.Refused != 1) {
			t.Errorf("got %+v, want the refusal", h)
		}
	}
	if got := strings.Join(names, " "); got != "simulated-slack slack" {
		t.Errorf("got the health of %q, want both workspaces", got)
	}
}
