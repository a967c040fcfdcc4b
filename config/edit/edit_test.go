package edit_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/access"
	"toban/alert/intake"
	"toban/config"
	"toban/config/edit"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

const folder = `
toban: { zone: UTC, language: en }
users:
  matsu: { contacts: { phone: { call: "+819000000001" } } }
  take:  { contacts: { phone: { call: "+819000000002" } } }
  ume:   { email: ume@example.jp, contacts: { phone: { call: "+819000000003" } } }
schedules:
  infra: { layers: [ { name: week, users: [matsu, take], rotate: { every: 1d, from: 2026-11-02, handoff: "09:00" } } ] }
policies:
  shop: { levels: [ { targets: [ schedule: infra ], wait: 5m } ], fallback: { user: ume } }
services:
  checkout: { policy: shop, catch_all: true }
integrations:
  prometheus: { dialect: alertmanager }
  filed: { dialect: alertmanager, key: "env:SENDER_KEY" }
`

const filedKey = "a-key-of-the-folder-0001"

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
	list, err := c.Resolved(func(string) string { return filedKey })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// as is a context in which somebody of that role asks; their account is a user.
func as(t *testing.T, role access.Role) context.Context {
	t.Helper()
	return access.With(t.Context(), access.Principal{Account: "take", User: "take", Role: role, Via: access.ViaAPI})
}

// setup is an editor on a store with the folder.
func setup(t *testing.T, db *store.DB) *edit.Editor {
	t.Helper()
	e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
	if _, err := e.Apply(t.Context(), objects(t, folder)); err != nil { // toban itself
		t.Fatal(err)
	}
	return e
}

func audit(t *testing.T, db *store.DB, kind string) (list []store.AuditEntry) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Audit(t.Context(), store.AuditFilter{Kind: kind, Limit: 1000})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func code(err error) string {
	if e, ok := errors.AsType[*oncall.Error](err); ok {
		return e.Code
	}
	return ""
}

func TestAnOverrideIsMadeSeenAndTakenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e, ctx := setup(t, db), as(t, access.Responder)
		at := time.Now().UTC().Truncate(24 * time.Hour).Add(72*time.Hour + 9*time.Hour)
		want := oncall.Override{Schedule: "infra", User: "ume", From: at, To: at.Add(36 * time.Hour), Reason: "wedding"}
		preview, err := e.PreviewOverride(ctx, want)
		if err != nil {
			t.Fatal(err)
		}
		if len(preview.Before) != 2 || len(preview.After) != 1 || preview.After[0].User != "ume" || !preview.After[0].Override {
			t.Errorf("got %+v, want two shifts that become one", preview)
		}
		var sum time.Duration
		for _, c := range preview.Changes {
			sum += c.After - c.Before
			if c.User == "ume" && (c.Before != 0 || c.After != 36*time.Hour) {
				t.Errorf("got %+v, want 36 hours for ume", c)
			}
		}
		if sum != 0 || len(preview.Changes) != 3 {
			t.Errorf("got %+v, want that what one gains others lose", preview.Changes)
		}
		if got := audit(t, db, "override"); len(got) != 0 {
			t.Errorf("a preview left %+v on the audit log", got)
		}

		made, err := e.CreateOverride(ctx, want)
		if err != nil {
			t.Fatal(err)
		}
		want.ID, want.By = made.ID, "take"
		if diff := cmp.Diff(want, made); diff != "" || made.ID == "" {
			t.Errorf("made (-want +got):\n%s", diff)
		}
		was, err := e.DeleteOverride(ctx, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(made, was); diff != "" {
			t.Errorf("taken back (-want +got):\n%s", diff)
		}
		if _, err := e.DeleteOverride(ctx, made.ID); code(err) != "object.not_found" {
			t.Errorf("taking it back again: got %v, want that there is none", err)
		}
		log := audit(t, db, "override")
		if len(log) != 2 || log[0].Action != "deleted" || log[1].Action != "created" || log[1].Actor != "take" || log[1].Name != made.ID ||
			log[1].Before != nil || !strings.Contains(string(log[1].After), "wedding") || log[0].After != nil || !strings.Contains(string(log[0].Before), "wedding") {
			t.Errorf("got %+v, want who made and who deleted what", log)
		}
	})
}

func TestAnOverrideThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	e, ctx := setup(t, db), as(t, access.Responder)
	now := time.Now()
	good := oncall.Override{Schedule: "infra", User: "ume", From: now, To: now.Add(time.Hour)}
	with := func(change func(o *oncall.Override)) oncall.Override {
		o := good
		change(&o)
		return o
	}
	for _, tc := range []struct {
		name string
		o    oncall.Override
		want string
	}{
		{"no such schedule", with(func(o *oncall.Override) { o.Schedule = "none" }), "object.not_found"},
		{"no such user", with(func(o *oncall.Override) { o.User = "none" }), "object.not_found"},
		{"by nobody", with(func(o *oncall.Override) { o.By = "none" }), "object.not_found"},
		{"no beginning", with(func(o *oncall.Override) { o.From = time.Time{} }), "override.span"},
		{"no end", with(func(o *oncall.Override) { o.To = time.Time{} }), "override.span"},
		{"no length", with(func(o *oncall.Override) { o.To = o.From }), "override.span"},
		{"less than a millisecond", with(func(o *oncall.Override) { o.From = now.Truncate(time.Second); o.To = o.From.Add(time.Microsecond) }), "override.span"},
		{"over", with(func(o *oncall.Override) { o.From, o.To = now.Add(-2*time.Hour), now.Add(-time.Hour) }), "override.span"},
		{"a thousand years", with(func(o *oncall.Override) { o.To = now.AddDate(1000, 0, 0) }), "override.span"},
		{"more than 366 days", with(func(o *oncall.Override) { o.To = now.Add(366*24*time.Hour + time.Second) }), "override.span"},
		{"a long reason", with(func(o *oncall.Override) { o.Reason = strings.Repeat("あ", 400) }), "override.reason"},
		{"a reason that is no text", with(func(o *oncall.Override) { o.Reason = "\xff" }), "override.reason"},
	} {
		if _, err := e.CreateOverride(ctx, tc.o); code(err) != tc.want {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
		if _, err := e.PreviewOverride(ctx, tc.o); code(err) != tc.want {
			t.Errorf("%s, as a preview: got %v, want %s", tc.name, err, tc.want)
		}
	}
	if _, err := e.CreateOverride(ctx, with(func(o *oncall.Override) { o.To = now.Add(366 * 24 * time.Hour) })); err != nil {
		t.Errorf("366 days: %v", err)
	}
}

func TestKeysAreMadeAndRevokedButNotThoseOfAFile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e, ctx := setup(t, db), as(t, access.Manager)
		made, err := e.CreateKey(ctx, "prometheus")
		if err != nil {
			t.Fatal(err)
		}
		if made.Hash != intake.HashKey(made.Secret) || made.Path != "/integrations/alertmanager/"+made.Secret {
			t.Errorf("got %+v, want the path of the sender", made)
		}
		keys, err := e.Keys(ctx, "prometheus")
		if err != nil || len(keys) != 1 || keys[0].Hash != made.Hash {
			t.Errorf("got %+v %v, want the one", keys, err)
		}
		if _, err := e.Keys(ctx, "nothing"); code(err) != "object.not_found" {
			t.Errorf("got %v, want that there is no such integration", err)
		}
		for _, prefix := range []string{"", made.Hash[:5], "zzzzzz"} {
			if _, err := e.RevokeKey(ctx, "prometheus", prefix); code(err) != "object.not_found" {
				t.Errorf("%q: got %v, want that nothing is revoked by so little", prefix, err)
			}
		}
		if _, err := e.RevokeKey(ctx, "filed", made.Hash); code(err) != "object.not_found" {
			t.Errorf("as another one's: got %v, want that it is not there", err)
		}
		revoked, err := e.RevokeKey(ctx, "prometheus", made.Hash[:8])
		if err != nil || revoked.RevokedAt.IsZero() {
			t.Errorf("got %+v %v, want it revoked", revoked, err)
		}
		if _, err := e.RevokeKey(ctx, "prometheus", made.Hash[:8]); code(err) != "key.revoked" {
			t.Errorf("again: got %v, want that it was", err)
		}
		_, err = e.RevokeKey(ctx, "filed", intake.HashKey(filedKey))
		if code(err) != "object.managed_by_file" || !strings.Contains(err.Error(), "shop.yaml:15") {
			t.Errorf("the folder's own: got %v, want where it is written", err)
		}
		log := audit(t, db, "integration_key")
		if len(log) != 2 || log[0].Action != "revoked" || log[1].Action != "created" {
			t.Errorf("got %+v, want both", log)
		}
		for _, entry := range log {
			if strings.Contains(string(entry.After)+string(entry.Before)+entry.Name, made.Secret) {
				t.Error("the key is on the audit log")
			}
		}
	})
}

