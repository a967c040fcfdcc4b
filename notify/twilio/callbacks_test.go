package twilio_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/id"
	"toban/notify"
	"toban/notify/twilio"
	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
	"toban/store/storetest"
)

const (
	token  = "0123456789abcdef0123456789abcdef"
	public = "https://toban.example.jp/ops"
)

type keys struct {
	mu sync.Mutex
	n  int
}

func (k *keys) Press(context.Context, oncall.DeliveryID, string) (notify.Said, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	return notify.Said{Kind: notify.SaidAcknowledged, Incidents: []notify.SaidIncident{{Number: 7}}}, nil
}

func (k *keys) Outcome(context.Context, *store.Tx, oncall.AttemptID, oncall.Outcome) error {
	return nil
}

// nowhere is the way back of callbacks that nobody waits for.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// desk is a handler with one delivery that is known, and what it logs.
type desk struct {
	t        *testing.T
	handler  http.Handler
	delivery oncall.DeliveryID
	tickets  map[string]url.Values // the queries that the provider was given
	keys     *keys
	log      *bytes.Buffer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	phones := sim.New(sim.Options{Accounts: []sim.Account{{SID: sim.DemoSID, Token: token, Numbers: []string{sim.DemoNumber}}}, Client: &http.Client{Transport: nowhere{}}})
	t.Cleanup(phones.Close)
	voice, err := twilio.New(twilio.Config{
		Account: sim.DemoSID, Token: token, From: []string{sim.DemoNumber}, PublicURL: public, Key: []byte("a key for the tests"), Transport: phones.Transport(),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, delivery: oncall.DeliveryID(id.New(id.Delivery)), tickets: map[string]url.Values{}, keys: &keys{}, log: &bytes.Buffer{}}
	db := storetest.New(t, "sqlite")
	log := slog.New(slog.NewTextHandler(d.log, nil))
	d.handler = voice.Handler(notify.New(db, log, notify.Options{Outcomes: d.keys, Keys: d.keys}), log)
	incident := oncall.IncidentID(id.New(id.Incident))
	ctx := context.Background()
	err = db.Tx(ctx, func(tx *store.Tx) error {
		inc := &oncall.Incident{
			ID: incident, Service: "s", GroupKey: "g", State: oncall.Triggered, Severity: oncall.Critical, Urgency: oncall.High, Title: "t",
			Stage: oncall.Production, Epoch: 1, TriggeredAt: tx.Now,
		}
		if err := tx.InsertIncidents(ctx, []*oncall.Incident{inc}); err != nil {
			return err
		}
		row := store.OutboxRow{ID: oncall.AttemptID(incident + ".1"), Incident: incident, Epoch: 1, Kind: oncall.Call, State: store.OutboxClaimed, DueAt: tx.Now}
		if err := tx.AddOutbox(ctx, row); err != nil {
			return err
		}
		if _, err := tx.InsertDelivery(ctx, store.Delivery{
			ID: d.delivery, Outbox: row.ID, Attempt: 1, Channel: oncall.Call, AddressHash: "h", Provider: "twilio", State: store.DeliveryClaimed, ClaimedAt: tx.Now,
		}); err != nil {
			return err
		}
		return tx.AddTold(ctx, store.Told{Delivery: d.delivery, Incident: incident, Attempt: row.ID, Epoch: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := voice.Send(ctx, notify.Message{Delivery: d.delivery, To: "+819000000001"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range phones.Requests() {
		for _, address := range []string{r.Form.Get("Url"), r.Form.Get("StatusCallback")} {
			u, err := url.Parse(address)
			if err != nil || u.Fragment == "" {
				t.Fatalf("callback %q has no overrides: %v", address, err)
			}
			d.tickets[filepath.Base(u.Path)] = u.Query()
		}
	}
	d.tickets["gather"] = d.tickets["voice"]
	return d
}

// post sends a callback; change may spoil it before it is signed, spoil after.
func (d *desk) post(kind string, form url.Values, change, spoil func(*http.Request)) *httptest.ResponseRecorder {
	d.t.Helper()
	query := d.tickets[kind].Encode()
	r := httptest.NewRequest(http.MethodPost, "/callbacks/twilio/"+kind+"?"+query, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	r.Header.Set("X-Twilio-Signature", sim.Sign(token, public+r.URL.Path+"?"+r.URL.RawQuery, form))
	if spoil != nil {
		spoil(r)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w
}

func call(extra ...string) url.Values {
	form := url.Values{"CallSid": {"CA00000000000000000000000000000001"}, "CallStatus": {"in-progress"}}
	for i := 0; i+1 < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	return form
}

func TestACallbackThatIsNotTheProvidersIsRefusedWithoutEffect(t *testing.T) {
	t.Parallel()
	query := func(change func(url.Values)) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			change(q)
			r.URL.RawQuery = q.Encode()
		}
	}
	for _, tc := range []struct {
		name          string
		change, spoil func(*http.Request)
		form          url.Values
		status        int
		code          string
	}{
		{"good", nil, nil, call("Digits", "1"), 200, ""},
		{"no signature", nil, func(r *http.Request) { r.Header.Del("X-Twilio-Signature") }, call("Digits", "1"), 403, "callback.signature"},
		{"another signature", nil, func(r *http.Request) { r.Header.Set("X-Twilio-Signature", "AAAA") }, call("Digits", "1"), 403, "callback.signature"},
		{"the query changed after signing", nil, query(func(q url.Values) { q.Set("x", "1") }), call("Digits", "1"), 403, "callback.signature"},
		{"the body changed after signing", nil, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(call("Digits", "9").Encode())) }, call("Digits", "1"), 403, "callback.signature"},
		{"signed, but another delivery", query(func(q url.Values) { q.Set("d", id.New(id.Delivery)) }), nil, call("Digits", "1"), 403, "callback.ticket"},
		{"signed, but no ticket", query(func(q url.Values) { q.Del("t") }), nil, call("Digits", "1"), 403, "callback.ticket"},
		{"signed, but a longer life", query(func(q url.Values) { q.Set("e", strconv.FormatInt(time.Now().Add(24*time.Hour).Unix(), 10)) }), nil, call("Digits", "1"), 403, "callback.ticket"},
		{"no call", nil, nil, url.Values{"Digits": {"1"}}, 400, "callback.form"},
		{"too large", nil, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", 65<<10))) }, call(), 413, "callback.too_large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			w := d.post("gather", tc.form, tc.change, tc.spoil)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.code) {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, tc.status, tc.code)
			}
			if effect := d.keys.n > 0; effect != (tc.status == 200) {
				t.Errorf("the key was pressed %d times", d.keys.n)
			}
			if tc.status != 200 && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %q, want a problem document", w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestATicketExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		time.Sleep(time.Hour + time.Second)
		if w := d.post("gather", call("Digits", "1"), nil, nil); w.Code != 403 || d.keys.n != 0 {
			t.Errorf("got %d and %d keys, want 403 and none", w.Code, d.keys.n)
		}
	})
}

func TestTheSameRequestAgainGetsTheSameAnswerAndHasOneEffect(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	idempotent := func(r *http.Request) { r.Header.Set("I-Twilio-Idempotency-Token", "token-1") }
	first := d.post("gather", call("Digits", "1"), idempotent, nil)
	second := d.post("gather", call("Digits", "1"), idempotent, nil)
	if d.keys.n != 1 || first.Body.String() != second.Body.String() || first.Code != 200 {
		t.Errorf("got %d keys and\n%s\n%s, want one key and the same twice", d.keys.n, first.Body, second.Body)
	}
	other := func(r *http.Request) { r.Header.Set("I-Twilio-Idempotency-Token", "token-2") }
	if d.post("gather", call("Digits", "1"), other, nil); d.keys.n != 2 {
		t.Errorf("got %d keys, want 2: it was pressed again", d.keys.n)
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.post("gather", call("Digits", "1", "From", "+819000000001"), nil, func(r *http.Request) { r.Header.Set("X-Twilio-Signature", "wrong") })
	d.post("status", call("CallStatus", "busy", "To", "+819000000001"), nil, nil)
	for _, secret := range []string{token, "+819000000001", d.tickets["voice"].Get("t")} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("the log tells %q:\n%s", secret, d.log)
		}
	}
}

func TestOtherMethodsAndPathsAreNotServed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for target, want := range map[string]int{"/callbacks/twilio/voice": 405, "/callbacks/twilio/other": 404} {
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != want {
			t.Errorf("GET %s: got %d, want %d", target, w.Code, want)
		}
	}
}

func TestTheProviderHasNoComplaintsAboutTheDocuments(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(documents) < 12 {
		t.Fatalf("got %d documents, %v; want at least 12", len(documents), err)
	}
	synctest.Test(t, func(t *testing.T) {
		phones := sim.New(sim.Options{CallsPerSecond: 100, Client: &http.Client{Transport: nowhere{}}})
		defer phones.Close()
		client := &http.Client{Transport: phones.Transport()}
		for i, path := range documents {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			number := "+8190000001" + strconv.Itoa(10+i)
			phones.Phone(number).Next(sim.AnswerAndHangUp(time.Second, 25*time.Second)) // before the gather's time-out asks us
			r, err := http.NewRequest(http.MethodPost, "https://api.twilio.com/2010-04-01/Accounts/"+sim.DemoSID+"/Calls.json",
				strings.NewReader(url.Values{"To": {number}, "From": {sim.DemoNumber}, "Twiml": {string(body)}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(sim.DemoSID, sim.DemoToken)
			res, err := client.Do(r)
			if err != nil || res.StatusCode != http.StatusCreated {
				t.Fatalf("%s: %v %v", path, res, err)
			}
			ended, err := phones.Phone(number).Ended(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(ended.Notes) > 0 || ended.Said() == "" {
				t.Errorf("%s: heard %q with complaints %v", path, ended.Said(), ended.Notes)
			}
		}
	})
}
