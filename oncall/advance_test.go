package oncall

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// company is a call list of n people who are reached by chat at once and by
// phone, and a boss behind them.
func company(n int) (*Directory, *Policy) {
	dir := &Directory{Users: map[UserID]*User{}, Services: []*Service{{ID: "shop"}}}
	level := Level{Strategy: InOrder, OnNoAnswer: GoNext, Wait: 30 * time.Minute, Each: time.Minute}
	for i := range n + 1 {
		id := UserID(fmt.Sprintf("user%d", i))
		dir.Users[id] = &User{
			ID: id,
			Contacts: []ContactMethod{
				{Name: "phone", Method: Call, Address: "+819000000001", Verified: true},
				{Name: "chat", Method: Slack, Verified: true},
			},
			Rules: map[Urgency][]NotificationRule{High: {{Via: []string{"chat", "phone"}}, {After: 2 * time.Minute, Via: []string{"phone"}}}},
		}
		if i < n {
			level.Targets = append(level.Targets, Target{Kind: TargetUser, Name: string(id)})
		}
	}
	p := &Policy{ID: "p", Revision: "rev1", Levels: []Level{level}, Fallback: Target{Kind: TargetUser, Name: fmt.Sprintf("user%d", n)}}
	return dir, p
}

func TestR12_EndlessRoundsDoNotGrowTheResponse(t *testing.T) {
	t.Parallel()
	dir, p := company(5)
	s := newStage(t, World{Directory: dir, Policy: p}, High, week(t))
	s.silent = true
	for _, u := range dir.Users {
		s.calls[u.ID] = []Reaction{{Outcome: Busy, After: 2 * time.Second}}
	}
	s.run(week(t).Add(30 * time.Minute))
	early, round := len(marshal(t, s.r)), s.r.Round
	s.run(week(t).Add(2 * time.Hour))
	if s.r.Round < round+70 {
		t.Fatalf("got %d rounds in two hours after %d in half an hour", s.r.Round, round)
	}
	if size := len(marshal(t, s.r)); size > early+200 {
		t.Errorf("got %d bytes after %d rounds, want about the %d of half an hour", size, s.r.Round, early)
	}
}

func TestR10_CallingOneUserAgainAndAgainDoesNotGrowTheResponse(t *testing.T) {
	t.Parallel()
	dir, p := company(1)
	p.Levels[0].OnNoAnswer, p.Levels[0].Wait, p.Levels[0].Each = GoAgain, 20*time.Hour, 20*time.Hour
	s := newStage(t, World{Directory: dir, Policy: p}, High, week(t))
	s.silent = true
	s.calls["user0"] = []Reaction{{Outcome: Busy, After: 2 * time.Second}}
	s.run(week(t).Add(10 * time.Minute))
	early := len(marshal(t, s.r))
	s.run(week(t).Add(2 * time.Hour))
	if size := len(marshal(t, s.r)); size > early+200 || s.r.Attempts < 480 {
		t.Errorf("got %d bytes after %d attempts, want about the %d of ten minutes", size, s.r.Attempts, early)
	}
}

func TestR4_WhoHadItLastIsFirstEvenWhenTheInputDoesNotSay(t *testing.T) {
	t.Parallel()
	dir, p := company(2)
	w := World{Directory: dir, Policy: p}
	begin := week(t).UTC()
	r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: begin}, "rev1")
	for i, in := range []Input{
		{Kind: InAcknowledged, Epoch: 2, By: "user1"}, {Kind: InResolved, Epoch: 3}, {Kind: InReopened, Epoch: 4},
	} {
		r, _ = r.Advance(in, w, begin.Add(time.Duration(i)*time.Minute))
	}
	if diff := cmp.Diff([]UserID{"user1"}, r.First); diff != "" || r.Level != AtFirst {
		t.Errorf("at level %d, first: %s", r.Level, diff)
	}
}

func TestR6_AnUrgencyNeverFallsByItself(t *testing.T) {
	t.Parallel()
	dir, p := company(1)
	begin := week(t).UTC()
	for _, tc := range []struct {
		by   UserID
		want Urgency
	}{{"", High}, {"user0", Low}} {
		r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: begin}, "rev1")
		r, _ = r.Advance(Input{Kind: InRedirect, Epoch: 2, By: tc.by, Urgency: Low}, World{Directory: dir, Policy: p}, begin)
		if r.Urgency != tc.want {
			t.Errorf("asked for low by %q: got %s, want %s", tc.by, r.Urgency, tc.want)
		}
	}
}

