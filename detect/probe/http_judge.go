package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"
)

// judge looks at the last answer, in blackbox-exporter's order but for the body,
// which is read last.
func (r *httpRun) judge(resp *http.Response) {
	s := r.c.HTTPSettings
	if !s.ValidStatusCodes.match(resp.StatusCode) {
		r.fail(ReasonStatus, "the status is "+safeText([]byte(resp.Status), 100)+", wanted is "+s.ValidStatusCodes.String())
		if resp.StatusCode == http.StatusUnauthorized && r.c.tokens != nil {
			r.c.tokens.forget()
		}
	}
	if r.result.Reason == "" && len(s.FailIfHeaderMatches)+len(s.FailIfHeaderNotMatches) > 0 {
		r.regex = met
		if why := judgeHeaders(r.ctx, s, resp.Header); why != "" {
			r.regex = unmet
			r.fail(ReasonHeader, why)
		}
	}
	wanted := r.result.Reason == ""
	if len(s.ValidHTTPVersions) > 0 && !slices.Contains(s.ValidHTTPVersions, resp.Proto) {
		r.fail(ReasonProtocol, "the answer came by "+safeText([]byte(resp.Proto), 20)+", wanted is "+strings.Join(s.ValidHTTPVersions, ", "))
	}
	switch {
	case resp.TLS != nil && s.FailIfSSL:
		r.fail(ReasonTLS, "the answer came by TLS, which is not wanted")
	case resp.TLS == nil && s.FailIfNotSSL:
		r.fail(ReasonTLS, "the answer came without TLS, which is wanted")
	}
	r.read(resp, wanted)
}

// judgeHeaders says which condition the header doesn't fulfil, "" if there is
// none.
func judgeHeaders(ctx context.Context, s *HTTPSettings, header http.Header) string {
	for _, m := range s.FailIfHeaderMatches {
		values := header[textproto.CanonicalMIMEHeaderKey(m.Header)]
		matched, err := anyMatches(ctx, m.Regexp, values)
		switch {
		case len(values) == 0 && !m.AllowMissing:
			return "the header " + m.Header + " is missing"
		case err != nil:
			return "the header " + m.Header + " " + unjudged(err)
		case matched:
			return "the header " + m.Header + " matches " + shorten(m.Regexp)
		}
	}
	for _, m := range s.FailIfHeaderNotMatches {
		values := header[textproto.CanonicalMIMEHeaderKey(m.Header)]
		matched, err := anyMatches(ctx, m.Regexp, values)
		switch {
		case len(values) == 0 && !m.AllowMissing:
			return "the header " + m.Header + " is missing"
		case err != nil:
			return "the header " + m.Header + " " + unjudged(err)
		case len(values) > 0 && !matched:
			return "the header " + m.Header + " does not match " + shorten(m.Regexp)
		}
	}
	return ""
}

func anyMatches(ctx context.Context, e *regexp.Regexp, values []string) (bool, error) {
	for _, v := range values {
		if matched, err := matches(ctx, e, []byte(v)); matched || err != nil {
			return matched, err
		}
	}
	return false, nil
}

func shorten(e *regexp.Regexp) string { return safeText([]byte(e.String()), 200) }

// read reads the body, and judges it where the answer is the one wanted.
func (r *httpRun) read(resp *http.Response, wanted bool) {
	s := r.c.HTTPSettings
	defer resp.Body.Close()
	conditions := len(s.FailIfBodyMatchesRegexp)+len(s.FailIfBodyNotMatchesRegexp)+len(s.JSON) > 0
	if r.stopped && !(conditions && wanted) {
		r.ended = time.Now() // nobody reads what is on a page that sends one on
		return
	}
	conditions = conditions && wanted
	limit := int64(maxRead)
	switch {
	case s.BodySizeLimit > 0 && conditions:
		limit = min(int64(s.BodySizeLimit), maxLimit)
	case s.BodySizeLimit > 0:
		limit = int64(s.BodySizeLimit)
	case conditions:
		limit = maxJudged
	}
	body, err := decompressed(resp.Body, s.Compression)
	if err != nil {
		r.ended = time.Now()
		r.unread(err, limit, conditions)
		return
	}
	all, err := r.swallow(body, limit, conditions)
	r.ended = time.Now()
	switch {
	case err != nil:
		r.unread(err, limit, conditions)
	case conditions:
		r.judgeBody(all)
	}
	r.beginning = all[:min(len(all), MaxBodySample)]
}

