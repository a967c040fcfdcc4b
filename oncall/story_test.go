package oncall

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// story plays a script and compares the timeline. A script has a world, and what
// people do at which time:
//
//	user matsu: push@0 phone@2m        the rules, for both urgencies (phone, mobile: calls)
//	user matsu low: slack@0            the rules for one
//	duty infra: matsu 5m, - 1m, take   who is on duty, for how long, from the beginning
//	level: matsu, infra | in_order 10m each 2m again
//	fallback: ume | pager other        rounds: 2   timeout: 30m   turn: 1
//	now: ume                           the fallback of the service's policy as it is now
//	catch-all: ume                     that of the catch-all's
//	service: hours page_after=90s no_calls    (hours: weekdays 9 to 18)
//	begin: Fri 17:59                   low: the incident is of low urgency
//	capped: 20m                        no paid attempts until then
//	calls matsu: busy 2s, no_answer 25s, key1 9s    one after the other
//	sent push: undeliverable
//	at 3m: acknowledge take | resolve | escalate take | …
//	until 10m
func story(t *testing.T, script, want string) *stage {
	t.Helper()
	b := newBook(t)
	for line := range strings.Lines(script) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			b.line(line)
		}
	}
	s := b.play()
	got := strings.Join(s.lines, "\n")
	var lines []string
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if diff := cmp.Diff(strings.Join(lines, "\n"), got); diff != "" {
		t.Errorf("got\n%s\n\ndiff (-want +got):\n%s", got, diff)
	}
	s.replayed()
	return s
}

// monday is a working week in Tokyo without holidays.
func week(t failer) time.Time {
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatalf("%v", err)
	}
	return time.Date(2026, 11, 30, 0, 0, 0, 0, zone)
}

type book struct {
	t       *testing.T
	dir     *Directory
	service *Service
	policy  *Policy
	other   *Policy
	turns   map[int]int64
	begin   time.Time
	low     bool
	capped  time.Duration
	until   time.Duration
	calls   map[UserID][]Reaction
	sent    map[Method]Outcome
	acts    []act
	duties  []string
}

type act struct {
	at    time.Duration
	words []string
}

func newBook(t *testing.T) *book {
	b := &book{
		t: t, begin: week(t).Add(34 * time.Hour), until: 10 * time.Minute,
		service: &Service{ID: "shop"},
		policy:  &Policy{ID: "p", Revision: "rev1", Fallback: Target{Kind: TargetUser, Name: "boss"}},
		turns:   map[int]int64{}, calls: map[UserID][]Reaction{}, sent: map[Method]Outcome{},
	}
	b.dir = &Directory{
		Users: map[UserID]*User{}, Schedules: map[ScheduleID]*Schedule{}, Services: []*Service{b.service},
		Policies: map[PolicyID]*Policy{}, Pagers: map[PagerID]*Pager{"other": {ID: "other"}},
	}
	b.user("boss", "phone@0")
	return b
}

func (b *book) line(line string) {
	b.t.Helper()
	head, rest, _ := strings.Cut(line, ":")
	words := strings.Fields(head)
	rest = strings.TrimSpace(rest)
	switch words[0] {
	case "user":
		b.user(words[1], rest, words[2:]...)
	case "duty":
		b.duties = append(b.duties, words[1]+" "+rest)
		b.dir.Schedules[ScheduleID(words[1])] = &Schedule{ID: ScheduleID(words[1]), Zone: "Asia/Tokyo"}
	case "level":
		b.policy.Levels = append(b.policy.Levels, b.level(rest))
	case "fallback":
		b.policy.Fallback = b.target(rest)
	case "now", "catch-all":
		p := &Policy{ID: PolicyID(words[0]), Fallback: b.target(rest)}
		b.dir.Policies[p.ID] = p
		if words[0] == "now" {
			b.service.Policy = p.ID
		} else {
			b.dir.Services = append(b.dir.Services, &Service{ID: "rest", Policy: p.ID, CatchAll: true})
		}
	case "rounds":
		b.policy.Rounds, _ = strconv.Atoi(rest)
	case "timeout":
		b.policy.AcknowledgementTimeout = b.span(rest)
	case "turn":
		n, _ := strconv.Atoi(rest)
		b.turns[0] = int64(n)
	case "service":
		b.serve(rest)
	case "begin":
		b.begin = b.weekday(rest)
	case "low":
		b.low = true
	case "capped":
		b.capped = b.span(rest)
	case "calls":
		b.calls[UserID(words[1])] = b.reactions(rest)
	case "sent":
		b.sent[Method(words[1])] = Outcome(rest)
	case "at":
		b.acts = append(b.acts, act{b.span(words[1]), strings.Fields(rest)})
	case "other": // another policy, to change to
		b.other = &Policy{ID: "other", Revision: "rev2", Fallback: b.policy.Fallback, Levels: []Level{b.level(rest)}}
	case "until":
		b.until = b.span(words[1])
	default:
		b.t.Fatalf("story: %q", line)
	}
}

