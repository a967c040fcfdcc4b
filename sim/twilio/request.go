package twilio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is one request to the REST API, for assertions such as "none after".
type Request struct {
	At      time.Time  `json:"at"`   // arrival
	Done    time.Time  `json:"done"` // zero while it is worked on
	Kind    string     `json:"kind"` // create, fetch, update, list, notifications
	Path    string     `json:"path"` // with its query
	Form    url.Values `json:"form,omitempty"`
	Status  int        `json:"status"`             // 0 when the connection was cut
	Code    int        `json:"code,omitempty"`     // of a refusal
	CallSID string     `json:"call_sid,omitempty"` // the call it made or named
}

// Requests returns the API requests so far, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.requests))
	for i, r := range s.requests {
		out[i] = *r
	}
	return out
}

// RequestsSince returns the requests that arrived at t or later.
func (s *Server) RequestsSince(t time.Time) []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return r.At.Before(t) })
}

const maxBody = 64 << 10

type operation func(r *http.Request, a *account, log *Request) answer

// api wraps an operation in what is the same for all of them: the log, the
// authorisation, the faults.
func (s *Server) api(kind string, do operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		parseErr := r.ParseForm()
		log := s.arrived(kind, r)
		a := func() answer {
			if parseErr != nil {
				return refuse(badRequest(20001, "The request body can't be read"))
			}
			acct, refused := s.authorise(r)
			if refused != nil {
				return refuse(refused)
			}
			f, ok := s.takeFault(kind, r.PostForm.Get("To"))
			if ok && !f.After {
				if a, ends := s.suffer(r.Context(), f); ends {
					return a
				}
			}
			a := do(r, acct, log)
			if ok && f.After && !a.drop {
				if instead, ends := s.suffer(r.Context(), f); ends {
					return instead
				}
			}
			return a
		}()
		s.done(log, a)
		if a.drop {
			panic(http.ErrAbortHandler)
		}
		a.write(w)
	}
}

func (s *Server) arrived(kind string, r *http.Request) *Request {
	log := &Request{At: time.Now(), Kind: kind, Path: r.URL.RequestURI(), Form: r.PostForm, CallSID: strings.TrimSuffix(r.PathValue("call"), ".json")}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, log)
	if keep := 10 * s.options.Keep; len(s.requests) > keep+keep/10 { // now and then, not at each
		s.requests = slices.Delete(s.requests, 0, len(s.requests)-keep)
	}
	s.touch()
	return log
}

func (s *Server) done(log *Request, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	log.Done = time.Now()
	if !a.drop {
		log.Status = a.status
	}
	if e, ok := a.body.(*apiError); ok {
		log.Code = e.Code
	}
	s.touch()
}
