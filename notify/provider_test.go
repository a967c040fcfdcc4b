package notify_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
)

func TestR25_ProviderTroubleIsRetriedWhereItHelpsAndElseNotReached(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		faults []sim.Fault
		number string // "" = matsu's
		want   oncall.Outcome
		calls  int
		within time.Duration
		entry  string
	}{
		{"a 5xx before the call is made, once", []sim.Fault{sim.ServerError(503)}, "", oncall.Busy, 1, 2 * time.Second, ""},
		{"a 5xx before the call is made, for ever", slices.Repeat([]sim.Fault{{On: "create", Status: 500}}, 9), "", oncall.Undeliverable, 0, 2 * time.Second, "delivery ambiguous"},
		{"a 5xx after the call is made", []sim.Fault{{On: "create", Status: 500, After: true}}, "", oncall.Busy, 1, 2 * time.Second, ""},
		{"the answer is cut off", []sim.Fault{{On: "create", Drop: true, After: true}}, "", oncall.Busy, 1, 2 * time.Second, ""},
		{"cut off before the call is made", []sim.Fault{{On: "create", Drop: true}}, "", oncall.Busy, 1, 2 * time.Second, ""},
		{"no answer, but the call is made", []sim.Fault{{On: "create", Hang: true, After: true}}, "", oncall.Busy, 1, 6 * time.Second, ""},
		{"no answer and no call", []sim.Fault{{On: "create", Hang: true}}, "", oncall.Busy, 1, 6 * time.Second, ""},
		{"slow by three seconds", []sim.Fault{{On: "create", Delay: sim.Span(3 * time.Second), After: true}}, "", oncall.Busy, 1, 5 * time.Second, ""},
		{"429 for a second", []sim.Fault{sim.TooMany(time.Second)}, "", oncall.Busy, 1, 3 * time.Second, ""},
		{"429 for longer than the next person should wait", []sim.Fault{sim.TooMany(time.Minute)}, "", oncall.Undeliverable, 0, time.Second, "delivery throttled"},
		{"wrong credentials", []sim.Fault{{On: "create", Status: 401, Code: 20003}}, "", oncall.Undeliverable, 0, time.Second, "delivery bad_config"},
		{"a number that can't be reached", nil, "+15005550002", oncall.Undeliverable, 0, time.Second, "delivery bad_address"},
		{"a number that is none", nil, "090-0000", oncall.Undeliverable, 0, time.Second, "delivery bad_address"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sets []set
				number := matsu
				if tc.number != "" {
					number = tc.number
					sets = append(sets, func(s *setup) {
						s.more = append(s.more, object(t, store.ObjectUser, "matsu", oncall.User{
							ID: "matsu", Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: number, Verified: true}},
						}))
					})
				}
				b := newBench(t, "sqlite", sets...)
				b.phones.Phone(number).Always(sim.Busy())
				b.phones.Fault(tc.faults...)
				a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
				began := time.Now()
				b.ask(a)
				got := b.want(a.id(), tc.want, time.Minute)
				if took := got.at.Sub(began); took > tc.within {
					t.Errorf("told after %v, want within %v", took, tc.within)
				}
				time.Sleep(time.Minute)
				if calls := b.phones.Phone(number).Calls(); len(calls) != tc.calls {
					t.Errorf("got %d calls, want %d", len(calls), tc.calls)
				}
				if lines := b.entries(a.incident); tc.entry != "" && !slices.Contains(lines, tc.entry) {
					t.Errorf("timeline %q lacks %q", lines, tc.entry)
				}
				if h := b.d.Healths(); len(h) != 1 || h[0].Sending != 0 {
					t.Errorf("got %+v, want the health of one provider with nothing under way", h)
				}
			})
		})
	}
}

