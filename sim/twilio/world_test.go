package twilio_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
	"go.uber.org/goleak"

	"toban/sim/twilio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sid   = "AC0123456789abcdef0123456789abcdef"
	token = "0123456789abcdef0123456789abcdef"
	own   = "+815000000001"
	matsu = "+819000000001"
	take  = "+819000000002"
	base  = "https://toban.example.jp"
)

// hit is one callback that the application got.
type hit struct {
	at     time.Time
	method string
	path   string
	form   url.Values
	signed bool // the vendor's own validator accepts it
	token  string
}

// app is the application that is called back: a menu, and a log.
type app struct {
	mu      sync.Mutex
	hits    []hit
	replies map[string]http.HandlerFunc // by path, before the usual ones
}

const menu = `<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Gather input="dtmf" numDigits="1" timeout="8" actionOnEmptyResult="true" action="/gather?attempt=01J8&amp;lang=ja">
    <Say language="ja-JP" voice="Polly.Takumi-Neural">トウバンです。緊急。決済が応答していません。<break time="300ms"/>対応する場合は 1 を押してください。</Say>
    <Pause length="1"/>
  </Gather>
  <Hangup/>
</Response>`

const thanks = `<Response><Say language="ja-JP">対応中にしました。</Say><Hangup/></Response>`

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	validator := client.NewRequestValidator(token)
	form, _ := url.ParseQuery(string(body))
	address, signature := base+r.URL.RequestURI(), r.Header.Get("X-Twilio-Signature")
	signed := validator.ValidateBody(address, body, signature)
	if r.Method == http.MethodGet {
		form = r.URL.Query()
		signed = validator.Validate(address, nil, signature)
	}
	a.mu.Lock()
	a.hits = append(a.hits, hit{time.Now(), r.Method, r.URL.Path, form, signed, r.Header.Get("I-Twilio-Idempotency-Token")})
	reply := a.replies[r.URL.Path]
	a.mu.Unlock()
	switch {
	case reply != nil:
		reply(w, r)
	case r.URL.Path == "/menu":
		say(menu)(w, r)
	case r.URL.Path == "/gather":
		say(thanks)(w, r)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func say(twiml string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, twiml)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// got returns what arrived at a path.
func (a *app) got(path string) []hit {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []hit
	for _, h := range a.hits {
		if h.path == path {
			out = append(out, h)
		}
	}
	return out
}

// statuses are the CallStatus values as they arrived.
func (a *app) statuses() string {
	var out []string
	for _, h := range a.got("/status") {
		out = append(out, h.form.Get("CallStatus"))
	}
	return strings.Join(out, " ")
}

func (a *app) reply(path string, h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.replies == nil {
		a.replies = map[string]http.HandlerFunc{}
	}
	a.replies[path] = h
}

// RoundTrip lets the app be reached without a network.
func (a *app) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// world is a provider, its client as the vendor wrote it, and an application.
type world struct {
	*twilio.Server
	app *app
	api *api.ApiService
}

func newWorld(t *testing.T, change ...func(*twilio.Options)) *world {
	t.Helper()
	a := &app{}
	o := twilio.Options{
		Accounts: []twilio.Account{{
			SID: sid, Token: token, OldToken: "oldoldold", Numbers: []string{own},
			Keys: map[string]string{"SK01": "secret"},
		}},
		People:         []twilio.Person{{Name: "松", Number: matsu}, {Name: "竹", Number: take}},
		CallsPerSecond: 1000,
		DialTime:       -1,
		Client:         &http.Client{Transport: a},
	}
	for _, c := range change {
		c(&o)
	}
	s := twilio.New(o)
	t.Cleanup(s.Close)
	return &world{Server: s, app: a, api: vendor(s, sid, token)}
}

// vendor is twilio-go on top of the server's transport.
func vendor(s *twilio.Server, user, password string) *api.ApiService {
	c := &client.Client{Credentials: client.NewCredentials(user, password), HTTPClient: &http.Client{Transport: impatient{s.Transport()}}}
	c.SetAccountSid(sid)
	return sdk.NewRestClientWithParams(sdk.ClientParams{Client: c}).Api
}

// impatient gives up after ten seconds. http.Client.Timeout would leave a
// goroutine behind wherever twilio-go does not close an error's body.
type impatient struct{ http.RoundTripper }

func (i impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	return i.RoundTripper.RoundTrip(r.WithContext(ctx))
}

func wish(to string) *api.CreateCallParams {
	p := &api.CreateCallParams{}
	return p.SetTo(to).SetFrom(own).SetUrl(base + "/menu?attempt=01J8").SetTimeout(25).
		SetStatusCallback(base + "/status?attempt=01J8").
		SetStatusCallbackEvent([]string{"initiated", "ringing", "answered", "completed"})
}

// call makes a call and returns its SID.
func (w *world) call(t *testing.T, p *api.CreateCallParams) string {
	t.Helper()
	c, err := w.api.CreateCall(p)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	return *c.Sid
}

// ended waits for the end of matsu's first call.
func (w *world) ended(t *testing.T) twilio.Call {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c, err := w.Phone(matsu).Ended(ctx, 1)
	if err != nil {
		t.Fatalf("the call did not end: %v; %+v", err, w.Calls())
	}
	return c
}