// unread says why the body could not be read to its end.
func (r *httpRun) unread(err error, limit int64, conditions bool) {
	if conditions && len(r.c.FailIfBodyMatchesRegexp)+len(r.c.FailIfBodyNotMatchesRegexp) > 0 {
		r.regex = unmet // what is not there fulfils nothing
	}
	reason, message := reasonOf(err)
	switch {
	case errors.Is(err, errTooMuch):
		r.fail(ReasonBody, fmt.Sprintf("the body is larger than %d bytes", limit))
	case r.ctx.Err() != nil:
		r.fail(r.late(ReasonTimeout, "the answer began, and its body was not complete in time"))
	case r.c.Compression != "" && r.c.Compression != "identity" && (reason == ReasonProtocol || r.size == 0):
		r.fail(ReasonBody, "the body is not compressed by "+r.c.Compression)
	default:
		r.fail(reason, message)
	}
}

// swallow reads to the end, and keeps all of it or the beginning alone.
func (r *httpRun) swallow(body io.Reader, limit int64, all bool) (kept []byte, err error) {
	body = io.LimitReader(body, limit+1)
	n := 0
	for n < len(r.buffers.head) && err == nil {
		var more int
		more, err = body.Read(r.buffers.head[n:])
		n += more
	}
	kept, r.size = r.buffers.head[:n], int64(n)
	switch {
	case err == io.EOF: //nolint:errorlint // one that is wrapped is no good end
		err = nil
	case err != nil:
		return kept, err
	case all:
		whole := bytes.NewBuffer(append(make([]byte, 0, 4*len(kept)), kept...))
		_, err = whole.ReadFrom(body)
		kept, r.size = whole.Bytes(), int64(whole.Len())
	default:
		var more int64
		more, err = io.Copy(io.Discard, body)
		r.size += more
	}
	if r.size > limit {
		r.size, err = limit, errTooMuch
	}
	return kept, err
}

func (r *httpRun) judgeBody(body []byte) {
	s := r.c.HTTPSettings
	if len(s.FailIfBodyMatchesRegexp)+len(s.FailIfBodyNotMatchesRegexp) > 0 {
		r.regex = met
		if why := judgeText(r.ctx, s, body); why != "" {
			r.regex = unmet
			r.fail(ReasonBody, why)
			return
		}
	}
	if len(s.JSON) > 0 {
		r.json = met
		if why := judgeJSON(r.ctx, s.JSON, body); why != "" {
			r.json = unmet
			r.fail(ReasonBody, safeText([]byte(why), MaxValue))
		}
	}
}

func judgeText(ctx context.Context, s *HTTPSettings, body []byte) string {
	for _, e := range s.FailIfBodyMatchesRegexp {
		if found, err := matches(ctx, e, body); err != nil {
			return "the body " + unjudged(err)
		} else if found {
			return "the body matches " + shorten(e)
		}
	}
	for _, e := range s.FailIfBodyNotMatchesRegexp {
		if found, err := matches(ctx, e, body); err != nil {
			return "the body " + unjudged(err)
		} else if !found {
			return "the body does not match " + shorten(e)
		}
	}
	return ""
}

// broke says why there is no answer.
func (r *httpRun) broke(err error) {
	r.mu.Lock()
	hop := r.hops[len(r.hops)-1]
	r.mu.Unlock()
	if hop.tlsErr != nil {
		err = hop.tlsErr // the transport says less
		if sent := unverified(err); len(sent) > 0 {
			r.result.Certificate = certificateFrom(sent)
			r.chain = sent
			if why := chainFault(err, sent); why != "" {
				r.fail(ReasonChain, why)
				return
			}
		}
	}
	var known *fault
	if r.ctx.Err() != nil && !errors.As(err, &known) {
		r.fail(r.late(stageOf(&hop)))
		return
	}
	reason, message := reasonOf(err)
	r.fail(reason, message)
}

// late is the reason of a check that ran out of time, or was stopped.
func (r *httpRun) late(reason Reason, stage string) (Reason, string) {
	if errors.Is(r.ctx.Err(), context.Canceled) {
		return ReasonTimeout, "the check was stopped before an answer came"
	}
	return reason, stage
}

// stageOf says where a request has come to a stop.
func stageOf(h *httpHop) (Reason, string) {
	switch {
	case !h.gotConn.IsZero():
		return ReasonTimeout, "connected to " + h.address + ", and no answer came in time"
	case !h.tlsStart.IsZero():
		return ReasonTimeout, "connected to " + h.address + ", and there was no agreement on TLS in time"
	case h.address != "":
		return ReasonTimeout, "no connection to " + h.address + " in time"
	}
	return ReasonResolve, "no address for " + h.url.Hostname() + ": no name server answered in time"
}
