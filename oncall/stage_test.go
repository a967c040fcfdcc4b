package oncall

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stage plays a response with virtual time: calls end as each user's reactions
// say, people act at given times, and every step is checked for what must hold
// after any step. It keeps a clock and a queue of its own, so it is no copy of
// Forecast.
type stage struct {
	t      failer
	inc    *Incident
	first  Response // before any step
	r      Response
	world  World
	begin  time.Time
	now    time.Time
	calls  map[UserID][]Reaction
	met    map[UserID]int
	sent   map[Method]Outcome // of one-way methods; none = Sent
	queue  []event
	lines  []string
	notes  []Entry
	live   map[AttemptID]ContactUser
	seen   map[AttemptID]bool
	taken  bool // acknowledged or resolved, and not triggered again
	asked  map[UserID]bool
	paths  map[string]*Policy
	steps  int
	silent bool
	curt   bool // a call on which a key was pressed is not heard of again
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

var _ failer = (*testing.T)(nil)

// event is something from outside: what a person does, or how an attempt ends.
type event struct {
	at   time.Time
	rank int // people before answers
	do   func()
	id   AttemptID
}

func newStage(t failer, w World, urgency Urgency, begin time.Time) *stage {
	s := &stage{
		t: t, world: w, begin: begin, now: begin,
		calls: map[UserID][]Reaction{}, met: map[UserID]int{}, sent: map[Method]Outcome{},
		live: map[AttemptID]ContactUser{}, seen: map[AttemptID]bool{}, asked: map[UserID]bool{},
		paths: map[string]*Policy{},
	}
	s.inc = &Incident{ID: "inc_1", Service: "shop", State: Triggered, Severity: Critical, Urgency: urgency, Epoch: 1, TriggeredAt: begin}
	hash := ""
	if w.Policy != nil {
		hash = w.Policy.Revision
		s.paths[hash] = w.Policy
	}
	s.first = NewResponse(s.inc, hash)
	s.r = s.first
	return s
}

// run lets time pass until then.
func (s *stage) run(until time.Time) {
	s.t.Helper()
	for s.step(until) {
	}
}

func (s *stage) step(until time.Time) bool {
	s.t.Helper()
	next, why := s.r.Next()
	if next.IsZero() != (s.r.Phase == Over) || (why == "") != next.IsZero() {
		s.t.Fatalf("phase %s has next %s %q", s.r.Phase, next, why)
	}
	slices.SortStableFunc(s.queue, func(a, b event) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return a.rank - b.rank
	})
	switch {
	case len(s.queue) > 0 && (next.IsZero() || !s.queue[0].at.After(next)) && !s.queue[0].at.After(until):
		e := s.queue[0]
		s.queue = s.queue[1:]
		s.pass(e.at)
		e.do()
		return true
	case next.IsZero() || next.After(until):
		return false
	}
	s.pass(next)
	s.take(Input{Kind: InDue})
	if next, _ := s.r.Next(); !next.IsZero() && !next.After(s.now) {
		s.t.Fatalf("at %s: a due step leaves %s, which is not in the future", s.clock(s.now), s.clock(next))
	}
	return true
}

func (s *stage) pass(to time.Time) {
	if to.After(s.now) {
		s.now, s.steps = to, 0
	}
	if s.steps++; s.steps > 200 {
		s.t.Fatalf("busy loop at %s", s.clock(s.now))
	}
}

// take is what the driver does with an input.
func (s *stage) take(in Input) {
	s.t.Helper()
	in.Epoch = s.inc.Epoch
	s.give(in)
}

