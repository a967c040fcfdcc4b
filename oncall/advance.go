package oncall

import (
	"reflect"
	"slices"
	"strconv"
	"time"
)

const (
	minRound = time.Minute      // a round takes at least this long (R12)
	minAgain = 30 * time.Second // between two starts of one user's rules (R10, again)
	maxWait  = 24 * time.Hour   // of a level, a rule's delay, page_after
	// giveUp is when an attempt without an outcome is given up: later than the
	// longest call, with one to the same number before it.
	giveUp = 3 * time.Minute
)

// NewResponse returns the response to an incident before its first step, which
// is due at once. policy is the content hash of the service's policy.
func NewResponse(inc *Incident, policy string) Response {
	began := instant(inc.TriggeredAt)
	return Response{
		Incident: inc.ID, Service: inc.Service, Epoch: inc.Epoch, Policy: policy, Urgency: inc.Urgency,
		Phase: WaitingForHours, Began: began, Start: began, Level: AtFirst,
	}
}

// Advance takes the next input of a response and says what follows. It never
// fails: an input that no longer applies is a note, or nothing where the
// incident itself has written one. r is not changed.
//
// The first Note of a step carries the input and the World's answers, so that
// the timeline is all that Replay needs.
func (r Response) Advance(in Input, w World, now time.Time) (Response, []Effect) {
	s := &step{r: r.clone(), w: w, p: w.Policy, now: instant(now)}
	if s.p == nil {
		s.p = &Policy{}
	}
	s.take(in)
	s.tidy()
	s.sign(&r, in)
	return s.r, s.fx
}

// step is one Advance under way.
type step struct {
	r      Response
	w      World
	p      *Policy
	now    time.Time
	fx     []Effect
	asked  *Answers
	last   *Target // the last rung, once it was asked for
	raised bool    // the input brought a new epoch
	byHand bool    // somebody asked for the next level: support hours don't hold it up
	halted bool    // the rest is for the next step, which has another world
}

// clone copies the pages and lanes; the other slices are only appended to, and
// clipped so that this copies them.
func (r Response) clone() Response {
	r.First, r.Turns = slices.Clip(r.First), slices.Clip(r.Turns)
	r.Paged, r.Pagers = slices.Clip(r.Paged), slices.Clip(r.Pagers)
	n := 0
	for i := range r.Pages {
		n += len(r.Pages[i].Lanes)
	}
	lanes := make([]Lane, 0, n)
	pages := make([]Page, len(r.Pages), len(r.Pages)+1)
	for i, p := range r.Pages {
		from := len(lanes)
		lanes = append(lanes, p.Lanes...)
		p.Lanes = slices.Clip(lanes[from:])
		pages[i] = p
	}
	r.Pages = pages
	return r
}

func (s *step) take(in Input) {
	if in.Kind == InOutcome {
		s.newEpoch(in)
		s.outcome(in)
		s.settle()
		return
	}
	if in.Epoch < s.r.Epoch || s.r.Phase == Over && in.Kind != InReopened {
		s.tooLate(in)
		return
	}
	s.newEpoch(in)
	switch in.Kind {
	case InAcknowledged, InRenewed, InSnoozed:
		s.hold(in)
	case InLate:
		s.stop(in.By, in.Attempt)
	case InResolved:
		s.resolved(in)
	case InReopened:
		s.reopened(in)
	case InDeclined:
		s.declined(in)
	case InEscalate:
		s.escalate(in)
	case InRedirect:
		s.redirect(in)
	case InResponder:
		s.responder(in)
	case InWorldChanged:
		s.worldChanged(in)
	}
	s.settle()
}

// newEpoch voids what is under way when the incident's epoch has moved: it can't
// be claimed any more, and is hung up (R18). The call on which the key was
// pressed goes on.
func (s *step) newEpoch(in Input) {
	if in.Epoch <= s.r.Epoch {
		return
	}
	s.r.Epoch, s.raised = in.Epoch, true
	s.hangUp(in.Attempt)
}

// tooLate notes what was asked by hand of a response that has moved on. Late
// acknowledgements and resolves are the incident's to note.
func (s *step) tooLate(in Input) {
	switch in.Kind {
	case InDeclined, InEscalate, InRedirect, InResponder:
		s.noteBy(in.By, EntryTooLate, EntryData{Text: string(in.Kind), Attempt: in.Attempt})
	}
}

// settle does all that is due at this instant, until nothing more is: each turn
// of the loop starts, ends or passes something that does not come back before
// the clock moves.
func (s *step) settle() {
	for s.r.Phase != Over && !s.halted {
		s.wake()
		s.giveUp()
		changed := s.again()
		s.startLanes()
		if s.judge() {
			changed = true
		}
		if s.r.Phase == Escalating && s.moveOn() {
			changed = true
		}
		if !changed {
			return
		}
	}
}

// wake passes from a phase whose time is over into the next.
func (s *step) wake() {
	switch r := &s.r; r.Phase {
	case WaitingForHours:
		if s.due(r.Start) {
			s.startOrGoOn()
		}
	case Escalating:
		if r.Urgency == Low && !s.byHand {
			s.freeze()
		}
	case Held:
		s.holdDue()
	case Unanswered:
		s.remind()
	default: // a value that no version of toban has written
		r.Phase = WaitingForHours
		s.begin()
	}
}

// due reports whether a time has come; a lost one has.
func (s *step) due(t time.Time) bool { return !t.After(s.now) }

// tidy forgets what can't matter any more.
func (s *step) tidy() {
	r := &s.r
	for i := range r.Pages {
		p := &r.Pages[i]
		if len(p.Lanes) == 0 {
			p.Lanes = nil
		}
		if p.State == PageDone || s.holds(p) {
			continue
		}
		p.AgainAt = time.Time{}
		if p.State != PageLive || p.Level != AtResponder {
			p.State = PageTail
		}
		if !slices.ContainsFunc(p.Lanes, Lane.open) {
			p.State = PageDone
		}
	}
	if len(r.Pages) == 0 {
		r.Pages = nil
	}
}

// sign puts the input and the answers on the first note, or adds one where
// something changed without a word.
func (s *step) sign(old *Response, in Input) {
	for i, e := range s.fx {
		if n, ok := e.(Note); ok {
			n.Entry.Data.Input, n.Entry.Data.Answers = &in, s.answers()
			s.fx[i] = n
			return
		}
	}
	if len(s.fx) > 0 || !reflect.DeepEqual(*old, s.r) {
		s.note(EntryInput, EntryData{Input: &in, Answers: s.answers()})
	}
}

func (s *step) note(kind EntryKind, data EntryData) { s.noteBy("", kind, data) }

func (s *step) noteBy(by UserID, kind EntryKind, data EntryData) {
	s.fx = append(s.fx, Note{Entry{Incident: s.r.Incident, At: s.now, Kind: kind, Actor: string(by), Data: data}})
}

func (s *step) nextAttempt() AttemptID {
	s.r.Attempts++
	return AttemptID(string(s.r.Incident) + "." + strconv.Itoa(s.r.Attempts))
}