func (b *book) span(s string) time.Duration {
	b.t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		if s == "0" {
			return 0
		}
		b.t.Fatalf("story: %v", err)
	}
	return d
}

func (b *book) weekday(s string) time.Time {
	b.t.Helper()
	day, clock, _ := strings.Cut(s, " ")
	at, err := time.Parse("15:04", clock)
	if err != nil {
		b.t.Fatalf("story: %v", err)
	}
	n := strings.Index("MonTueWedThuFriSatSun", day) / 3
	return week(b.t).AddDate(0, 0, n).Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
}

func (b *book) user(id, rules string, urgency ...string) {
	u := b.dir.Users[UserID(id)]
	if u == nil {
		u = &User{ID: UserID(id), Rules: map[Urgency][]NotificationRule{}}
		b.dir.Users[u.ID] = u
	}
	var out []NotificationRule
	for rule := range strings.FieldsSeq(rules) {
		name, after, timed := strings.Cut(rule, "@")
		bare := strings.TrimPrefix(name, "!") // not verified
		if _, ok := u.Contact(bare); !ok {
			method := Method(bare)
			if bare == "phone" || bare == "mobile" {
				method = Call
			}
			u.Contacts = append(u.Contacts, ContactMethod{Name: bare, Method: method, Verified: bare == name})
		}
		if timed {
			out = append(out, NotificationRule{After: b.span(after), Via: []string{bare}})
		}
	}
	if len(urgency) == 0 {
		u.Rules[High], u.Rules[Low] = out, out
		return
	}
	u.Rules[Urgency(urgency[0])] = out
}

func (b *book) target(s string) Target {
	s = strings.TrimSpace(s)
	if name, ok := strings.CutPrefix(s, "pager "); ok {
		return Target{Kind: TargetPager, Name: name}
	}
	if b.dir.Schedules[ScheduleID(s)] != nil || s == "gone" {
		return Target{Kind: TargetSchedule, Name: s}
	}
	if s == "" {
		return Target{}
	}
	return Target{Kind: TargetUser, Name: s}
}

func (b *book) level(s string) Level {
	b.t.Helper()
	who, how, _ := strings.Cut(s, "|")
	l := Level{Strategy: InOrder, OnNoAnswer: GoNext}
	for name := range strings.SplitSeq(who, ",") {
		if strings.TrimSpace(name) != "" {
			l.Targets = append(l.Targets, b.target(name))
		}
	}
	words := strings.Fields(how)
	for i, w := range words {
		switch {
		case w == "again":
			l.OnNoAnswer = GoAgain
		case w == "all" || w == "in_order" || w == "round_robin":
			l.Strategy = Strategy(w)
		case w == "each":
		case i > 0 && words[i-1] == "each":
			l.Each = b.span(w)
		default:
			l.Wait = b.span(w)
		}
	}
	return l
}

func (b *book) serve(s string) {
	for w := range strings.FieldsSeq(s) {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "hours":
			var working [7]bool
			for d := time.Monday; d <= time.Friday; d++ {
				working[d] = true
			}
			b.service.SupportHours = &Hours{Zone: "Asia/Tokyo", During: []Span{{Days: DaySet{Weekdays: working}, From: 9 * 60, To: 18 * 60}}}
		case "never":
			b.service.SupportHours = &Hours{Zone: "Asia/Tokyo"}
		case "page_after":
			b.service.PageAfter = b.span(value)
		case "no_calls":
			b.service.NoCalls = true
		}
	}
}

