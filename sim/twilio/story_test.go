package twilio_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"toban/sim/twilio"
)

func TestAKeyIsHeardWhileTheVoiceSpeaks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Next(twilio.Press("1", 2*time.Second))
		began := time.Now()
		w.call(t, wish(matsu))
		c := w.ended(t)
		synctest.Wait()

		if c.Status != twilio.StatusCompleted || c.Keys() != "1" {
			t.Errorf("call = %s with keys %q, want completed with 1", c.Status, c.Keys())
		}
		if got, want := c.Answered.Sub(began), time.Second; got != want {
			t.Errorf("answered after %s, want %s", got, want)
		}
		gather := w.app.got("/gather")
		if len(gather) != 1 {
			t.Fatalf("gather actions = %d, want 1", len(gather))
		}
		if got, want := gather[0].at.Sub(began), 3*time.Second; got != want {
			t.Errorf("the key arrived after %s, want %s: keys are heard from the first word", got, want)
		}
		if got := gather[0].form; got.Get("Digits") != "1" || !got.Has("FinishedOnKey") || got.Get("CallSid") != c.SID {
			t.Errorf("gather form = %v", got)
		}
		if got, want := c.Said(), "トウバンです。緊急。決済が応答していません。 対応する場合は 1 を押してください。\n対応中にしました。"; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
		if !c.Transcript[0].Cut {
			t.Error("the first line was not cut by the key")
		}
		if got, want := w.app.statuses(), "initiated ringing in-progress completed"; got != want {
			t.Errorf("status callbacks = %q, want %q", got, want)
		}
		if notes := w.Notes(); len(notes) != 0 {
			t.Errorf("notes = %v, want none", notes)
		}
	})
}

func TestStatusCallbacksSayWhatTheRealOnesSay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Next(twilio.AnswerAndHangUp(2*time.Second, 70*time.Second))
		w.app.reply("/menu", say(`<Response><Pause length="200"/></Response>`))
		w.call(t, wish(matsu))
		c := w.ended(t)
		synctest.Wait()

		hits := w.app.got("/status")
		if len(hits) != 4 {
			t.Fatalf("callbacks = %d, want 4", len(hits))
		}
		tokens := map[string]bool{}
		for i, h := range hits {
			if !h.signed {
				t.Errorf("callback %d is not signed as the vendor's validator wants", i)
			}
			tokens[h.token] = true
			for name, want := range map[string]string{
				"SequenceNumber": string(rune('0' + i)), "CallSid": c.SID, "AccountSid": sid, "From": own, "To": matsu,
				"ApiVersion": "2010-04-01", "Direction": "outbound-api", "CallbackSource": "call-progress-events", "ToCountry": "JP",
			} {
				if got := h.form.Get(name); got != want {
					t.Errorf("callback %d: %s = %q, want %q", i, name, got, want)
				}
			}
			if _, err := time.Parse(time.RFC1123Z, h.form.Get("Timestamp")); err != nil {
				t.Errorf("callback %d: %v", i, err)
			}
			if i < 3 && h.form.Has("CallDuration") {
				t.Errorf("callback %d has a duration before the end", i)
			}
		}
		if len(tokens) != 4 {
			t.Errorf("idempotency tokens = %d, want one a callback", len(tokens))
		}
		last := hits[3].form
		if got := []string{last.Get("CallDuration"), last.Get("Duration"), last.Get("SipResponseCode")}; !cmp.Equal(got, []string{"70", "2", "200"}) {
			t.Errorf("duration, minutes, code = %v, want 70, 2, 200", got)
		}
	})
}

