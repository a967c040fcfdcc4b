package respond

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"toban/oncall"
	"toban/store"
)

// step is one response within a transaction: its incident, which is locked, and
// what its inputs have brought so far. Nothing is written before write.
type step struct {
	inc   *oncall.Incident
	row   *store.ResponseRow
	world oncall.World
	now   time.Time
	since time.Time // when what it follows happened; zero = now

	nextAt  time.Time
	nextWhy oncall.Reason
	entries []oncall.Entry // not yet written
	said    int            // how many of them the use case wrote
	signed  bool           // one of them carries an input
	via     string         // the way in which the input was said
	outbox  []store.OutboxRow
	cancel  []oncall.AttemptID
	keep    oncall.AttemptID // its call is not hung up: the key was pressed there
	changed bool             // the incident has to be saved even without an entry
	voided  bool             // what was asked for before has ended with its epoch
	stale   bool             // the machine raised the epoch: what is due for a lower one is void
	broken  error            // the machine failed; see broken.go
}

// take gives the response one input. A machine that fails leaves the response as
// it was, and the step broken.
func (s *step) take(d *Driver, in oncall.Input) {
	if s.broken != nil {
		s.keepHold(in)
		return
	}
	in.Epoch = s.inc.Epoch
	after, effects, err := s.advance(d, in)
	if err != nil {
		s.broken = err
		s.keepHold(in)
		return
	}
	s.row.Response = after
	for _, e := range effects {
		s.effect(e)
	}
}

// advance asks the machine, and holds what it says to its promises: a response
// to an open incident has a next action that lies ahead, under the incident's
// epoch.
func (s *step) advance(d *Driver, in oncall.Input) (r oncall.Response, effects []oncall.Effect, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: panic: %v\n%s", in.Kind, p, debug.Stack())
		}
	}()
	r, effects = d.o.advance(s.row.Response, in, s.world, s.now)
	s.nextAt, s.nextWhy = r.Next()
	stands := !s.nextAt.IsZero() && !s.nextAt.After(s.now)
	epoch := s.inc.Epoch
	for _, e := range effects {
		if _, ok := e.(oncall.Retrigger); ok {
			epoch++
		}
	}
	switch {
	case r.Epoch != epoch:
		return r, nil, fmt.Errorf("%s: the response has epoch %d, its incident %d", in.Kind, r.Epoch, epoch)
	case s.inc.State != oncall.Resolved && s.nextAt.IsZero():
		return r, nil, fmt.Errorf("%s: %w", in.Kind, errNoNext)
	case in.Kind == oncall.InDue && len(effects) == 0 && stands:
		return r, nil, fmt.Errorf("%s: %w", in.Kind, errStuck)
	case in.Kind == oncall.InDue && stands: // it may not spin, whatever it does
		s.nextAt = s.now.Add(pause)
	}
	return r, effects, nil
}

// pause is the least time between two steps of a response that says it is due
// again at once.
const pause = 100 * time.Millisecond

var (
	errNoNext = errors.New("the machine names no next action for an open incident")
	errStuck  = errors.New("the machine does not move on though it is due")
)

// effect turns an effect into the rows that stand for it.
func (s *step) effect(e oncall.Effect) {
	switch e := e.(type) {
	case oncall.ContactUser:
		s.contact(e)
	case oncall.CancelAttempts:
		s.cancel = append(s.cancel, e.Attempts...)
	case oncall.Tell:
		if len(e.Users) > 0 {
			s.note(oncall.Entry{Kind: oncall.EntryTold, Actor: string(e.By), Data: told(e)})
			s.message(e)
		}
		for _, p := range e.Pagers {
			s.inform(p, e)
		}
	case oncall.Note:
		s.say(e.Entry)
	case oncall.Retrigger:
		s.inc.Lapse()
		s.changed, s.stale = true, true
	}
}

// contact asks for an attempt. The address is looked up when it is claimed (R14).
func (s *step) contact(c oncall.ContactUser) {
	s.outbox = append(s.outbox, store.OutboxRow{
		ID:       c.Attempt,
		Incident: s.inc.ID,
		Epoch:    s.row.Response.Epoch,
		Kind:     c.Method,
		State:    store.OutboxDue,
		DueAt:    s.now,
		Payload: store.Payload{
			User: c.User, Pager: c.Pager, Contact: c.Contact, Nth: c.Nth,
			Stage: s.inc.Stage, Shadow: s.shadow(), Since: cmp.Or(s.since, s.now),
		},
	})
}

