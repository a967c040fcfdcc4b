package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toban/alert/intake"
	"toban/internal/problem"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// door is an intake with two integrations, and what came through it.
type door struct {
	t        *testing.T
	db       *store.DB
	mux      *http.ServeMux
	own      http.Handler // of the metrics process
	accepted []oncall.Signal
	fail     error
}

func open(t *testing.T) *door {
	t.Helper()
	d := &door{t: t, db: storetest.New(t, "sqlite"), mux: http.NewServeMux()}
	in := intake.New(d.db, func(_ context.Context, s []oncall.Signal) error {
		if d.fail == nil {
			d.accepted = append(d.accepted, s...)
		}
		return d.fail
	}, slog.New(slog.DiscardHandler))
	in.Routes(d.mux)
	in.Alertmanager(d.mux)
	d.own = in.Own()
	err := d.db.Tx(t.Context(), func(tx *store.Tx) error {
		objects := []store.Object{
			integration(t, oncall.Integration{ID: "prom", Dialect: "alertmanager"}),
			integration(t, oncall.Integration{ID: "rules", Dialect: "prometheus"}),
			integration(t, oncall.Integration{ID: "shop", Dialect: "generic", Service: "checkout", Stage: "staging", Rate: 0.001, Burst: 3}),
		}
		if _, _, err := tx.Apply(t.Context(), objects); err != nil {
			return err
		}
		if err := tx.AddKey(t.Context(), intake.HashKey("prom-key"), "prom"); err != nil {
			return err
		}
		if err := tx.AddKey(t.Context(), intake.HashKey("rules-key"), "rules"); err != nil {
			return err
		}
		return tx.AddKey(t.Context(), intake.HashKey("shop-key"), "shop")
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func integration(t *testing.T, in oncall.Integration) store.Object {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return store.Object{Kind: "integration", Name: string(in.ID), Body: body, File: "test.yaml", Line: 1}
}

// post sends body and returns the status and the problem, if it is one.
func (d *door) post(path, contentType string, body io.Reader) (int, problem.Document) {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	var doc problem.Document
	if w.Code >= http.StatusBadRequest {
		if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
			d.t.Errorf("got content type %q for a refusal, want a problem document", got)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Status != w.Code {
			d.t.Errorf("got %s (%v), want a problem document with status %d", w.Body, err, w.Code)
		}
	}
	return w.Code, doc
}

const firing = `{"version":"4","groupKey":"g","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","severity":"critical"},"fingerprint":"f1"}]}`

func TestEveryRefusalHasItsStatusAndNothingIsHalfDone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, path, contentType, body string
		status                        int
		code                          string
	}{
		{"an unknown key", "/integrations/alertmanager/guess", "application/json", firing, 403, "intake.unknown_key"},
		{"a key of another dialect", "/integrations/generic/prom-key", "application/json", firing, 404, "intake.wrong_dialect"},
		{"an unknown dialect", "/integrations/pigeon/prom-key", "application/json", firing, 404, "intake.unknown_dialect"},
		{"broken JSON", "/integrations/alertmanager/prom-key", "application/json", `{"version":`, 400, "intake.invalid"},
		{"a wrong type", "/integrations/alertmanager/prom-key", "application/json", `{"alerts":7}`, 400, "intake.invalid"},
		{"one bad alert of two", "/integrations/alertmanager/prom-key", "application/json", strings.Replace(firing, `"alerts":[`, `"alerts":[{"status":"?","labels":{"a":"b"}},`, 1), 400, "intake.invalid"},
		{"a form", "/integrations/alertmanager/prom-key", "application/x-www-form-urlencoded", "a=b", 400, "intake.content_type"},
		{"too large", "/integrations/alertmanager/prom-key", "application/json", `{"x":"` + strings.Repeat("x", intake.MaxBody) + `"}`, 413, "intake.too_large"},
		{"an array without a mapping", "/integrations/generic/shop-key", "application/json", "[]", 400, "intake.invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			status, doc := d.post(tc.path, tc.contentType, strings.NewReader(tc.body))
			if status != tc.status || doc.Code != tc.code {
				t.Errorf("got %d %s (%s), want %d %s", status, doc.Code, doc.Detail, tc.status, tc.code)
			}
			if len(d.accepted) != 0 {
				t.Errorf("got %d signals accepted, want none", len(d.accepted))
			}
		})
	}
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	t.Parallel()
	d := open(t)
	status, _ := d.post("/integrations/alertmanager/prom-key", "application/json; charset=utf-8", strings.NewReader(strings.Replace(firing, "{", `{"added_in_a_later_version":{"a":[1]},`, 1)))
	if status != http.StatusAccepted || len(d.accepted) != 1 {
		t.Errorf("got %d and %d signals, want 202 and 1", status, len(d.accepted))
	}
}

