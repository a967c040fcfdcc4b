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

// one calls matsu once with that script and returns the attempt and the bench.
func one(t *testing.T, script sim.Script, sets ...set) (*bench, ask, time.Time) {
	t.Helper()
	b := newBench(t, "sqlite", sets...)
	b.phones.Phone(matsu).Next(script)
	a := ask{incident: b.incident("checkout"), n: 1, user: "matsu"}
	began := time.Now()
	b.ask(a)
	return b, a, began
}

func TestR11_WhatAPhoneDoesIsToldWithinASecondOfItsEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script sim.Script
		want   oncall.Outcome
		within time.Duration // from the request to the outcome
	}{
		{"busy", sim.Busy(), oncall.Busy, 1300 * time.Millisecond},
		{"declined by hand", sim.Decline(), oncall.Rejected, 3300 * time.Millisecond},
		{"not reachable", sim.Failed(), oncall.Undeliverable, 1300 * time.Millisecond},
		{"rings for 25 s", sim.NoAnswer(), oncall.NoAnswer, 26300 * time.Millisecond},
		{"hung up while it speaks", sim.AnswerAndHangUp(time.Second, 2*time.Second), oncall.NoInput, 4300 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, a, began := one(t, tc.script)
				got := b.want(a.id(), tc.want, time.Minute)
				if took := got.at.Sub(began); took > tc.within {
					t.Errorf("told after %v, want at most %v", took, tc.within)
				}
				time.Sleep(time.Minute)
				if got := b.chain.of(a.id()).times; got != 1 {
					t.Errorf("told %d times, want once", got)
				}
				list := b.deliveries(a.id())
				if len(list) != 1 || list[0].State != store.DeliveryEnded || list[0].Outcome != tc.want {
					t.Errorf("got %+v, want one ended delivery with %s", list, tc.want)
				}
				if row := b.row(a.id()); row.State != store.OutboxDone {
					t.Errorf("row is %s, want done", row.State)
				}
			})
		})
	}
}

func TestR21_AVoicemailIsNobodyAndTheNextNeedNotWaitForItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Voicemail(3*time.Second))
		got := b.want(a.id(), oncall.NoInput, time.Minute)
		call, _ := b.phones.Phone(matsu).Last()
		if !call.Status.Live() {
			t.Errorf("told when the call was %s, want while it still says goodbye", call.Status)
		}
		if list := b.deliveries(a.id()); list[0].State != store.DeliveryAnswered {
			t.Errorf("the delivery is %s, want answered: the number is still busy", list[0].State)
		}
		time.Sleep(time.Minute)
		call, _ = b.phones.Phone(matsu).Last()
		lines := spokenLines(call)
		if len(lines) < 3 || lines[len(lines)-3] != lines[len(lines)-2] || !strings.Contains(lines[len(lines)-1], "ほかの人に連絡") {
			t.Errorf("heard %q, want two readings and a goodbye", lines)
		}
		if b.deliveries(a.id())[0].State != store.DeliveryEnded || b.chain.of(a.id()).times != 1 {
			t.Errorf("got %v told %d times, want ended and told once", b.deliveries(a.id()), b.chain.of(a.id()).times)
		}
		_ = got
	})
}

// spokenLines are the words that a call has heard from us.
func spokenLines(call sim.Call) (lines []string) {
	for _, l := range call.Transcript {
		if l.Kind == "say" {
			lines = append(lines, l.Text)
		}
	}
	return lines
}

func TestR21_KeysActAndAreSaidBackWithTheNumber(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		keys  string
		state oncall.State
		says  string
	}{
		{"1", oncall.Acknowledged, "番を、対応中にしました"},
		{"2", oncall.Triggered, "番を、次の人に回します"},
		{"9", oncall.Resolved, "番を、解決にしました"},
	} {
		t.Run(tc.keys, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, a, _ := one(t, sim.Press(tc.keys, 200*time.Millisecond)) // within the first words
				b.want(a.id(), oncall.Answered, time.Minute)
				inc := b.read(a.incident)
				if inc.State != tc.state {
					t.Errorf("incident is %s, want %s", inc.State, tc.state)
				}
				call, _ := b.phones.Phone(matsu).Last()
				lines := spokenLines(call)
				if last := lines[len(lines)-1]; !strings.Contains(last, tc.says) || !strings.Contains(last, "インシデント1") {
					t.Errorf("said back %q, want the number and %q", last, tc.says)
				}
				if call.Status != sim.StatusCompleted || len(call.Notes) != 0 {
					t.Errorf("call ended %s with %v, want completed without complaints", call.Status, call.Notes)
				}
			})
		})
	}
}

func (b *bench) read(id oncall.IncidentID) *oncall.Incident {
	b.t.Helper()
	ctx := context.Background()
	var inc *oncall.Incident
	if err := b.db.Read(ctx, func(tx *store.Tx) (err error) { inc, err = tx.IncidentUnlocked(ctx, id); return err }); err != nil {
		b.t.Fatal(err)
	}
	return inc
}

func TestR21_Key3RepeatsAndAWrongKeyIsSaidAndRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Press("3", time.Second).Then("7", 3*time.Second).Then("#", 4*time.Second).Then("1", 4*time.Second))
		b.want(a.id(), oncall.Answered, time.Minute)
		call, _ := b.phones.Phone(matsu).Last()
		lines := spokenLines(call)
		alarms, wrong := 0, 0
		for _, line := range lines {
			if strings.HasPrefix(line, "トウバンです") {
				alarms++
			}
			if strings.Contains(line, "使えません") {
				wrong++
			}
		}
		if alarms < 3 || wrong != 2 || b.read(a.incident).State != oncall.Acknowledged {
			t.Errorf("heard %q, want the alarm again after 3 and after both wrong keys", lines)
		}
	})
}

func TestAKeyThatCantBeRecordedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a, _ := one(t, sim.Press("1", time.Second).Then("1", 10*time.Second))
		b.chain.mu.Lock()
		b.chain.broken = context.DeadlineExceeded
		b.chain.mu.Unlock()
		b.want(a.id(), oncall.Answered, time.Minute)
		call, _ := b.phones.Phone(matsu).Last()
		if lines := spokenLines(call); !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "もう一度、押して") }) {
			t.Errorf("heard %q, want to be asked again", lines)
		}
	})
}
