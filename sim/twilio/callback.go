package twilio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// outgoing is one callback, before it is signed.
type outgoing struct {
	webhook
	account  *account
	form     url.Values
	token    string // I-Twilio-Idempotency-Token, the same for all its tries
	badSign  bool
	withPort bool
}

// reply is what the client's server said.
type reply struct {
	status      int
	contentType string
	body        []byte
	url         string // what was asked, without the fragment
}

const maxTwiML = 64 << 10

// send delivers a callback, trying again as its address asks. The note says why
// it failed in the end.
func (s *Server) send(ctx context.Context, out outgoing) (reply, *Note) {
	address, over, bad := splitOverrides(out.url)
	if bad != nil {
		bad.URL, bad.Method = address, out.method
		return reply{url: address}, bad
	}
	out.url = address
	ctx, cancel := context.WithTimeout(ctx, over.total)
	defer cancel()
	var (
		got  reply
		kind string
		note *Note
	)
	for range over.retries + 1 {
		got, kind, note = s.try(ctx, out, over)
		if note == nil || !over.again(kind) || ctx.Err() != nil {
			break
		}
	}
	if note != nil {
		note.URL, note.Method = address, out.method
	}
	return got, note
}

// try asks once. kind is the sort of failure a retry policy speaks of.
func (s *Server) try(ctx context.Context, out outgoing, over overrides) (got reply, kind string, note *Note) {
	got.url = out.url
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := time.AfterFunc(over.connect+over.read, cancel)
	defer read.Stop()
	ctx, unconnected := limitConnect(ctx, over.connect, cancel)
	r, err := s.sign(ctx, out)
	if err != nil {
		return got, failedConnect, &Note{Code: 11100, Text: "Invalid URL format"}
	}
	res, err := s.client.Do(r)
	if err != nil {
		if dial := (*net.OpError)(nil); unconnected() || errors.As(err, &dial) && dial.Op == "dial" || !isLate(err) {
			return got, failedConnect, &Note{Code: 11205, Text: "HTTP connection failure"}
		}
		return got, failedRead, &Note{Code: 11200, Text: "HTTP retrieval failure: no answer in time"}
	}
	defer res.Body.Close()
	got.status, got.contentType = res.StatusCode, res.Header.Get("Content-Type")
	got.body, err = io.ReadAll(io.LimitReader(res.Body, maxTwiML+1))
	switch {
	case err != nil:
		return got, failedRead, &Note{Code: 11200, Text: "HTTP retrieval failure: the answer broke off"}
	case got.status >= 500:
		kind = failed5xx
	case got.status >= 300:
		kind = failed4xx
	default:
		return got, "", nil
	}
	return got, kind, &Note{Code: 11200, Text: fmt.Sprintf("HTTP retrieval failure: got HTTP %d", got.status)}
}

// isLate tells an answer that did not come from a connection that did not.
func isLate(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// limitConnect ends the request when no connection stands in time. A transport
// without connections is never too late for that.
func limitConnect(ctx context.Context, limit time.Duration, cancel func()) (context.Context, func() bool) {
	var fired atomic.Bool
	var t *time.Timer
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t = time.AfterFunc(limit, func() { fired.Store(true); cancel() }) },
		GotConn: func(httptrace.GotConnInfo) { t.Stop() },
	}), fired.Load
}

// sign makes the request as the provider does.
func (s *Server) sign(ctx context.Context, out outgoing) (*http.Request, error) {
	address, body, signed := out.url, "", out.form
	if out.method == http.MethodGet {
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		address, signed = address+separator+out.form.Encode(), nil
	} else {
		body = out.form.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, out.method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if out.method != http.MethodGet {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	}
	s.mu.Lock()
	token := out.account.Token
	s.mu.Unlock()
	if out.badSign {
		token += "wrong"
	}
	if out.withPort {
		address = withPort(address)
	}
	r.Header.Set("X-Twilio-Signature", Sign(token, address, signed))
	r.Header.Set("I-Twilio-Idempotency-Token", out.token)
	r.Header.Set("User-Agent", "TwilioProxy/1.1")
	r.Header.Set("Accept", "*/*")
	return r, nil
}

// newToken makes an idempotency token.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
