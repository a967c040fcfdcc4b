package twilio

import (
	"context"
	"errors"
	"slices"
)

// What a phone can't do just now.
var (
	ErrNotRinging = errors.New("the phone does not ring")
	ErrNoCall     = errors.New("the phone has no answered call")
	ErrNotAKey    = errors.New("a phone has the keys 0 to 9, * and #")
)

// handset is a phone with what it is told to do. s.mu guards it.
type handset struct {
	person Person
	next   []Script
	always *Script
	legs   []*leg // all calls to it, oldest first
}

// handset returns the phone with that number and makes it known. s.mu is held,
// or s not yet shared.
func (s *Server) handset(number string) *handset {
	h, ok := s.handsets[number]
	if !ok {
		h = &handset{person: Person{Number: number}}
		s.handsets[number] = h
		s.order = append(s.order, number)
	}
	return h
}

// nextScript takes what the phone does with the next call.
func (s *Server) nextScript(number string) Script {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.handset(number)
	if len(h.next) > 0 {
		script := h.next[0]
		h.next = slices.Delete(h.next, 0, 1)
		return script
	}
	if h.always != nil {
		return *h.always
	}
	return s.options.Default
}

// liveLeg is the call that a phone has. s.mu is held.
func (s *Server) liveLeg(number string) *leg {
	if h, ok := s.handsets[number]; ok {
		for _, l := range slices.Backward(h.legs) {
			if l.status.Live() {
				return l
			}
		}
	}
	return nil
}

// Phone is the handset with a number, for scripts, for a person's hands, and
// for assertions.
type Phone struct {
	s      *Server
	number string
}

// Phone returns the handset with that number; any number has one.
func (s *Server) Phone(number string) *Phone { return &Phone{s, number} }

// Next queues what the phone does with its next calls, one script a call.
func (p *Phone) Next(scripts ...Script) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	h := p.s.handset(p.number)
	h.next = append(h.next, scripts...)
	p.s.touch()
}

// Always says what the phone does with every call that Next has no script for.
func (p *Phone) Always(script Script) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.handset(p.number).always = &script
	p.s.touch()
}

// Forget drops all scripts of the phone.
func (p *Phone) Forget() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	h := p.s.handset(p.number)
	h.next, h.always = nil, nil
	p.s.touch()
}

// Live is the call that rings or is being heard.
func (p *Phone) Live() (Call, bool) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if l := p.s.liveLeg(p.number); l != nil {
		return l.call(), true
	}
	return Call{}, false
}

// Calls returns every call to this phone, oldest first, queued ones included.
func (p *Phone) Calls() []Call {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	h, ok := p.s.handsets[p.number]
	if !ok {
		return nil
	}
	out := make([]Call, len(h.legs))
	for i, l := range h.legs {
		out[i] = l.call()
	}
	return out
}

// Last is the newest call to this phone.
func (p *Phone) Last() (Call, bool) {
	calls := p.Calls()
	if len(calls) == 0 {
		return Call{}, false
	}
	return calls[len(calls)-1], true
}

// Wait blocks until a call of this phone is as asked, and returns the newest
// such call. It looks at once and after every change.
func (p *Phone) Wait(ctx context.Context, as func(Call) bool) (found Call, err error) {
	err = p.s.Wait(ctx, func() bool {
		for _, c := range slices.Backward(p.Calls()) {
			if as(c) {
				found = c
				return true
			}
		}
		return false
	})
	return found, err
}

// Ring waits until the phone rings.
func (p *Phone) Ring(ctx context.Context) (Call, error) {
	return p.Wait(ctx, func(c Call) bool { return c.Status == StatusRinging })
}

// Ended waits until the phone has had n calls that are over, and returns the
// n-th.
func (p *Phone) Ended(ctx context.Context, n int) (call Call, err error) {
	err = p.s.Wait(ctx, func() bool {
		over := slices.DeleteFunc(p.Calls(), func(c Call) bool { return !c.Status.Ended() })
		if len(over) < n || n < 1 {
			return false
		}
		call = over[n-1]
		return true
	})
	return call, err
}

// Answer takes the ringing call.
func (p *Phone) Answer() error { return p.act(ErrNotRinging, (*leg).pickUp) }

// Decline rejects the ringing call.
func (p *Phone) Decline() error {
	return p.act(ErrNotRinging, func(l *leg) error {
		if l.status != StatusRinging {
			return ErrNotRinging
		}
		l.decline()
		return nil
	})
}

// Press presses keys in the answered call; nobody hears them unless a Gather
// listens.
func (p *Phone) Press(digits string) error {
	if !areKeys(digits) {
		return ErrNotAKey
	}
	return p.act(ErrNoCall, func(l *leg) error { return l.press(digits) })
}

// HangUp ends the answered call.
func (p *Phone) HangUp() error {
	return p.act(ErrNoCall, func(l *leg) error {
		if l.status != StatusInProgress {
			return ErrNoCall
		}
		l.finish(StatusCompleted, 200)
		return nil
	})
}

func (p *Phone) act(none error, do func(*leg) error) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	l := p.s.liveLeg(p.number)
	if l == nil {
		return none
	}
	return do(l)
}
