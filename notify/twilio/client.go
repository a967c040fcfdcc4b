package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"toban/notify"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// api returns the vendor's client for requests within ctx. It is made for each
// request because the vendor's interface has no place for a context.
func (v *Voice) api(ctx context.Context) *api.ApiService {
	return api.NewApiService(&client.RequestHandler{Client: &base{v: v, ctx: ctx}})
}

// base sends what the vendor's client has put together: to the configured host,
// within the caller's time, and with failures as notify knows them.
type base struct {
	v   *Voice
	ctx context.Context // lives for one request only
}

const maxAnswer = 1 << 20

// AccountSid implements client.BaseClient.
func (b *base) AccountSid() string { return b.v.c.Account }

// SetTimeout implements client.BaseClient; the context decides.
func (b *base) SetTimeout(time.Duration) {}

// SetOauth implements client.BaseClient; it is not used.
func (b *base) SetOauth(client.OAuth) {}

// OAuth implements client.BaseClient; it is not used.
func (b *base) OAuth() client.OAuth { return nil }

// SendRequest implements client.BaseClient. Its error is a *notify.Failure.
func (b *base) SendRequest(method, rawURL string, data url.Values, headers map[string]any, _ ...byte) (*http.Response, error) {
	address := b.v.c.BaseURL + strings.TrimPrefix(rawURL, apiURL)
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(data.Encode())
	} else if len(data) > 0 {
		address += "?" + data.Encode()
	}
	r, err := http.NewRequestWithContext(b.ctx, method, address, body)
	if err != nil {
		return nil, &notify.Failure{Class: notify.BadConfig, Code: "request", Err: errors.New("the request can't be made; is the base URL right?")}
	}
	for name, value := range headers {
		r.Header.Set(name, fmt.Sprint(value))
	}
	r.Header.Set("User-Agent", "toban twilio-go/"+client.LibraryVersion)
	if b.v.c.KeySID != "" {
		r.SetBasicAuth(b.v.c.KeySID, b.v.c.KeySecret)
	} else {
		r.SetBasicAuth(b.v.c.Account, b.v.c.Token)
	}
	res, err := b.v.client.Do(r)
	if err != nil {
		return nil, unsent(err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end or given up: nothing to lose
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, &notify.Failure{Class: notify.Ambiguous, Code: "cut", Err: errors.New("the answer broke off")}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, refused(res, answer)
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	return res, nil
}

// unsent reads an error without an answer. Only a connection that never stood
// is sure not to have carried the request. The text of the error is not kept:
// it holds the address, and that holds a number.
func unsent(err error) *notify.Failure {
	var op *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return &notify.Failure{Class: notify.Transient, Code: "dns", Err: errors.New("the provider's name is not found")}
	case errors.As(err, &op) && op.Op == "dial":
		return &notify.Failure{Class: notify.Transient, Code: "dial", Err: errors.New("the provider can't be connected to")}
	case errors.Is(err, context.DeadlineExceeded):
		return &notify.Failure{Class: notify.Ambiguous, Code: "timeout", Err: errors.New("the provider did not answer in time")}
	case errors.Is(err, context.Canceled):
		return &notify.Failure{Class: notify.Ambiguous, Code: "stopped", Err: errors.New("stopped while the provider was asked")}
	}
	return &notify.Failure{Class: notify.Ambiguous, Code: "cut", Err: errors.New("the connection to the provider broke")}
}

// refused reads an answer that is an error.
func refused(res *http.Response, body []byte) *notify.Failure {
	var said client.TwilioRestError
	_ = json.Unmarshal(body, &said) // an answer of a proxy in between has no code
	f := &notify.Failure{
		Class: classOf(res.StatusCode, said.Code),
		Code:  strconv.Itoa(said.Code),
		// The vendor's message is left out: it repeats the number.
		Err: fmt.Errorf("the provider answered %d", res.StatusCode),
	}
	if said.Code == 0 {
		f.Code = "http" + strconv.Itoa(res.StatusCode)
	}
	if f.Class == notify.Throttled {
		f.After = retryAfter(res.Header.Get("Retry-After"))
	}
	return f
}

// retryAfter reads seconds or a date; what can't be read is a second.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 && seconds < 86400 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return time.Second
}

// classOf says what a refusal means. Unknown ones of the 4xx kind are ours to
// mend; a 5xx may have made the call before it failed.
func classOf(status, code int) notify.Class {
	switch code {
	case 21211, 21214, 21216, 21217, 21219, 21601, 21610, 21614, 13223, 13224, 30003, 30004, 30005, 30006:
		return notify.BadAddress
	case 20003, 21205, 21210, 21212, 21213, 21215, 21606, 30002:
		return notify.BadConfig
	case 20429:
		return notify.Throttled
	}
	switch {
	case status == http.StatusTooManyRequests:
		return notify.Throttled
	case status == http.StatusRequestTimeout || status >= 500:
		return notify.Ambiguous
	}
	return notify.BadConfig
}
