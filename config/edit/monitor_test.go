package edit_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/config"
	"toban/config/edit"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestAMonitorIsMadeChangedAndDeletedAtRunTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e, ctx := setup(t, db), as(t, access.Manager)
		made, err := e.PutMonitor(ctx, "shop", []byte("http: https://shop.example.jp\nservice: checkout"))
		if err != nil || made.Target != "https://shop.example.jp" {
			t.Fatalf("got %+v %v", made, err)
		}
		if _, err := e.PutMonitor(ctx, "shop", []byte(`{"http":"https://shop.example.jp/health","every":"1m"}`)); err != nil {
			t.Fatal(err)
		}
		err = db.Read(ctx, func(tx *store.Tx) error {
			all, _, err := tx.Monitors(ctx)
			if len(all) != 1 || all[0].Target != "https://shop.example.jp/health" {
				t.Errorf("got %+v", all)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		was, err := e.DeleteMonitor(ctx, "shop")
		if err != nil || was.ID != "shop" {
			t.Errorf("got %+v %v", was, err)
		}
		if _, err := e.DeleteMonitor(ctx, "shop"); code(err) != "object.not_found" {
			t.Errorf("again: got %v", err)
		}
		log := audit(t, db, "monitor")
		if len(log) != 3 || log[0].Action != "deleted" || log[1].Action != "changed" || log[2].Action != "created" || log[2].Actor != "take" {
			t.Errorf("got %+v, want who did what", log)
		}
	})
}

func TestAMonitorThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	setup(t, db)
	e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler), Watches: func(m *oncall.Monitor) error {
		if m.Name == "unwatchable" {
			return errors.New("json: this is no jq")
		}
		return nil
	}})
	if _, err := e.Apply(t.Context(), objects(t, folder+"monitors: { filed: { ping: router.example.jp, labels: { a: b } }, night: { heartbeat: { period: 1h } } }\n")); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ name, body, code, says string }{
		"a mistake":         {"shop", "http: https://shop.example.jp\nevry: 15s", "monitor.invalid", "unknown key \"evry\"; did you mean every?"},
		"another service":   {"shop", "http: https://shop.example.jp\nservice: x", "monitor.invalid", "no service named"},
		"a condition":       {"shop", "http: https://shop.example.jp\nname: unwatchable", "monitor.invalid", "this is no jq"},
		"a file's":          {"filed", "ping: router.example.jp", "object.managed_by_file", "shop.yaml:16"},
		"another's slug":    {"day", "heartbeat: { period: 1h, slug: night }", "monitor.invalid", "monitor night"},
		"a new secret":      {"shop", "http: https://shop.example.jp\nheaders: { X-Token: file:/etc/passwd }", "configuration.reference", "file:/etc/passwd"},
		"a file by the way": {"shop", "http: https://shop.example.jp\ntls: { ca: /etc/passwd }", "configuration.reference", "file:/etc/passwd"},
		"much":              {"shop", "http: https://shop.example.jp\nbody: " + strings.Repeat("x", 70_000), "monitor.invalid", "64 KiB"},
	} {
		if _, err := e.PutMonitor(as(t, access.Manager), tc.name, []byte(tc.body)); code(err) != tc.code || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v, want %s with %q", name, err, tc.code, tc.says)
		}
	}
	if _, err := e.DeleteMonitor(as(t, access.Manager), "filed"); code(err) != "object.managed_by_file" {
		t.Errorf("got %v, want that a file manages it", err)
	}
	if _, err := e.PutMonitor(as(t, access.Responder), "shop", nil); code(err) != "access.role" {
		t.Errorf("got %v, want that a responder may not", err)
	}
	if _, err := e.DeleteMonitor(as(t, access.Responder), "shop"); code(err) != "access.role" {
		t.Errorf("got %v, want that a responder may not", err)
	}
	for name, o := range map[string]config.Object{
		"no interval":     {Kind: "monitor", Name: "x", Body: []byte(`{"id":"x","kind":"ping","severity":"critical"}`)},
		"two names":       {Kind: "monitor", Name: "x", Body: []byte(`{"id":"y"}`)},
		"no monitor":      {Kind: "monitor", Name: "x", Body: []byte(`[]`)},
		"empty reference": {Kind: "location", Name: "x", Body: []byte(`{"name":"x","references":[null]}`)},
	} {
		if _, err := e.Apply(as(t, access.Admin), append(objects(t, folder), o)); code(err) == "" {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
}

func TestWhatIsWrongWithAMonitorNamesTheMemberOfItsBody(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	setup(t, db)
	e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
	for body, want := range map[string][2]string{
		`{"http":"https://shop.example.jp","expect":{"status":[200,999]}}`: {"/expect/status/1", `a status is written as 200, 2xx or 200-299 and is from 100 to 599, not "999"`},
		`{"dns":{"name":"example.jp","type":"AAA","server":"192.0.2.53"}}`: {"/dns/type", "type: there is no type AAA; did you mean AAAA?"},
		`{"http":"https://shop.example.jp","evry":"15s"}`:                  {"/evry", `unknown key "evry"; did you mean every?`},
		`{"every":"15s"}`: {"/", `monitor "shop" says nothing to watch`},
		`{"http":"https://shop.example.jp","locations":["gone"]}`:                         {"/locations/0", `there is no location named "gone"`},
		`{"http":"https://shop.example.jp","evry":"15s","headers":{"a/b":"x"}}`:           {"/evry", "/headers/a~1b: "},
		`{"module":{"prober":"http","http":{"method":"CONNECT"}},"target":"http://a.jp"}`: {"/module/http/method", "method: CONNECT"},
		`{"http":`: {"/", "line 1, column "},
	} {
		_, err := e.PutMonitor(as(t, access.Manager), "shop", []byte(body))
		got, ok := errors.AsType[*oncall.Error](err)
		if !ok || got.Code != "monitor.invalid" || got.Field != want[0] || !strings.Contains(got.Message, want[1]) || strings.HasPrefix(got.Message, ":") {
			t.Errorf("%s: got %#v, want %s with %q", body, got, want[0], want[1])
		}
	}
}

func TestASecretThatMayNotBeNamedIsNotLookedAt(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	setup(t, db)
	asked := false
	e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler), Watches: func(*oncall.Monitor) error {
		asked = true
		return errors.New("there is no such file") // would tell whether there is one
	}})
	body := "http: https://shop.example.jp\nauth: { bearer: file:/etc/passwd }"
	if _, err := e.PutMonitor(as(t, access.Manager), "shop", []byte(body)); code(err) != "configuration.reference" {
		t.Errorf("got %v, want configuration.reference", err)
	}
	monitor := "monitors: { shop: { http: https://shop.example.jp, auth: { bearer: file:/etc/passwd } } }\n"
	if _, err := e.Apply(as(t, access.Admin), objects(t, folder+monitor)); code(err) != "configuration.reference" {
		t.Errorf("got %v, want configuration.reference", err)
	}
	if asked {
		t.Error("got the file looked at, want the reference refused first")
	}
}

func TestWhetherAMonitorCanBeWatchedHoldsUpNoOtherChange(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	setup(t, db)
	e := edit.New(edit.Options{DB: db, Log: slog.New(slog.DiscardHandler), Watches: func(*oncall.Monitor) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return db.Tx(ctx, func(*store.Tx) error { return nil }) // as an alert that comes meanwhile
	}})
	if _, err := e.PutMonitor(as(t, access.Manager), "shop", []byte("http: https://shop.example.jp")); err != nil {
		t.Errorf("got %v, want the monitor made and the other change, too", err)
	}
}