// inform lets another pager hear how the incident stands, that it is taken or
// over: an attempt under the new epoch, whose words follow the incident's state.
// The machine does not know of it; its id counts by the timeline, which only
// grows.
func (s *step) inform(p oncall.PagerID, e oncall.Tell) {
	id := oncall.AttemptID(fmt.Sprintf("%s.t%d", s.inc.ID, s.inc.Entries+int64(len(s.entries))+1))
	s.note(oncall.Entry{Kind: oncall.EntryTold, Actor: string(e.By), Data: oncall.EntryData{
		Attempt: id, Target: &oncall.Target{Kind: oncall.TargetPager, Name: string(p)}, Method: oncall.Events, Contact: string(p), Why: string(e.Why),
	}})
	s.contact(oncall.ContactUser{Attempt: id, Pager: p, Contact: string(p), Method: oncall.Events})
}

// message lets users hear what they are told, by all their contact methods that
// ring nobody and cost nothing (R15, R16).
func (s *step) message(e oncall.Tell) {
	n := 0
	for _, name := range e.Users {
		u := s.world.Directory.Users[name]
		if u == nil || name == e.By {
			continue
		}
		for _, c := range u.Contacts {
			if !c.Verified || c.Method != oncall.Slack && c.Method != oncall.Push {
				continue
			}
			n++
			id := oncall.AttemptID(fmt.Sprintf("%s.t%d.%d", s.inc.ID, s.inc.Entries+int64(len(s.entries)), n))
			s.contact(oncall.ContactUser{Attempt: id, User: name, Contact: c.Name, Method: c.Method})
			s.outbox[len(s.outbox)-1].Payload.Tell = e.Why
		}
	}
}

// isTold reports whether an attempt tells somebody something: the machine does
// not know of it.
func isTold(a oncall.AttemptID) bool {
	_, n, _ := strings.Cut(string(a), ".")
	return strings.HasPrefix(n, "t")
}

// told writes down that somebody could not be told; that they were is no news.
func (d *Driver) told(ctx context.Context, tx *store.Tx, s *step, attempt oncall.AttemptID, o oncall.Outcome) error {
	if o == oncall.Sent || o == oncall.Canceled {
		return nil
	}
	row, err := tx.OutboxRow(ctx, attempt)
	if err != nil || row == nil {
		return err
	}
	data := oncall.EntryData{Attempt: attempt, User: row.Payload.User, Method: row.Kind, Contact: row.Payload.Contact, Outcome: o}
	if row.Payload.Pager != "" {
		data.Target = &oncall.Target{Kind: oncall.TargetPager, Name: string(row.Payload.Pager)}
	}
	if err := tx.AddEntries(ctx, s.inc, oncall.Entry{Kind: oncall.EntryOutcome, Data: data}); err != nil {
		return err
	}
	return tx.SaveIncidents(ctx, []*oncall.Incident{s.inc})
}

// shadow reports whether nobody may be reached, only recorded (R27).
func (s *step) shadow() bool {
	dir := s.world.Directory
	svc := dir.Service(s.inc.Service)
	return dir.Settings.Shadow || svc != nil && svc.Shadow
}

// say writes a line of the machine. The input that it carries goes to the line
// that the use case wrote about the same thing, where there is one, so that it
// does not take a line of its own.
func (s *step) say(e oncall.Entry) {
	if e.Kind == oncall.EntryInput && s.said > 0 && !s.signed {
		s.entries[0].Data.Input, s.entries[0].Data.Answers = e.Data.Input, e.Data.Answers
		s.signed = true
		return
	}
	if e.Data.Input != nil {
		s.signed = true
	}
	if e.Actor != "" && e.Data.Via == "" {
		e.Data.Via = s.via
	}
	s.note(e)
}

func (s *step) note(e oncall.Entry) {
	e.Incident = s.inc.ID
	if e.At.IsZero() {
		e.At = s.now
	}
	s.entries = append(s.entries, e)
}

func told(t oncall.Tell) oncall.EntryData {
	data := oncall.EntryData{Users: t.Users, Why: string(t.Why)}
	if !t.Until.IsZero() {
		data.Until = &t.Until
	}
	return data
}
