// Package promapi asks a Prometheus by its HTTP API: what a query says now and
// over a time, and which names there are.
//
// It reads no more than it was told to and waits no longer than it was told to,
// because the query is a person's and may ask for anything. It never writes, and
// it knows nothing of what is asked.
package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"toban/oncall"
)

// Limits of a question and of its answer.
const (
	MaxExpression = 8 << 10          // bytes
	MaxSeries     = 500              // of an answer; what is beyond is left out
	MaxNames      = 2000             // of labels or metrics
	maxAnswer     = 24 << 20         // bytes
	atOnce        = 16               // questions under way
	Timeout       = 10 * time.Second // of one question
	patience      = 2 * time.Second  // until another one has ended
)

// Errors of a Prometheus that gives no answer; what it says of a query is a
// *QueryError.
var (
	// ErrIdle is said while nothing needs one, ErrStarting from the first need on until
	// it answers.
	ErrIdle     = &oncall.Error{Kind: oncall.NotFound, Code: "metrics.idle", Message: "toban runs a Prometheus as soon as a monitor needs one; until then there is none"}
	ErrStarting = &oncall.Error{Kind: oncall.Unavailable, Code: "metrics.starting", Message: "the Prometheus is starting; ask again in a moment"}

	ErrDown  = &oncall.Error{Kind: oncall.Unavailable, Code: "metrics.down", Message: "the Prometheus does not answer. Paging goes on without it; ask again in a moment"}
	ErrSlow  = &oncall.Error{Kind: oncall.Unavailable, Code: "metrics.slow", Message: "Prometheus did not answer in time; ask for less: a shorter range, a larger step, fewer series"}
	ErrBusy  = &oncall.Error{Kind: oncall.Unavailable, Code: "metrics.busy", Message: "too many requests to Prometheus are under way; ask again in a moment"}
	ErrLarge = &oncall.Error{Kind: oncall.TooLarge, Code: "metrics.too_large", Message: "the answer is too large; ask for less: a shorter range, a larger step, fewer series"}
)

// Client asks one Prometheus. It may be used by many at once.
type Client struct {
	base   string // in front of /api/v1
	http   *http.Client
	places chan struct{}
}

// New returns a client of the Prometheus whose API is below base, such as
// http://prometheus:9090. transport carries the questions and authenticates
// them.
func New(base string, transport http.RoundTripper) *Client {
	return &Client{
		base: strings.TrimRight(base, "/"), places: make(chan struct{}, atOnce),
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// Query is what an expression says at a moment.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) (Answer, error) {
	return c.evaluate(ctx, "/api/v1/query", url.Values{"query": {expr}, "time": {seconds(at)}})
}

// Range is what an expression says from a moment to another, step after step.
func (c *Client) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) (Answer, error) {
	return c.evaluate(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

func (c *Client) evaluate(ctx context.Context, path string, form url.Values) (Answer, error) {
	var a Answer
	if len(form.Get("query")) > MaxExpression {
		return a, &QueryError{Type: BadData, Text: fmt.Sprintf("the query is longer than %d bytes", MaxExpression)}
	}
	form.Set("timeout", Timeout.String())
	form.Set("limit", strconv.Itoa(MaxSeries+1)) // one more, to see that there is more
	var got evaluated
	if err := c.ask(ctx, http.MethodPost, path, form, &got); err != nil {
		return a, err
	}
	return got.answer()
}

// LabelValues are the values of a label, such as __name__, of what has samples
// since from; selectors narrow it down to series, none is all. At most MaxNames.
func (c *Client) LabelValues(ctx context.Context, label string, from time.Time, selectors ...string) ([]string, error) {
	form := url.Values{"start": {seconds(from)}, "limit": {strconv.Itoa(MaxNames)}, "match[]": selectors}
	var all []string
	if err := c.ask(ctx, http.MethodGet, "/api/v1/label/"+url.PathEscape(label)+"/values", form, &all); err != nil {
		return nil, err
	}
	return all[:min(len(all), MaxNames)], nil
}

// envelope is around every answer.
type envelope struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
}

// ask sends a question and reads the data of its answer.
func (c *Client) ask(ctx context.Context, method, path string, form url.Values, data any) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer func() { <-c.places }()
	ctx, cancel := context.WithTimeout(ctx, Timeout+time.Second) // its own time-out says more
	defer cancel()
	address, body := c.base+path, io.Reader(nil)
	if method == http.MethodGet {
		address += "?" + form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return fmt.Errorf("prometheus: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read as far as it is wanted
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return unreachable(ctx, err)
	case len(text) > maxAnswer:
		return ErrLarge
	}
	return read(text, res.StatusCode, data)
}

// enter waits a little for a place among the questions under way.
func (c *Client) enter(ctx context.Context) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case c.places <- struct{}{}:
		return nil
	case <-late.C:
		return ErrBusy
	case <-ctx.Done():
		return unreachable(ctx, ctx.Err())
	}
}

// unreachable says why no answer came.
func unreachable(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err // nobody waits for it any more
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return ErrSlow
	}
	return ErrDown // its text may have an address or a password in it
}

// read takes an answer apart.
func read(text []byte, status int, data any) error {
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil || e.Status == "" {
		return ErrDown // something else than a Prometheus, such as a proxy in front of it
	}
	if e.Status != "success" {
		return failure(e.ErrorType, e.Error, status)
	}
	if err := json.Unmarshal(e.Data, data); err != nil {
		return fmt.Errorf("prometheus: %w", err)
	}
	return nil
}

// seconds is a moment as the API takes it.
func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
