package oncall

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// dice draws a random world: users with odd contacts and rules, schedules with
// gaps, policies that no check would let through.
type dice struct{ t *rapid.T }

func (d dice) n(lo, hi int, label string) int { return rapid.IntRange(lo, hi).Draw(d.t, label) }

func (d dice) one(label string, of ...string) string { return rapid.SampledFrom(of).Draw(d.t, label) }

func (d dice) yes(percent int, label string) bool { return d.n(0, 99, label) < percent }

func (d dice) span(label string, of ...time.Duration) time.Duration {
	return rapid.SampledFrom(of).Draw(d.t, label)
}

func (d dice) user(label string) UserID {
	return UserID(d.one(label, "u0", "u1", "u2", "u3", "u4", "u5", "nemo"))
}

func (d dice) world(zone *time.Location) (World, time.Time) {
	dir := &Directory{
		Version: 1, Users: map[UserID]*User{}, Schedules: map[ScheduleID]*Schedule{}, Pagers: map[PagerID]*Pager{"other": {ID: "other"}},
	}
	begin := time.Date(2026, 11, 30, d.n(0, 23, "hour"), d.n(0, 59, "minute"), 0, d.n(0, 999, "ms")*1e6, zone)
	for i := range 6 {
		id := UserID(fmt.Sprintf("u%d", i))
		dir.Users[id] = d.person(id)
	}
	for i := range 2 {
		dir.Schedules[ScheduleID(fmt.Sprintf("s%d", i))] = d.schedule(ScheduleID(fmt.Sprintf("s%d", i)), dir, begin)
	}
	service := &Service{ID: "shop", NoCalls: d.yes(10, "no calls"), PageAfter: d.span("page after", 0, 0, 0, time.Minute, -time.Hour)}
	if d.yes(30, "hours") {
		from := Clock(d.n(0, 1440, "from"))
		service.SupportHours = &Hours{Zone: "Asia/Tokyo", During: []Span{{Days: DaySet{Weekdays: [7]bool{true, true, true, true, true, false, true}}, From: from, To: Clock(d.n(0, 1440, "to"))}}}
		if d.yes(10, "never") {
			service.SupportHours.During = nil
		}
	}
	if d.yes(95, "service") {
		dir.Services = []*Service{service}
	}
	if d.yes(50, "fallbacks of today") {
		service.Policy = "now"
		dir.Policies = map[PolicyID]*Policy{"now": {ID: "now", Fallback: d.target("now")}, "rest": {ID: "rest", Fallback: d.target("rest")}}
		dir.Services = append(dir.Services, &Service{ID: "rest", Policy: "rest", CatchAll: true})
	}
	p := d.policy("rev1")
	w := World{Directory: dir, Policy: p, Turns: map[int]int64{}}
	for i := range p.Levels {
		w.Turns[i] = int64(d.n(-5, 1000, "turn"))
	}
	if d.yes(15, "capped") {
		w.CappedUntil = begin.Add(d.span("cap", time.Minute, 10*time.Minute, time.Hour))
	}
	return w, begin
}

func (d dice) person(id UserID) *User {
	u := &User{ID: id, Rules: map[Urgency][]NotificationRule{}}
	for i := range d.n(0, 4, "contacts") {
		m := Method(d.one("method", "call", "call", "sms", "slack", "push", "email"))
		u.Contacts = append(u.Contacts, ContactMethod{Name: fmt.Sprintf("c%d", i), Method: m, Verified: d.yes(85, "verified")})
	}
	for _, urgency := range []Urgency{High, Low} {
		for range d.n(0, 3, "rules") {
			rule := NotificationRule{After: d.span("after", 0, 0, 0, time.Second, 30*time.Second, 2*time.Minute, 5*time.Minute, -time.Minute)}
			for range d.n(0, 3, "via") {
				rule.Via = append(rule.Via, d.one("contact", "c0", "c1", "c2", "c3", "c9"))
			}
			u.Rules[urgency] = append(u.Rules[urgency], rule)
		}
	}
	return u
}

func (d dice) schedule(id ScheduleID, dir *Directory, begin time.Time) *Schedule {
	s := &Schedule{ID: id, Zone: "Asia/Tokyo"}
	if d.yes(50, "layer") {
		s.Layers = []Layer{{
			Name: "l", Users: []UserID{d.user("on"), d.user("on")},
			Rotate: &Rotation{Every: d.n(1, 3, "every"), Unit: Hour, From: Date{2026, 11, 2}, Handoff: Clock(d.n(0, 1439, "handoff"))},
		}}
	}
	at := begin.Add(-time.Minute)
	for range d.n(0, 4, "overrides") {
		at = at.Add(d.span("gap", 0, 0, time.Minute, 5*time.Minute))
		to := at.Add(d.span("shift", 30*time.Second, 2*time.Minute, 10*time.Minute, time.Hour))
		dir.Overrides = append(dir.Overrides, Override{ID: "o", Schedule: id, User: d.user("override"), From: at, To: to})
		at = to
	}
	return s
}

