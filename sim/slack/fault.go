package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is a request to the Web API that goes wrong.
type Fault struct {
	On      string `json:"on,omitempty"`      // a method such as chat.postMessage; empty means any
	Channel string `json:"channel,omitempty"` // only requests about that channel, by id or as the request names it
	Times   int    `json:"times,omitempty"`   // how often; 0 means once

	// After lets the request take effect first: the client can't know.
	After bool `json:"after,omitempty"`

	Delay      Span   `json:"delay,omitempty"`       // wait that long
	Error      string `json:"error,omitempty"`       // answer 200 with this error
	Status     int    `json:"status,omitempty"`      // answer with it: 429, or HTML with a 5xx; 0 goes on after Delay
	RetryAfter Span   `json:"retry_after,omitempty"` // told in whole seconds; 0 means 1 s with a 429
	Drop       bool   `json:"drop,omitempty"`        // cut the connection
	Hang       bool   `json:"hang,omitempty"`        // never answer
}

// RateLimited refuses one request of a method with 429.
func RateLimited(method string, retryAfter time.Duration) Fault {
	return Fault{On: method, Status: http.StatusTooManyRequests, RetryAfter: Span(retryAfter)}
}

// ServerError refuses one request with a 5xx and HTML before anything happened.
func ServerError(method string, status int) Fault { return Fault{On: method, Status: status} }

// Refusal answers one request with an error of the service.
func Refusal(method, code string) Fault { return Fault{On: method, Error: code} }

// Slow does what is asked at once and answers that late.
func Slow(method string, d time.Duration) Fault {
	return Fault{On: method, Delay: Span(d), After: true}
}

// HangAfter does what is asked and never answers: the client runs into its
// time-out and can't know.
func HangAfter(method string) Fault { return Fault{On: method, Hang: true, After: true} }

// DropAfter does what is asked and cuts the connection without an answer.
func DropAfter(method string) Fault { return Fault{On: method, Drop: true, After: true} }

// isCode says whether a text is like the codes and types of the service.
func isCode(text string) bool {
	return len(text) <= 64 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Validate says what a server would not understand.
func (f Fault) Validate() error {
	if _, known := methods()[f.On]; f.On != "" && !known {
		return fmt.Errorf("fault: on %q is not a simulated method", f.On)
	}
	if f.Error != "" && !isCode(f.Error) {
		return fmt.Errorf("fault: error %q is not like one of the service", f.Error)
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
func (s *Server) takeFault(name string, in args) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	channel := in.text("channel")
	for i, f := range s.faults {
		if f.On != "" && f.On != name || f.Channel != "" && f.Channel != channel {
			continue
		}
		if s.faults[i].Times--; s.faults[i].Times <= 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f, true
	}
	return Fault{}, false
}

const (
	longestHang = 10 * time.Minute
	unavailable = "<!DOCTYPE html><html><head><title>Server Error</title></head><body><h1>Server Error</h1></body></html>\n"
)

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
	switch {
	case f.Status == http.StatusTooManyRequests:
		return tooMany(int((time.Duration(f.RetryAfter) + time.Second - 1) / time.Second)), true
	case f.Status != 0:
		return answer{status: f.Status, html: unavailable, retryAfter: int(time.Duration(f.RetryAfter) / time.Second)}, true
	case f.Error != "":
		return answer{status: http.StatusOK, body: refuse(f.Error)}, true
	default:
		return answer{}, false
	}
}

// CallbackFault is an interaction or event that goes wrong on its way to the
// app.
type CallbackFault struct {
	// On is "interact", "event", or the type of an event such as message;
	// empty means all.
	On    string `json:"on,omitempty"`
	Times int    `json:"times,omitempty"` // how often; 0 means once

	// Do is what happens: "duplicate" (sent again after By), "late" (by By),
	// "lost", "bad-signature", or "stale" (signed ten minutes ago).
	Do string `json:"do"`
	By Span   `json:"by,omitempty"`
}

// Validate says what a server would not understand.
func (f CallbackFault) Validate() error {
	if f.On != "" && !isCode(f.On) {
		return fmt.Errorf("callback fault: on %q is not known", f.On)
	}
	if !slices.Contains([]string{"duplicate", "late", "lost", "bad-signature", "stale"}, f.Do) {
		return fmt.Errorf("callback fault: do %q is not known", f.Do)
	}
	if f.Times < 0 || f.Times > 1_000_000 {
		return errors.New("callback fault: times is not between 0 and 1,000,000")
	}
	return nil
}

// FaultCallbacks lets callbacks go wrong; each is befallen by every fault that
// fits it.
func (s *Server) FaultCallbacks(faults ...CallbackFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callFaults = append(s.callFaults, faults...)
}

// callFaults is what befalls one callback.
type callFaults struct {
	duplicate, lost, badSignature, stale bool
	again, late                          time.Duration
}

// takeCallFaults uses up what fits a callback of that kind and type.
func (s *Server) takeCallFaults(names ...string) (out callFaults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callFaults = slices.DeleteFunc(s.callFaults, func(f CallbackFault) bool { return f.Times < 0 })
	for i, f := range s.callFaults {
		if f.On != "" && !slices.Contains(names, f.On) {
			continue
		}
		if s.callFaults[i].Times--; s.callFaults[i].Times == 0 {
			s.callFaults[i].Times = -1
		}
		switch f.Do {
		case "duplicate":
			out.duplicate, out.again = true, time.Duration(f.By)
		case "late":
			out.late = time.Duration(f.By)
		case "lost":
			out.lost = true
		case "bad-signature":
			out.badSignature = true
		case "stale":
			out.stale = true
		}
	}
	s.callFaults = slices.DeleteFunc(s.callFaults, func(f CallbackFault) bool { return f.Times < 0 })
	return out
}

// Span is a duration that reads as "1m30s" in JSON.
type Span time.Duration

// MarshalText writes the span as time.Duration does.
func (d Span) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does, from nothing to a day.
func (d *Span) UnmarshalText(text []byte) error {
	read, err := time.ParseDuration(string(text))
	if err != nil || read < 0 || read > 24*time.Hour {
		return fmt.Errorf("duration %q is not between 0s and 24h", text)
	}
	*d = Span(read)
	return nil
}
