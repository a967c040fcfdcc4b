package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"toban/detect"
	"toban/internal/problem"
	"toban/internal/remotewrite"
	"toban/oncall"
	"toban/store"
)

// Dialect is that of integrations whose keys are for agents.
const Dialect = "agent"

// Errors that an agent is answered with.
var (
	ErrOtherLocation = &oncall.Error{Kind: oncall.Invalid, Code: "agent.other_location", Message: "a sample is of another location than the one that this key speaks for; nothing of the request was taken"}
	ErrNoLocation    = &oncall.Error{Kind: oncall.Denied, Code: "agent.no_location", Message: "the integration of this key names no location; write `location` beside `dialect: agent`"}
	ErrUnreadable    = &oncall.Error{Kind: oncall.Invalid, Code: "agent.unreadable", Message: "the request can't be read"}
	ErrTooLarge      = &oncall.Error{Kind: oncall.TooLarge, Code: "agent.too_large", Message: "the request is larger than an agent ever needs; send fewer samples at once"}
	ErrHeld          = &oncall.Error{Kind: oncall.Unavailable, Code: "agent.held", Message: "this node may not take results at the moment; send them again in a moment"}
)

// Monitors are those of package detect.
type Monitors interface {
	Asked(location string) []*oncall.Monitor
	AsksFrom(id oncall.MonitorID, location string) bool
	Hear(ctx context.Context, location string, all []detect.Heard) error
	Polled(a store.Agent)
}

// DoorOptions say what a Door works with.
type DoorOptions struct {
	// Admit says whose key a request shows; it fails with an *oncall.Error.
	Admit    func(r *http.Request, key, dialect string) (*oncall.Integration, error)
	Monitors Monitors
	// Append takes the samples. It must not block.
	Append func([]remotewrite.Sample)
	// Held reports that nothing may be taken at the moment.
	Held func() bool
	Log  *slog.Logger
}

// Door is where agents come in: they get their list and leave what they found.
type Door struct {
	o      DoorOptions
	log    *slog.Logger
	clocks clocks
	series shelf

	mu      sync.Mutex
	lists   map[string]list      // by location
	garbled map[string]time.Time // when it was logged last that a location's report can't be read
}

// list is a list as it is told, and of what it was made.
type list struct {
	of       []*oncall.Monitor
	version  string
	monitors []item
}

// NewDoor returns a Door.
func NewDoor(o DoorOptions) *Door {
	return &Door{o: o, log: o.Log, clocks: newClocks(o.Log), series: newShelf(), lists: map[string]list{}, garbled: map[string]time.Time{}}
}

// Routes mounts the door on mux.
func (d *Door) Routes(mux interface{ Handle(string, http.Handler) }) {
	mux.Handle("POST "+pollPath, http.HandlerFunc(d.servePoll))
	mux.Handle("POST "+writePath, http.HandlerFunc(d.serveWrite))
}

// speaker is who a request comes from.
type speaker struct {
	location string
	id       string // of the agent; "" for another program
}

// admit says who speaks, by the key that a request shows, and how much is to be
// added to its times.
func (d *Door) admit(r *http.Request) (s speaker, off time.Duration, err error) {
	received := time.Now()
	in, err := d.o.Admit(r, key(r), Dialect)
	if err != nil {
		return s, 0, err
	}
	if in.Location == "" || in.Location == oncall.Here {
		return s, 0, ErrNoLocation
	}
	s = speaker{in.Location, safe(r.Header.Get(headerAgent), 64)}
	return s, d.clocks.off(s, r.Header.Get(headerSent), received), nil
}

// key is what a request authenticates with: a bearer's token, or the password of
// basic authentication, for programs that know nothing else.
func key(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

func (d *Door) servePoll(w http.ResponseWriter, r *http.Request) {
	said, err := d.poll(w, r)
	if err != nil {
		problem.Write(w, r, d.log, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(said) // an agent that is gone asks again
}

func (d *Door) poll(w http.ResponseWriter, r *http.Request) (said answer, err error) {
	who, _, err := d.admit(r)
	if err != nil {
		return said, err
	}
	body, err := read(w, r, maxQuestion)
	if err != nil {
		return said, err
	}
	var q question
	if err := json.Unmarshal(body, &q); err != nil || len(q.Problems) > maxProblems {
		return said, ErrUnreadable
	}
	for id, why := range q.Problems {
		q.Problems[id] = safe(why, maxProblem)
	}
	d.o.Monitors.Polled(store.Agent{Location: who.location, ID: who.id, Version: safe(q.Toban, 64), Problems: q.Problems})
	l, err := d.list(who.location)
	if err != nil {
		return said, err
	}
	said.Location, said.Version = who.location, l.version
	if q.Version != l.version {
		said.Monitors = &l.monitors
	}
	return said, nil
}

// list is what is to be asked from a location.
func (d *Door) list(location string) (list, error) {
	of := d.o.Monitors.Asked(location)
	d.mu.Lock()
	defer d.mu.Unlock()
	l, known := d.lists[location]
	if known && len(l.of) == len(of) && (len(of) == 0 || &l.of[0] == &of[0]) {
		return l, nil
	}
	l = list{of: of, monitors: make([]item, 0, len(of))}
	for _, m := range of {
		l.monitors = append(l.monitors, itemOf(m))
	}
	body, err := json.Marshal(l.monitors)
	if err != nil {
		return l, err
	}
	sum := sha256.Sum256(append(body, location...))
	l.version = hex.EncodeToString(sum[:16])
	if len(d.lists) >= maxSpeakers {
		clear(d.lists)
	}
	d.lists[location] = l
	return l, nil
}

func (d *Door) serveWrite(w http.ResponseWriter, r *http.Request) {
	if err := d.write(w, r); err != nil {
		problem.Write(w, r, d.log, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *Door) write(w http.ResponseWriter, r *http.Request) error {
	who, off, err := d.admit(r)
	if err != nil {
		return err
	}
	if d.o.Held() {
		return ErrHeld
	}
	body, err := read(w, r, remotewrite.MaxPacked)
	if err != nil {
		return err
	}
	received, err := remotewrite.Decode(body)
	switch {
	case errors.Is(err, remotewrite.ErrLarge):
		return ErrTooLarge
	case err != nil:
		return ErrUnreadable
	}
	if slices.ContainsFunc(received, func(s remotewrite.Received) bool {
		location := s.Label(labelLocation)
		return location != "" && location != who.location
	}) {
		return ErrOtherLocation
	}
	samples, heard := d.take(who.location, off, received)
	if err := d.o.Monitors.Hear(r.Context(), who.location, heard); err != nil {
		return err
	}
	d.o.Append(samples)
	return nil
}

// read reads a request's body.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, ErrUnreadable
	}
	return body, nil
}
