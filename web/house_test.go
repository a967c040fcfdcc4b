package web_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"toban/access"
	"toban/config"
	"toban/config/edit"
	"toban/incident"
	"toban/internal/due"
	"toban/internal/link"
	"toban/notify/push"
	"toban/oncall"
	"toban/respond"
	"toban/respond/respondtest"
	"toban/store"
	"toban/store/storetest"
	"toban/web"
	"toban/web/live"
)

// folder is the configuration of every house.
const folder = `
toban: { language: ja, zone: Asia/Tokyo, external_url: "http://toban.example.jp", spend: { per_hour: 1000円, per_day: 3000円 } }
users:
  matsu:
    name: 松
    reading: まつ
    email: matsu@example.jp
    language: ja
    contacts: { phone: { call: "+819000000001" }, mail: { email: matsu@example.jp } }
    rules: { high: [ { after: 0s, via: phone }, { after: 2m, via: mail } ], low: [ { after: 0s, via: mail } ] }
  take:
    name: 竹
    email: take@example.jp
    contacts: { phone: { call: "+819000000002" } }
    rules: { high: [ { after: 0s, via: phone } ], low: [ { after: 0s, via: phone } ] }
  ume:
    name: Ume
    email: ume@example.jp
    language: en
    zone: Europe/London
    contacts: { phone: { call: "+819000000003" }, push: { push: devices } }
    rules: { high: [ { after: 0s, via: [push, phone] } ], low: [ { after: 0s, via: push } ] }
schedules:
  infra:
    zone: Asia/Tokyo
    layers: [ { name: 当番, users: [matsu], rotate: { every: 1w, handoff: Mon 09:00, from: 2026-11-23 } } ]
policies:
  infra:
    levels:
      - { targets: [ schedule: infra ], wait: 5m }
      - { targets: [ user: take, user: ume ], strategy: in_order, wait: 10m }
    fallback: { user: ume }
  night:
    levels: [ { targets: [ user: ume ], wait: 5m } ]
    fallback: { user: take }
services:
  checkout: { name: 決済, policy: infra, match: { product: checkout } }
  search: { name: Search, policy: night, match: { product: search } }
  other: { name: その他, policy: infra, catch_all: true }
integrations:
  shop: { dialect: generic }
`

// house is toban behind its pages, with telephones that do as the script says.
type house struct {
	t      testing.TB
	db     *store.DB
	life   *incident.Lifecycle
	driver *respond.Driver
	access *access.Keeper
	hub    *live.Hub
	links  link.Signer
	edit   *edit.Editor
	web    *web.Web
	server *httptest.Server
	public *httptest.Server
	base   string // prefix of the external URL

	mu     sync.Mutex
	script func(store.OutboxRow) respondtest.Answer
}

// newHouse opens a house on an engine; more is added to the folder.
func newHouse(t testing.TB, engine, prefix string) *house {
	t.Helper()
	h := &house{t: t, db: storetest.New(t, engine), base: prefix}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	c, problems := config.LoadFS(fstest.MapFS{"toban.yaml": {Data: []byte(folder)}})
	if c == nil {
		t.Fatalf("configuration: %v", problems)
	}
	err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, _, err := config.Apply(t.Context(), tx, c.Objects())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	key := []byte("0123456789abcdef0123456789abcdef")
	h.driver = respond.New(h.db, log, respond.Options{})
	h.life = incident.New(h.db, h.driver, log)
	h.access = access.New(h.db, log, access.Options{Argon: access.ArgonParams{Memory: 64, Iterations: 1}})
	h.hub = live.New(h.db, log, live.Options{})
	h.links = link.NewSigner(key)
	channel, err := push.New(push.Config{DB: h.db, Key: key, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	queue := due.New(h.db, log)
	ctx, cancel := context.WithCancel(t.Context())
	phones := respondtest.New(h.db, h.driver, h.answer, func(err error) {
		if ctx.Err() == nil { // else the house was left in the middle of a call
			t.Errorf("phones: %v", err)
		}
	})
	h.driver.Register(queue)
	h.life.Register(queue)
	phones.Register(ctx, queue)
	var work sync.WaitGroup
	work.Go(func() { _ = queue.Run(ctx) })
	work.Go(func() { _ = h.hub.Run(ctx) })
	h.edit = edit.New(edit.Options{DB: h.db, Log: log})
	h.web = web.New(web.Options{
		DB: h.db, Life: h.life, Respond: h.driver, Access: h.access, Hub: h.hub, Edit: h.edit,
		Links: h.links, Push: channel, External: func() string { return "http://toban.example.jp" + prefix }, Log: log, Version: "test",
	})
	h.server = httptest.NewServer(http.StripPrefix(prefix, h.web.Handler()))
	h.public = httptest.NewServer(http.StripPrefix(prefix, h.web.Signed()))
	t.Cleanup(func() {
		cancel()
		work.Wait()
		phones.Wait()
		h.server.Close()
		h.public.Close()
	})
	return h
}

func (h *house) answer(row store.OutboxRow) respondtest.Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.script == nil {
		return respondtest.Answer{Never: true}
	}
	return h.script(row)
}

// each runs f on both engines.
func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f(t, newHouse(t, engine, ""))
		})
	}
}

