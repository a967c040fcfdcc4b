package store

import (
	"context"
	"fmt"
	"time"

	"toban/internal/id"
	"toban/oncall"
)

// ErrOverloaded is returned when too much waits to be stored, or the store is
// too slow: the sender should say it again.
var ErrOverloaded = &oncall.Error{Kind: oncall.Unavailable, Code: "store.overloaded", Message: "too much is waiting to be stored; say it again in a moment"}

// Acceptance is one signal with everything that follows if it opens an incident.
type Acceptance struct {
	Signal   oncall.Signal    // ID, Service, Key, GroupKey, ReceivedAt filled
	Incident *oncall.Incident // the proposal, for a trigger only; the store gives Number
	Response *ResponseRow     // the proposal: first step due at NextAt
	Entries  []oncall.Entry   // of a new incident; the store gives Seq, from 1
}

// Accepted is what became of one Acceptance.
type Accepted struct {
	Incident  oncall.IncidentID // "" for a resolve of what was not firing (R3)
	Number    int64             // 0 where the incident was only bound to: reopened (R4) or resolved
	New       bool              // it opened the incident
	Edge      bool              // the alert's state changed
	Duplicate bool              // the sender's delivery had been accepted before
}

// maxKey is how long a key may be, in bytes: an index can't hold more.
const maxKey = 1024

// Accept commits the signals and everything that will act on them (R1), and
// returns after the commit. It keeps none of the values it is given and changes
// none of them. Each signal is committed whole or not at all; when some could
// not be, their Accepted is zero and the error is that of the first. A caller
// whose ctx ends before its signals are taken up gets the error of ctx and
// nothing is committed; after that it gets its answer.
func (db *DB) Accept(ctx context.Context, signals []Acceptance) ([]Accepted, error) {
	if len(signals) == 0 {
		return nil, nil
	}
	c := &call{came: time.Now(), done: make(chan struct{}), results: make([]Accepted, len(signals)), errs: make([]error, len(signals))}
	items := make([]*item, len(signals))
	for i := range signals {
		it, err := newItem(&signals[i])
		if err != nil {
			return nil, err // nothing of the call: its sender made a mistake
		}
		it.call, it.at = c, i
		items[i] = it
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.pending.Store(int32(len(items)))
	for rest := items; len(rest) > 0; {
		q, n := db.engine.queueOf(rest[0]), 1
		for n < len(rest) && db.engine.queueOf(rest[n]) == q {
			n++
		}
		if err := q.push(db.limit, rest[:n]...); err != nil {
			for _, it := range rest[:n] {
				it.finish(err)
			}
		}
		rest = rest[n:]
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.leave() {
			return nil, ctx.Err()
		}
		<-c.done
	}
	for _, err := range c.errs {
		if err != nil {
			return c.results, err
		}
	}
	return c.results, nil
}

// item is one signal on its way to a commit, with its documents made already:
// what can be done before the queue is not done in it.
type item struct {
	call *call
	at   int // its place in the call

	signal                    string
	integration               string
	senderKey                 any // NULL where the sender has none
	service, key, group       string
	resolve                   bool
	severity                  oncall.Severity
	receivedAt, startsAt      int64
	endsAt                    any    // of a trigger; NULL = it holds until it is resolved
	alert                     string // the id, if the alert is new
	labels, annotations, body string

	incident  oncall.Incident // the proposal
	entries   []any           // arguments of insertEntries
	lines     int64
	response  []any // arguments of insertResponses; nil = none
	responded Timer // its timer; zero DueAt = none

	result Accepted
	logged bool  // its row in signals is written
	failed error // why it can't be written
}

// said is what of a signal is in no column.
type said struct {
	GroupKey    string            `json:"group_key,omitempty"`
	Unknown     string            `json:"unknown,omitempty"`
	By          oncall.UserID     `json:"by,omitempty"`
	Title       string            `json:"title,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func newItem(a *Acceptance) (*item, error) {
	s := &a.Signal
	it := &item{
		signal: string(s.ID), service: clean(string(s.Service)), key: clean(s.Key), group: clean(s.GroupKey),
		integration: clean(string(s.Integration)), senderKey: str(clean(s.SenderKey)),
		resolve: s.Action == oncall.Resolve, severity: s.Severity,
		receivedAt: s.ReceivedAt.UnixMilli(), startsAt: s.StartsAt.UnixMilli(), endsAt: ms(s.EndsAt),
	}
	if s.StartsAt.IsZero() {
		it.startsAt = it.receivedAt
	}
	if it.group == "" {
		it.group = it.key
	}
	if err := it.check(a); err != nil {
		return nil, err
	}
	var err error
	if it.body, err = encode(said{s.GroupKey, s.Unknown, s.By, s.Title, s.Labels, s.Annotations}); err != nil {
		return nil, fmt.Errorf("signal %s: %w", s.ID, err)
	}
	if it.resolve {
		return it, nil
	}
	it.alert = id.At(id.Alert, s.ReceivedAt)
	if it.labels, err = labels(s.Labels); err != nil {
		return nil, fmt.Errorf("signal %s: %w", s.ID, err)
	}
	if it.annotations, err = labels(s.Annotations); err != nil {
		return nil, fmt.Errorf("signal %s: %w", s.ID, err)
	}
	return it, it.propose(a)
}

func (it *item) check(a *Acceptance) error {
	invalid := func(field, message string) error {
		return &oncall.Error{Kind: oncall.Invalid, Code: "signal.invalid", Message: message, Field: field}
	}
	switch {
	case it.signal == "":
		return invalid("/id", "a signal needs an id")
	case it.service == "":
		return invalid("/service", "a signal needs a service")
	case it.key == "":
		return invalid("/key", "a signal needs a key")
	case max(len(it.key), len(it.group), len(a.Signal.SenderKey), len(it.service)) > maxKey:
		return invalid("/key", fmt.Sprintf("a key has at most %d bytes", maxKey))
	case a.Signal.Action == oncall.Trigger && (a.Incident == nil || a.Incident.ID == ""):
		return invalid("", "a trigger needs the incident it may open")
	case a.Signal.Action != oncall.Trigger && a.Signal.Action != oncall.Resolve:
		return invalid("/action", "only triggers and resolves are facts about an alert")
	}
	return nil
}

// propose prepares what is written if the signal opens its incident.
func (it *item) propose(a *Acceptance) error {
	it.incident = *a.Incident
	inc := &it.incident
	inc.Service, inc.GroupKey, inc.Title = oncall.ServiceID(it.service), it.group, clean(inc.Title)
	for _, e := range a.Entries {
		it.lines++
		e.Incident, e.Seq = inc.ID, it.lines
		args, err := entryArgs(&e)
		if err != nil {
			return err
		}
		it.entries = append(it.entries, args...)
	}
	inc.Entries = it.lines
	if a.Response == nil {
		return nil
	}
	r := *a.Response
	r.Response.Incident, r.Version = inc.ID, 0
	args, err := responseArgs(&r)
	if err != nil {
		return err
	}
	it.response = args
	if !r.NextAt.IsZero() {
		it.responded = Timer{Kind: TimerResponse, Ref: string(inc.ID), DueAt: r.NextAt}
	}
	return nil
}
