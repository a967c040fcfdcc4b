package mackerel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"toban/oncall"
	"toban/store"
)

// prefix is what the addresses of Mackerel's API begin with.
const prefix = "/api/v0/"

// Limits of a post.
const (
	maxBody   = 1 << 20 // bytes
	maxPoints = 5000
)

const (
	// tooOld is from when on a point is taken and not recorded, as Mackerel does.
	tooOld = 24 * time.Hour
	// tooEarly is how far ahead the sender's clock may be: a point of next year
	// would be the last one until then.
	tooEarly = 10 * time.Minute
)

// refusal is an answer in Mackerel's form: {"error":{"message":"…"}}.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

var (
	errKey        = &refusal{http.StatusUnauthorized, "Authentication failed. Please try with valid Api Key."}
	errPermission = &refusal{http.StatusForbidden, "this key is that of another dialect; metrics take one of an integration of the dialect mackerel"}
	errNotFound   = &refusal{http.StatusNotFound, "not found; service metrics are posted to /api/v0/services/{service}/tsdb"}
	errService    = &refusal{http.StatusNotFound, "service not found: its name has 2 to 63 letters, digits, _ and -"}
	errMethod     = &refusal{http.StatusMethodNotAllowed, "metrics are posted"}
	errLarge      = &refusal{http.StatusRequestEntityTooLarge, "the request is larger than 1 MiB"}
	errMany       = &refusal{http.StatusRequestEntityTooLarge, "the request has more than 5000 points"}
	errUnreadable = &refusal{http.StatusBadRequest, "the request ended before its body did"}
	errLimited    = &refusal{http.StatusTooManyRequests, "too many requests; post several metrics at once, once a minute"}
	errMetrics    = &refusal{http.StatusTooManyRequests, "too many metrics: at most 10000 may have points of the last days"}
	errEarly      = &refusal{http.StatusServiceUnavailable, "toban is just starting; post it again in a moment"}
	errStore      = &refusal{http.StatusServiceUnavailable, "it could not be stored; post it again in a moment"}
)

// Handler serves /api/v0/… at the root of its mux. admit says whose key a request
// shows; it fails with an *oncall.Error.
func (m *Metrics) Handler(admit func(r *http.Request, key string) (*oncall.Integration, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		err := m.serve(w, r, admit)
		var no *refusal
		switch {
		case err == nil:
			_, _ = io.WriteString(w, `{"success":true}`) // who does not hear it posts again
			return
		case !errors.As(err, &no):
			m.log.ErrorContext(r.Context(), "metrics not stored", "err", err)
			no = errStore
		}
		switch no.status {
		case http.StatusTooManyRequests:
			h.Set("Retry-After", "60")
		case http.StatusServiceUnavailable:
			h.Set("Retry-After", "1")
		case http.StatusMethodNotAllowed:
			h.Set("Allow", http.MethodPost)
		}
		w.WriteHeader(no.status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": no.text}})
	})
}

// serve takes one post; nil once it is committed.
func (m *Metrics) serve(w http.ResponseWriter, r *http.Request, admit func(*http.Request, string) (*oncall.Integration, error)) error {
	service, ok := strings.CutPrefix(r.URL.Path, prefix+"services/")
	if service, ok = cutSuffix(service, "/tsdb", ok); !ok || strings.Contains(service, "/") {
		return errNotFound
	}
	if r.Method != http.MethodPost {
		return errMethod
	}
	if _, err := admit(r, r.Header.Get("X-Api-Key")); err != nil {
		return refused(err)
	}
	if !oncall.IsMetricService(service) {
		return errService
	}
	if m.o.DB.Overloaded() {
		return errStore
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return errLarge
		}
		return errUnreadable
	}
	now := time.Now()
	points, err := read(body, now)
	if err != nil {
		return err
	}
	if points = recorded(points, now); len(points) == 0 {
		return nil
	}
	return m.take(r.Context(), service, points)
}

func cutSuffix(text, suffix string, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	return strings.CutSuffix(text, suffix)
}

// refused is why a key is none, in Mackerel's words.
func refused(err error) error {
	e, ok := errors.AsType[*oncall.Error](err)
	if !ok {
		return err
	}
	switch e.Kind {
	case oncall.Denied, oncall.Unauthenticated:
		return errKey
	case oncall.NotFound:
		return errPermission
	case oncall.Limited:
		return errLimited
	case oncall.Unavailable:
		return errStore
	}
	return err
}

// read reads what is posted, [{"name":…,"time":…,"value":…}, …], and puts the
// oldest first.
func read(body []byte, now time.Time) ([]store.NamedPoint, error) {
	var list []*struct {
		Name  string   `json:"name"`
		Time  *float64 `json:"time"`
		Value *float64 `json:"value"`
	}
	if err := json.Unmarshal(body, &list); err != nil || list == nil {
		return nil, &refusal{http.StatusBadRequest, `the body is no list of points as in [{"name":"jobs.failed","time":1795155151,"value":1}]`}
	}
	if len(list) > maxPoints {
		return nil, errMany
	}
	points := make([]store.NamedPoint, 0, len(list))
	for i, p := range list {
		why := ""
		switch {
		case p == nil || !oncall.IsMetricName(p.Name):
			why = "its name has 1 to 255 letters, digits, dots, _ and -"
		case p.Time == nil || *p.Time < 0 || *p.Time != math.Trunc(*p.Time):
			why = "its time is a number of seconds since 1970"
		case *p.Time > float64(now.Add(tooEarly).Unix()):
			why = "its time is ahead of toban's clock by more than ten minutes"
		case p.Value == nil:
			why = "its value is a number"
		}
		if why != "" {
			return nil, &refusal{http.StatusBadRequest, fmt.Sprintf("point %d: %s", i+1, why)}
		}
		points = append(points, store.NamedPoint{Name: p.Name, Point: oncall.Point{At: time.Unix(int64(*p.Time), 0).UTC(), Value: *p.Value}})
	}
	// A point that comes twice is worth what was said last.
	slices.SortStableFunc(points, func(a, b store.NamedPoint) int { return a.At.Compare(b.At) })
	return points, nil
}

// recorded are those that are new enough.
func recorded(points []store.NamedPoint, now time.Time) []store.NamedPoint {
	kept := points[:0]
	for _, p := range points {
		if now.Sub(p.At) <= tooOld {
			kept = append(kept, p)
		}
	}
	return kept
}
