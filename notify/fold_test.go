package notify_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
)

func TestR24_ASecondIncidentWaitsAndTheNextCallNamesBoth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		first := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		again := ask{incident: first.incident, n: 2, user: "matsu"}
		second := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		third := ask{incident: b.incident("other"), n: 1, user: "matsu"}
		b.phones.Phone(matsu).Next(sim.NoAnswer(), sim.Press("1", 5*time.Second))
		b.chain.then = func(ctx context.Context, tx *store.Tx, a oncall.AttemptID, o oncall.Outcome) error {
			if a == first.id() && o == oncall.NoAnswer { // the same person once more (R11)
				return addOutbox(ctx, tx, again)
			}
			return nil
		}
		b.ask(first)
		time.Sleep(5 * time.Second)
		b.ask(second)
		time.Sleep(5 * time.Second)
		b.ask(third)
		b.want(first.id(), oncall.NoAnswer, time.Minute)
		for _, a := range []ask{again, second, third} {
			b.want(a.id(), oncall.Answered, time.Minute)
			if got := b.read(a.incident).State; got != oncall.Acknowledged {
				t.Errorf("%s is %s, want acknowledged: 1 acknowledges all", a.incident, got)
			}
		}
		calls := b.phones.Phone(matsu).Calls()
		if len(calls) != 2 {
			t.Fatalf("got %d calls, want 2", len(calls))
		}
		if gap := calls[1].Arrived.Sub(calls[0].Ended); gap > time.Second {
			t.Errorf("the next call came %v after the first, want within a second", gap)
		}
		lines := spokenLines(calls[1])
		if !strings.Contains(lines[0], "3件あります") || !strings.Contains(lines[0], "すべて対応") {
			t.Errorf("heard %q, want that there are three and 1 takes all", lines[0])
		}
		if last := lines[len(lines)-1]; !strings.Contains(last, "3件すべて") {
			t.Errorf("said back %q, want all three", last)
		}
		if got := b.entries(second.incident); !slices.Contains(got, "delivery waiting") {
			t.Errorf("timeline %q does not say that it waits", got)
		}
		for _, c := range calls {
			if len(c.Notes) > 0 {
				t.Errorf("the provider complains: %v", c.Notes)
			}
		}
	})
}

func TestR24_WhatIsDueTogetherIsOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Busy())
		var all []ask
		for range 5 {
			all = append(all, ask{incident: b.incident("checkout"), n: 1, user: "matsu"})
		}
		b.ask(all...)
		for _, a := range all {
			b.want(a.id(), oncall.Busy, time.Minute)
		}
		if calls := b.phones.Phone(matsu).Calls(); len(calls) != 1 {
			t.Errorf("got %d calls, want 1", len(calls))
		}
	})
}

func TestR24_ASharedCallIsHungUpWhenAllItsIncidentsHaveMovedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Ring())
		one, other := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}, ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.ask(one, other)
		time.Sleep(3 * time.Second)
		b.acknowledge(one.incident)
		time.Sleep(3 * time.Second)
		if call, ok := b.phones.Phone(matsu).Live(); !ok {
			t.Fatalf("hung up (%v) while one incident is not taken", call.Status)
		}
		acked := time.Now()
		b.acknowledge(other.incident)
		b.want(other.id(), oncall.Canceled, 5*time.Second)
		call, _ := b.phones.Phone(matsu).Last()
		if took := call.Ended.Sub(acked); took > time.Second {
			t.Errorf("hung up after %v, want within a second", took)
		}
		b.want(one.id(), oncall.Canceled, 5*time.Second)
	})
}

func TestR23_OnePersonIsCalledOnceForTheSameThingAtTheSameMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Busy(), sim.Busy())
		inc := b.incident("checkout")
		one, two := ask{incident: inc, n: 1, user: "matsu"}, ask{incident: inc, n: 2, user: "matsu"}
		b.ask(one, two)
		b.want(one.id(), oncall.Busy, time.Minute)
		b.want(two.id(), oncall.Busy, time.Minute)
		calls := b.phones.Phone(matsu).Calls()
		if len(calls) != 2 || calls[1].Arrived.Before(calls[0].Ended) {
			t.Errorf("got %d calls, want two, one after the other", len(calls))
		}
	})
}

func TestWhoAnswersTooLateHearsWhoHasIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Ring())
		b.phones.Fault(sim.Fault{On: "update", Status: 503, Times: 20})
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.ask(a)
		time.Sleep(2 * time.Second)
		b.acknowledge(a.incident)
		if err := b.phones.Phone(matsu).Answer(); err != nil {
			t.Fatal(err)
		}
		b.want(a.id(), oncall.Canceled, time.Minute)
		call, _ := b.phones.Phone(matsu).Last()
		if lines := spokenLines(call); len(lines) != 1 || !strings.Contains(lines[0], "takeさんが対応中です") {
			t.Errorf("heard %q, want who has it", lines)
		}
	})
}
