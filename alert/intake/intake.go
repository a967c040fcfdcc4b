package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"time"

	"toban/internal/problem"
	"toban/oncall"
	"toban/store"
)

// MaxBody is how large a request may be, in bytes.
const MaxBody = 1 << 20

// MaxSignals is how many signals one request may carry.
const MaxSignals = 5000

// Errors that a sender is answered with.
var (
	ErrUnknownKey = &oncall.Error{Kind: oncall.Denied, Code: "intake.unknown_key", Message: "this integration key is unknown or has been revoked; make one with: toban integration key new NAME"}
	ErrTooLarge   = &oncall.Error{Kind: oncall.TooLarge, Code: "intake.too_large", Message: "the request is larger than 1 MiB"}
	ErrTooMany    = &oncall.Error{Kind: oncall.TooLarge, Code: "intake.too_many", Message: "the request carries more than 5000 signals"}
	ErrLimited    = &oncall.Error{Kind: oncall.Limited, Code: "intake.rate", Message: "this sender is over its rate; raise it with `rate` on the integration"}
	ErrDialect    = &oncall.Error{Kind: oncall.NotFound, Code: "intake.unknown_dialect", Message: "no such dialect; toban reads: alertmanager, generic, prometheus"}
	ErrMismatch   = &oncall.Error{Kind: oncall.NotFound, Code: "intake.wrong_dialect", Message: "this key belongs to an integration of another dialect"}
	ErrEncoding   = &oncall.Error{Kind: oncall.Invalid, Code: "intake.content_type", Message: "the body must be JSON (Content-Type: application/json)"}
)

// Accept takes signals; it returns once they are committed.
type Accept func(ctx context.Context, signals []oncall.Signal) error

// dialect is how one kind of sender speaks.
type dialect struct {
	// parse returns the signals of a request. Those that come with an error are
	// accepted before it is answered; most dialects take all or nothing.
	parse func(body []byte, in *oncall.Integration) ([]oncall.Signal, error)
	// retry is the status on which this sender repeats what it said.
	retry int
	taken int   // the status of what was accepted; zero = 202
	body  int64 // how large a request may be, in bytes; zero = MaxBody
}

// Intake serves the senders' URLs.
type Intake struct {
	db       *store.DB
	accept   Accept
	log      *slog.Logger
	keys     *keys
	limits   *limits
	dialects map[string]dialect
	figures  figures
}

// New returns an Intake that hands what it reads to accept.
func New(db *store.DB, accept Accept, log *slog.Logger) *Intake {
	return &Intake{
		db: db, accept: accept, log: log, keys: &keys{db: db, known: map[string]known{}}, limits: newLimits(),
		dialects: map[string]dialect{
			"alertmanager": {parse: parseAlertmanager, retry: http.StatusServiceUnavailable},
			"generic":      {parse: newGeneric().parse, retry: http.StatusServiceUnavailable},
			"prometheus":   {parse: parsePrometheus, retry: http.StatusServiceUnavailable, taken: http.StatusOK, body: maxPrometheusBody},
			ownDialect:     {parse: parseOwn, retry: http.StatusServiceUnavailable, taken: http.StatusOK, body: maxPrometheusBody},
		},
	}
}

// Routes mounts /integrations/{dialect}/{key} on mux, and what Prometheus puts
// behind the prefix that it is given.
func (i *Intake) Routes(mux interface{ Handle(string, http.Handler) }) {
	mux.Handle("POST /integrations/{dialect}/{key}", http.HandlerFunc(i.serveKey))
	mux.Handle("POST /integrations/{dialect}/{key}/api/v2/alerts", http.HandlerFunc(i.serveKey))
}

func (i *Intake) serveKey(w http.ResponseWriter, r *http.Request) {
	in, err := i.byKey(r)
	if err != nil {
		i.figures.refuse(i.known(r.PathValue("dialect")), err)
		problem.Write(w, r, i.log, err)
		return
	}
	i.Serve(w, r, in, in.Stage)
}

