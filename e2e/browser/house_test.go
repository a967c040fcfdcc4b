package browser_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/api"
	"toban/e2e/harness"
	"toban/internal/link"
	"toban/oncall"
	simslack "toban/sim/slack"
	simtwilio "toban/sim/twilio"
)

const (
	account  = "AC0123456789abcdef0123456789abcdef"
	secret   = "0123456789abcdef0123456789abcdef"
	caller   = "+815000000000"
	hookKey  = "integration-key-of-the-browser-tests"
	jobsKey  = "key-of-the-jobs-of-the-browser-tests"
	password = "correct horse battery"
	// installationKey is the secret of all installations here.
	installationKey = "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
)

// house is a whole installation of Maneki Shop: toban with simulated phones and
// a simulated chat.
type house struct {
	t      *testing.T
	toban  *harness.Toban
	phones *simtwilio.Server
	chat   *simslack.Server
	sims   string // address of both
	admin  *person
}

// newHouse starts an installation with the configuration that yaml makes of the
// address of its providers, and gives it a first account.
func newHouse(t *testing.T, yaml func(providers string) string) *house {
	t.Helper()
	turn(t) // first: what is started here does not wait
	h := &house{t: t}
	h.provide()
	h.toban = harness.New(t, "sqlite", func(listen string) string {
		return fmt.Sprintf("toban: { external_url: %q, zone: Asia/Tokyo, language: ja }\n", "http://"+listen) + yaml(h.sims)
	})
	h.toban.Env = append(h.toban.Env, "TOBAN_KEY="+installationKey, "E2E_TOKEN="+secret, "E2E_HOOK="+hookKey, "E2E_JOBS="+jobsKey,
		"E2E_CHAT="+simslack.DemoToken, "E2E_SIGNING="+simslack.DemoSigningSecret)
	h.chat.SetCallbacks(h.toban.URL+"/callbacks/slack/interact", h.toban.URL+"/callbacks/slack/events")
	h.toban.Start()
	return h
}

// provide starts the simulators. Nobody picks up by himself.
func (h *house) provide() {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		h.t.Fatal(err)
	}
	h.phones = simtwilio.New(simtwilio.Options{
		Accounts: []simtwilio.Account{{SID: account, Token: secret, Numbers: []string{caller}}}, CallsPerSecond: 60, Zone: tokyo,
		People: []simtwilio.Person{{Name: "松", Number: number(1)}, {Name: "竹", Number: number(2)}, {Name: "梅", Number: number(3)}},
	})
	h.t.Cleanup(h.phones.Close)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	h.t.Cleanup(server.Close)
	h.sims = server.URL
	h.chat = simslack.New(simslack.Options{
		URL: server.URL, Zone: tokyo, Channels: []simslack.Channel{{ID: "C0ALERTS", Name: "alerts"}},
		Users: []simslack.User{
			{ID: "U0MATSU", Name: "matsu", RealName: "松", Email: "matsu@example.jp"},
			{ID: "U0TAKE", Name: "take", RealName: "竹", Email: "take@example.jp"},
			{ID: "U0UME", Name: "ume", RealName: "梅", Email: "ume@example.jp"},
		},
	})
	h.t.Cleanup(h.chat.Close)
	mux.Handle("/sim/slack/", h.chat)
	mux.Handle("/api/", h.chat)
	mux.Handle("/", h.phones)
}

// number is the n-th telephone number of the tests.
func number(n int) string { return fmt.Sprintf("+8190000000%02d", n) }

// ---- accounts

// person is somebody with an account, or nobody, at a program that is no browser.
type person struct {
	h      *house
	cookie string // the session's; "" = nobody
	client *http.Client
}

