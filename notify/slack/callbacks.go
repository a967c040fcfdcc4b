package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	api "github.com/slack-go/slack"

	"toban/internal/problem"
	"toban/oncall"
)

// What is wrong with a callback. None of them says more than that.
var (
	errForged   = &oncall.Error{Kind: oncall.Denied, Code: "callback.signature", Message: "the request is not signed by the provider"}
	errTooLarge = &oncall.Error{Kind: oncall.TooLarge, Code: "callback.too_large", Message: "a callback is at most 1 MiB"}
	errForm     = &oncall.Error{Kind: oncall.Invalid, Code: "callback.form", Message: "a callback is what Slack sends: a form with a payload, or an event"}
)

const (
	maxCallback = 1 << 20
	// maxCallbacks bounds what is worked on at the same time.
	maxCallbacks = 32
	// maxVoices bounds how many are being told what became of it. It is another
	// bound: a Slack that is slow to take such words keeps nobody from acting.
	maxVoices = 256
	// answerWithin is when Slack is answered at the latest: it waits for 3 s. The
	// work goes on.
	answerWithin = 2 * time.Second
	// callbackTime bounds the work.
	callbackTime = 20 * time.Second
)

// callbacks are the addresses that the workspace of one stage sends to.
type callbacks struct {
	f     *Follower
	stage oncall.Stage
}

// Handler answers the workspace of a stage: POST prefix/interact for buttons and
// prefix/events for events. It may be made before there is a workspace.
func (f *Follower) Handler(stage oncall.Stage, prefix string) http.Handler {
	c := callbacks{f, stage}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+prefix+"/interact", c.interact)
	mux.HandleFunc("POST "+prefix+"/events", c.events)
	return mux
}

// check makes sure that the workspace speaks. Nothing has happened when it
// fails.
func (c callbacks) check(w http.ResponseWriter, r *http.Request) (*Workspace, []byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, nil, errTooLarge
	} else if err != nil {
		return nil, nil, errForm
	}
	ws := c.f.o.Workspace(c.stage)
	if ws == nil || !signed(r.Header, body, ws.c.SigningSecret, time.Now()) {
		return nil, nil, errForged
	}
	return ws, body, nil
}

func (c callbacks) refuse(w http.ResponseWriter, r *http.Request, err error) {
	c.f.log.WarnContext(r.Context(), "callback refused", "err", err)
	problem.Write(w, r, c.f.log, err)
}

// interact is told of a click.
func (c callbacks) interact(w http.ResponseWriter, r *http.Request) {
	ws, body, err := c.check(w, r)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	form, err := url.ParseQuery(string(body))
	var click api.InteractionCallback
	if err != nil || json.Unmarshal([]byte(form.Get("payload")), &click) != nil {
		c.refuse(w, r, errForm)
		return
	}
	c.answer(w, r, func(ctx context.Context, free func()) { c.f.clicked(ctx, ws, click, free) })
}

// answer does the work and says so within the time that Slack gives, whether or
// not the work is done by then. do calls free when it only talks from now on.
func (c callbacks) answer(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, free func())) {
	if !c.f.admit() {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable) // Slack sends an event again, and tells who clicked
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callbackTime)
	done := make(chan struct{})
	free := sync.OnceFunc(func() { <-c.f.hand })
	go func() { // Run waits for it
		defer c.f.calls.Done()
		defer cancel()
		defer free()
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				c.f.log.ErrorContext(ctx, "callback failed", slog.Any("err", p))
			}
		}()
		do(ctx, free)
	}()
	timer := time.NewTimer(answerWithin)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	w.WriteHeader(http.StatusOK)
}

// admit counts a callback in, as long as there are not too many and Run has not
// ended.
func (f *Follower) admit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return false
	}
	select {
	case f.hand <- struct{}{}:
		f.calls.Add(1)
		return true
	default:
		return false
	}
}
