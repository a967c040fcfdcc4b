package bench

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs its callbacks with it
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// provider answers what the phone channel asks of Twilio, with as little work as
// possible, and takes the time at which a request arrives. It is no simulator of
// phones (package sim/twilio is): it rings nobody, and says what it is told to.
type provider struct {
	address string
	server  *http.Server
	ended   chan error
	limit   *rate.Limiter // nil = takes any number of calls
	client  *http.Client

	mu      sync.Mutex
	calls   map[string]*ring // by sid
	waiting map[string]chan *ring
	refused int
}

// ring is a call that was asked for.
type ring struct {
	sid, from, to string
	at            time.Time // when the request arrived
	callback      string
	over          chan struct{} // closed when toban has hung up, and was told so
	once          sync.Once
}

// newProvider listens on loopback. perSecond is how many calls it takes a
// second, as many at once; zero = any number.
func newProvider(ctx context.Context, perSecond int) (*provider, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &provider{
		address: listener.Addr().String(), ended: make(chan error, 1), calls: map[string]*ring{}, waiting: map[string]chan *ring{},
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	if perSecond > 0 {
		p.limit = rate.NewLimiter(rate.Limit(perSecond), perSecond)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2010-04-01/Accounts/"+sid+"/Calls.json", p.create)
	mux.HandleFunc("GET /2010-04-01/Accounts/"+sid+"/Calls.json", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"calls": []any{}})
	})
	mux.HandleFunc("/2010-04-01/Accounts/"+sid+"/Calls/{file}", p.one)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { p.ended <- p.server.Serve(listener) }() // ends with close
	return p, nil
}

func (p *provider) close() error {
	err := p.server.Close()
	if served := <-p.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	p.client.CloseIdleConnections()
	return err
}

// expect announces that the next call to a number is waited for.
func (p *provider) expect(number string) <-chan *ring {
	p.mu.Lock()
	defer p.mu.Unlock()
	came := make(chan *ring, 1)
	p.waiting[number] = came
	return came
}

func (p *provider) refusals() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

func (p *provider) create(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if err := r.ParseForm(); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"code": 21000})
		return
	}
	call := &ring{from: r.PostForm.Get("From"), to: r.PostForm.Get("To"), at: at, over: make(chan struct{})}
	call.callback, _, _ = strings.Cut(r.PostForm.Get("StatusCallback"), "#")
	p.mu.Lock()
	if p.limit != nil && !p.limit.AllowN(at, 1) {
		p.refused++
		p.mu.Unlock()
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusTooManyRequests, map[string]any{"code": 20429, "message": "Too Many Requests", "status": 429})
		return
	}
	call.sid = fmt.Sprintf("CA%032x", len(p.calls)+1)
	p.calls[call.sid] = call
	came := p.waiting[call.to]
	delete(p.waiting, call.to)
	p.mu.Unlock()
	answer(w, http.StatusCreated, call.wire("queued"))
	if came != nil {
		came <- call
	}
}

// one answers about a call: what becomes of it, or that it is to be hung up.
func (p *provider) one(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	call := p.calls[strings.TrimSuffix(r.PathValue("file"), ".json")]
	p.mu.Unlock()
	if call == nil {
		answer(w, http.StatusNotFound, map[string]any{"code": 20404, "status": 404})
		return
	}
	if r.Method != http.MethodPost {
		answer(w, http.StatusOK, call.wire("queued"))
		return
	}
	answer(w, http.StatusOK, call.wire("canceled"))
	_ = http.NewResponseController(w).Flush() // the answer goes first, as with Twilio
	if err := p.tell(r.Context(), call, "canceled"); err == nil {
		call.once.Do(func() { close(call.over) })
	}
}

func (c *ring) wire(status string) map[string]any {
	return map[string]any{"sid": c.sid, "account_sid": sid, "from": c.from, "to": c.to, "status": status, "direction": "outbound-api"}
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text))) // so that it is complete before the handler ends
	w.WriteHeader(status)
	_, _ = w.Write(text) // who asked is gone: there is nobody to tell
}

// tell posts the callback of a call's end, signed as Twilio signs.
func (p *provider) tell(ctx context.Context, call *ring, status string) error {
	form := url.Values{
		"CallSid": {call.sid}, "AccountSid": {sid}, "ApiVersion": {"2010-04-01"}, "From": {call.from}, "To": {call.to},
		"CallStatus": {status}, "Direction": {"outbound-api"}, "CallbackSource": {"call-progress-events"},
		"SequenceNumber": {"0"}, "CallDuration": {"0"}, "Duration": {"0"},
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, call.callback, bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", signature(call.callback, form))
	res, err := p.client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("a callback was answered %s", res.Status)
	}
	return nil
}

// signature is Twilio's: HMAC-SHA1 of the address and the sorted fields.
func signature(address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range names {
		mac.Write([]byte(name + form.Get(name)))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
