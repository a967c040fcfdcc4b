package twilio

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Script says what a phone does with one call, and what goes wrong around it.
// It is data: the constructors below write it for tests, and JSON carries the
// same form. The zero Script rings until a person answers or the call gives up.
type Script struct {
	// Outcome is "ring", "busy", "no-answer", "decline", "answer", "voicemail"
	// or "failed"; empty means "ring".
	Outcome string `json:"outcome,omitempty"`

	// After is how long the phone rings before it answers or declines, and
	// how long the network takes to say busy or failed. A call that gives up
	// earlier is not answered.
	After Span `json:"after,omitempty"`

	// Keys are pressed one after the other, the first counted from the first
	// words the phone hears.
	Keys []Key `json:"keys,omitempty"`

	// HangUp is how long after the last key (or the first words) the phone
	// hangs up; 0 means never, and for a voicemail after a minute.
	HangUp Span `json:"hang_up,omitempty"`

	// As is the status of a declined call: "busy" (empty too), as carriers
	// tell it, or "no-answer" or "failed".
	As Status `json:"as,omitempty"`

	// SIP is the response code told with the end; 0 means the usual one.
	SIP int `json:"sip,omitempty"`

	// AnsweredBy is what machine detection finds; empty means by the outcome.
	AnsweredBy string `json:"answered_by,omitempty"`

	// Fault befalls the request that makes the call. Unless it is an After
	// fault there is no call, and the script is used up all the same.
	Fault *Fault `json:"fault,omitempty"`

	// Callbacks befall what the provider sends for this call.
	Callbacks []CallbackFault `json:"callbacks,omitempty"`
}

// Key is a press of one or more keys, some time after what came before.
type Key struct {
	Digits string `json:"digits"`
	After  Span   `json:"after,omitempty"`
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

// Ring rings until a person answers or the call gives up.
func Ring() Script { return Script{Outcome: "ring"} }

// Busy is engaged.
func Busy() Script { return Script{Outcome: "busy"} }

// NoAnswer rings until the call gives up.
func NoAnswer() Script { return Script{Outcome: "no-answer"} }

// Decline rejects the call after two seconds of ringing.
func Decline() Script { return Script{Outcome: "decline", After: Span(2 * time.Second)} }

// Failed can't be reached by the network.
func Failed() Script { return Script{Outcome: "failed"} }

// Voicemail lets a machine answer after that long; it speaks and never presses.
func Voicemail(after time.Duration) Script { return Script{Outcome: "voicemail", After: Span(after)} }

// Answer is a person who answers after that long and presses nothing.
func Answer(after time.Duration) Script { return Script{Outcome: "answer", After: Span(after)} }

// AnswerAndHangUp answers and hangs up that long after the first words.
func AnswerAndHangUp(after, stay time.Duration) Script {
	return Script{Outcome: "answer", After: Span(after), HangUp: Span(max(stay, time.Millisecond))}
}

// Press answers after a second of ringing and presses digits that long after
// the first words.
func Press(digits string, after time.Duration) Script {
	return Answer(time.Second).Then(digits, after)
}

// Then presses digits that long after the keys before.
func (s Script) Then(digits string, after time.Duration) Script {
	s.Keys = append(slices.Clip(s.Keys), Key{Digits: digits, After: Span(after)})
	return s
}

// With lets f befall the request that makes the call.
func (s Script) With(f Fault) Script {
	s.Fault = &f
	return s
}

// But lets faults befall the call's callbacks.
func (s Script) But(faults ...CallbackFault) Script {
	s.Callbacks = append(slices.Clip(s.Callbacks), faults...)
	return s
}

const maxKeys = 50

// Validate says what a server would not understand.
func (s Script) Validate() error {
	if !slices.Contains([]string{"", "ring", "busy", "no-answer", "decline", "answer", "voicemail", "failed"}, s.Outcome) {
		return fmt.Errorf("outcome %q is not known", s.Outcome)
	}
	if len(s.Keys) > maxKeys {
		return fmt.Errorf("keys: %d are more than %d", len(s.Keys), maxKeys)
	}
	for _, k := range s.Keys {
		if !areKeys(k.Digits) {
			return fmt.Errorf("keys: %q has something else than 0-9, * and #", k.Digits)
		}
	}
	if !slices.Contains([]Status{"", StatusBusy, StatusNoAnswer, StatusFailed}, s.As) {
		return fmt.Errorf("as: %q is not how a declined call can end", s.As)
	}
	if s.SIP != 0 && (s.SIP < 100 || s.SIP > 699) {
		return fmt.Errorf("sip: %d is not a SIP response code", s.SIP)
	}
	if s.Fault != nil {
		if err := s.Fault.Validate(); err != nil {
			return err
		}
	}
	if len(s.Callbacks) > maxKeys {
		return fmt.Errorf("callbacks: %d are more than %d", len(s.Callbacks), maxKeys)
	}
	for _, f := range s.Callbacks {
		if err := f.validate(); err != nil {
			return err
		}
	}
	return nil
}

// areKeys says whether every letter is a key of a phone; there is at least one.
func areKeys(digits string) bool {
	return digits != "" && len(digits) <= 64 && strings.Trim(digits, "0123456789*#") == ""
}
