package mackerel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"toban/store"
)

// reply is what became of points that were sent.
type reply struct {
	again   bool          // they have to be sent again
	denied  bool          // and the key is why: somebody has to mend it
	after   time.Duration // not before that
	refused int           // points that will never be taken
	err     error         // why; it never has the key in it
}

// wirePoint is a point as Mackerel takes it.
type wirePoint struct {
	Name  string  `json:"name"`
	Time  int64   `json:"time"`
	Value float64 `json:"value"`
}

// maxRetryAfter bounds what a Retry-After may ask for.
const maxRetryAfter = time.Hour

// post sends points. What is refused as a whole is sent in halves, so that one
// point that can't be taken does not take the others with it.
func (m *Metrics) post(ctx context.Context, to *Destination, service string, points []store.NamedPoint) reply {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return m.halves(ctx, to, service, points, new(int))
}

// maxHalves bounds how many requests are made of points that are refused: a
// Mackerel that takes nothing at all is not asked thousands of times.
const maxHalves = 40

func (m *Metrics) halves(ctx context.Context, to *Destination, service string, points []store.NamedPoint, made *int) reply {
	*made++
	status, after, err := m.once(ctx, to, service, points)
	switch {
	case err == nil:
		return reply{}
	case status == 0, status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return reply{again: true, after: after, err: err}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// Whoever mends the key wants the points of the meantime.
		return reply{again: true, denied: true, after: max(after, lastRetry), err: err}
	case (status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge) && len(points) > 1 && *made < maxHalves:
		half := len(points) / 2
		first := m.halves(ctx, to, service, points[:half], made)
		if first.again {
			return first
		}
		second := m.halves(ctx, to, service, points[half:], made)
		if second.again { // points that are sent twice are the same points
			return second
		}
		first.refused += second.refused
		if first.err == nil {
			first.err = second.err
		}
		return first
	}
	return reply{refused: len(points), err: err}
}

// once makes one request; status is 0 when there was no answer.
func (m *Metrics) once(ctx context.Context, to *Destination, service string, points []store.NamedPoint) (status int, after time.Duration, err error) {
	list := make([]wirePoint, len(points))
	for i, p := range points {
		list[i] = wirePoint{p.Name, p.At.Unix(), p.Value}
	}
	body, err := json.Marshal(list)
	if err != nil {
		return http.StatusBadRequest, 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.BaseURL+prefix+"services/"+url.PathEscape(service)+"/tsdb", bytes.NewReader(body))
	if err != nil {
		return http.StatusBadRequest, 0, err
	}
	r.Header.Set("X-Api-Key", to.Key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "toban")
	res, err := m.o.Transport.RoundTrip(r) // a redirect is no answer: the key is for that host alone
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // half an answer is one, too
	if res.StatusCode >= 200 && res.StatusCode <= 299 {
		return res.StatusCode, 0, nil
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		after = min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	return res.StatusCode, after, errors.New(said(res.StatusCode, text))
}

// said is what Mackerel answered: {"error":{"message":"…"}} or {"error":"…"}.
func said(status int, text []byte) string {
	var doc struct{ Error json.RawMessage }
	var message string
	var inner struct{ Message string }
	if json.Unmarshal(text, &doc) == nil && json.Unmarshal(doc.Error, &message) != nil && json.Unmarshal(doc.Error, &inner) == nil {
		message = inner.Message
	}
	const most = 200
	if len(message) > most {
		message = message[:most]
	}
	return fmt.Sprintf("%d %s %q", status, http.StatusText(status), message)
}