func TestASignalCarriesItsIntegrationServiceAndStage(t *testing.T) {
	t.Parallel()
	d := open(t)
	if status, doc := d.post("/integrations/generic/shop-key", "application/json", strings.NewReader(`{"key":"a","summary":"b"}`)); status != http.StatusAccepted {
		t.Fatalf("got %d %s, want 202", status, doc.Detail)
	}
	s := d.accepted[0]
	if s.Integration != "shop" || s.Service != "checkout" || s.Stage != "staging" {
		t.Errorf("got %s, %s, %s, want shop, checkout, staging", s.Integration, s.Service, s.Stage)
	}
}

func TestARevokedKeyStopsWorkingWithinASecond(t *testing.T) {
	t.Parallel()
	d := open(t)
	if status, _ := d.post("/integrations/alertmanager/prom-key", "application/json", strings.NewReader(firing)); status != http.StatusAccepted {
		t.Fatalf("got %d, want 202", status)
	}
	err := d.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.RevokeKey(t.Context(), intake.HashKey("prom-key")) })
	if err != nil {
		t.Fatal(err)
	}
	// A fresh intake knows nothing of the key; the one that does forgets it
	// within keysStale, which key_test.go shows in virtual time.
	d.mux = http.NewServeMux()
	intake.New(d.db, nil, slog.New(slog.DiscardHandler)).Routes(d.mux)
	if status, doc := d.post("/integrations/alertmanager/prom-key", "application/json", strings.NewReader(firing)); status != http.StatusForbidden {
		t.Errorf("got %d %s, want 403", status, doc.Code)
	}
}

// Alertmanager gives a notification up on 429 and on any other 4xx, and comes
// back on 503: so that is what it gets for everything that may pass.
func TestWhatMayPassIsAnsweredWithTheStatusThatTheSenderRepeatsOn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		err  error
	}{
		{"overloaded", &oncall.Error{Kind: oncall.Unavailable, Code: "store.overloaded"}},
		{"limited", &oncall.Error{Kind: oncall.Limited, Code: "intake.rate"}},
		{"broken inside", errors.New("disk full")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			d.fail = tc.err
			status, doc := d.post("/integrations/alertmanager/prom-key", "application/json", strings.NewReader(firing))
			if status != http.StatusServiceUnavailable {
				t.Errorf("got %d, want 503", status)
			}
			if strings.Contains(doc.Detail, "disk") {
				t.Errorf("got detail %q, want nothing of what is internal", doc.Detail)
			}
		})
	}
}

func TestASenderOverItsRateIsAskedToComeBack(t *testing.T) {
	t.Parallel()
	d := open(t)
	var statuses []int
	for range 4 {
		status, _ := d.post("/integrations/generic/shop-key", "application/json", strings.NewReader(`{"key":"a"}`))
		statuses = append(statuses, status)
	}
	if statuses[2] != http.StatusAccepted || statuses[3] != http.StatusServiceUnavailable {
		t.Errorf("got %v, want three accepted and the fourth 503", statuses)
	}
}

func TestWhoGuessesKeysIsSlowedDown(t *testing.T) {
	t.Parallel()
	d := open(t)
	last := 0
	for range 30 {
		last, _ = d.post("/integrations/alertmanager/guess", "application/json", strings.NewReader(firing))
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("got %d for the thirtieth guess, want 429", last)
	}
}
