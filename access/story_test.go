package access_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

const (
	good  = "correct hamster cell"
	other = "incorrect hamster cell"
)

var (
	home   = netip.MustParseAddr("192.0.2.7")
	abroad = netip.MustParseAddr("203.0.113.66")
)

// keeper is a Keeper whose passwords are cheap.
func keeper(db *store.DB) *access.Keeper {
	return access.New(db, slog.New(slog.DiscardHandler), access.Options{Argon: access.ArgonParams{Memory: 64, Iterations: 1}})
}

// begin sets toban up with the admin ume and returns who she is.
func begin(t *testing.T, k *access.Keeper) (ume access.Principal, session string) {
	t.Helper()
	secret, needed, err := k.SetUp(t.Context())
	if err != nil || !needed {
		t.Fatalf("set-up: needed %v, %v", needed, err)
	}
	session, err = k.Accept(t.Context(), secret, "ume", good, home, "Firefox")
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	return who(t, k, session), session
}

// join makes an account and returns who it is.
func join(t *testing.T, k *access.Keeper, by access.Principal, name string, role access.Role) (p access.Principal, session string) {
	t.Helper()
	secret, err := k.Invite(t.Context(), by, name, role)
	if err != nil {
		t.Fatalf("invite %s: %v", name, err)
	}
	session, err = k.Accept(t.Context(), secret, "", good, home, "Chromium")
	if err != nil {
		t.Fatalf("accept as %s: %v", name, err)
	}
	return who(t, k, session), session
}

func who(t *testing.T, k *access.Keeper, session string) access.Principal {
	t.Helper()
	p, err := k.Session(t.Context(), session)
	if err != nil {
		t.Fatalf("session: %v", err)
	}
	return p
}

// fails checks an error's code; "" = no error.
func fails(t *testing.T, what string, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[*oncall.Error](err); ok && e.Code == code || err == nil && code == "" {
		return
	}
	t.Errorf("%s: got %v, want code %q", what, err, code)
}

func ended(t *testing.T, k *access.Keeper, what, session string) {
	t.Helper()
	_, err := k.Session(t.Context(), session)
	fails(t, what, err, "access.login")
}

func alive(t *testing.T, k *access.Keeper, what, session string) {
	t.Helper()
	_, err := k.Session(t.Context(), session)
	fails(t, what, err, "")
}

func login(k *access.Keeper, name, password string, from netip.Addr) (string, error) {
	return k.Login(context.Background(), name, password, from, "Firefox")
}

// audit is the log as "actor via action kind name", the oldest first.
func audit(t *testing.T, db *store.DB) (lines []string, entries []store.AuditEntry) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		entries, err = tx.Audit(t.Context(), store.AuditFilter{Limit: 1000})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		lines = append(lines, e.Actor+" "+e.Via+" "+e.Action+" "+e.Kind+" "+e.Name)
	}
	return lines, entries
}

// dsns are the addresses of fresh databases, to be opened in a bubble.
func dsns(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, engine := range storetest.Engines() {
		all[engine] = storetest.DSN(t, engine)
	}
	return all
}