func (d dice) target(label string) Target {
	switch d.n(0, 9, label) {
	case 0, 1, 2, 3, 4:
		return Target{Kind: TargetUser, Name: string(d.user(label))}
	case 5, 6, 7:
		return Target{Kind: TargetSchedule, Name: d.one(label, "s0", "s1", "gone")}
	case 8:
		return Target{Kind: TargetPager, Name: "other"}
	}
	return Target{Kind: TargetKind(d.one(label, "", "moon"))}
}

func (d dice) policy(rev string) *Policy {
	p := &Policy{
		ID: "p", Revision: rev, Rounds: d.n(-1, 3, "rounds"), Fallback: d.target("fallback"),
		AcknowledgementTimeout: d.span("timeout", 0, -time.Hour, time.Minute, 9*time.Minute, 30*time.Minute),
	}
	for range d.n(0, 4, "levels") {
		l := Level{
			Strategy:   Strategy(d.one("strategy", "all", "in_order", "round_robin", "")),
			OnNoAnswer: OnNoAnswer(d.one("on no answer", "next", "again", "")),
			Wait:       d.span("wait", 0, -time.Second, time.Millisecond, 10*time.Second, time.Minute, 7*time.Minute, 10*time.Minute),
			Each:       d.span("each", 0, 0, 0, time.Millisecond, 20*time.Second, time.Minute, time.Hour),
		}
		for range d.n(0, 4, "targets") {
			l.Targets = append(l.Targets, d.target("target"))
		}
		p.Levels = append(p.Levels, l)
	}
	return p
}

func (d dice) reactions(keys, lost bool) map[UserID][]Reaction {
	all := map[UserID][]Reaction{}
	for i := range 6 {
		var list []Reaction
		for range d.n(1, 4, "reactions") {
			x := Reaction{
				Outcome: Outcome(d.one("outcome", "busy", "no_answer", "no_answer", "rejected", "no_input", "undeliverable", "answered", "canceled")),
				After:   d.span("reaction", time.Millisecond, 2*time.Second, 25*time.Second, 42*time.Second, 100*time.Second),
			}
			if keys && d.yes(10, "key") {
				x.Key = d.one("which key", "1", "2", "2", "9")
			}
			if lost && d.yes(5, "lost") {
				x.Outcome = "lost"
			}
			list = append(list, x)
		}
		all[UserID(fmt.Sprintf("u%d", i))] = list
	}
	return all
}

func tokyo(t failer) *time.Location { return week(t).Location() }

// Whatever happens in whatever order, every step keeps what stage checks: the
// next action, no second attempt to the same phone, nobody contacted after an
// acknowledgement, the old value untouched, JSON, and a replay that agrees.
func TestWhateverHappensAStepKeepsItsPromises(t *testing.T) {
	t.Parallel()
	zone := tokyo(t)
	rapid.Check(t, func(t *rapid.T) {
		d := dice{t}
		w, begin := d.world(zone)
		urgency := Urgency(d.one("urgency", "high", "high", "low"))
		s := newStage(t, w, urgency, begin)
		s.silent = true
		s.calls = d.reactions(true, true)
		for i := range d.n(0, 12, "acts") {
			s.queue = append(s.queue, event{at: begin.Add(time.Duration(d.n(0, 60*60_000, "at")) * time.Millisecond), do: func() { d.act(s, i) }})
		}
		s.run(begin.Add(70 * time.Minute))
		s.replayed()
	})
}