// byKey finds the integration that the key in the path belongs to.
func (i *Intake) byKey(r *http.Request) (*oncall.Integration, error) {
	name := r.PathValue("dialect")
	if _, ok := i.dialects[name]; !ok {
		return nil, ErrDialect
	}
	in, err := i.Authenticate(r, r.PathValue("key"))
	if err != nil {
		return nil, err
	}
	if in.Dialect != name {
		return nil, ErrMismatch
	}
	return in, nil
}

// Authenticate returns the integration that key belongs to, or ErrUnknownKey.
// Whoever keeps guessing is slowed down.
func (i *Intake) Authenticate(r *http.Request, key string) (*oncall.Integration, error) {
	in, err := i.keys.integration(r.Context(), key)
	if errors.Is(err, ErrUnknownKey) && !i.limits.guess(peer(r)) {
		return nil, ErrLimited
	}
	return in, err
}

// Integration returns the integration of that name, for routes that are open
// to addresses instead of keys.
func (i *Intake) Integration(ctx context.Context, name oncall.IntegrationID) (*oncall.Integration, error) {
	return i.keys.named(ctx, name)
}

// Serve reads one request of in's dialect and accepts what it says for stage.
func (i *Intake) Serve(w http.ResponseWriter, r *http.Request, in *oncall.Integration, stage oncall.Stage) {
	d, ok := i.dialects[in.Dialect]
	if !ok {
		i.figures.refuse(unknownDialect, ErrDialect)
		problem.Write(w, r, i.log, ErrDialect)
		return
	}
	signals, wrong := i.read(w, r, in, d)
	if wrong != nil && len(signals) == 0 {
		i.refuse(w, r, in, d, wrong)
		return
	}
	for n := range signals {
		signals[n].Integration, signals[n].Stage = in.ID, stage
		if signals[n].Service == "" {
			signals[n].Service = in.Service
		}
	}
	if err := i.accept(r.Context(), signals); err != nil {
		i.refuse(w, r, in, d, err)
		return
	}
	i.figures.accept(in.Dialect, len(signals))
	if wrong != nil { // of the others
		i.refuse(w, r, in, d, wrong)
		return
	}
	w.WriteHeader(cmp.Or(d.taken, http.StatusAccepted))
}

func (i *Intake) read(w http.ResponseWriter, r *http.Request, in *oncall.Integration, d dialect) ([]oncall.Signal, error) {
	if !i.limits.allow(in) {
		return nil, ErrLimited
	}
	if i.db.Overloaded() {
		return nil, &oncall.Error{Kind: oncall.Unavailable, Code: "store.overloaded", Message: "too much is waiting to be stored; say it again in a moment"}
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, ErrEncoding
	}
	limit := cmp.Or(d.body, MaxBody)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, tooLarge(limit)
		}
		return nil, &oncall.Error{Kind: oncall.Invalid, Code: "intake.unreadable", Message: "the request ended before its body did"}
	}
	signals, err := d.parse(body, in)
	if len(signals) > MaxSignals {
		return nil, ErrTooMany
	}
	return signals, err
}

func tooLarge(limit int64) error {
	if limit == MaxBody {
		return ErrTooLarge
	}
	return &oncall.Error{Kind: oncall.TooLarge, Code: "intake.too_large", Message: fmt.Sprintf("the request is larger than %d MiB", limit>>20)}
}

// refuse answers with err. What the sender should repeat gets the status on
// which it does: an Alertmanager, say, gives up on 429 but comes back on 503.
func (i *Intake) refuse(w http.ResponseWriter, r *http.Request, in *oncall.Integration, d dialect, err error) {
	i.figures.refuse(in.Dialect, err)
	doc := problem.Of(err)
	switch doc.Status {
	case http.StatusInternalServerError:
		i.log.ErrorContext(r.Context(), "signals not accepted", "err", err)
		doc.Status, doc.Title = d.retry, http.StatusText(d.retry)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		doc.Status, doc.Title = d.retry, http.StatusText(d.retry)
	}
	problem.Send(w, r, doc)
}

func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || media == "text/json" || len(media) > 5 && media[len(media)-5:] == "+json")
}

// peer is the address that the request came from, without its port.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// since reads a sender's time; the zero time of Go, and nonsense, is no time.
func since(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t.Truncate(time.Millisecond)
}