func (s *stage) give(in Input) {
	s.t.Helper()
	before := marshal(s.t, s.r)
	r, fx := s.r.Advance(in, s.world, s.now)
	if after := marshal(s.t, s.r); after != before {
		s.t.Fatalf("%s changed the old value:\n%s\n%s", in.Kind, before, after)
	}
	again, fx2 := s.r.Advance(in, s.world, s.now)
	if !reflect.DeepEqual(r, again) {
		s.t.Fatalf("%s twice differs: %s", in.Kind, cmp.Diff(r, again))
	}
	if !reflect.DeepEqual(fx, fx2) {
		s.t.Fatalf("%s twice has other effects: %s", in.Kind, cmp.Diff(fx, fx2))
	}
	var back Response
	if err := json.Unmarshal([]byte(marshal(s.t, r)), &back); err != nil {
		s.t.Fatalf("%v", err)
	}
	if !reflect.DeepEqual(r, back) {
		s.t.Fatalf("JSON round trip after %s: %s", in.Kind, cmp.Diff(r, back))
	}
	s.r = r
	for _, e := range fx {
		s.effect(e, in)
	}
	if s.inc.Epoch != s.r.Epoch {
		s.t.Fatalf("after %s the incident has epoch %d, the response %d", in.Kind, s.inc.Epoch, s.r.Epoch)
	}
}

func (s *stage) effect(e Effect, in Input) {
	s.t.Helper()
	switch e := e.(type) {
	case Note:
		s.notes = append(s.notes, e.Entry)
		s.say(line(e.Entry))
	case ContactUser:
		s.contact(e)
	case CancelAttempts:
		for _, id := range e.Attempts {
			delete(s.live, id)
			s.queue = slices.DeleteFunc(s.queue, func(x event) bool { return x.id == id })
		}
		s.say(fmt.Sprintf("hang up %d", len(e.Attempts)))
	case Tell:
		text := "tell " + string(e.Why)
		for _, u := range e.Users {
			text += " " + string(u)
		}
		for _, p := range e.Pagers {
			text += " pager:" + string(p)
		}
		s.say(text)
	case Retrigger:
		s.inc.Lapse()
		s.taken = false
		s.asked = map[UserID]bool{}
		if s.inc.Epoch != e.Epoch {
			s.t.Fatalf("retriggered to epoch %d, the incident has %d", e.Epoch, s.inc.Epoch)
		}
	}
}

func (s *stage) contact(c ContactUser) {
	s.t.Helper()
	if s.seen[c.Attempt] {
		s.t.Fatalf("attempt %s twice", c.Attempt)
	}
	s.seen[c.Attempt] = true
	for id, other := range s.live {
		if other.User == c.User && other.Pager == c.Pager && other.Contact == c.Contact {
			s.t.Fatalf("at %s %s reaches %s by %s while %s does", s.clock(s.now), c.Attempt, c.User, c.Contact, id)
		}
	}
	if s.taken && !s.asked[c.User] {
		s.t.Fatalf("at %s %s is contacted though somebody has it", s.clock(s.now), c.User)
	}
	s.live[c.Attempt] = c
	x := Reaction{Outcome: Sent, After: time.Second}
	if out := s.sent[c.Method]; out != "" {
		x.Outcome = out
	}
	if c.Method == Call {
		x = Reaction{Outcome: NoAnswer, After: 25 * time.Second}
		if all := s.calls[c.User]; len(all) > 0 {
			x = all[min(s.met[c.User], len(all)-1)]
		}
		s.met[c.User]++
	}
	if x.Outcome == "lost" { // nothing is ever heard of it
		return
	}
	at := s.now.Add(x.After)
	s.queue = append(s.queue, event{at: at, rank: 1, id: c.Attempt, do: func() { s.answer(c, x) }})
}

func (s *stage) answer(c ContactUser, x Reaction) {
	s.t.Helper()
	delete(s.live, c.Attempt)
	switch x.Key {
	case "":
		s.take(Input{Kind: InOutcome, Attempt: c.Attempt, Outcome: x.Outcome})
	case "1":
		s.acknowledge(c.User, c.Attempt, 0)
	case "2":
		s.take(Input{Kind: InDeclined, Attempt: c.Attempt, By: c.User})
	case "9":
		s.resolve(c.User, c.Attempt)
	}
	if x.Key != "" && !s.curt { // the call ends a moment later
		s.queue = append(s.queue, event{at: s.now.Add(2 * time.Second), rank: 1, do: func() {
			s.take(Input{Kind: InOutcome, Attempt: c.Attempt, Outcome: Answered})
		}})
	}
}

