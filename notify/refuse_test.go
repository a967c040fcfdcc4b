package notify_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/id"
	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
	"toban/store/storetest"
)

func TestR26_WhatWaitsDoesNotOverrunTheSpendCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 5
		b := newBench(t, "sqlite", crowd(t, n), func(s *setup) {
			s.more = append(s.more, object(t, store.ObjectSettings, "settings", oncall.Settings{
				Language: "ja", Zone: "Asia/Tokyo", ExternalURL: "https://toban.example.jp/ops",
				Spend: oncall.Spend{PerHour: 20_000_000}, // a call of a minute is 12,000,000
			}))
		})
		var all []ask
		for i := range n {
			b.phones.Phone(crowdNumber(i)).Always(sim.Ring())
			all = append(all, ask{incident: b.incident("checkout"), n: 1, user: oncall.UserID(fmt.Sprintf("u%d", i))})
		}
		b.ask(all...)
		time.Sleep(2 * time.Second)
		capped := 0
		for _, a := range all {
			if got := b.chain.of(a.id()).is; got != oncall.Capped {
				continue
			}
			capped++
			if lines := b.entries(a.incident); len(lines) != 1 || lines[0] != string(oncall.EntryCapped) {
				t.Errorf("timeline %v, want that the cap stands", lines)
			}
		}
		if calls := len(b.phones.Calls()); calls != 2 || capped != n-2 {
			t.Errorf("got %d calls and %d capped attempts, want 2 (the second reaches the cap) and %d", calls, capped, n-2)
		}
	})
}

func TestR11_AStormOfRefusedAttemptsUsesFewTransactionsAtATime(t *testing.T) {
	t.Parallel()
	const n = 40
	b := newBench(t, "postgres")
	var now, most atomic.Int64
	b.chain.then = func(context.Context, *store.Tx, oncall.AttemptID, oncall.Outcome) error {
		for at, seen := now.Add(1), most.Load(); at > seen && !most.CompareAndSwap(seen, at); seen = most.Load() {
		}
		rest(5 * time.Millisecond)
		now.Add(-1)
		return nil
	}
	var all []ask
	for range n {
		all = append(all, ask{incident: b.incident("checkout"), n: 1, user: "matsu", contact: "gone"})
	}
	b.ask(all...)
	for _, a := range all {
		b.want(a.id(), oncall.Undeliverable, 20*time.Second)
	}
	if got := most.Load(); got > 4 {
		t.Errorf("%d were refused at a time, want 4 at most", got)
	}
}

func TestTwoNodesThatClaimTheSameNumbersDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	b := startBench(t, storetest.Open(t, dsn, store.Options{}))
	users := []oncall.UserID{"matsu", "take"}
	hash := map[oncall.UserID]string{}
	for _, user := range users {
		for number := range map[string]bool{matsu: true, take: true} {
			b.phones.Phone(number).Always(sim.Busy())
		}
		a := ask{incident: b.incident("checkout"), n: 1, user: user}
		b.ask(a)
		b.want(a.id(), oncall.Busy, 20*time.Second)
		hash[user] = b.deliveries(a.id())[0].AddressHash
	}
	if hash[users[0]] < hash[users[1]] {
		users[0], users[1] = users[1], users[0]
	}
	other := storetest.Open(t, dsn, store.Options{Node: "other"})
	errEnough := errors.New("enough")
	var all []ask
	// The other node claims the lower number, then the higher; here the higher
	// has waited longer.
	err := other.Tx(t.Context(), func(tx *store.Tx) error {
		claim := func(user oncall.UserID) error {
			ok, err := tx.InsertDelivery(t.Context(), store.Delivery{
				ID: oncall.DeliveryID(id.New(id.Delivery)), Outbox: oncall.AttemptID("other." + user), Attempt: 1, User: user, Channel: oncall.Call,
				AddressHash: hash[user], Provider: "twilio", State: store.DeliveryClaimed,
			})
			if err == nil && !ok {
				return fmt.Errorf("%s is called already", user)
			}
			return err
		}
		if err := claim(users[1]); err != nil {
			return err
		}
		for _, user := range users {
			all = append(all, ask{incident: b.incident("checkout"), n: 1, user: user})
		}
		err := b.tx(func(ctx context.Context, tx *store.Tx) error {
			tx.Now = tx.Now.Add(-time.Millisecond) // both are due, so that one claim takes both
			if err := addOutbox(ctx, tx, all[0]); err != nil {
				return err
			}
			tx.Now = tx.Now.Add(time.Millisecond)
			return addOutbox(ctx, tx, all[1])
		})
		if err != nil {
			return err
		}
		rest(150 * time.Millisecond) // the claim is waiting by now
		began := time.Now()
		if err := claim(users[0]); err != nil {
			return err
		}
		if took := time.Since(began); took > 600*time.Millisecond {
			t.Errorf("the second number was claimed after %v: a deadlock was broken", took)
		}
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	for _, a := range all {
		b.want(a.id(), oncall.Busy, 20*time.Second)
	}
}
