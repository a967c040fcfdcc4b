package twilio

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"time"
)

// create answers POST …/Calls.json. The call begins when it is its turn in the
// account's queue; the answer says how long that takes.
func (s *Server) create(r *http.Request, a *account, log *Request) answer {
	p, refused := readParams(r.PostForm, func(number string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return a.owns(number)
	})
	if refused != nil {
		return refuse(refused)
	}
	script := s.nextScript(p.to)
	fault := Fault{}
	if script.Fault != nil {
		fault = *script.Fault
	}
	if script.Fault != nil && !fault.After {
		if a, ends := s.suffer(r.Context(), fault); ends {
			return a
		}
	}
	l, resource := s.begin(a, p, script)
	if l == nil {
		return refuse(errClosed)
	}
	s.mu.Lock()
	log.CallSID = l.sid
	s.mu.Unlock()
	if script.Fault != nil && fault.After {
		if a, ends := s.suffer(r.Context(), fault); ends {
			return a
		}
	}
	return answer{status: http.StatusCreated, body: resource}
}

// begin puts a call into the queue and starts its life; nil after Close.
func (s *Server) begin(a *account, p params, script Script) (*leg, callResource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, callResource{}
	}
	now := time.Now()
	l := &leg{
		s: s, account: a, sid: newSID("CA"), params: p, script: script,
		status: StatusQueued, created: now, updated: now, slot: a.slot(now),
		pickedUp: make(chan struct{}),
		hearing:  make(chan struct{}),
		keyed:    make(chan struct{}, 1),
		mail:     make(chan struct{}, 1),
	}
	l.ctx, l.over = context.WithCancel(s.ctx)
	if p.async && p.detection != "" && p.asyncCallback.url == "" {
		l.note(21262, "AsyncAmdStatusCallback is missing")
	}
	s.legs, s.bySID[l.sid] = append(s.legs, l), l
	h := s.handset(p.to)
	h.legs = append(h.legs, l)
	s.forget()
	s.work.Go(l.live)
	s.work.Go(l.deliver)
	s.touch()
	r := l.resource()
	r.DateCreated, r.DateUpdated = nil, nil // the real answer does not know them yet
	return l, r
}

// forget drops the oldest ended calls beyond Options.Keep. s.mu is held.
func (s *Server) forget() {
	if len(s.legs) <= s.options.Keep+s.options.Keep/10 {
		return
	}
	over := len(s.legs) - s.options.Keep
	s.legs = slices.DeleteFunc(s.legs, func(l *leg) bool {
		if over == 0 || !l.status.Ended() {
			return false
		}
		over--
		delete(s.bySID, l.sid)
		h := s.handset(l.params.to)
		h.legs = slices.DeleteFunc(h.legs, func(old *leg) bool { return old == l })
		return true
	})
}

func newSID(prefix string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return prefix + hex.EncodeToString(b[:])
}
