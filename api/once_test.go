package api_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"toban/api"
	"toban/store"
	"toban/store/storetest"
)

const oneIncident = `{"service":"checkout","title":"down"}`

func TestARepeatedRequestGetsTheFirstOnesAnswer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := newInstallation(t, db)
		key := []string{"Idempotency-Key", "one"}
		first := i.as("responder", http.MethodPost, "/api/v1/incidents", oneIncident, key...)
		if first.status != http.StatusCreated {
			t.Fatalf("got %d %s, want 201", first.status, first.body)
		}
		i.restart()
		again := i.as("responder", http.MethodPost, "/api/v1/incidents", oneIncident, key...)
		if again.status != first.status || !bytes.Equal(again.body, first.body) || again.header.Get("Content-Type") != "application/json" {
			t.Errorf("after a restart: got %d %s, want %s", again.status, again.body, first.body)
		}
		if again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
			t.Error("the answers do not say which one is the repetition")
		}
		if got := i.as("responder", http.MethodPost, "/api/v1/incidents", `{"service":"checkout","title":"else"}`, key...); got.status != http.StatusUnprocessableEntity || got.code() != "request.key_reused" {
			t.Errorf("the key with another body: got %d %s, want 422", got.status, got.body)
		}
		if got := i.as("responder", http.MethodPost, "/api/v1/incidents/1/resolve", oneIncident, key...); got.code() != "request.key_reused" {
			t.Errorf("the key with another operation: got %d %s, want 422", got.status, got.body)
		}
		i.must(201, "manager", http.MethodPost, "/api/v1/incidents", oneIncident, nil, key...) // another one's key of that name
		var list api.IncidentList
		i.must(200, "viewer", http.MethodGet, "/api/v1/incidents", "", &list)
		if len(list.Incidents) != 2 {
			t.Errorf("got %d incidents, want 2", len(list.Incidents))
		}
	})
}

func TestARefusalIsKeptWhenItIsFinal(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	const unknown = `{"service":"nothing","title":"x"}`
	first := i.as("responder", http.MethodPost, "/api/v1/incidents", unknown, "Idempotency-Key", "k")
	again := i.as("responder", http.MethodPost, "/api/v1/incidents", unknown, "Idempotency-Key", "k")
	if first.status != 400 || again.status != 400 || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d and %d %v, want the refusal again", first.status, again.status, again.header)
	}
	// What the token may not is asked anew: its role may be another one by then.
	if got := i.as("viewer", http.MethodPost, "/api/v1/incidents", oneIncident, "Idempotency-Key", "k"); got.status != http.StatusForbidden {
		t.Errorf("got %d, want 403", got.status)
	}
	for name, key := range map[string]string{"blank": " ", "long": strings.Repeat("k", 256), "not visible": "a\x01b", "empty": ""} {
		if got := i.as("responder", http.MethodPost, "/api/v1/incidents", oneIncident, "Idempotency-Key", key); got.status != 400 || got.code() != "request.key" {
			t.Errorf("a key that is %s: got %d %s, want 400", name, got.status, got.body)
		}
	}
	i.must(201, "responder", http.MethodPost, "/api/v1/incidents", oneIncident, nil, "Idempotency-Key", strings.Repeat("k", 255))
	if got := i.as("responder", http.MethodPost, "/api/v1/incidents", `{"service":"`+strings.Repeat("x", 1<<20)+`"}`, "Idempotency-Key", "large"); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body with a key: got %d, want 413", got.status)
	}
}

func TestASecretThatIsShownOnceIsNotReadableInTheStore(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	var first, again api.Token
	const body = `{"name":"deploy","role":"viewer"}`
	i.must(201, "admin", http.MethodPost, "/api/v1/tokens", body, &first, "Idempotency-Key", "t")
	i.must(201, "admin", http.MethodPost, "/api/v1/tokens", body, &again, "Idempotency-Key", "t")
	if first.Secret == "" || first.Secret != again.Secret {
		t.Error("the repetition did not get the secret")
	}
	i.options.Key = bytes.Repeat([]byte{8}, 32)
	i.restart() // with another key nothing that was kept can be found or read
	i.must(201, "admin", http.MethodPost, "/api/v1/tokens", body, &again, "Idempotency-Key", "t")
	if again.Secret == first.Secret {
		t.Error("the answer was read without the installation's key")
	}
}

func TestOfManyAtOnceOneIsRun(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		i := newInstallation(t, db)
		answers := make([]answer, 12)
		var all sync.WaitGroup
		for n := range answers {
			all.Go(func() {
				answers[n] = i.as("responder", http.MethodPost, "/api/v1/incidents", oneIncident, "Idempotency-Key", "k")
			})
		}
		all.Wait()
		seen := map[string]int{}
		for _, a := range answers {
			switch a.status {
			case http.StatusCreated:
				seen[string(a.body)]++
			case http.StatusConflict:
				if a.header.Get("Retry-After") == "" || a.code() != "request.under_way" {
					t.Errorf("got %v %s, want when to come back", a.header, a.body)
				}
			default:
				t.Errorf("got %d %s", a.status, a.body)
			}
		}
		if len(seen) != 1 {
			t.Errorf("got %d different answers, want one", len(seen))
		}
		var list api.IncidentList
		i.must(200, "viewer", http.MethodGet, "/api/v1/incidents", "", &list)
		if len(list.Incidents) != 1 {
			t.Errorf("got %d incidents, want 1", len(list.Incidents))
		}
	})
}

func TestAFailureOfOursIsNotKept(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	a := i.as("responder", http.MethodPost, "/api/v1/incidents", oneIncident, "Idempotency-Key", "fine")
	if a.status != 201 {
		t.Fatal(a.status)
	}
	for status, want := range map[int]bool{200: true, 201: true, 204: true, 400: true, 404: true, 409: true, 422: true, 401: false, 403: false, 408: false, 429: false, 500: false, 503: false} {
		if got := api.Final(status); got != want {
			t.Errorf("%d is kept: got %v, want %v", status, got, want)
		}
	}
}

// leaving is a body that takes its reader's client away.
type leaving struct {
	io.Reader
	leave func()
}

func (l leaving) Read(p []byte) (int, error) {
	l.leave()
	return l.Reader.Read(p)
}

func TestAClientThatGoesAwayFindsItsAnswerLater(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/incidents", leaving{strings.NewReader(oneIncident), leave})
	r.Header.Set("Authorization", "Bearer "+i.tokens["responder"])
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "k")
	i.network.ServeHTTP(httptest.NewRecorder(), r)
	got := i.as("responder", http.MethodPost, "/api/v1/incidents", oneIncident, "Idempotency-Key", "k")
	if got.status != http.StatusCreated || got.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("got %d %s, want the answer of the first time", got.status, got.body)
	}
}
