package twilio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// PhoneState is a phone as the page and scripts see it.
type PhoneState struct {
	Number  string   `json:"number"`
	Name    string   `json:"name,omitempty"`
	Live    *Call    `json:"live,omitempty"` // rings or is being heard
	Calls   int      `json:"calls"`
	Next    []Script `json:"next,omitempty"` // queued scripts
	Always  *Script  `json:"always,omitempty"`
	history []Call   // newest first, without the live one
}

// Phones returns every phone that has an owner, a script or a call, in the
// order in which they became known.
func (s *Server) Phones() []PhoneState {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]PhoneState, len(s.order))
	for i, number := range s.order {
		h := s.handsets[number]
		state := PhoneState{Number: number, Name: h.person.Name, Calls: len(h.legs), Next: h.next, Always: h.always}
		live := s.liveLeg(number)
		if live != nil {
			c := live.call()
			state.Live = &c
		}
		for j := len(h.legs) - 1; j >= 0 && len(state.history) < historyShown; j-- {
			if h.legs[j] != live {
				state.history = append(state.history, h.legs[j].call())
			}
		}
		out[i] = state
	}
	return out
}

const historyShown = 10

func (s *Server) callsJSON(w http.ResponseWriter, _ *http.Request)    { writeJSON(w, s.Calls()) }
func (s *Server) phonesJSON(w http.ResponseWriter, _ *http.Request)   { writeJSON(w, s.Phones()) }
func (s *Server) requestsJSON(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Requests()) }

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(body) // the client went away: nothing is left to do
}

// setScript reads a Script, or a list of them, for the phone's next calls; with
// ?always the one Script is for all other calls.
func (s *Server) setScript(w http.ResponseWriter, r *http.Request) {
	number := r.PathValue("number")
	if !isE164(number) {
		http.Error(w, "the number is not in the form +819000000001", http.StatusNotFound)
		return
	}
	scripts, err := readList(r, Script.Validate)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case !s.room(number, len(scripts)):
		http.Error(w, "too many scripts wait, or too many phones are known", http.StatusConflict)
		return
	case !r.URL.Query().Has("always"):
		s.Phone(number).Next(scripts...)
	case len(scripts) != 1:
		http.Error(w, "always takes exactly one script", http.StatusBadRequest)
		return
	default:
		s.Phone(number).Always(scripts[0])
	}
	w.WriteHeader(http.StatusNoContent)
}

// room says whether a phone can be told more from outside.
func (s *Server) room(number string, scripts int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, known := s.handsets[number]
	if !known {
		return len(s.handsets) < maxWaiting
	}
	return len(h.next)+scripts <= maxWaiting
}

func (s *Server) clearScript(w http.ResponseWriter, r *http.Request) {
	if number := r.PathValue("number"); isE164(number) && s.room(number, 0) {
		s.Phone(number).Forget()
	}
	w.WriteHeader(http.StatusNoContent)
}

// setFaults reads a Fault, or a list of them.
func (s *Server) setFaults(w http.ResponseWriter, r *http.Request) {
	faults, err := readList(r, Fault.Validate)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	waiting := len(s.faults)
	s.mu.Unlock()
	if waiting+len(faults) > maxWaiting {
		http.Error(w, "too many faults wait", http.StatusConflict)
		return
	}
	s.Fault(faults...)
	w.WriteHeader(http.StatusNoContent)
}

const (
	maxListed  = 1000   // objects in one request
	maxWaiting = 10_000 // scripts of a phone, phones, faults
)

// readList reads one T or a list of them, strictly.
func readList[T any](r *http.Request, validate func(T) error) ([]T, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, fmt.Errorf("the body can't be read or is longer than %d bytes", maxBody)
	}
	if body = bytes.TrimSpace(body); !bytes.HasPrefix(body, []byte("[")) {
		body = append(append([]byte("["), body...), ']')
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var list []T
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("the body is not understood: %w", err)
	}
	if d.More() || len(list) == 0 || len(list) > maxListed {
		return nil, fmt.Errorf("the body is not between 1 and %d objects", maxListed)
	}
	for i, v := range list {
		if err := validate(v); err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
	}
	return list, nil
}

func (p *Phone) answerForm(*http.Request) error  { return p.Answer() }
func (p *Phone) declineForm(*http.Request) error { return p.Decline() }
func (p *Phone) hangUpForm(*http.Request) error  { return p.HangUp() }
func (p *Phone) pressForm(r *http.Request) error { return p.Press(r.PostFormValue("digits")) }

// hand is a person's hand on a phone: a form of the page, or a script. The page
// is shown again, a script gets 204.
func (s *Server) hand(do func(*Phone, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		err := do(s.Phone(r.PathValue("number")), r)
		fromPage := strings.Contains(r.Header.Get("Accept"), "text/html")
		switch {
		case fromPage: // the page shows what is the case, so a press that came too late needs no words
			back := "../../../phones"
			q := url.Values{}
			if lang := r.PostFormValue("lang"); lang == "ja" || lang == "en" {
				q.Set("lang", lang)
			}
			for _, name := range []string{"embed", "only"} {
				if v := r.PostFormValue(name); v != "" {
					q.Set(name, v)
				}
			}
			if len(q) > 0 {
				back += "?" + q.Encode()
			}
			w.Header().Set("Location", back) // relative: the server may be mounted anywhere
			w.WriteHeader(http.StatusSeeOther)
		case errors.Is(err, ErrNotAKey):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusConflict)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}
}