func (s *stage) acknowledge(by UserID, pressed AttemptID, hold time.Duration) {
	s.t.Helper()
	if hold == 0 {
		hold = s.world.Policy.HoldFor(s.inc.Urgency)
	}
	until := s.now.Add(hold)
	late := s.inc.HeldByAnother(by)
	s.write(s.inc.Acknowledge(by, s.now, until, ""))
	if late {
		s.take(Input{Kind: InLate, By: by, Attempt: pressed})
		return
	}
	s.taken = s.inc.State != Triggered
	s.take(Input{Kind: InAcknowledged, By: by, Until: until, Attempt: pressed})
}

func (s *stage) resolve(by UserID, pressed AttemptID) {
	s.t.Helper()
	s.write(s.inc.Resolve(by, s.now, ""))
	s.taken, s.asked = true, map[UserID]bool{}
	s.take(Input{Kind: InResolved, By: by, Attempt: pressed})
}

func (s *stage) snooze(by UserID, hold time.Duration) {
	s.t.Helper()
	until := s.now.Add(hold)
	s.write(s.inc.Snooze(by, s.now, until))
	s.taken = s.inc.State != Triggered
	s.take(Input{Kind: InSnoozed, By: by, Until: until})
}

func (s *stage) renew(by UserID) {
	s.t.Helper()
	until := s.now.Add(s.world.Policy.HoldFor(s.inc.Urgency))
	s.write(s.inc.Renew(by, s.now, until))
	s.take(Input{Kind: InRenewed, By: by, Until: until})
}

func (s *stage) reopen() {
	s.t.Helper()
	first, entries := s.inc.Reopen(s.now)
	s.write(entries)
	if entries == nil {
		return
	}
	s.taken = false
	in := Input{Kind: InReopened}
	if first != "" {
		in.Users = []UserID{first}
	}
	s.take(in)
}

func (s *stage) redirect(in Input) {
	s.t.Helper()
	in.Kind = InRedirect
	if in.Urgency != "" && in.By == "" { // the incident's own rule
		pages, entries := s.inc.Raise(s.inc.Severity, in.Urgency, s.now)
		s.write(entries)
		if !pages && s.inc.State != Acknowledged {
			return
		}
		s.take(in)
		return
	}
	if !s.inc.Redirect() {
		s.take(in)
		return
	}
	s.taken, s.asked = false, map[UserID]bool{}
	s.take(in)
}

func (s *stage) responder(by UserID, users []UserID) {
	s.t.Helper()
	for _, u := range users {
		s.asked[u] = true
	}
	s.take(Input{Kind: InResponder, By: by, Users: users})
}

func (s *stage) write(entries []Entry) {
	for _, e := range entries {
		s.notes = append(s.notes, e)
		s.say(line(e))
	}
}

func (s *stage) say(text string) {
	if text != "" && !s.silent {
		s.lines = append(s.lines, s.clock(s.now)+"  "+text)
	}
}

// clock is a time as a story tells it: since the beginning.
func (s *stage) clock(t time.Time) string {
	d := t.Sub(s.begin)
	out := fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
	if d >= 100*time.Minute {
		out = t.In(s.begin.Location()).Format("Mon 15:04:05")
	}
	if ms := d.Milliseconds() % 1000; ms != 0 {
		out += fmt.Sprintf(".%03d", ms)
	}
	return out
}

// replayed checks that the timeline alone leads to where the response stands.
func (s *stage) replayed() {
	s.t.Helper()
	var kept []Entry
	if err := json.Unmarshal([]byte(marshal(s.t, s.notes)), &kept); err != nil {
		s.t.Fatalf("%v", err)
	}
	got := Replay(s.first, kept, func(hash string) *Policy { return s.paths[hash] })
	if diff := cmp.Diff(s.r, got); diff != "" {
		s.t.Fatalf("the replay leads elsewhere: %s", diff)
	}
}

func marshal(t failer, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(b)
}
