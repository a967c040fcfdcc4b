package web

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"toban/access"
	"toban/config"
	"toban/config/edit"
	"toban/incident"
	"toban/internal/link"
	"toban/notify"
	"toban/respond"
	"toban/store"
	"toban/store/storetest"
	"toban/web/live"
)

// deskFiles are Maneki Shop: three people, one of them in another zone, a
// schedule with a gap and a service with an integration of its own.
const deskFiles = `
toban: { language: ja, zone: Asia/Tokyo, external_url: "http://toban.example.jp" }
gateway: { stages: { production: { providers: simulated } } }
users:
  matsu: { name: 松, reading: まつ, contacts: { phone: { call: "+819000000001" } } }
  take: { name: 竹, zone: America/New_York, contacts: { phone: { call: "+819000000002" } } }
  ume: { name: 梅, contacts: { phone: { call: "+819000000003" } } }
schedules:
  infra:
    zone: Asia/Tokyo
    layers:
      - { name: 夜間・休日, users: [matsu, take], rotate: { every: 1w, handoff: Mon 09:00, from: 2026-01-05 } }
      - { name: 平日日中, users: [ume], during: [ weekdays 09:00-18:00 ] }
  office:
    zone: Asia/Tokyo
    layers:
      - { users: [ume], during: [ weekdays 09:00-18:00 ] }
policies:
  infra:
    levels:
      - { targets: [ schedule: office ], wait: 5m }
      - { targets: [ schedule: infra, user: take ], strategy: in_order, wait: 10m, each: 2m }
    fallback: { user: ume }
services:
  checkout: { name: 決済, reading: けっさい, policy: infra, match: { product: checkout }, support_hours: { during: [ weekdays 09:00-18:00 ] } }
  other: { name: その他, policy: infra, catch_all: true }
integrations:
  prometheus: { dialect: alertmanager }
  shop: { dialect: generic, service: checkout }
`

// desk is the pages on a store of their own, with an account of each role.
type desk struct {
	t       testing.TB
	db      *store.DB
	keep    *access.Keeper
	web     *Web
	h       http.Handler
	cookies map[access.Role]string
}

// accounts are who has which role; three of them are people of the folder.
func accounts() map[access.Role]string {
	return map[access.Role]string{access.Admin: "matsu", access.Manager: "take", access.Responder: "ume", access.Viewer: "guest"}
}

func newDesk(t testing.TB, db *store.DB, files string) *desk {
	t.Helper()
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	if files != "" {
		apply(t, db, files)
	}
	driver := respond.New(db, log, respond.Options{})
	life := incident.New(db, driver, log)
	d := &desk{t: t, db: db, cookies: map[access.Role]string{}}
	d.keep = access.New(db, log, access.Options{Argon: access.ArgonParams{Memory: 64, Iterations: 1}})
	d.web = New(Options{
		DB: db, Life: life, Respond: driver, Access: d.keep, Hub: live.New(db, log, live.Options{}), Edit: edit.New(edit.Options{DB: db, Log: log}),
		Links: link.NewSigner([]byte("0123456789abcdef0123456789abcdef")), Drill: life, Log: log, Version: "1.2.3",
		External: func() string { return "http://toban.example.jp" },
		Health:   func() []notify.Health { return []notify.Health{{Provider: "twilio", Sent: 3, LastSent: time.Now()}} },
	})
	d.h = d.web.Handler()
	from := netip.MustParseAddr("192.0.2.1")
	secret, _, err := d.keep.SetUp(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const password = "correct horse battery"
	for _, role := range []access.Role{access.Admin, access.Manager, access.Responder, access.Viewer} {
		if role != access.Admin {
			if secret, err = d.keep.Invite(ctx, access.Principal{Account: "matsu", Role: access.Admin}, accounts()[role], role); err != nil {
				t.Fatal(err)
			}
		}
		if d.cookies[role], err = d.keep.Accept(ctx, secret, accounts()[role], password, from, "Mozilla/5.0 (X11; Linux) Firefox/140.0"); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// apply makes files the configuration.
func apply(t testing.TB, db *store.DB, files string) {
	t.Helper()
	c, problems := config.LoadFS(fstest.MapFS{"shop.yaml": {Data: []byte(files)}})
	for _, p := range problems {
		t.Fatalf("configuration: %v", p)
	}
	objects, err := c.Resolved(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, _, err := config.Apply(t.Context(), tx, objects)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// eachDesk runs f on both engines.
func eachDesk(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { f(t, newDesk(t, db, deskFiles)) })
}

// ask sends a request as somebody of that role, "" = nobody.
func (d *desk) ask(role access.Role, method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(d.context(), method, "http://toban.example.jp"+path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("Accept-Language", "ja")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if role != "" {
		r.AddCookie(&http.Cookie{Name: "toban", Value: d.cookies[role]})
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w
}

func (d *desk) context() context.Context { return d.t.Context() }

// get returns a page that has to be there.
func (d *desk) get(role access.Role, path string, headers ...string) string {
	d.t.Helper()
	w := d.ask(role, http.MethodGet, path, nil, headers...)
	if w.Code != http.StatusOK {
		d.t.Fatalf("GET %s as %s: %d\n%s", path, role, w.Code, text(w.Body.String()))
	}
	return w.Body.String()
}

// post sends a form that has to be taken, and returns where it leads.
func (d *desk) post(role access.Role, path string, form url.Values) string {
	d.t.Helper()
	w := d.ask(role, http.MethodPost, path, form)
	if w.Code != http.StatusSeeOther {
		d.t.Fatalf("POST %s as %s: %d\n%s", path, role, w.Code, text(w.Body.String()))
	}
	return w.Header().Get("Location")
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// text is what can be read on a page.
func text(page string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	seen := text(page)
	for _, want := range texts {
		if !strings.Contains(seen, want) {
			t.Errorf("the page does not say %q:\n%s", want, seen)
		}
	}
}
