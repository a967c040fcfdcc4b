package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is a request to the API that goes wrong. In a Script it befalls the
// request that makes the call; given to Server.Fault, whatever it fits.
type Fault struct {
	On    string `json:"on,omitempty"`    // create, fetch, update, list or empty for all
	To    string `json:"to,omitempty"`    // only requests about that number
	Times int    `json:"times,omitempty"` // how often; 0 means once

	// After lets the request take effect first: the client can't know.
	After bool `json:"after,omitempty"`

	Delay      Span `json:"delay,omitempty"`       // wait that long
	Status     int  `json:"status,omitempty"`      // answer with it; 0 goes on after Delay
	Code       int  `json:"code,omitempty"`        // 0 means the usual one for Status
	RetryAfter Span `json:"retry_after,omitempty"` // told in whole seconds
	Drop       bool `json:"drop,omitempty"`        // cut the connection
	Hang       bool `json:"hang,omitempty"`        // never answer
}

// TooMany is the concurrency limit: 429 with code 20429.
func TooMany(retryAfter time.Duration) Fault {
	return Fault{Status: http.StatusTooManyRequests, RetryAfter: Span(retryAfter)}
}

// ServerError refuses with a 5xx before anything has happened.
func ServerError(status int) Fault { return Fault{Status: status} }

// ServerErrorAfter answers with a 5xx although the call has been made.
func ServerErrorAfter(status int) Fault { return Fault{Status: status, After: true} }

// Slow makes the call at once and answers that late.
func Slow(d time.Duration) Fault { return Fault{Delay: Span(d), After: true} }

// DropAfter makes the call and cuts the connection without an answer.
func DropAfter() Fault { return Fault{Drop: true, After: true} }

// HangAfter makes the call and never answers: the client runs into its time-out.
func HangAfter() Fault { return Fault{Hang: true, After: true} }

// Validate says what a server would not understand.
func (f Fault) Validate() error {
	if !slices.Contains([]string{"", "create", "fetch", "update", "list", "notifications"}, f.On) {
		return fmt.Errorf("fault: on %q is not a kind of request", f.On)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("fault: status %d is not one of an error", f.Status)
	}
	if f.Times < 0 || f.Times > 1_000_000 {
		return errors.New("fault: times is not between 0 and 1,000,000")
	}
	return nil
}

// Fault lets requests go wrong, in the order in which faults were given.
func (s *Server) Fault(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// takeFault finds the first fault that fits, and uses it up.
func (s *Server) takeFault(kind, to string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.On != "" && f.On != kind || f.To != "" && f.To != to {
			continue
		}
		if s.faults[i].Times--; s.faults[i].Times <= 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f, true
	}
	return Fault{}, false
}

const longestHang = 10 * time.Minute

// suffer lets f happen; false means that the request goes on.
func (s *Server) suffer(ctx context.Context, f Fault) (answer, bool) {
	ctx, stop := joined(ctx, s.ctx)
	defer stop()
	if f.Hang {
		rest(ctx, longestHang)
		return answer{drop: true}, true
	}
	if f.Delay > 0 && !rest(ctx, time.Duration(f.Delay)) || f.Drop {
		return answer{drop: true}, true
	}
	if f.Status == 0 {
		return answer{}, false
	}
	code, message := f.Code, http.StatusText(f.Status)
	switch {
	case code != 0:
	case f.Status == http.StatusTooManyRequests:
		code, message = 20429, "Too Many Requests"
	case f.Status >= 500:
		code, message = 20500, "An internal server error has occurred"
	default:
		code = 20000 + f.Status%1000
	}
	a := refuse(refusal(f.Status, code, "%s", message))
	if f.RetryAfter > 0 {
		seconds := (time.Duration(f.RetryAfter) + time.Second - 1) / time.Second
		a.retryAfter = strconv.Itoa(int(seconds))
	}
	return a, true
}

// joined is a context that ends with either.
func joined(a, b context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(a)
	stop := context.AfterFunc(b, cancel)
	return ctx, func() { stop(); cancel() }
}

// CallbackFault is something sent for a call that goes wrong.
type CallbackFault struct {
	// On is initiated, ringing, answered or completed, "amd" for the result of
	// machine detection, "voice" for requests for TwiML; empty means all.
	On string `json:"on,omitempty"`

	// Do is what happens: "duplicate" (sent again after By), "late" (by By),
	// "reorder" (sent after the next one), "lost", "bad-signature", or
	// "with-port" (signed with the port that the scheme implies). Requests for
	// TwiML are never reordered or lost.
	Do string `json:"do"`
	By Span   `json:"by,omitempty"`
}

// Duplicate sends a callback again, by later.
func Duplicate(on string, by time.Duration) CallbackFault {
	return CallbackFault{On: on, Do: "duplicate", By: Span(by)}
}

// Late sends a callback by later; what follows does not wait for it.
func Late(on string, by time.Duration) CallbackFault {
	return CallbackFault{On: on, Do: "late", By: Span(by)}
}

// Reordered sends a callback after the one that follows it.
func Reordered(on string) CallbackFault { return CallbackFault{On: on, Do: "reorder"} }

// Lost never sends a callback.
func Lost(on string) CallbackFault { return CallbackFault{On: on, Do: "lost"} }

// BadSignature signs with a wrong token.
func BadSignature(on string) CallbackFault { return CallbackFault{On: on, Do: "bad-signature"} }

func (f CallbackFault) validate() error {
	if !slices.Contains([]string{"", "initiated", "ringing", "answered", "completed", "amd", "voice"}, f.On) {
		return fmt.Errorf("callbacks: on %q is not known", f.On)
	}
	if !slices.Contains([]string{"duplicate", "late", "reorder", "lost", "bad-signature", "with-port"}, f.Do) {
		return fmt.Errorf("callbacks: do %q is not known", f.Do)
	}
	return nil
}

// befalls returns the fault of that sort that the script has for a callback.
func (s Script) befalls(on, do string) (CallbackFault, bool) {
	for _, f := range s.Callbacks {
		if f.Do == do && (f.On == "" || f.On == on) {
			return f, true
		}
	}
	return CallbackFault{}, false
}