// act does one thing that people, providers or the world do.
func (d dice) act(s *stage, i int) {
	by := d.user("by")
	switch d.n(0, 14, "act") {
	case 0:
		s.acknowledge(by, "", d.span("hold", 0, time.Second, 5*time.Minute, time.Hour))
	case 1:
		s.resolve(by, "")
	case 2, 3:
		s.reopen()
	case 4:
		s.renew(by)
	case 5:
		s.snooze(by, d.span("snooze", time.Millisecond, 3*time.Minute, 40*time.Minute))
	case 6:
		if s.inc.State == Acknowledged {
			s.asked = map[UserID]bool{}
		}
		if s.inc.State != Resolved {
			s.taken = false
		}
		s.take(Input{Kind: InEscalate, By: by})
	case 7:
		s.redirect(Input{By: by, Users: []UserID{d.user("to"), d.user("to")}})
	case 8:
		s.redirect(Input{Urgency: High})
	case 9:
		s.responder(by, []UserID{d.user("help"), ""})
	case 10:
		pressed := AttemptID(d.one("declined", "", "inc_1.1", "inc_1.2", "x"))
		delete(s.live, pressed) // its last words are not heard of
		s.take(Input{Kind: InDeclined, By: by, Attempt: pressed})
	case 11:
		id := AttemptID(fmt.Sprintf("inc_1.%d", d.n(0, 9, "attempt")))
		delete(s.live, id)
		s.take(Input{Kind: InOutcome, Attempt: id, Outcome: Outcome(d.one("said", "busy", "no_answer", "sent", "answered", "bogus", ""))})
	case 12:
		s.give(Input{
			Kind: InputKind(d.one("stale", "due", "acknowledged", "resolved", "redirect", "escalate", "responder", "reopened", "bogus")), Epoch: s.inc.Epoch - 1, By: by,
		})
	case 13:
		dir := *s.world.Directory
		dir.Version++
		dir.Overrides = append(slices.Clone(dir.Overrides), Override{
			ID: "edited", Schedule: ScheduleID(d.one("edited", "s0", "s1")), User: by, From: s.now, To: s.now.Add(d.span("edit", time.Minute, time.Hour)),
		})
		if d.yes(30, "leaves") {
			dir.Users = maps.Clone(dir.Users)
			delete(dir.Users, by)
		}
		s.world.Directory = &dir
		s.take(Input{Kind: InWorldChanged, Text: "edited"})
	case 14:
		next := d.policy(fmt.Sprintf("rev%d", i+2))
		s.paths[next.Revision] = next
		if s.inc.State == Resolved {
			return
		}
		s.redirect(Input{By: by, Policy: next.Revision})
		s.world.Policy = next
	}
}

// The forecast is what then happens, to the millisecond and the word.
func TestTheForecastEqualsWhatHappens(t *testing.T) {
	t.Parallel()
	zone := tokyo(t)
	rapid.Check(t, func(t *rapid.T) {
		d := dice{t}
		w, begin := d.world(zone)
		s := newStage(t, w, Urgency(d.one("urgency", "high", "high", "low")), begin)
		s.silent = true
		s.calls = d.reactions(true, false)
		s.curt = true // its end is no news, but would be a step of its own at some instant
		midway := d.yes(50, "midway")
		if midway { // then each user always does the same, as the forecast does not know what was before
			for u := range s.calls {
				s.calls[u] = s.calls[u][:1]
			}
			s.run(begin.Add(time.Duration(d.n(0, 600_000, "midway ms")) * time.Millisecond))
		}
		if s.inc.State != Triggered {
			return
		}
		end := s.now.Add(d.span("ahead", time.Minute, 10*time.Minute, 90*time.Minute))
		seen := len(s.notes)
		steps := Forecast(s.r, s.world, Assumptions{Calls: s.calls, From: s.now, Others: Reaction{After: 25 * time.Second}}, end)

		for s.inc.State == Triggered && s.step(end) {
		}
		var got, want []string
		for _, x := range steps {
			if x.Entry.Kind != EntryTold {
				got = append(got, x.At.Format(time.RFC3339Nano)+" "+line(x.Entry))
			}
		}
		for _, e := range s.notes[seen:] {
			if e.Kind != EntryInput {
				want = append(want, e.At.UTC().Format(time.RFC3339Nano)+" "+line(e))
			}
		}
		if len(steps) >= maxSteps {
			want = want[:min(len(want), len(got))]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("forecast (+) and what happened (-) differ: %s", diff)
		}
	})
}

// A high urgency pages its fallback in every round, whatever else fails.
func TestR13_EveryHighRoundPagesTheFallback(t *testing.T) {
	t.Parallel()
	zone := tokyo(t)
	rapid.Check(t, func(t *rapid.T) {
		d := dice{t}
		w, begin := d.world(zone)
		w.Directory.Users["boss"] = &User{ID: "boss", Contacts: []ContactMethod{{Name: "mail", Method: Email, Verified: true}}}
		w.Policy.Fallback = Target{Kind: TargetUser, Name: "boss"}
		s := newStage(t, w, High, begin)
		s.silent = true
		s.calls = d.reactions(false, true)
		s.run(begin.Add(20 * time.Minute))

		paged := true
		for _, e := range s.notes {
			switch {
			case e.Kind == EntryRound && !paged:
				t.Fatalf("at %s round %d begins, and the one before has not paged the fallback", s.clock(e.At), e.Data.Round)
			case e.Kind == EntryRound:
				paged = false
			case e.Kind == EntryPage && e.Data.User == "boss" && e.Data.Level == AtFallback:
				paged = true
			}
		}
	})
}

