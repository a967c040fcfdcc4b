package twilio_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"toban/sim/twilio"
)

// Whatever hands, scripts and the client do at once: every call ends, and its
// end is told exactly once.
func TestInAStormEveryCallEndsOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				rnd := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a reproducible storm
				scripts := []twilio.Script{
					twilio.Ring(), twilio.Busy(), twilio.NoAnswer(), twilio.Decline(), twilio.Failed(), twilio.Voicemail(5 * time.Second),
					twilio.Answer(time.Second), twilio.Press("1", 2*time.Second), twilio.AnswerAndHangUp(time.Second, 3*time.Second),
				}
				var hands sync.WaitGroup
				for n := range 100 {
					number := fmt.Sprintf("+8190000001%02d", n%40)
					w.Phone(number).Next(scripts[rnd.IntN(len(scripts))])
					id := w.call(t, wish(number))
					for range 4 {
						what, when := rnd.IntN(6), time.Duration(rnd.IntN(6000))*time.Millisecond
						hands.Go(func() {
							time.Sleep(when)
							p := w.Phone(number)
							switch what { // whether it still can is the storm's business
							case 0:
								_ = p.Answer()
							case 1:
								_ = p.Press("1")
							case 2:
								_ = p.Decline()
							case 3:
								_ = p.HangUp()
							case 4:
								_, _ = w.api.UpdateCall(id, (&api.UpdateCallParams{}).SetStatus("completed"))
							case 5:
								_, _ = w.api.UpdateCall(id, (&api.UpdateCallParams{}).SetUrl(base+"/menu"))
							}
						})
					}
					time.Sleep(time.Duration(rnd.IntN(1000)) * time.Millisecond)
				}
				hands.Wait()
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				ends := map[string]int{}
				for _, h := range w.app.got("/status") {
					if twilio.Status(h.form.Get("CallStatus")).Ended() {
						ends[h.form.Get("CallSid")]++
					}
				}
				for _, c := range w.Calls() {
					if !c.Status.Ended() || ends[c.SID] != 1 {
						t.Errorf("call %s is %s, its end was told %d times", c.SID, c.Status, ends[c.SID])
					}
				}
				if notes := w.Notes(); len(notes) != 0 {
					t.Errorf("notes = %v, want none", notes)
				}
			})
		})
	}
}