func TestEveryScriptEndsAsItSays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script twilio.Script
		end    twilio.Status
		sip    int
		after  time.Duration // from the request
		steps  string
	}{
		{"busy", twilio.Busy(), twilio.StatusBusy, 486, 0, "initiated busy"},
		{"no answer", twilio.NoAnswer(), twilio.StatusNoAnswer, 487, 25 * time.Second, "initiated ringing no-answer"},
		{"nobody there", twilio.Ring(), twilio.StatusNoAnswer, 487, 25 * time.Second, "initiated ringing no-answer"},
		{"declined", twilio.Decline(), twilio.StatusBusy, 603, 2 * time.Second, "initiated ringing busy"},
		{"declined as another carrier tells it", twilio.Script{Outcome: "decline", As: twilio.StatusNoAnswer, SIP: 480}, twilio.StatusNoAnswer, 480, 0, "initiated ringing no-answer"},
		{"failed", twilio.Failed(), twilio.StatusFailed, 404, 0, "initiated failed"},
		{"answers after the call gave up", twilio.Answer(26 * time.Second), twilio.StatusNoAnswer, 487, 25 * time.Second, "initiated ringing no-answer"},
		{"answers and hangs up", twilio.AnswerAndHangUp(4*time.Second, time.Second), twilio.StatusCompleted, 200, 5 * time.Second, "initiated ringing in-progress completed"},
		{"voicemail that is too slow", twilio.Voicemail(25 * time.Second), twilio.StatusNoAnswer, 487, 25 * time.Second, "initiated ringing no-answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Phone(matsu).Next(tc.script)
				began := time.Now()
				w.call(t, wish(matsu))
				c := w.ended(t)
				synctest.Wait()
				if c.Status != tc.end || c.SIP != tc.sip {
					t.Errorf("ended %s with %d, want %s with %d", c.Status, c.SIP, tc.end, tc.sip)
				}
				if got := c.Ended.Sub(began); got != tc.after {
					t.Errorf("ended after %s, want %s", got, tc.after)
				}
				if got := w.app.statuses(); got != tc.steps {
					t.Errorf("callbacks = %q, want %q", got, tc.steps)
				}
			})
		})
	}
}

func TestR21_APersonWhoPressesNothingIsAskedForAnEmptyResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *twilio.Options) {
			o.Speech = func(string, string) time.Duration { return 10 * time.Second }
		})
		w.Phone(matsu).Next(twilio.Answer(time.Second))
		began := time.Now()
		w.call(t, wish(matsu))
		w.ended(t)
		gather := w.app.got("/gather")
		if len(gather) != 1 || gather[0].form.Get("Digits") != "" {
			t.Fatalf("gather = %v, want one with empty Digits", gather)
		}
		// one second of ringing, the text with its break, the pause, the time-out
		if got, want := gather[0].at.Sub(began), time.Second+10300*time.Millisecond+time.Second+8*time.Second; got != want {
			t.Errorf("asked after %s, want %s", got, want)
		}
	})
}

func TestAVoicemailSpeaksAndNeverPresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, detection string
		async           bool
		want            string
	}{
		{"without detection", "", false, ""},
		{"waiting for the result", "Enable", false, "machine_start"},
		{"waiting for the beep", "DetectMessageEnd", false, "machine_end_beep"},
		{"told meanwhile", "Enable", true, "machine_start"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Phone(matsu).Next(twilio.Voicemail(15 * time.Second))
				p := wish(matsu)
				if tc.detection != "" {
					p.SetMachineDetection(tc.detection)
				}
				if tc.async {
					p.SetAsyncAmd("true").SetAsyncAmdStatusCallback(base + "/amd")
				}
				w.call(t, p)
				c := w.ended(t)
				synctest.Wait()
				if c.AnsweredBy != tc.want || c.Keys() != "" || c.Status != twilio.StatusCompleted {
					t.Errorf("answered by %q, keys %q, %s; want %q, none, completed", c.AnsweredBy, c.Keys(), c.Status, tc.want)
				}
				first := w.app.got("/menu")[0]
				if tc.async {
					if got := w.app.got("/amd"); len(got) != 1 || got[0].form.Get("AnsweredBy") != tc.want || !got[0].signed || got[0].form.Get("MachineDetectionDuration") != "3420" {
						t.Errorf("amd callbacks = %+v", got)
					}
					if first.form.Has("AnsweredBy") {
						t.Error("the TwiML request knows what only comes later")
					}
				} else if got := first.form.Get("AnsweredBy"); got != tc.want {
					t.Errorf("the TwiML request says %q, want %q", got, tc.want)
				}
				machine := slices.ContainsFunc(c.Transcript, func(l twilio.Line) bool { return l.Kind == "machine" })
				if !strings.Contains(c.Said(), "トウバンです") || !machine {
					t.Errorf("transcript = %+v", c.Transcript)
				}
			})
		})
	}
}

func TestAPersonsHandsWorkThePhone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.Phone(matsu)
		for name, hand := range map[string]func() error{"answer": p.Answer, "decline": p.Decline, "hang up": p.HangUp, "press": func() error { return p.Press("1") }} {
			if hand() == nil {
				t.Errorf("%s worked on a quiet phone", name)
			}
		}
		w.call(t, wish(matsu))
		if c, err := p.Ring(t.Context()); err != nil || c.From != own {
			t.Fatalf("ring: %v %v", c, err)
		}
		time.Sleep(3 * time.Second)
		if err := p.Answer(); err != nil {
			t.Fatal(err)
		}
		if err := p.Press("x"); !errors.Is(err, twilio.ErrNotAKey) {
			t.Errorf("press x: %v, want %v", err, twilio.ErrNotAKey)
		}
		if _, err := p.Wait(t.Context(), func(c twilio.Call) bool { return c.Listening }); err != nil {
			t.Fatal(err)
		}
		if err := p.Press("1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := p.HangUp(); err != nil {
			t.Fatal(err)
		}
		if c, _ := p.Last(); c.Status != twilio.StatusCompleted || c.Keys() != "1" || c.Ended.Sub(c.Rung) != 3*time.Second {
			t.Errorf("call = %+v", c)
		}

		w.call(t, wish(matsu))
		if _, err := p.Ring(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.Decline(); err != nil {
			t.Fatal(err)
		}
		if calls := p.Calls(); len(calls) != 2 || calls[1].Status != twilio.StatusBusy || calls[1].SIP != 603 {
			t.Errorf("calls = %+v, want a second one that is busy", calls)
		}
	})
}

func TestAPhoneThatIsHeldToAnEarIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call(t, wish(matsu))
		synctest.Wait()
		w.call(t, wish(matsu))
		c := w.ended(t)
		if c.Status != twilio.StatusBusy || !c.Engaged {
			t.Errorf("second call = %s, engaged %v; want busy, true", c.Status, c.Engaged)
		}
	})
}

func TestTheClientHangsUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		script twilio.Script
		after  time.Duration
		status string
		want   string // of the resource
	}{
		{"ringing, canceled", twilio.Ring(), 5 * time.Second, "canceled", "canceled"},
		{"ringing, completed", twilio.Ring(), 5 * time.Second, "completed", "canceled"},
		{"talking, canceled changes nothing", twilio.Answer(0), 2 * time.Second, "canceled", "in-progress"},
		{"talking, completed", twilio.Answer(0), 2 * time.Second, "completed", "completed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Phone(matsu).Next(tc.script)
				id := w.call(t, wish(matsu))
				time.Sleep(tc.after)
				got, err := w.api.UpdateCall(id, (&api.UpdateCallParams{}).SetStatus(tc.status))
				if err != nil {
					t.Fatal(err)
				}
				if *got.Status != tc.want {
					t.Errorf("status = %s, want %s", *got.Status, tc.want)
				}
				if tc.want == "in-progress" {
					return
				}
				synctest.Wait()
				if steps := w.app.statuses(); !strings.HasSuffix(steps, tc.want) {
					t.Errorf("callbacks = %q, want %s at the end", steps, tc.want)
				}
				if _, err := w.api.UpdateCall(id, (&api.UpdateCallParams{}).SetStatus("completed")); code(err) != 21220 {
					t.Errorf("second hang-up: %v, want 21220", err)
				}
			})
		})
	}
}

func TestARunningCallGoesOnWithOtherWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app.reply("/other", say(`<Response><Say>somebody else has it</Say></Response>`))
		w.Phone(matsu).Next(twilio.Answer(time.Second))
		id := w.call(t, wish(matsu))
		if _, err := w.api.UpdateCall(id, (&api.UpdateCallParams{}).SetUrl(base+"/other")); code(err) != 21220 {
			t.Errorf("redirect before it was answered: %v, want 21220", err)
		}
		time.Sleep(2 * time.Second)
		if _, err := w.api.UpdateCall(id, (&api.UpdateCallParams{}).SetUrl(base+"/other")); err != nil {
			t.Fatal(err)
		}
		if c := w.ended(t); !strings.HasSuffix(c.Said(), "somebody else has it") || len(w.app.got("/gather")) != 0 {
			t.Errorf("said %q", c.Said())
		}
	})
}

func TestCallsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *twilio.Options) { o.CallsPerSecond = 2 })
		for i, want := range []string{"0", "500", "1000"} {
			c, err := w.api.CreateCall(wish([]string{matsu, take, "+819000000003"}[i]))
			if err != nil {
				t.Fatal(err)
			}
			if *c.QueueTime != want || *c.Status != "queued" {
				t.Errorf("call %d: queue_time %s, %s; want %s, queued", i, *c.QueueTime, *c.Status, want)
			}
		}
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		var got []twilio.Status
		for _, c := range w.Calls() {
			got = append(got, c.Status)
		}
		if want := []twilio.Status{"ringing", "ringing", "queued"}; !cmp.Equal(got, want) {
			t.Errorf("after 600 ms: %v, want %v", got, want)
		}
	})
}

func TestPaceMakesCallsFaster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *twilio.Options) { o.Pace = 0.1 })
		began := time.Now()
		w.call(t, wish(matsu))
		if c := w.ended(t); c.Ended.Sub(began) != 2500*time.Millisecond {
			t.Errorf("25 s of ringing took %s, want 2.5s", c.Ended.Sub(began))
		}
	})
}
