package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

func (s *Server) channelsJSON(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Channels()) }
func (s *Server) usersJSON(w http.ResponseWriter, _ *http.Request)    { writeJSON(w, s.Users()) }

func (s *Server) messagesJSON(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, s.Timeline(r.PathValue("channel")))
}

func (s *Server) groupsJSON(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	list := make([]Group, len(s.groups))
	for i, g := range s.groups {
		list[i] = *g
	}
	s.mu.Unlock()
	writeJSON(w, list)
}

func (s *Server) requestsJSON(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, s.Requests(r.URL.Query()["method"]...))
}

func (s *Server) callbacksJSON(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, s.Callbacks(r.URL.Query()["kind"]...))
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(body) // the client went away: nothing is left to do
}

// setCallbacks reads where interactions and events go.
func (s *Server) setCallbacks(w http.ResponseWriter, r *http.Request) {
	list, err := readList(r, func(v struct {
		Interact string `json:"interact"`
		Events   string `json:"events"`
	},
	) error {
		for _, address := range []string{v.Interact, v.Events} {
			if u, err := url.Parse(address); err != nil || address != "" && (!isLink(address) || u.Host == "") {
				return fmt.Errorf("%q is not an address", address)
			}
		}
		return nil
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	last := list[len(list)-1]
	s.SetCallbacks(last.Interact, last.Events)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) verifyNow(w http.ResponseWriter, _ *http.Request) {
	if !s.Verify() {
		http.Error(w, "the address for events did not answer the challenge", http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) setFaults(w http.ResponseWriter, r *http.Request) {
	faults, err := readList(r, Fault.Validate)
	if err == nil && !s.room(len(faults)) {
		err = errors.New("too many faults wait")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Fault(faults...)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) setCallbackFaults(w http.ResponseWriter, r *http.Request) {
	faults, err := readList(r, CallbackFault.Validate)
	if err == nil && !s.room(len(faults)) {
		err = errors.New("too many faults wait")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.FaultCallbacks(faults...)
	w.WriteHeader(http.StatusNoContent)
}

// room says whether more faults can be told from outside.
func (s *Server) room(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults)+len(s.callFaults)+n <= maxWaiting
}

const (
	maxListed  = 1000   // objects in one request
	maxWaiting = 10_000 // faults
)

func (s *Server) setToken(w http.ResponseWriter, r *http.Request) {
	switch r.PathValue("state") {
	case "revoked":
		s.Revoke()
	case "inactive":
		s.Deactivate()
	case "good":
		s.Restore()
	default:
		http.Error(w, "a token is revoked, inactive or good", http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// hand is what a script does as a person.
type hand struct {
	User    string `json:"user"`
	Channel string `json:"channel"` // id or name
	TS      string `json:"ts"`      // of a message
	Action  string `json:"action"`  // of a button
	Value   string `json:"value"`   // of a menu's option
	Text    string `json:"text"`
	Emoji   string `json:"emoji"`
}

// control answers a script: 409 when the thing can't be done now, else what do
// returns.
func (s *Server) control(do func(*http.Request, hand) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		list, err := readList(r, func(hand) error { return nil })
		if err != nil || len(list) != 1 {
			http.Error(w, fmt.Sprintf("the body is not one object: %v", err), http.StatusBadRequest)
			return
		}
		h := list[0]
		if c, ok := s.Channel(h.Channel); ok {
			h.Channel = c.ID
		}
		out, err := do(r, h)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		writeJSON(w, out)
	}
}

func (s *Server) clickJSON(_ *http.Request, h hand) (any, error) {
	return s.interact(h.Channel, h.TS, h.Action, h.User, h.Value)
}

func (s *Server) postJSON(_ *http.Request, h hand) (any, error) {
	ts, err := s.Reply(h.User, h.Channel, h.TS, h.Text)
	return map[string]string{"ts": ts}, err
}

func (s *Server) reactJSON(_ *http.Request, h hand) (any, error) {
	return map[string]bool{"ok": true}, s.React(h.User, h.Channel, h.TS, h.Emoji)
}

// channelJSON does something to a channel behind the app's back.
func (s *Server) channelJSON(r *http.Request, h hand) (any, error) {
	c, ok := s.Channel(r.PathValue("channel"))
	if !ok {
		return nil, ErrNoChannel
	}
	done := map[string]bool{"ok": true}
	switch r.PathValue("do") {
	case "archive":
		return done, s.Archive(h.User, c.ID)
	case "unarchive":
		return done, s.Unarchive(h.User, c.ID)
	case "delete":
		return done, s.Delete(c.ID)
	case "join":
		return done, s.Join(h.User, c.ID)
	case "leave":
		return done, s.Leave(h.User, c.ID)
	default:
		return nil, errors.New("a channel is told archive, unarchive, delete, join or leave")
	}
}

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