func TestAFolderIsAppliedWithALineForEachChange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e, ctx := setup(t, db), as(t, access.Admin)
		next := strings.Replace(folder, "matsu: { contacts", "matsu: { name: Matsu, contacts", 1)
		next = strings.Replace(next, "  prometheus: { dialect: alertmanager }\n", "  other: { dialect: alertmanager }\n", 1)
		done, err := e.Apply(ctx, objects(t, next))
		if err != nil {
			t.Fatal(err)
		}
		want := []edit.Changed{{Action: "created", Kind: "integration", Name: "other"}, {Action: "changed", Kind: "user", Name: "matsu"}, {Action: "deleted", Kind: "integration", Name: "prometheus"}}
		if diff := cmp.Diff(want, done.Objects); diff != "" || done.Changed != 3 {
			t.Errorf("changed %d (-want +got):\n%s", done.Changed, diff)
		}
		line := audit(t, db, "user")[0]
		if line.Actor != "take" || line.Name != "matsu" || !strings.Contains(string(line.After), "Matsu") {
			t.Errorf("got %+v, want who changed matsu", line)
		}
		for _, entry := range audit(t, db, "") {
			if said := string(entry.Before) + string(entry.After); strings.Contains(said, "+8190") || strings.Contains(said, "ume@") || strings.Contains(said, filedKey) {
				t.Errorf("an address or a key is on the audit log: %s", said)
			}
		}
		if got := audit(t, db, "configuration"); len(got) != 2 || got[1].Actor != access.Toban {
			t.Errorf("got %+v, want a line for each apply", got)
		}
		out, err := e.Export(ctx)
		if err != nil || out.Version != done.Version {
			t.Fatalf("got version %d %v, want %d", out.Version, err, done.Version)
		}
		for _, o := range out.Objects {
			if o.Kind == "key" || o.Kind == "installation" {
				t.Errorf("%s %s is nobody's to see", o.Kind, o.Name)
			}
		}
		if len(out.Objects) < 9 {
			t.Errorf("got %d objects, want all of the folder", len(out.Objects))
		}
	})
}

func TestAFolderThatTobanCanNotWorkWithChangesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		setup(t, db)
		lines := len(audit(t, db, ""))
		ctx := as(t, access.Admin)
		refusing := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler), Accepts: func(*oncall.Directory, config.Providers) error {
			return errors.New("env:TWILIO_TOKEN is not set")
		}})
		changed := strings.Replace(folder, "matsu: { contacts", "matsu: { name: Matsu, contacts", 1)
		_, err := refusing.Apply(ctx, objects(t, changed))
		if code(err) != "configuration.invalid" || !strings.Contains(err.Error(), "TWILIO_TOKEN") {
			t.Errorf("got %v, want why it can't", err)
		}
		e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
		service := config.Object{Kind: "service", Name: "s", Body: []byte(`{"ID":"s","Policy":"p","CatchAll":true}`)}
		for name, list := range map[string][]config.Object{
			"nothing":              nil,
			"an unknown kind":      {{Kind: "installation", Name: "key", Body: []byte(`{}`)}},
			"no name":              {{Kind: "user", Body: []byte(`{}`)}},
			"no JSON":              {{Kind: "user", Name: "x", Body: []byte(`{`)}},
			"the wrong JSON":       {service, {Kind: "user", Name: "x", Body: []byte(`{"ID":7}`)}},
			"no service":           {{Kind: "user", Name: "x", Body: []byte(`{"ID":"x"}`)}},
			"a bad expression":     {{Kind: "service", Name: "s", Body: []byte(`{"ID":"s","CatchAll":true,"Match":[{"Label":"a","Op":"=~","Value":"("}]}`)}},
			"a policy of nobody's": {service, {Kind: "policy", Name: "p", Body: []byte(`{"ID":"p"}`)}},
			"one name twice":       {service, service},
			"a key of nothing":     {service, {Kind: "key", Name: "abc", Body: []byte(`7`)}},
		} {
			_, err := e.Apply(ctx, list)
			if got := code(err); got == "" {
				t.Errorf("%s: got %v, want a refusal with a code", name, err)
			}
		}
		if got := len(audit(t, db, "")); got != lines {
			t.Errorf("got %d new lines on the audit log, want none", got-lines)
		}
		out, err := e.Export(ctx)
		if err != nil || len(out.Objects) < 9 {
			t.Errorf("got %d objects %v, want the old folder", len(out.Objects), err)
		}
	})
}