func TestCallbacksThatAreLateDoubledOrReorderedChangeNothing(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]sim.CallbackFault{
		"every one twice":             {sim.Duplicate("", 100*time.Millisecond)},
		"twice, the second late":      {sim.Duplicate("", 20*time.Second)},
		"ringing after answered":      {sim.Reordered("ringing")},
		"initiated after ringing":     {sim.Reordered("initiated")},
		"answered after the end":      {sim.Reordered("answered")},
		"ringing half a minute late":  {sim.Late("ringing", 30*time.Second)},
		"answered half a minute late": {sim.Late("answered", 30*time.Second)},
		"signed with the port":        {{Do: "with-port"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, a, _ := one(t, sim.Press("1", 2*time.Second).But(faults...))
				b.want(a.id(), oncall.Answered, time.Minute)
				time.Sleep(time.Minute)
				if got := b.chain.of(a.id()); got.is != oncall.Answered || got.times != 1 {
					t.Errorf("got %q told %d times, want answered, once", got.is, got.times)
				}
				if list := b.deliveries(a.id()); len(list) != 1 || list[0].State != store.DeliveryEnded || list[0].CostMicros != 12_000_000 {
					t.Errorf("got %+v, want one ended delivery that cost a minute", list)
				}
			})
		})
	}
}

func TestHowFarACallHasComeIsAChangeOfItsIncident(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Press("1", 5*time.Second))
		var mu sync.Mutex
		states := map[store.DeliveryState]bool{}
		defer b.db.OnChange(func(list []store.Change) {
			for _, c := range list {
				if c.Topic == store.TopicIncident && c.Ref == string(a.incident) {
					go func() { // as whoever draws the page: it reads how things stand
						for _, d := range b.deliveries(a.id()) {
							mu.Lock()
							defer mu.Unlock()
							states[d.State] = true
						}
					}()
				}
			}
		})()
		b.want(a.id(), oncall.Answered, time.Minute)
		time.Sleep(time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []store.DeliveryState{store.DeliverySent, store.DeliveryRinging, store.DeliveryAnswered, store.DeliveryEnded} {
			if !states[want] {
				t.Errorf("an open page was not told that the call is %s, of %v", want, states)
			}
		}
	})
}

func TestACallOfWhichNothingIsHeardIsAskedAbout(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script sim.Script
		want   oncall.Outcome
		within time.Duration
	}{
		{"busy", sim.Busy(), oncall.Busy, 7 * time.Second},
		{"rings and is not answered", sim.NoAnswer(), oncall.NoAnswer, 31 * time.Second},
		{"rings and is declined", sim.Decline(), oncall.Busy, 7 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, a, began := one(t, tc.script.But(sim.Lost("")))
				got := b.want(a.id(), tc.want, time.Minute)
				if took := got.at.Sub(began); took > tc.within {
					t.Errorf("told after %v, want within %v", took, tc.within)
				}
			})
		})
	}
}

func TestAForgedCallbackHasNoEffect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Press("1", time.Second).But(sim.BadSignature("voice"), sim.BadSignature("answered")))
		b.want(a.id(), oncall.NoInput, time.Minute)
		if got := b.read(a.incident).State; got != oncall.Triggered {
			t.Errorf("incident is %s, want triggered", got)
		}
		b.chain.mu.Lock()
		defer b.chain.mu.Unlock()
		if len(b.chain.pressed) != 0 {
			t.Errorf("keys %q were taken", b.chain.pressed)
		}
	})
}

func TestTheOldTokenIsGoodWhileItIsRotated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Press("1", time.Second), func(s *setup) {
			s.voice.Token, s.voice.OldToken = "the new token", token
			s.voice.KeySID, s.voice.KeySecret = "SK1", "secret"
			s.phones.Accounts[0].Keys = map[string]string{"SK1": "secret"}
		})
		b.want(a.id(), oncall.Answered, time.Minute)
	})
}

