package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"toban/internal/problem"
	"toban/oncall"
)

const (
	// maxPrometheusBody is how large a request of a Prometheus may be, in bytes:
	// it sends 256 alerts at once, says a batch that was refused only as a whole
	// again, and so would never get rid of one that is too large.
	maxPrometheusBody = 8 << 20
	// holdsFor is how long an alert holds whose sender does not say: as with
	// Alertmanager's resolve_timeout.
	holdsFor = 5 * time.Minute
)

// postedAlert is an element of what is posted to Alertmanager's API, version 2.
type postedAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// parsePrometheus reads what a Prometheus posts to its Alertmanagers: one signal
// an alert, which holds until endsAt unless it is said again. The good alerts of
// a request come with the error about the first bad one: its sender never says
// the others without it.
func parsePrometheus(body []byte, _ *oncall.Integration) ([]oncall.Signal, error) {
	return postedAt(body, time.Now().Truncate(time.Millisecond))
}

func postedAt(body []byte, now time.Time) (signals []oncall.Signal, wrong error) {
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, malformed(err)
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return nil, invalid("", "expected an array of alerts, found null")
	}
	if len(list) > MaxSignals {
		return nil, ErrTooMany
	}
	for n, raw := range list {
		s, err := posted(raw, now)
		if err == nil {
			signals = append(signals, s)
		} else if wrong == nil {
			err.Field = fmt.Sprintf("/%d%s", n, err.Field)
			wrong = err
		}
	}
	return signals, wrong
}

func posted(raw []byte, now time.Time) (s oncall.Signal, wrong *oncall.Error) {
	var a postedAlert
	if err := json.Unmarshal(raw, &a); err != nil {
		return s, malformedAlert(err)
	}
	maps.DeleteFunc(a.Labels, func(_, value string) bool { return value == "" })
	if len(a.Labels) == 0 {
		return s, invalid("/labels", "an alert needs at least one label")
	}
	for name, value := range a.Labels {
		if name == "" || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return s, invalid("/labels", "a label has a name and a value in UTF-8")
		}
	}
	starts, wrong := moment("/startsAt", a.StartsAt)
	if wrong != nil {
		return s, wrong
	}
	ends, wrong := moment("/endsAt", a.EndsAt)
	if wrong != nil {
		return s, wrong
	}
	if starts.IsZero() {
		if starts = now; !ends.IsZero() && ends.Before(now) {
			starts = ends
		}
	}
	if !ends.IsZero() && ends.Before(starts) {
		return s, invalid("/endsAt", "the alert ends before it starts")
	}
	s = oncall.Signal{
		Key: Fingerprint(a.Labels), Labels: a.Labels, Annotations: withOrigin(a.Annotations, a.GeneratorURL), StartsAt: starts,
		Title: alertTitle(a.Labels, a.Annotations),
	}
	switch {
	case ends.IsZero():
		s.Action, s.EndsAt = oncall.Trigger, now.Add(holdsFor)
	case ends.After(now):
		s.Action, s.EndsAt = oncall.Trigger, ends
	default:
		s.Action = oncall.Resolve
	}
	var known bool
	if s.Severity, known = oncall.ParseSeverity(a.Labels["severity"]); !known {
		if s.Unknown = a.Labels["severity"]; s.Unknown == "" {
			s.Unknown = "-"
		}
	}
	return s, nil
}

// malformedAlert is malformed for one element.
func malformedAlert(err error) *oncall.Error {
	if e, ok := malformed(err).(*oncall.Error); ok { //nolint:errorlint // it is never wrapped
		e.Field = strings.TrimSuffix(e.Field, "/")
		return e
	}
	return invalid("", "this is no alert")
}

// moment reads a time. Go's zero time stands for none.
func moment(field, text string) (time.Time, *oncall.Error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, invalid(field, "a time is written as in 2026-11-20T06:12:31Z")
	}
	if t.Year() <= 1 {
		return time.Time{}, nil
	}
	return t.Truncate(time.Millisecond), nil
}

// originAnnotation is where the page is kept on which an alert's expression is
// drawn.
const originAnnotation = "generator_url"

func withOrigin(annotations map[string]string, page string) map[string]string {
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return annotations
	}
	all := maps.Clone(annotations)
	if all == nil {
		all = map[string]string{}
	}
	if all[originAnnotation] == "" {
		all[originAnnotation] = page
	}
	return all
}

// ErrNoKey is the answer to a Prometheus that shows no key.
var ErrNoKey = &oncall.Error{
	Kind: oncall.Unauthenticated, Code: "intake.no_key",
	Message: "this address needs an integration key: as the password of basic_auth, or as the credentials of authorization",
}

// Alertmanager mounts the address that a Prometheus knows an Alertmanager by,
// for whoever shows a key of an integration of the dialect prometheus.
func (i *Intake) Alertmanager(mux interface{ Handle(string, http.Handler) }) {
	mux.Handle("POST /alertmanager/api/v2/alerts", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := shownKey(r)
		if key == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="toban"`)
			problem.Write(w, r, i.log, ErrNoKey)
			return
		}
		in, err := i.Authenticate(r, key)
		if err == nil && in.Dialect != "prometheus" {
			err = ErrMismatch
		}
		if err != nil {
			problem.Write(w, r, i.log, err)
			return
		}
		i.Serve(w, r, in, in.Stage)
	}))
}

// shownKey is the integration key that a request shows, "" without one.
func shownKey(r *http.Request) string {
	if key := r.Header.Get("X-Api-Key"); key != "" {
		return key
	}
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	if scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(key)
	}
	return ""
}

// ownDialect is how the metrics process of this toban speaks: as a Prometheus,
// whose rules may say what is toban's. No integration can be of it.
const ownDialect = "prometheus/own"

// What rules of the metrics process may say to toban, beside oncall.LabelService and
// the labels that any Prometheus has.
const (
	monitorLabel = "monitor" // with kindLabel: of which monitor it is
	kindLabel    = "kind"
)

// parseOwn is parsePrometheus for rules of toban's own making: what names its
// service goes there, and the alerts of one monitor are one incident.
func parseOwn(body []byte, in *oncall.Integration) ([]oncall.Signal, error) {
	signals, err := parsePrometheus(body, in)
	for i := range signals {
		s := &signals[i]
		s.Service = oncall.ServiceID(s.Labels[oncall.LabelService])
		if oncall.MonitorKind(s.Labels[kindLabel]).Rules() { // the label monitor alone may be one of everything: many name their Prometheus so
			s.GroupKey = s.Labels[monitorLabel]
			if title := s.Annotations["title"]; title != "" { // the summary has a value that moves
				s.Title = title
			}
		}
	}
	return signals, err
}

// OwnIntegration is the integration that the metrics process of this toban is.
const OwnIntegration oncall.IntegrationID = "metrics"

// Own answers the metrics process of this toban at a socket that nobody else may
// open. It is an integration by itself.
func (i *Intake) Own() http.Handler {
	own := &oncall.Integration{ID: OwnIntegration, Dialect: ownDialect, Stage: oncall.Production}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /alertmanager/api/v2/alerts", func(w http.ResponseWriter, r *http.Request) { i.Serve(w, r, own, own.Stage) })
	return mux
}