const password = "correct-horse-battery"

// account makes an account, so that it has a password, and returns its session.
func (h *house) account(name string, role access.Role) (session string) {
	h.t.Helper()
	ctx := access.With(h.t.Context(), access.Principal{Account: "root", Role: access.Admin, Via: access.ViaCLI})
	root, _ := access.From(ctx)
	secret, err := h.access.Invite(ctx, root, name, role)
	if err != nil {
		h.t.Fatal(err)
	}
	session, err = h.access.Accept(h.t.Context(), secret, name, password, netip.MustParseAddr("192.0.2.1"), "test")
	if err != nil {
		h.t.Fatal(err)
	}
	return session
}

// browser is a client of the pages with a session, or none.
type browser struct {
	h      *house
	client *http.Client
	lang   string
	at     string // base URL
}

// browser returns a browser in which an account of that role is signed in; role
// "" signs nobody in.
func (h *house) browser(name string, role access.Role) *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	b := &browser{h: h, lang: "en", at: h.server.URL + h.base, client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: 20 * time.Second,
	}}
	if role != "" {
		at, err := url.Parse(h.server.URL)
		if err != nil {
			h.t.Fatal(err)
		}
		jar.SetCookies(at, []*http.Cookie{{Name: "toban", Value: h.account(name, role), Path: "/"}})
	}
	return b
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do asks for something; form nil sends no body.
func (b *browser) do(method, path string, form url.Values, header ...string) answer {
	b.h.t.Helper()
	if form == nil {
		return b.send(method, path, "", header...)
	}
	return b.send(method, path, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, header...)...)
}

func (b *browser) send(method, path, body string, header ...string) answer {
	b.h.t.Helper()
	r, err := http.NewRequestWithContext(b.h.t.Context(), method, b.at+path, strings.NewReader(body))
	if err != nil {
		b.h.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", b.lang)
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		b.h.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func (b *browser) get(path string, header ...string) answer {
	b.h.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *browser) post(path string, pairs ...string) answer {
	b.h.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

// page gets a page that has to be there.
func (b *browser) page(path string) string {
	b.h.t.Helper()
	got := b.get(path)
	if got.status != http.StatusOK {
		b.h.t.Fatalf("GET %s = %d, want 200\n%s", path, got.status, got.body)
	}
	return got.body
}

// open opens an incident of a service.
func (h *house) open(service oncall.ServiceID, title string, severity oncall.Severity) *oncall.Incident {
	h.t.Helper()
	inc, err := h.life.Create(h.t.Context(), incident.ByHand{Service: service, Title: title, Severity: severity, By: "take", Via: "cli"})
	if err != nil {
		h.t.Fatal(err)
	}
	return inc
}

func (h *house) incident(id oncall.IncidentID) (inc *oncall.Incident) {
	h.t.Helper()
	err := h.db.Read(h.t.Context(), func(tx *store.Tx) (err error) {
		inc, err = tx.IncidentUnlocked(h.t.Context(), id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return inc
}

// token is a signed link's; user "" is a channel's.
func (h *house) token(id oncall.IncidentID, user oncall.UserID, expires time.Time) string {
	return h.links.Make(link.Link{Incident: id, User: user, Expires: cmp.Or(expires, time.Now().Add(link.Lifetime))})
}

// has fails unless the page says all of it.
func has(t testing.TB, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, text(page))
		}
	}
}

// hasNot fails if the page says any of it.
func hasNot(t testing.TB, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if strings.Contains(page, want) {
			t.Errorf("the page says %q", want)
		}
	}
}

var (
	tags   = regexp.MustCompile(`(?s)<head>.*?</head>|<dialog.*?</dialog>|<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// text is a page without its tags, for the text of a failure.
func text(page string) string { return spaces.ReplaceAllString(tags.ReplaceAllString(page, " "), " ") }

// zero is the usual expiry of a link.
var zero time.Time

func number(inc *oncall.Incident) string { return strconv.FormatInt(inc.Number, 10) }
