package twilio

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"toban/internal/problem"
	"toban/notify"
	"toban/oncall"
	"toban/store"
)

// What is wrong with a callback. None of them says more than that.
var (
	errForged   = &oncall.Error{Kind: oncall.Denied, Code: "callback.signature", Message: "the request is not signed by the provider"}
	errTicket   = &oncall.Error{Kind: oncall.Denied, Code: "callback.ticket", Message: "the address of this callback is not ours or has expired"}
	errTooLarge = &oncall.Error{Kind: oncall.TooLarge, Code: "callback.too_large", Message: "a callback is at most 64 KiB"}
	errForm     = &oncall.Error{Kind: oncall.Invalid, Code: "callback.form", Message: "a callback is a form with a CallSid"}
)

const (
	maxCallback = 64 << 10
	// callbackTime bounds one callback: the provider waits for 15 s.
	callbackTime = 10 * time.Second
)

// callbacks turns requests of the provider into what happened to a delivery.
type callbacks struct {
	v   *Voice
	d   *notify.Dispatcher
	log *slog.Logger
}

// Handler answers the provider below the configured path, such as
// /callbacks/twilio/voice. Which prefix of it a proxy has cut off does not
// matter: signatures are checked against the configured public address.
func (v *Voice) Handler(d *notify.Dispatcher, log *slog.Logger) http.Handler {
	c := &callbacks{v: v, d: d, log: log}
	mux := http.NewServeMux()
	for kind, do := range map[string]func(context.Context, callback) ([]byte, error){
		"voice": c.voice, "gather": c.gather, "status": c.status,
	} {
		mux.HandleFunc("POST "+v.c.Path+"/"+kind, c.answer(kind, do))
	}
	return mux
}

// callback is one that has been checked.
type callback struct {
	delivery oncall.DeliveryID
	expires  time.Time
	sid      string
	form     url.Values
}

// answer checks a callback and sends what do says: TwiML, or nothing.
func (c *callbacks) answer(kind string, do func(context.Context, callback) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), callbackTime)
		defer cancel()
		in, err := c.check(w, r, kind)
		if err != nil {
			c.log.WarnContext(ctx, "callback refused", "kind", kind, "err", err)
			problem.Write(w, r, c.log, err)
			return
		}
		token := r.Header.Get("I-Twilio-Idempotency-Token")
		if token != "" {
			token = kind + " " + string(in.delivery) + " " + token
		}
		body, err := c.v.said.once(ctx, token, func() ([]byte, error) { return do(ctx, in) })
		switch {
		case err != nil:
			problem.Write(w, r, c.log, err)
		case len(body) == 0:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write(body) // the provider is gone: there is nobody to tell
		}
	}
}

// check makes sure that the provider speaks, of a delivery of ours. Nothing has
// happened when it fails.
func (c *callbacks) check(w http.ResponseWriter, r *http.Request, kind string) (callback, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return callback{}, errTooLarge
	} else if err != nil {
		return callback{}, errForm
	}
	form := url.Values{}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media == "application/x-www-form-urlencoded" {
		if form, err = url.ParseQuery(string(body)); err != nil {
			return callback{}, errForm
		}
	}
	target := *c.v.public
	target.Path = strings.TrimSuffix(target.Path, "/") + c.v.c.Path + "/" + kind
	target.RawQuery = r.URL.RawQuery
	if !signed(&target, form, body, r.Header.Get("X-Twilio-Signature"), c.v.c.Token, c.v.c.OldToken) {
		return callback{}, errForged
	}
	d, expires, ok := c.v.admit(r.URL.Query(), time.Now())
	if !ok {
		return callback{}, errTicket
	}
	sid := form.Get("CallSid")
	if len(sid) < 2 || len(sid) > 64 || !strings.HasPrefix(sid, "CA") {
		return callback{}, errForm
	}
	return callback{delivery: d, expires: expires, sid: sid, form: form}, nil
}

// voice is asked when the phone has been answered.
func (c *callbacks) voice(ctx context.Context, in callback) ([]byte, error) {
	if err := c.d.Report(ctx, in.delivery, notify.Report{ProviderID: in.sid, State: store.DeliveryAnswered, Talk: talk, Minutes: -1}); err != nil {
		return nil, err
	}
	return c.words(ctx, in, "")
}

// words reads what the call is about; before is the name of a text said first.
func (c *callbacks) words(ctx context.Context, in callback, before string) ([]byte, error) {
	call, err := c.d.Call(ctx, in.delivery)
	if err != nil {
		return nil, err
	}
	s := c.v.speech
	if len(call.Incidents) == 0 {
		return s.end(call.Language, s.over(call))
	}
	first := ""
	if before != "" {
		first = s.line(call.Language, before, nil)
	}
	action := c.v.callback("gather", in.delivery, in.expires) + insist
	return s.ask(call.Language, action, first, s.alarm(call))
}

// again hears it again; everything else is the business of whoever handles keys.
const again = "3"

// gather is told which key was pressed, or none until the end.
func (c *callbacks) gather(ctx context.Context, in callback) ([]byte, error) {
	switch digit := in.form.Get("Digits"); digit {
	case "":
		return c.silence(ctx, in)
	case again:
		return c.words(ctx, in, "")
	default:
		return c.key(ctx, in, digit)
	}
}

// silence: the second reading has ended without a key. Nobody is there, and the
// next person need not wait for the end of this call.
func (c *callbacks) silence(ctx context.Context, in callback) ([]byte, error) {
	if err := c.d.NoInput(ctx, in.delivery, in.sid); err != nil {
		return nil, err
	}
	call, err := c.d.Call(ctx, in.delivery)
	if err != nil {
		return nil, err
	}
	s := c.v.speech
	return s.end(call.Language, s.line(call.Language, "goodbye", nil))
}

func (c *callbacks) key(ctx context.Context, in callback, digit string) ([]byte, error) {
	if len(digit) != 1 {
		return c.words(ctx, in, "invalid")
	}
	said, err := c.d.Press(ctx, in.delivery, in.sid, digit)
	if err != nil {
		c.log.ErrorContext(ctx, "key not taken", "delivery", in.delivery, "err", err)
		return c.words(ctx, in, "trouble")
	}
	if said.Kind == notify.SaidUnknown {
		return c.words(ctx, in, "invalid")
	}
	call, err := c.d.Call(ctx, in.delivery)
	if err != nil {
		return nil, err
	}
	s := c.v.speech
	return s.end(call.Language, s.answer(call, said))
}

// status is told of the call's progress. Callbacks may be late or out of order;
// the states themselves say which is newer.
func (c *callbacks) status(ctx context.Context, in callback) ([]byte, error) {
	report := notify.Report{ProviderID: in.sid, Talk: talk, Minutes: -1}
	report.State, report.Outcome = stateOf(in.form.Get("CallStatus"), in.form.Get("SipResponseCode"))
	if sip := in.form.Get("SipResponseCode"); len(sip) == 3 {
		report.Code = "sip" + sip
	}
	if minutes, err := strconv.ParseInt(in.form.Get("Duration"), 10, 64); err == nil && minutes >= 0 && minutes < 1e6 {
		report.Minutes = minutes
	}
	return []byte{}, c.d.Report(ctx, in.delivery, report)
}