func TestR13_NextSaysWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir, p := company(2)
	p.Levels[0].OnNoAnswer = GoAgain
	p.Levels[0].Each = 10 * time.Minute
	begin := week(t).UTC()
	inc := &Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: begin}
	w := World{Directory: dir, Policy: p}
	r := NewResponse(inc, "rev1")
	check := func(wantAt time.Duration, want Reason) {
		t.Helper()
		if at, why := r.Next(); !at.Equal(begin.Add(wantAt)) || why != want {
			t.Errorf("Next = %s after the beginning, %q; want %s, %q", at.Sub(begin), why, wantAt, want)
		}
	}
	take := func(at time.Duration, in Input) {
		in.Epoch = max(in.Epoch, r.Epoch)
		r, _ = r.Advance(in, w, begin.Add(at))
	}
	check(0, NextStart)
	take(0, Input{Kind: InDue})
	check(3*time.Minute, NextOutcome) // the chat; the later call waits for the end of the first
	take(2*time.Second, Input{Kind: InOutcome, Attempt: "inc_1.2", Outcome: Busy})
	check(30*time.Second, NextAgain)
	take(30*time.Second, Input{Kind: InDue})
	check(3*time.Minute, NextOutcome)
	take(40*time.Second, Input{Kind: InOutcome, Attempt: "inc_1.1", Outcome: Sent})
	take(45*time.Second, Input{Kind: InOutcome, Attempt: "inc_1.3", Outcome: NoInput})
	take(46*time.Second, Input{Kind: InOutcome, Attempt: "inc_1.4", Outcome: Sent})
	check(time.Minute, NextAgain)
	take(59*time.Second, Input{Kind: InAcknowledged, Epoch: 2, By: "user0"})
	check(25*time.Minute+59*time.Second, NextAsk)
	take(26*time.Minute, Input{Kind: InDue})
	check(30*time.Minute+59*time.Second, NextLapse)
	take(27*time.Minute, Input{Kind: InResolved, Epoch: 3})
	if at, why := r.Next(); !at.IsZero() || why != "" {
		t.Errorf("Next = %s %q, want none when it is over", at, why)
	}
}