func TestCallsLeaveAtTheRateThatTheProviderBears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite", func(s *setup) { s.voice.CallsPerSecond = 2 })
		var all []ask
		for range 6 {
			inc := b.incident("checkout")
			for _, user := range []oncall.UserID{"matsu", "take", "ume"} {
				all = append(all, ask{incident: inc, n: len(all) + 1, user: user})
			}
		}
		for _, number := range []string{matsu, take, ume} {
			b.phones.Phone(number).Always(sim.Busy())
		}
		began := time.Now()
		b.ask(all[:3]...)
		for _, a := range all[:3] {
			b.want(a.id(), oncall.Busy, time.Minute)
		}
		calls := b.phones.Calls()
		if len(calls) != 3 || calls[1].Arrived.Sub(began) > 100*time.Millisecond || calls[2].Arrived.Sub(began) < 450*time.Millisecond || calls[2].Arrived.Sub(began) > 700*time.Millisecond {
			t.Errorf("got %d calls, want two at once and the third after half a second: %v", len(calls), calls)
		}
	})
}

func TestWhatHasNoWayOrNoAddressIsNotReachedAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a     ask
		entry string
	}{
		"no provider for SMS":           {ask{method: oncall.SMS, contact: "sms", user: "matsu"}, "delivery no_provider"},
		"a contact that does not exist": {ask{contact: "gone", user: "matsu"}, "delivery no_contact"},
		"a contact that is not checked": {ask{contact: "old", user: "matsu"}, "delivery no_contact"},
		"a user who has left":           {ask{user: "nobody"}, "delivery no_contact"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "sqlite")
				tc.a.incident, tc.a.n = b.incident("checkout"), 1
				began := time.Now()
				b.ask(tc.a)
				got := b.want(tc.a.id(), oncall.Undeliverable, time.Minute)
				if took := got.at.Sub(began); took > time.Second {
					t.Errorf("told after %v, want within a second", took)
				}
				if lines := b.entries(tc.a.incident); !slices.Contains(lines, tc.entry) {
					t.Errorf("timeline %q lacks %q", lines, tc.entry)
				}
			})
		})
	}
}

func TestR27_AShadowReachesNobodyAndShowsWhatWouldFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		inc := b.incident("quiet")
		call, sms := ask{incident: inc, n: 1, user: "matsu"}, ask{incident: inc, n: 2, user: "matsu", method: oncall.SMS, contact: "sms"}
		began := time.Now()
		b.ask(call, sms)
		b.want(sms.id(), oncall.Sent, time.Second)
		got := b.want(call.id(), oncall.NoAnswer, time.Minute)
		if took := got.at.Sub(began); took < 24*time.Second || took > 26*time.Second {
			t.Errorf("not answered after %v, want after the ring time of 25 s", took)
		}
		if calls := b.phones.Calls(); len(calls) != 0 {
			t.Errorf("got %d calls, want none", len(calls))
		}
		if lines := b.entries(inc); len(lines) != 2 || lines[0] != "shadow" || lines[1] != "shadow" {
			t.Errorf("timeline %q, want two shadows", lines)
		}
		if list := b.deliveries(call.id()); list[0].CostMicros != 0 {
			t.Errorf("cost %d, want nothing", list[0].CostMicros)
		}
	})
}

