package respond_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	"toban/respond/respondtest"
	"toban/store"
	"toban/store/storetest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestForecastIsWhatHappens plays random policies with random reactions through
// the forecast and through the store, and compares line by line, to the
// millisecond.
func TestForecastIsWhatHappens(t *testing.T) {
	t.Parallel()
	for engine, plays := range map[string]int{"sqlite": 100, "postgres": 3} {
		if testing.Short() {
			plays = min(plays, 10)
		}
		for seed := range plays {
			t.Run(fmt.Sprintf("%s seed %d", engine, seed), func(t *testing.T) {
				t.Parallel()
				dsn := storetest.DSN(t, engine)
				synctest.Test(t, func(t *testing.T) { play(t, dsn, rand.New(rand.NewPCG(uint64(seed), 6))) })
			})
		}
	}
}

// message is how long a message takes: never a full second, like the calls.
const message = 613 * time.Millisecond

// lookAhead is how far a play is compared.
const lookAhead = 25 * time.Minute

func play(t *testing.T, dsn string, rnd *rand.Rand) {
	db, err := store.Open(t.Context(), dsn, store.Options{Node: "one"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	assume := oncall.Assumptions{Calls: map[oncall.UserID][]oncall.Reaction{}, AfterTaken: true}
	assume.Messages = oncall.Reaction{After: message}
	for _, u := range respondtest.Users {
		assume.Calls[u] = reactions(rnd)
	}
	h := respondtest.Move(t, db, respondtest.Config{Policy: policy(rnd), Rules: rules(rnd)})
	h.Script(scripted(t, h, assume))
	sev := []oncall.Severity{oncall.Critical, oncall.Warning}[rnd.IntN(2)]
	id := h.Open("down", sev)
	want, err := h.Driver.Forecast(t.Context(), id, assume, time.Now().Add(lookAhead))
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(lookAhead)
	stop := h.Run(t.Context())
	after(lookAhead + time.Second)
	stop()

	timeline := h.Timeline(id)
	if at := tie(timeline); at.Before(end) {
		t.Logf("compared until %s", at)
		end = at.Add(-time.Millisecond)
	}
	var forecast, happened []line
	for _, s := range want {
		if !s.At.After(end) {
			forecast = append(forecast, line{s.At, s.Entry.Kind, s.Entry.Actor, s.Entry.Data})
		}
	}
	for _, e := range timeline {
		e.Data.Input, e.Data.Answers = nil, nil
		if e.Kind != oncall.EntryTriggered && e.Kind != oncall.EntryInput && !e.At.After(end) {
			happened = append(happened, line{e.At, e.Kind, e.Actor, e.Data})
		}
	}
	if len(forecast) == 0 {
		t.Error("the forecast is empty")
	}
	settle(forecast)
	settle(happened)
	if diff := gocmp.Diff(forecast, happened, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what happened is not what was forecast (-forecast +happened):\n%s", diff)
	}
}

// line is what the forecast and the timeline have in common.
type line struct {
	At    time.Time
	Kind  oncall.EntryKind
	Actor string
	Data  oncall.EntryData
}

// tie is the first instant at which a timer was first and the outcome of a call
// second. Which of them wins is the world's to decide, and the forecast lets the
// call win: from there on the two are different nights.
func tie(timeline []oncall.Entry) time.Time {
	var due time.Time
	for _, e := range timeline {
		if in := e.Data.Input; in == nil {
			continue
		} else if in.Kind == oncall.InDue {
			due = e.At
		} else if e.At.Equal(due) {
			return due
		}
	}
	return time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
}

// settle puts messages that arrive in the same millisecond in one order: the
// world decides which is heard of first, and nothing depends on it.
func settle(all []line) {
	sent := func(l line) bool { return l.Kind == oncall.EntryOutcome && l.Data.Outcome == oncall.Sent }
	for i := 0; i < len(all); i++ {
		j := i
		for j < len(all) && sent(all[j]) && all[j].At.Equal(all[i].At) {
			j++
		}
		slices.SortFunc(all[i:j], func(a, b line) int { return cmp.Compare(a.Data.Attempt, b.Data.Attempt) })
		i = max(i, j-1)
	}
}

// scripted makes the phones do what is assumed.
func scripted(t *testing.T, h *respondtest.House, assume oncall.Assumptions) func(store.OutboxRow) respondtest.Answer {
	var mu sync.Mutex
	calls := map[oncall.UserID]int{}
	return func(row store.OutboxRow) respondtest.Answer {
		if row.Kind != oncall.Call {
			return respondtest.Answer{Outcome: oncall.Sent, After: message}
		}
		mu.Lock()
		defer mu.Unlock()
		all := assume.Calls[row.Payload.User]
		x := all[min(calls[row.Payload.User], len(all)-1)]
		calls[row.Payload.User]++
		a := respondtest.Answer{Outcome: x.Outcome, After: x.After}
		if x.Key == "1" {
			a.Outcome = oncall.Answered
			a.Press = func(ctx context.Context, c respondtest.Claim) { press(ctx, t, h, c) }
		}
		return a
	}
}

// press is key 1, as package incident does it.
func press(ctx context.Context, t *testing.T, h *respondtest.House, c respondtest.Claim) {
	err := h.DB.Tx(ctx, func(tx *store.Tx) error {
		inc, err := tx.Incident(ctx, c.Row.Incident)
		if err != nil {
			return err
		}
		hold, err := h.Driver.Hold(ctx, tx, inc)
		if err != nil {
			return err
		}
		until := tx.Now.Add(hold)
		user := c.Row.Payload.User
		said := inc.Acknowledge(user, tx.Now, until, string(oncall.Call))
		return h.Driver.Take(ctx, tx, inc, oncall.Input{Kind: oncall.InAcknowledged, By: user, Until: until, Attempt: c.Row.ID}, said...)
	})
	if err != nil {
		t.Errorf("key 1: %v", err)
	}
}

func reactions(rnd *rand.Rand) (out []oncall.Reaction) {
	outcomes := []oncall.Outcome{oncall.Busy, oncall.NoAnswer, oncall.NoAnswer, oncall.Rejected, oncall.NoInput, oncall.Undeliverable}
	for range 1 + rnd.IntN(4) {
		// Never on a full second: what is due and what comes from outside at the same
		// millisecond may go either way.
		x := oncall.Reaction{After: time.Duration(rnd.IntN(25))*time.Second + time.Duration(1+rnd.IntN(998))*time.Millisecond}
		if x.Outcome = outcomes[rnd.IntN(len(outcomes))]; rnd.IntN(12) == 0 {
			x.Key = "1"
		}
		out = append(out, x)
	}
	if out[len(out)-1].Key == "1" && rnd.IntN(2) == 0 {
		out = append(out, oncall.Reaction{Outcome: oncall.NoAnswer, After: 24*time.Second + 321*time.Millisecond})
	}
	return out
}

func policy(rnd *rand.Rand) *oncall.Policy {
	p := respondtest.Small()
	p.Levels = nil
	p.Rounds = rnd.IntN(3)
	p.AcknowledgementTimeout = time.Duration(2+rnd.IntN(20)) * time.Minute
	for range 1 + rnd.IntN(3) {
		l := oncall.Level{
			Strategy:   []oncall.Strategy{oncall.All, oncall.InOrder, oncall.RoundRobin}[rnd.IntN(3)],
			OnNoAnswer: []oncall.OnNoAnswer{oncall.GoNext, oncall.GoAgain}[rnd.IntN(2)],
			Wait:       time.Duration(30+rnd.IntN(600)) * time.Second,
		}
		if rnd.IntN(2) == 0 {
			l.Each = time.Duration(20+rnd.IntN(200)) * time.Second
		}
		for _, i := range rnd.Perm(len(respondtest.Users))[:1+rnd.IntN(3)] {
			l.Targets = append(l.Targets, oncall.Target{Kind: oncall.TargetUser, Name: string(respondtest.Users[i])})
		}
		p.Levels = append(p.Levels, l)
	}
	return p
}

func rules(rnd *rand.Rand) func(oncall.UserID) map[oncall.Urgency][]oncall.NotificationRule {
	all := map[oncall.UserID]map[oncall.Urgency][]oncall.NotificationRule{}
	for _, u := range respondtest.Users {
		all[u] = map[oncall.Urgency][]oncall.NotificationRule{oncall.High: steps(rnd), oncall.Low: steps(rnd)}
	}
	return func(u oncall.UserID) map[oncall.Urgency][]oncall.NotificationRule { return all[u] }
}

func steps(rnd *rand.Rand) (out []oncall.NotificationRule) {
	for n := range 1 + rnd.IntN(3) {
		via := [][]string{{"phone"}, {"sms"}, {"sms", "phone"}}[rnd.IntN(3)]
		out = append(out, oncall.NotificationRule{After: time.Duration(n*rnd.IntN(120)) * time.Second, Via: via})
	}
	return out
}