func (b *book) reactions(s string) (out []Reaction) {
	b.t.Helper()
	for one := range strings.SplitSeq(s, ",") {
		words := strings.Fields(one)
		x := Reaction{Outcome: Outcome(words[0])}
		if key, ok := strings.CutPrefix(words[0], "key"); ok {
			x = Reaction{Key: key}
		}
		if len(words) > 1 {
			x.After = b.span(words[1])
		}
		out = append(out, x)
	}
	return out
}

func (b *book) play() *stage {
	b.t.Helper()
	for _, d := range b.duties {
		name, list, _ := strings.Cut(d, " ")
		b.dir.Overrides = append(b.dir.Overrides, b.overrides(ScheduleID(name), list)...)
	}
	w := World{Directory: b.dir, Policy: b.policy, Turns: b.turns}
	if b.capped > 0 {
		w.CappedUntil = b.begin.Add(b.capped)
	}
	urgency := High
	if b.low {
		urgency = Low
	}
	s := newStage(b.t, w, urgency, b.begin)
	if b.other != nil {
		s.paths[b.other.Revision] = b.other
	}
	s.calls, s.sent = b.calls, b.sent
	for _, a := range b.acts {
		s.queue = append(s.queue, event{at: b.begin.Add(a.at), do: func() { b.act(s, a.words) }})
	}
	s.run(b.begin.Add(b.until))
	return s
}

func (b *book) overrides(schedule ScheduleID, list string) (out []Override) {
	b.t.Helper()
	from := b.begin.Add(-time.Hour)
	to := b.begin
	for one := range strings.SplitSeq(list, ",") {
		words := strings.Fields(one)
		if len(words) > 1 {
			to = to.Add(b.span(words[1]))
		} else {
			to = b.begin.AddDate(0, 1, 0)
		}
		if words[0] != "-" {
			out = append(out, Override{ID: fmt.Sprint(len(out)), Schedule: schedule, User: UserID(words[0]), From: from, To: to})
		}
		from = to
	}
	return out
}

// act is something a person does, or that is edited.
func (b *book) act(s *stage, words []string) {
	b.t.Helper()
	by := UserID("")
	if len(words) > 1 {
		by = UserID(words[1])
	}
	var users []UserID
	for _, w := range words[min(2, len(words)):] {
		users = append(users, UserID(w))
	}
	switch words[0] {
	case "acknowledge":
		hold := time.Duration(0)
		if len(words) > 2 {
			hold = b.span(words[2])
		}
		s.acknowledge(by, "", hold)
	case "resolve":
		s.resolve(by, "")
	case "reopen":
		s.reopen()
	case "renew":
		s.renew(by)
	case "snooze":
		s.snooze(by, b.span(words[2]))
	case "escalate":
		if s.inc.State == Acknowledged {
			s.asked = map[UserID]bool{}
		}
		s.taken = false
		s.take(Input{Kind: InEscalate, By: by})
	case "reassign":
		s.redirect(Input{By: by, Users: users})
	case "raise":
		s.redirect(Input{Urgency: High})
	case "policy":
		s.redirect(Input{By: by, Policy: b.other.Revision})
		s.world.Policy = b.other
	case "responder":
		s.responder(by, users)
	case "decline":
		s.take(Input{Kind: InDeclined, By: by})
	case "outcome": // of an attempt by number
		s.take(Input{Kind: InOutcome, Attempt: AttemptID("inc_1." + words[1]), Outcome: Outcome(words[2])})
	case "stale": // an input of the epoch before
		s.give(Input{Kind: InputKind(words[1]), Epoch: s.inc.Epoch - 1, By: "matsu"})
	case "override": // from now on
		b.dir.Overrides = append(b.dir.Overrides, Override{
			ID: "edited", Schedule: ScheduleID(words[1]), User: UserID(words[2]), From: s.now, To: s.now.Add(time.Hour),
		})
		s.take(Input{Kind: InWorldChanged, Text: "schedule " + words[1]})
	case "forget": // a user's contacts and rules
		b.dir.Users[by] = &User{ID: by}
	case "hire": // somebody whom the policy names already
		b.user(words[1], "phone@0")
		s.take(Input{Kind: InWorldChanged, Text: "user " + words[1]})
	case "hours": // there are none any more
		b.service.SupportHours = nil
		s.take(Input{Kind: InWorldChanged, Text: "service shop"})
	case "due":
		s.take(Input{Kind: InDue})
	default:
		b.t.Fatalf("story: %q", words)
	}
}