func TestR23_ACallThatWasGivenUpAndRingsAfterAllIsListenedToAndHungUpWhenTaken(t *testing.T) {
	t.Parallel()
	for name, ack := range map[string]bool{"a key is pressed in it": false, "somebody else takes it while it rings": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "sqlite", func(s *setup) { s.phones.Accounts[0].CallsPerSecond = 0.05 })
				b.phones.Phone(ume).Next(sim.Busy())
				dummy := ask{incident: b.incident("checkout"), n: 1, user: "ume"} // takes the first slot of the provider's queue
				b.ask(dummy)
				b.want(dummy.id(), oncall.Busy, time.Minute)
				hang := sim.Fault{Hang: true, After: true}
				b.phones.Fault(slices.Repeat([]sim.Fault{{On: "list", Status: 503}}, 9)...)
				b.phones.Phone(matsu).Next(sim.Press("1", 3*time.Second).With(hang), sim.Ring().With(hang), sim.Ring().With(hang))
				if ack {
					b.phones.Phone(matsu).Forget()
					b.phones.Phone(matsu).Always(sim.Ring().With(hang))
				}
				a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
				b.ask(a)
				b.want(a.id(), oncall.Undeliverable, 10*time.Second)
				if _, err := b.phones.Phone(matsu).Ring(t.Context()); err != nil {
					t.Fatal(err)
				}
				if ack {
					time.Sleep(2 * time.Second)
					b.acknowledge(a.incident)
				}
				acked := time.Now()
				time.Sleep(2 * time.Minute)
				if got := b.read(a.incident).State; got != oncall.Acknowledged {
					t.Errorf("incident is %s, want acknowledged", got)
				}
				for i, call := range b.phones.Phone(matsu).Calls() {
					if call.Status.Live() {
						t.Errorf("call %d is still %s", i, call.Status)
					}
					if ack && i == 0 && call.Ended.Sub(acked) > time.Second {
						t.Errorf("hung up %v after the acknowledgement", call.Ended.Sub(acked))
					}
					if i > 0 && !call.Rung.IsZero() && call.Ended.Sub(call.Rung) > time.Second {
						t.Errorf("call %d rang for %v beside the first", i, call.Ended.Sub(call.Rung))
					}
				}
				if got := b.chain.of(a.id()); got.times != 1 || got.is != oncall.Undeliverable {
					t.Errorf("told %q %d times, want undeliverable, once", got.is, got.times)
				}
			})
		})
	}
}

func TestManyWaitingCallsOfASlowProviderDoNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite", crowd(t, 90), func(s *setup) { s.voice.CallsPerSecond = 1 })
		var all []ask
		for i := range 90 {
			b.phones.Phone(crowdNumber(i)).Always(sim.Busy())
			all = append(all, ask{incident: b.incident("checkout"), n: 1, user: oncall.UserID(fmt.Sprintf("u%d", i))})
		}
		b.ask(all...)
		time.Sleep(3 * time.Second)
		quiet := ask{incident: b.incident("quiet"), n: 1, user: "matsu", method: oncall.SMS, contact: "sms"} // by another provider
		began := time.Now()
		b.ask(quiet)
		if got := b.want(quiet.id(), oncall.Sent, time.Minute); got.at.Sub(began) > 100*time.Millisecond {
			t.Errorf("told after %v, want at once", got.at.Sub(began))
		}
		time.Sleep(100 * time.Second)
		calls := b.phones.Calls()
		if len(calls) != 90 {
			t.Fatalf("got %d calls, want 90", len(calls))
		}
		for i := range calls[1:] {
			if gap := calls[i+1].Arrived.Sub(calls[i].Arrived); gap < 900*time.Millisecond || gap > 1100*time.Millisecond {
				t.Errorf("call %d came %v after the one before, want a second", i+1, gap)
			}
		}
	})
}

func TestInEnglishTheProviderHasNoComplaintsEither(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Press("7", time.Second).Then("1", 20*time.Second), func(s *setup) {
			s.more = append(s.more, object(t, store.ObjectUser, "matsu", oncall.User{
				ID: "matsu", Language: "en", Zone: "Europe/Berlin",
				Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: matsu, Verified: true}},
			}))
		})
		b.want(a.id(), oncall.Answered, time.Minute)
		call, _ := b.phones.Phone(matsu).Last()
		if said := call.Said(); len(call.Notes) != 0 || !strings.Contains(said, "checkout, since 1:00 a.m.") || !strings.Contains(said, "you have it now") {
			t.Errorf("heard %q with complaints %v", said, call.Notes)
		}
	})
}
