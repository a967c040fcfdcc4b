package gateway_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toban/alert/intake"
	"toban/gateway"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

const event = `{"key":"a","summary":"b"}`

func TestARouteAdmitsOnlyWhomItNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path, from, forwarded, key string
		status                                   int
	}{
		{"S1's own webhook has no key", "POST", "/production/alerts", "127.0.0.1:4000", "", "", 202},
		{"staging shares the definition", "POST", "/staging/alerts", "127.0.0.1:4000", "", "", 202},
		{"from another address", "POST", "/production/alerts", "192.0.2.7:4000", "", "", 403},
		{"IPv4 in IPv6", "POST", "/production/alerts", "[::ffff:127.0.0.1]:4000", "", "", 202},
		{"forwarded from outside by a proxy on this machine", "POST", "/production/alerts", "127.0.0.1:4000", "192.0.2.7", "", 403},
		{"one hop outside is enough", "POST", "/production/alerts", "127.0.0.1:4000", "192.0.2.7, 127.0.0.1", "", 403},
		{"forwarded from this machine", "POST", "/production/alerts", "127.0.0.1:4000", "127.0.0.1", "", 202},
		{"another stage", "POST", "/nowhere/alerts", "127.0.0.1:4000", "", "", 404},
		{"another path", "POST", "/production/alarms", "127.0.0.1:4000", "", "", 404},
		{"another method", "GET", "/production/alerts", "127.0.0.1:4000", "", "", 404},
		{"a key", "POST", "/production/keyed", "192.0.2.7:4000", "", "shop-key", 202},
		{"no key", "POST", "/production/keyed", "127.0.0.1:4000", "", "", 401},
		{"a wrong key", "POST", "/production/keyed", "127.0.0.1:4000", "", "guess", 403},
		{"somebody else's key", "POST", "/production/keyed", "127.0.0.1:4000", "", "other-key", 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var accepted []oncall.Signal
			g := open(t, &accepted)
			r := httptest.NewRequest(tc.method, tc.path, strings.NewReader(event))
			r.RemoteAddr = tc.from
			r.Header.Set("Content-Type", "application/json")
			if tc.forwarded != "" {
				r.Header.Set("X-Forwarded-For", tc.forwarded)
			}
			if tc.key != "" {
				r.Header.Set("X-Api-Key", tc.key)
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Fatalf("got %d %s, want %d", w.Code, w.Body, tc.status)
			}
			if got, want := len(accepted) == 1, tc.status == 202; got != want {
				t.Errorf("got accepted %v, want %v", got, want)
			}
			if len(accepted) == 1 && !strings.HasPrefix(tc.path, "/"+string(accepted[0].Stage)+"/") {
				t.Errorf("got stage %s, want that of the path", accepted[0].Stage)
			}
		})
	}
}

func open(t *testing.T, accepted *[]oncall.Signal) *gateway.Gateway {
	t.Helper()
	db := storetest.New(t, "sqlite")
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		for _, name := range []string{"shop", "other"} {
			body, err := json.Marshal(oncall.Integration{ID: oncall.IntegrationID(name), Dialect: "generic"})
			if err != nil {
				return err
			}
			if err := tx.PutObject(t.Context(), store.Object{Kind: "integration", Name: name, Body: body}); err != nil {
				return err
			}
			if err := tx.AddKey(t.Context(), intake.HashKey(name+"-key"), name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := &oncall.Directory{
		Stages: map[oncall.Stage]*oncall.StageConfig{"production": {Name: "production"}, "staging": {Name: "staging", Simulated: true}},
		Routes: []oncall.Route{
			{Method: "POST", Path: "/alerts", Auth: "none", From: []string{"127.0.0.0/8"}, To: "shop"},
			{Method: "POST", Path: "/keyed", Auth: "key", To: "shop"},
		},
	}
	log := slog.New(slog.DiscardHandler)
	in := intake.New(db, func(_ context.Context, s []oncall.Signal) error { *accepted = append(*accepted, s...); return nil }, log)
	return gateway.New(func(context.Context) (*oncall.Directory, error) { return dir, nil }, in, log)
}

var _ http.Handler = (*gateway.Gateway)(nil)