func TestR20_ReachOf(t *testing.T) {
	t.Parallel()
	all := []ContactMethod{
		{Name: "phone", Method: Call, Verified: true},
		{Name: "mobile", Method: Call, Verified: true},
		{Name: "old", Method: Call},
		{Name: "sms", Method: SMS, Verified: true},
		{Name: "push", Method: Push, Verified: true},
	}
	rules := func(after time.Duration, via ...string) []NotificationRule {
		return []NotificationRule{{After: after, Via: via}}
	}
	for _, tc := range []struct {
		name            string
		contacts        []ContactMethod
		high, low       []NotificationRule
		urgency         Urgency
		noCalls, capped bool
		want            string
	}{
		{"by the rules", all, rules(time.Minute, "phone", "push"), nil, High, false, false, "phone+1m0s push+1m0s"},
		{"in order of delay", all, append(rules(time.Minute, "phone"), rules(0, "push")...), nil, High, false, false, "push phone+1m0s"},
		{"the same twice is once", all, append(rules(0, "phone"), rules(0, "phone")...), nil, High, false, false, "phone"},
		{"only what is verified", all, rules(0, "old", "sms"), nil, High, false, false, "sms !old"},
		{"rules that come to nothing ring all phones", all, rules(0, "old", "fax"), nil, High, false, false, "phone mobile !old !fax"},
		{"no rules ring all phones", all, nil, nil, High, false, false, "phone mobile"},
		{"low has its own", all, rules(0, "phone"), rules(0, "push"), Low, false, false, "push"},
		{"low without rules is as loud as high", all, rules(0, "push"), nil, Low, false, false, "push"},
		{"no phone: everything else", all[3:], nil, nil, High, false, false, "sms push"},
		{"nothing verified", all[2:3], rules(0, "old"), nil, High, false, false, "!old"},
		{"nothing at all", nil, nil, nil, High, false, false, ""},
		{"no calls", all, rules(0, "phone", "sms"), nil, High, true, false, "sms !phone"},
		{"no calls and only phones in the rules", all, rules(0, "phone"), nil, High, true, false, "sms push !phone"},
		{"capped keeps what is free", all, rules(0, "phone", "push"), nil, High, false, true, "phone push"},
		{"capped brings in what is free", all, rules(0, "phone"), nil, High, false, true, "phone push"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			u := &User{ID: "u", Contacts: tc.contacts, Rules: map[Urgency][]NotificationRule{High: tc.high, Low: tc.low}}
			reach := reachOf(u, tc.urgency, tc.noCalls, tc.capped)
			var got []string
			for _, w := range reach.Ways {
				text := w.Contact
				if w.After > 0 {
					text += "+" + w.After.String()
				}
				got = append(got, text)
			}
			for _, k := range reach.Skipped {
				got = append(got, "!"+k.Contact)
			}
			if got := strings.Join(got, " "); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestR16_HoldFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy  *Policy
		urgency Urgency
		want    time.Duration
	}{
		{nil, High, 30 * time.Minute},
		{&Policy{}, High, 30 * time.Minute},
		{&Policy{AcknowledgementTimeout: time.Hour}, High, time.Hour},
		{&Policy{AcknowledgementTimeout: time.Hour}, Low, 24 * time.Hour},
		{&Policy{AcknowledgementTimeout: 1000 * time.Hour}, High, 31 * 24 * time.Hour},
		{&Policy{AcknowledgementTimeout: time.Nanosecond}, High, time.Second},
	} {
		if got := tc.policy.HoldFor(tc.urgency); got != tc.want {
			t.Errorf("HoldFor(%s) = %s, want %s", tc.urgency, got, tc.want)
		}
	}
}

func TestR16_AHoldIsBounded(t *testing.T) {
	t.Parallel()
	begin := week(t).UTC()
	r := NewResponse(&Incident{ID: "inc_1", Epoch: 1, Urgency: High, TriggeredAt: begin}, "")
	for _, tc := range []struct {
		until time.Time
		want  time.Duration
	}{
		{time.Time{}, 30 * time.Minute},
		{begin, 30 * time.Minute},
		{begin.Add(time.Hour), time.Hour},
		{begin.AddDate(1, 0, 0), 31 * 24 * time.Hour},
	} {
		got, _ := r.Advance(Input{Kind: InAcknowledged, Epoch: 2, By: "a", Until: tc.until}, World{}, begin)
		if hold := got.HoldEnd.Sub(begin); hold != tc.want {
			t.Errorf("until %s: got a hold of %s, want %s", tc.until, hold, tc.want)
		}
	}
}

func TestTheFirstNoteOfAStepKeepsInputAndAnswers(t *testing.T) {
	t.Parallel()
	dir, p := company(1)
	dir.Version = 7
	begin := week(t).UTC()
	r := NewResponse(&Incident{ID: "inc_1", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: begin}, "rev1")
	r, fx := r.Advance(Input{Kind: InDue, Epoch: 1}, World{Directory: dir, Policy: p}, begin)
	notes := 0
	for _, e := range fx {
		n, ok := e.(Note)
		if !ok {
			continue
		}
		data := n.Entry.Data
		if notes++; notes > 1 {
			if data.Input != nil || data.Answers != nil {
				t.Errorf("note %d has the input again", notes)
			}
			continue
		}
		want := &Answers{Version: 7, Reach: map[UserID]Reach{"user0": {Ways: []Way{
			{Contact: "chat", Method: Slack}, {Contact: "phone", Method: Call}, {After: 2 * time.Minute, Contact: "phone", Method: Call},
		}}}}
		if diff := cmp.Diff(want, data.Answers); diff != "" {
			t.Errorf("answers: %s", diff)
		}
		if data.Input == nil || data.Input.Kind != InDue {
			t.Errorf("got input %v, want due", data.Input)
		}
	}
	if again, fx := r.Advance(Input{Kind: InDue, Epoch: 1}, World{Directory: dir, Policy: p}, begin); len(fx) > 0 {
		t.Errorf("a step with nothing to do has effects %v and leads to %v", fx, again)
	}
}

var sink Response

// BenchmarkAdvance measures steps: the first of a response, one that ends a call
// and starts the next user's, and one of low urgency that only begins to wait.
func BenchmarkAdvance(b *testing.B) {
	dir, p := company(20)
	begin := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	fresh := NewResponse(&Incident{ID: "inc_01j00000000000000000000000", Service: "shop", Epoch: 1, Urgency: High, TriggeredAt: begin}, "rev1")
	w := World{Directory: dir, Policy: p}
	ringing, _ := fresh.Advance(Input{Kind: InDue, Epoch: 1}, w, begin)
	low := fresh
	low.Urgency = Low
	night := *dir
	night.Services = []*Service{{ID: "shop", SupportHours: &Hours{Zone: "Asia/Tokyo", During: []Span{{
		Days: DaySet{Weekdays: [7]bool{false, true, true, true, true, true}}, From: 18 * 60, To: 20 * 60,
	}}}}}
	if err := night.Compile(); err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct {
		name string
		r    Response
		in   Input
		w    World
	}{
		{"first", fresh, Input{Kind: InDue, Epoch: 1}, w},
		{"busy", ringing, Input{Kind: InOutcome, Epoch: 1, Attempt: "inc_01j00000000000000000000000.2", Outcome: Busy}, w},
		{"wait", low, Input{Kind: InDue, Epoch: 1}, World{Directory: &night, Policy: p}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink, _ = bm.r.Advance(bm.in, bm.w, begin.Add(2*time.Second))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
