package notify_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/id"
	"toban/notify"
	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
)

// claimedAndDied leaves what a process leaves that was killed between claiming a
// and hearing from the provider. sent says whether the provider got it.
func (b *bench) claimedAndDied(a ask, sent bool) oncall.DeliveryID {
	b.t.Helper()
	b.stop()
	b.ask(a)
	d := oncall.DeliveryID(id.New(id.Delivery))
	err := b.tx(func(ctx context.Context, tx *store.Tx) error {
		rows, err := tx.LockOutbox(ctx, []oncall.AttemptID{a.id()})
		if err != nil {
			return err
		}
		row := rows[0]
		row.State, row.ClaimedAt, row.Attempts = store.OutboxClaimed, tx.Now, 1
		if err := tx.SaveOutbox(ctx, row); err != nil {
			return err
		}
		if _, err := tx.InsertDelivery(ctx, store.Delivery{
			ID: d, Outbox: a.id(), Attempt: 1, User: a.user, Channel: oncall.Call, AddressHash: "hash of " + string(a.user), Provider: "twilio",
			State: store.DeliveryClaimed, ClaimedAt: tx.Now, GiveUpAt: tx.Now.Add(15 * time.Second), CostMicros: 1,
		}); err != nil {
			return err
		}
		if err := tx.AddTold(ctx, store.Told{Delivery: d, Incident: a.incident, Attempt: a.id(), Epoch: row.Epoch}); err != nil {
			return err
		}
		return tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(d), DueAt: tx.Now.Add(15 * time.Second)})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if sent {
		if _, err := b.voice.Send(context.Background(), notify.Message{Delivery: d, Method: oncall.Call, To: matsu}); err != nil {
			b.t.Fatal(err)
		}
	}
	return d
}

func TestR23_ACallThatNeverLeftIsMadeAgainAfterTheCrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Busy())
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.claimedAndDied(a, false)
		began := time.Now()
		b.start()
		got := b.want(a.id(), oncall.Busy, time.Minute)
		if took := got.at.Sub(began); took > 3*time.Second {
			t.Errorf("took %v, want a look-up and a call within 3 s", took)
		}
		if calls := b.phones.Phone(matsu).Calls(); len(calls) != 1 {
			t.Errorf("got %d calls, want 1", len(calls))
		}
		list := b.deliveries(a.id())
		if len(list) != 2 || list[0].Outcome != "" || list[1].Attempt != 2 || list[1].Outcome != oncall.Busy {
			t.Errorf("got %+v, want a lost delivery and a second one", list)
		}
		if lines := b.entries(a.incident); !slices.Contains(lines, "delivery lost") {
			t.Errorf("timeline %q does not tell of the loss", lines)
		}
	})
}

func TestR23_ACallThatLeftIsFoundAfterTheCrashAndNotMadeAgain(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]sim.Script{
		"it is over by now": sim.Busy().But(sim.Lost("")),
		"it still rings":    sim.NoAnswer().But(sim.Lost("")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "sqlite")
				b.phones.Phone(matsu).Next(script)
				a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
				d := b.claimedAndDied(a, true)
				time.Sleep(2 * time.Second)
				b.start()
				want := oncall.Busy
				if name == "it still rings" {
					want = oncall.NoAnswer
				}
				b.want(a.id(), want, time.Minute)
				if calls := b.phones.Phone(matsu).Calls(); len(calls) != 1 {
					t.Errorf("got %d calls, want 1", len(calls))
				}
				if list := b.deliveries(a.id()); len(list) != 1 || list[0].ID != d || list[0].ProviderID == "" {
					t.Errorf("got %+v, want the one delivery with the provider's id", list)
				}
			})
		})
	}
}

func TestR23_ACallbackAdoptsTheCallOfACrashedProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Press("1", time.Second).But(sim.Lost("initiated"), sim.Lost("ringing")))
		b.phones.Fault(sim.Fault{On: "list", Status: 503, Times: 100}) // it can't be found
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.claimedAndDied(a, true)
		b.start()
		b.want(a.id(), oncall.Answered, time.Minute)
		if calls := b.phones.Phone(matsu).Calls(); len(calls) != 1 || b.read(a.incident).State != oncall.Acknowledged {
			t.Errorf("got %d calls and the incident %s, want 1 and acknowledged", len(calls), b.read(a.incident).State)
		}
	})
}

func TestR23_WhenTheFateCantBeKnownASecondCallIsBetterThanNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Busy())
		b.phones.Fault(sim.Fault{On: "list", Status: 503, Times: 1000})
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.claimedAndDied(a, false)
		b.start()
		b.want(a.id(), oncall.Busy, 30*time.Second)
	})
}

func TestR18_NothingIsSentAgainThatWasTakenMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.claimedAndDied(a, false)
		b.acknowledge(a.incident)
		b.start()
		b.want(a.id(), oncall.Canceled, time.Minute)
		time.Sleep(time.Minute)
		if calls := b.phones.Phone(matsu).Calls(); len(calls) != 0 {
			t.Errorf("got %d calls, want none", len(calls))
		}
	})
}

func TestR23_ACallOfBeforeIsNotTakenForTheLostOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Busy(), sim.Press("1", time.Second))
		inc := b.incident("checkout")
		first := ask{incident: inc, n: 1, user: "matsu"}
		b.ask(first)
		b.want(first.id(), oncall.Busy, time.Minute) // in the same second as the next claim
		second := ask{incident: inc, n: 2, user: "matsu"}
		b.claimedAndDied(second, false)
		b.start()
		b.want(second.id(), oncall.Answered, time.Minute)
		if calls := b.phones.Phone(matsu).Calls(); len(calls) != 2 {
			t.Errorf("got %d calls, want 2", len(calls))
		}
	})
}

func TestR11_WhatEndedWhileNobodyListenedIsLearnedAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Ring().But(sim.Lost("completed")))
		time.Sleep(3 * time.Second)
		b.stop()
		if err := b.phones.Phone(matsu).Decline(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		began := time.Now()
		b.start()
		if took := b.want(a.id(), oncall.Busy, time.Minute).at.Sub(began); took > time.Second {
			t.Errorf("learned %v after the start, want within a second", took)
		}
	})
}

func TestR11_ALostEndIsAskedForSoonAfterTheRinging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, began := one(t, sim.NoAnswer().But(sim.Lost("completed")))
		if took := b.want(a.id(), oncall.NoAnswer, time.Minute).at.Sub(began); took > 30*time.Second {
			t.Errorf("learned after %v, want within 30 s", took)
		}
	})
}
