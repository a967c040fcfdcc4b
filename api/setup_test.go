package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/api"
	"toban/config"
	"toban/config/edit"
	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/standing"
	"toban/incident"
	"toban/internal/problem"
	"toban/respond"
	"toban/store"
	"toban/store/storetest"
)

const folder = `
toban: { zone: Asia/Tokyo, language: en }
users:
  matsu: { name: Matsu, contacts: { phone: { call: "+819000000001" } } }
  take:  { name: Take,  contacts: { phone: { call: "+819000000002" } } }
  ume:   { name: Ume, language: ja, email: ume@example.jp, contacts: { phone: { call: "+819000000003" }, mail: { email: ume@example.jp } } }
schedules:
  infra: { layers: [ { name: week, users: [matsu, take], rotate: { every: 1 week, from: 2026-11-02, handoff: "09:00" } } ] }
policies:
  shop:  { levels: [ { targets: [ schedule: infra ], wait: 5m } ], fallback: { user: ume } }
  other: { levels: [ { targets: [ user: ume ], wait: 5m } ], fallback: { user: matsu } }
services:
  checkout: { name: Checkout, policy: shop, match: { job: checkout } }
  rest:     { policy: other, catch_all: true }
integrations:
  prometheus: { dialect: alertmanager }
`

// installation is a store with a configuration and an account of each role, and
// the API on it.
type installation struct {
	t       *testing.T
	db      *store.DB
	access  *access.Keeper
	options api.Options
	network http.Handler
	local   http.Handler
	tokens  map[string]string // by role
	log     *bytes.Buffer
}

// accounts are an account of each role; that of the admin is no user.
var accounts = map[access.Role]string{
	access.Viewer: "ume", access.Responder: "take", access.Manager: "matsu", access.Admin: "root",
}

func newInstallation(t *testing.T, db *store.DB) *installation {
	t.Helper()
	i := &installation{t: t, db: db, tokens: map[string]string{}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(i.log, nil))
	i.apply(folder)
	i.access = access.New(db, log, access.Options{Argon: access.ArgonParams{Memory: 64, Iterations: 1}})
	driver := respond.New(db, log, respond.Options{})
	monitors := detect.New(detect.Options{DB: db, Log: log})
	if err := monitors.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	beats := heartbeat.New(heartbeat.Options{DB: db, Key: bytes.Repeat([]byte{7}, 32), Log: log})
	i.options = api.Options{
		Monitors: standing.New(standing.Options{DB: db, Probes: monitors, Heartbeats: beats}),
		DB:       db, Life: incident.New(db, driver, log), Respond: driver, Access: i.access, Edit: edit.New(edit.Options{DB: db, Log: log}),
		Cookie: "toban", External: func() string { return "https://toban.example.jp" }, Key: bytes.Repeat([]byte{7}, 32), Account: "operator",
		Log: log, Version: "1.2.3",
	}
	i.restart()
	for role, name := range accounts {
		ctx := t.Context()
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			return tx.SaveAccount(ctx, store.Account{Name: name, Password: "none", Role: string(role)})
		}); err != nil {
			t.Fatal(err)
		}
		secret, _, err := i.access.CreateToken(ctx, access.Principal{Account: name, Role: role}, "test", role, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		i.tokens[string(role)] = secret
	}
	return i
}

// restart makes the API anew, as after a restart.
func (i *installation) restart() {
	a := api.New(i.options)
	i.network, i.local = a.Handler(), a.Local()
}

func objects(t *testing.T, yaml string) []config.Object {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "shop.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := config.Load(dir)
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	list, err := c.Resolved(func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (i *installation) apply(yaml string) {
	i.t.Helper()
	list := objects(i.t, yaml)
	ctx := i.t.Context()
	if err := i.db.Tx(ctx, func(tx *store.Tx) error {
		_, _, err := config.Apply(ctx, tx, list)
		return err
	}); err != nil {
		i.t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code() string {
	var doc problem.Document
	if json.Unmarshal(a.body, &doc) != nil {
		return ""
	}
	return doc.Code
}

// as asks in a role ("" = nobody, "local" = at the socket). headers are pairs.
func (i *installation) as(role, method, path, body string, headers ...string) answer {
	i.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, in)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	h := i.network
	switch role {
	case "":
	case "local":
		h = i.local
	default:
		r.Header.Set("Authorization", "Bearer "+i.tokens[role])
	}
	for n := 0; n+1 < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.Bytes()}
}

// must asks and fails the test when the status is another one.
func (i *installation) must(status int, role, method, path, body string, out any, headers ...string) {
	i.t.Helper()
	got := i.as(role, method, path, body, headers...)
	if got.status != status {
		i.t.Fatalf("%s %s as %q: got %d %s, want %d", method, path, role, got.status, got.body, status)
	}
	if out != nil {
		if err := json.Unmarshal(got.body, out); err != nil {
			i.t.Fatalf("%s %s: %v in %s", method, path, err, got.body)
		}
	}
}

func sqlite(t *testing.T) *installation {
	t.Helper()
	return newInstallation(t, storetest.New(t, "sqlite"))
}

// session logs a new responder in and returns the session's secret.
func (i *installation) session(account string) string {
	i.t.Helper()
	ctx := i.t.Context()
	invite, err := i.access.Invite(ctx, access.Principal{Account: "root", Role: access.Admin}, account, access.Responder)
	if err != nil {
		i.t.Fatal(err)
	}
	secret, err := i.access.Accept(ctx, invite, account, "correct horse battery", netip.MustParseAddr("127.0.0.1"), "test")
	if err != nil {
		i.t.Fatal(err)
	}
	return secret
}

// apiFolder is a folder as the body of an apply.
func apiFolder(t *testing.T, yaml string) string {
	t.Helper()
	var in api.Folder
	for _, o := range objects(t, yaml) {
		in.Objects = append(in.Objects, api.Object{Kind: o.Kind, Name: o.Name, Body: o.Body, File: o.File, Line: o.Line})
	}
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