func TestEachChangeTakesItsRole(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	e := setup(t, db)
	now := time.Now()
	o := oncall.Override{Schedule: "infra", User: "ume", From: now, To: now.Add(time.Hour)}
	for name, tc := range map[string]struct {
		below access.Role
		do    func(ctx context.Context) error
	}{
		"create an override":  {access.Viewer, func(ctx context.Context) error { _, err := e.CreateOverride(ctx, o); return err }},
		"preview an override": {access.Viewer, func(ctx context.Context) error { _, err := e.PreviewOverride(ctx, o); return err }},
		"delete an override":  {access.Viewer, func(ctx context.Context) error { _, err := e.DeleteOverride(ctx, "x"); return err }},
		"create a key":        {access.Responder, func(ctx context.Context) error { _, err := e.CreateKey(ctx, "prometheus"); return err }},
		"revoke a key":        {access.Responder, func(ctx context.Context) error { _, err := e.RevokeKey(ctx, "prometheus", "abcdef"); return err }},
		"apply":               {access.Manager, func(ctx context.Context) error { _, err := e.Apply(ctx, objects(t, folder)); return err }},
		"export":              {access.Manager, func(ctx context.Context) error { _, err := e.Export(ctx); return err }},
	} {
		if err := tc.do(as(t, tc.below)); code(err) != "access.role" {
			t.Errorf("%s as %s: got %v, want access.role", name, tc.below, err)
		}
	}
}

func TestAddressesAreMasked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		c    oncall.ContactMethod
		want string
	}{
		{oncall.ContactMethod{Method: oncall.Call, Address: "+819000000001"}, "+81 •••• 01"},
		{oncall.ContactMethod{Method: oncall.SMS, Address: "+1555"}, "••••"},
		{oncall.ContactMethod{Method: oncall.Email, Address: "ume@example.jp"}, "u••••@example.jp"},
		{oncall.ContactMethod{Method: oncall.Email, Address: "梅@example.jp"}, "梅••••@example.jp"},
		{oncall.ContactMethod{Method: oncall.Email, Address: "@"}, "••••@"},
		{oncall.ContactMethod{Method: oncall.Slack, Address: "U0123456"}, "U••••56"},
		{oncall.ContactMethod{Method: oncall.Slack, Address: "ume@example.jp"}, "u••••@example.jp"},
		{oncall.ContactMethod{Method: oncall.Push, Address: "devices"}, "devices"},
		{oncall.ContactMethod{Method: oncall.Call}, ""},
	} {
		if got := edit.Masked(tc.c); got != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.c, got, tc.want)
		}
	}
}

func TestNoNewSecretIsReferredToFromAfar(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := setup(t, db)
		next := objects(t, folder+`
pagers:
  old: { url: https://pager.example.jp, routing_key: "file:/etc/hostname" }
`)
		if _, err := e.Apply(as(t, access.Admin), next); code(err) != "configuration.reference" || !strings.Contains(err.Error(), "file:/etc/hostname") {
			t.Errorf("over the network: got %v, want configuration.reference", err)
		}
		local := access.With(t.Context(), access.Principal{Account: "operator", Role: access.Admin, Via: access.ViaCLI})
		if _, err := e.Apply(local, next); err != nil {
			t.Errorf("at the socket: %v", err)
		}
		if _, err := e.Apply(as(t, access.Admin), next); err != nil {
			t.Errorf("again over the network, when it is known: %v", err)
		}
	})
}