// stranger is somebody without an account.
func (h *house) stranger() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &person{h: h, client: &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

var setUpLink = regexp.MustCompile(`http://\S+(/setup/\S+)`)

// setUp is the path of the one-time link that the first start prints.
func (h *house) setUp() string {
	h.t.Helper()
	path := ""
	harness.Wait(h.t, patience, "the set-up link in the log", func(context.Context) (bool, error) {
		path = linkIn(h.toban.Log())
		return path != "", nil
	})
	return path
}

// linkIn is the path of the set-up link in what toban has said, "" without one.
func linkIn(log string) string {
	if found := setUpLink.FindStringSubmatch(log); found != nil {
		return found[1]
	}
	return ""
}

// owner is Ume, who made the first account.
func (h *house) owner() *person {
	h.t.Helper()
	if h.admin == nil {
		h.admin = h.join(h.setUp(), "ume")
	}
	return h.admin
}

// member is somebody whom the owner has invited.
func (h *house) member(name string, role access.Role) *person {
	h.t.Helper()
	page := h.owner().post("/settings/people", "account", name, "role", string(role))
	found := regexp.MustCompile(`http://[^"<\s]+(/invite/[^"<\s]+)`).FindStringSubmatch(page.body)
	if found == nil {
		h.t.Fatalf("no link in the page of an invitation: %d\n%s", page.status, page.body)
	}
	return h.join(found[1], name)
}

// join makes an account by a one-time link.
func (h *house) join(path, name string) *person {
	h.t.Helper()
	p := h.stranger()
	if got := p.post(path, "account", name, "password", password, "again", password); got.status != http.StatusSeeOther {
		h.t.Fatalf("POST %s = %d, want the account\n%s", path, got.status, got.body)
	}
	at, err := url.Parse(h.toban.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range p.client.Jar.Cookies(at) {
		if c.Name == "toban" {
			p.cookie = c.Value
		}
	}
	return p
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a form as a page of the installation does.
func (p *person) post(path string, pairs ...string) answer {
	p.h.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, p.h.toban.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.send(r)
}

func (p *person) send(r *http.Request) answer {
	p.h.t.Helper()
	res, err := p.client.Do(r)
	if err != nil {
		p.h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		p.h.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// at opens a tab in which somebody is signed in.
func (p *person) at(t *testing.T, screen size) *tab {
	t.Helper()
	b := open(t, p.h.toban.URL, screen)
	if p.cookie != "" {
		b.cookie("toban", p.cookie)
	}
	return b
}

// ---- incidents

// event posts one event of the generic dialect.
func (h *house) event(key, action, severity, summary string, labels map[string]string) {
	h.t.Helper()
	body, err := json.Marshal(map[string]any{"key": key, "action": action, "severity": severity, "summary": summary, "labels": labels})
	if err != nil {
		h.t.Fatal(err)
	}
	res, err := http.Post(h.toban.URL+"/integrations/generic/"+hookKey, "application/json", bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		said, _ := io.ReadAll(res.Body) // only for the text
		h.t.Fatalf("event %s: %s: %s", key, res.Status, said)
	}
}

// incident breaks something and returns the incident of it.
func (h *house) incident(key, severity, summary, product string) api.Incident {
	h.t.Helper()
	h.event(key, "trigger", severity, summary, map[string]string{"product": product, "host": key + ".example.jp"})
	all, err := h.toban.Incidents(h.t.Context(), "all")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, inc := range all {
		if inc.Title == summary {
			return inc
		}
	}
	h.t.Fatalf("no incident %q among %d", summary, len(all))
	return api.Incident{}
}

// state is an incident's state now.
func (h *house) state(inc api.Incident) (state, holder string) {
	h.t.Helper()
	all, err := h.toban.Incidents(h.t.Context(), "all")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, each := range all {
		if each.ID == inc.ID {
			return each.State, each.AcknowledgedBy
		}
	}
	h.t.Fatalf("no incident %s", inc.ID)
	return "", ""
}

// signed is the path of a signed link to an incident.
func (h *house) signed(inc api.Incident, user oncall.UserID, expires time.Time) string {
	h.t.Helper()
	key, err := hex.DecodeString(installationKey)
	if err != nil {
		h.t.Fatal(err)
	}
	return link.Path(link.NewSigner(key).Make(link.Link{Incident: oncall.IncidentID(inc.ID), User: user, Expires: expires}))
}

func pathOf(inc api.Incident) string { return "/incidents/" + strconv.FormatInt(inc.Number, 10) }
