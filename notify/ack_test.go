package notify_test

import (
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
)

func TestR18_AnAcknowledgementHangsUpWithinASecond(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script sim.Script
		wait   time.Duration // from the request to the acknowledgement
		set    set
	}{
		{"in the provider's queue", sim.Ring(), 50 * time.Millisecond, func(s *setup) { s.phones.Accounts[0].CallsPerSecond = 0.001 }},
		{"not dialled yet", sim.Ring(), 100 * time.Millisecond, nil},
		{"ringing", sim.Ring(), 5 * time.Second, nil},
		{"speaking", sim.Answer(time.Second), 8 * time.Second, nil},
		{"ringing, and its callbacks are lost", sim.Ring().But(sim.Lost("")), 3 * time.Second, nil},
		{"ringing, and the first request to hang up fails", sim.Ring(), 3 * time.Second, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sets := []set{}
				if tc.set != nil {
					sets = append(sets, tc.set)
				}
				b := newBench(t, "sqlite", sets...)
				if tc.name == "in the provider's queue" {
					b.phones.Phone(ume).Next(sim.Ring())
					b.ask(ask{incident: b.incident("checkout"), n: 1, user: "ume"}) // takes the only slot
				}
				b.phones.Phone(matsu).Next(tc.script)
				if tc.name == "ringing, and the first request to hang up fails" {
					b.phones.Fault(sim.Fault{On: "update", Status: 503})
				}
				a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
				b.ask(a)
				time.Sleep(tc.wait)
				acked := time.Now()
				b.acknowledge(a.incident)
				b.want(a.id(), oncall.Canceled, 10*time.Second)
				call, _ := b.phones.Phone(matsu).Last()
				if call.Status.Live() || call.Ended.Sub(acked) > time.Second {
					t.Errorf("call %s ended %v after the acknowledgement, want within a second", call.Status, call.Ended.Sub(acked))
				}
			})
		})
	}
}

func TestR18_ACallWhoseRequestIsUnderWayIsHungUpAsSoonAsItIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		b.phones.Phone(matsu).Next(sim.Ring().With(sim.Slow(2 * time.Second)).But(sim.Lost("")))
		a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
		b.ask(a)
		time.Sleep(500 * time.Millisecond)
		b.acknowledge(a.incident)
		b.want(a.id(), oncall.Canceled, 10*time.Second)
		call, _ := b.phones.Phone(matsu).Last()
		if took := call.Ended.Sub(call.Arrived); took > 2500*time.Millisecond {
			t.Errorf("hung up %v after the request, want at once when it was answered after 2 s", took)
		}
	})
}

func TestR18_NothingIsClaimedAfterTheAcknowledgement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite", func(s *setup) { s.voice.CallsPerSecond = 1 })
		inc := b.incident("checkout")
		b.phones.Phone(matsu).Next(sim.Ring())
		first, second := ask{incident: inc, n: 1, user: "matsu"}, ask{incident: inc, n: 2, user: "take"}
		b.ask(first, second) // the second waits for the rate limit
		time.Sleep(500 * time.Millisecond)
		b.acknowledge(inc)
		time.Sleep(time.Minute)
		if calls := b.phones.Phone(take).Calls(); len(calls) != 0 {
			t.Errorf("got %d calls, want none", len(calls))
		}
		if row := b.row(second.id()); row.State != store.OutboxDropped {
			t.Errorf("row is %s, want dropped", row.State)
		}
	})
}

func TestTheCallOnWhichTheKeyWasPressedIsNotCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite")
		inc := b.incident("checkout")
		b.phones.Phone(matsu).Next(sim.Ring())
		b.phones.Phone(take).Next(sim.Press("1", time.Second))
		ringing, answered := ask{incident: inc, n: 1, user: "matsu"}, ask{incident: inc, n: 2, user: "take"}
		b.ask(ringing, answered)
		b.want(answered.id(), oncall.Answered, time.Minute)
		b.want(ringing.id(), oncall.Canceled, time.Minute)
		call, _ := b.phones.Phone(take).Last()
		for _, line := range call.Transcript[len(call.Transcript)-1:] {
			if line.Cut {
				t.Errorf("%q was cut off", line.Text)
			}
		}
		other, _ := b.phones.Phone(matsu).Last()
		if took := other.Ended.Sub(call.Answered); took > 3*time.Second {
			t.Errorf("the other phone rang %v longer", took)
		}
	})
}