// Values that no version of toban has written, and inputs that make no sense,
// neither panic nor leave a response without a next action.
func TestGarbageIsMended(t *testing.T) {
	t.Parallel()
	zone := tokyo(t)
	rapid.Check(t, func(t *rapid.T) {
		d := dice{t}
		w, begin := d.world(zone)
		switch d.n(0, 9, "worldless") {
		case 0:
			w = World{}
		case 1:
			w.Policy = nil
		case 2:
			w.Directory = nil
		case 3:
			w = World{Given: &Answers{}}
		}
		r := d.garbage(begin)
		now := begin
		for range d.n(1, 6, "inputs") {
			in := Input{
				Kind:  InputKind(d.one("kind", "due", "outcome", "declined", "acknowledged", "renewed", "snoozed", "resolved", "reopened", "escalate", "redirect", "responder", "world_changed", "")),
				Epoch: int64(d.n(-2, 4, "epoch")), Attempt: AttemptID(d.one("attempt", "", "inc_1.1", "inc_1.2", "inc_1.3")),
				Outcome: Outcome(d.one("outcome", "", "sent", "busy", "no_answer")), By: d.user("by"), Until: d.time(begin, "until"),
				Users: []UserID{d.user("users"), ""}, Policy: d.one("policy", "", "rev1", "rev2"), Urgency: Urgency(d.one("urgency", "", "high", "low", "x")),
			}
			before := marshal(t, r)
			next, _ := r.Advance(in, w, now)
			if marshal(t, r) != before {
				t.Fatalf("%s changed the old value", in.Kind)
			}
			r = next
			if in.Kind == InDue && in.Epoch >= r.Epoch {
				d.goesOn(r, now)
			}
			now = now.Add(time.Duration(d.n(-1000, 200_000, "pass")) * time.Millisecond)
		}
		if now.Before(begin) {
			now = begin
		}
		next, _ := r.Advance(Input{Kind: InDue, Epoch: r.Epoch}, w, now)
		d.goesOn(next, now)
	})
}

func (d dice) goesOn(r Response, now time.Time) {
	at, why := r.Next()
	if r.Phase == Over {
		return
	}
	if why == "" || !at.After(now) {
		d.t.Fatalf("phase %s: next is %s %q at %s", r.Phase, at, why, now)
	}
}

func (d dice) time(begin time.Time, label string) time.Time {
	if d.yes(30, label) {
		return time.Time{}
	}
	return begin.Add(d.span(label, -time.Hour, -time.Second, 0, time.Nanosecond, time.Minute, 1000*time.Hour)).UTC()
}

func (d dice) garbage(begin time.Time) Response {
	at := func(label string) time.Time { return d.time(begin, label) }
	r := Response{
		Incident: "inc_1", Service: "shop", Epoch: int64(d.n(-1, 3, "epoch")), Policy: "rev1", Urgency: Urgency(d.one("urgency", "high", "low", "")),
		Phase: Phase(d.one("phase", "waiting", "escalating", "held", "unanswered", "over", "", "x")), Began: at("began"),
		Round: d.n(-1, 4, "round"), Level: d.n(-5, 5, "level"), Target: d.n(-2, 6, "target"),
		LevelEnd: at("level end"), TargetEnd: at("target end"), WatchEnd: at("watch end"), Floor: at("floor"), Start: at("start"),
		First: []UserID{d.user("first")}, Turns: []int{d.n(-3, 9, "turns")}, Holder: d.user("holder"),
		AskAt: at("ask"), HoldEnd: at("hold end"), RemindAt: at("remind"), Attempts: d.n(-1, 5, "attempts"),
	}
	for range d.n(0, 4, "pages") {
		p := Page{
			User: d.user("page"), Round: d.n(-1, 4, "page round"), Level: d.n(-5, 5, "page level"), At: at("page at"),
			State: PageState(d.one("page state", "live", "tail", "done", "")), AgainAt: at("again"),
		}
		for i := range d.n(0, 4, "lanes") {
			p.Lanes = append(p.Lanes, Lane{
				Due: at("due"), Contact: d.one("lane", "c0", "c1", ""), Method: Method(d.one("lane method", "call", "call", "push", "")), Nth: d.n(0, 3, "nth"),
				Attempt: AttemptID(d.one("lane attempt", "", "", fmt.Sprintf("inc_1.%d", i))), At: at("lane at"), Outcome: Outcome(d.one("lane outcome", "", "", "busy", "canceled", "x")),
			})
		}
		r.Pages = append(r.Pages, p)
	}
	return r
}
