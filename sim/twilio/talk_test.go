package twilio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"toban/sim/twilio"
)

func TestDocumentsThatCantBePlayedEndWithAnApology(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		reply http.HandlerFunc
		code  int
	}{
		{"not found", status(404), 11200},
		{"an error", status(500), 11200},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 11200},
		{"no content", status(204), 12300},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, "<Response/>")
		}, 12300},
		{"broken XML", say("<Response><Say>"), 12100},
		{"another root", say("<html/>"), 12102},
		{"too large", say("<Response>" + strings.Repeat(" ", 64<<10) + "</Response>"), 11750},
		{"Redirect to a bad address", say("<Response><Redirect>ftp://example.jp/</Redirect></Response>"), 11100},
	} {
		for _, fallback := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, fallback %v", tc.name, fallback), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					w.app.reply("/menu", tc.reply)
					w.app.reply("/fallback", say("<Response><Say>call Ume</Say></Response>"))
					w.Phone(matsu).Next(twilio.Answer(0))
					p := wish(matsu)
					if fallback {
						p.SetFallbackUrl(base + "/fallback")
					}
					w.call(t, p)
					c := w.ended(t)
					if len(c.Notes) != 1 || c.Notes[0].Code != tc.code || c.Notes[0].Warning || c.Notes[0].CallSID != c.SID {
						t.Errorf("notes = %+v, want one error %d", c.Notes, tc.code)
					}
					want := "We are sorry, an application error has occurred. Goodbye."
					if fallback {
						want = "call Ume"
						asked := w.app.got("/fallback")
						if len(asked) != 1 || asked[0].form.Get("ErrorCode") != fmt.Sprint(tc.code) || !asked[0].signed {
							t.Errorf("fallback = %+v", asked)
						}
					}
					if c.Said() != want || c.Status != twilio.StatusCompleted {
						t.Errorf("said %q and ended %s, want %q and completed", c.Said(), c.Status, want)
					}
				})
			})
		}
	}
}

func TestGatherListensAsTheRealOne(t *testing.T) {
	t.Parallel()
	const five = 5 * time.Second
	for _, tc := range []struct {
		name, gather string
		script       twilio.Script
		action       bool
		digits, by   string
		after        time.Duration // since the answer
		unheard      string
	}{
		{"enough keys", `<Gather numDigits="2">`, twilio.Answer(0).Then("4", time.Second).Then("2", time.Second), true, "42", "", 2 * time.Second, ""},
		{"the finishing key", `<Gather>`, twilio.Answer(0).Then("482#", time.Second), true, "482", "#", time.Second, ""},
		{"another finishing key", `<Gather finishOnKey="*">`, twilio.Answer(0).Then("4#*", time.Second), true, "4#", "*", time.Second, ""},
		{"no finishing key", `<Gather finishOnKey="" timeout="3">`, twilio.Answer(0).Then("4#", time.Second), true, "4#", "", 4 * time.Second, ""},
		{"the time-out counts from the last key", `<Gather timeout="3">`, twilio.Answer(0).Then("1", time.Second).Then("2", 2*time.Second), true, "12", "", 6 * time.Second, ""},
		{"nothing", `<Gather>`, twilio.Answer(0), false, "", "", 0, ""},
		{"nothing, and the action wants to know", `<Gather actionOnEmptyResult="true">`, twilio.Answer(0), true, "", "", five, ""},
		{"only the finishing key", `<Gather>`, twilio.Answer(0).Then("#", time.Second), false, "", "", 0, ""},
		{"too late", `<Gather timeout="2" action="/x">`, twilio.Answer(0).Then("1", 3*time.Second), false, "", "", 0, "1"},
		{"speech does not hear keys", `<Gather input="speech" timeout="2">`, twilio.Answer(0).Then("1", time.Second), false, "", "", 0, ""},
		{"by GET", `<Gather numDigits="1" method="GET">`, twilio.Answer(0).Then("9", time.Second), true, "9", "", time.Second, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				gather := tc.gather
				if !strings.Contains(gather, "action=") {
					gather = strings.Replace(gather, "<Gather", `<Gather action="/act?a=1"`, 1)
				}
				w.app.reply("/menu", say(`<Response>`+gather+`</Gather><Say>on we go</Say><Pause length="5"/></Response>`))
				w.app.reply("/act", say(`<Response/>`))
				w.Phone(matsu).Next(tc.script)
				w.call(t, wish(matsu))
				c := w.ended(t)
				hits := w.app.got("/act")
				if got := len(hits) == 1; got != tc.action {
					t.Fatalf("action = %v, want %v", got, tc.action)
				}
				if tc.action == strings.Contains(c.Said(), "on we go") {
					t.Errorf("said %q, with an action: %v", c.Said(), tc.action)
				}
				if tc.action {
					h := hits[0]
					got := []string{h.form.Get("Digits"), h.form.Get("FinishedOnKey"), h.at.Sub(c.Answered).String()}
					if diff := cmp.Diff([]string{tc.digits, tc.by, tc.after.String()}, got); diff != "" {
						t.Errorf("digits, key, time (-want +got):\n%s", diff)
					}
					if !h.signed || h.form.Get("CallStatus") != "in-progress" || h.form.Get("msg") != "Gather End" {
						t.Errorf("action = %+v", h)
					}
				}
				unheard := ""
				for _, l := range c.Transcript {
					if l.Unheard {
						unheard += l.Text
					}
				}
				if unheard != tc.unheard {
					t.Errorf("unheard keys = %q, want %q", unheard, tc.unheard)
				}
			})
		})
	}
}

func TestKeysOutsideOfAGatherAreNotHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app.reply("/menu", say(`<Response><Pause length="3"/><Gather timeout="2" action="/act"/></Response>`))
		w.Phone(matsu).Next(twilio.Press("1", time.Second))
		w.call(t, wish(matsu))
		c := w.ended(t)
		if c.Keys() != "" || len(w.app.got("/act")) != 0 {
			t.Errorf("heard %q, want nothing", c.Keys())
		}
	})
}

func TestACircleOfRedirectsEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app.reply("/menu", say(`<Response><Redirect>/menu</Redirect></Response>`))
		w.Phone(matsu).Next(twilio.Answer(0))
		w.call(t, wish(matsu))
		if c := w.ended(t); len(c.Notes) != 1 || c.Notes[0].Code != 11215 {
			t.Errorf("notes = %v, want one 11215", c.Notes)
		}
	})
}

func TestATimeLimitEndsTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app.reply("/menu", say(`<Response><Say loop="0">hello</Say></Response>`))
		w.Phone(matsu).Next(twilio.Answer(time.Second))
		w.call(t, wish(matsu).SetTimeLimit(90))
		if c := w.ended(t); c.Ended.Sub(c.Answered) != 90*time.Second || c.Status != twilio.StatusCompleted {
			t.Errorf("%s after %s, want completed after 90s", c.Status, c.Ended.Sub(c.Answered))
		}
	})
}

func TestInlineTwiMLAndGETWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Always(twilio.Press("1", time.Second))
		inline := (&api.CreateCallParams{}).SetTo(matsu).SetFrom(own).
			SetTwiml(`<Response><Gather numDigits="1" action="` + base + `/gather"><Say>press</Say></Gather></Response>`)
		w.call(t, inline)
		if c := w.ended(t); !strings.HasPrefix(c.Said(), "press") || len(w.app.got("/gather")) != 1 {
			t.Errorf("said %q", c.Said())
		}
		w.call(t, wish(matsu).SetMethod("GET").SetStatusCallbackMethod("GET"))
		if _, err := w.Phone(matsu).Ended(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, path := range []string{"/menu", "/status"} {
			for _, h := range w.app.got(path) {
				if h.method != http.MethodGet || !h.signed || h.form.Get("attempt") != "01J8" || h.form.Get("To") != matsu {
					t.Errorf("%s = %+v", path, h)
				}
			}
		}
	})
}

func TestSendDigitsSwitchDetectionOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Next(twilio.AnswerAndHangUp(0, time.Second))
		w.call(t, wish(matsu).SetMachineDetection("Enable").SetSendDigits("wW1#"))
		c := w.ended(t)
		if c.AnsweredBy != "" || w.app.got("/menu")[0].at.Sub(c.Answered) != 1500*time.Millisecond {
			t.Errorf("answered by %q, asked after %s", c.AnsweredBy, w.app.got("/menu")[0].at.Sub(c.Answered))
		}
	})
}

func TestADetectionWithoutItsCallbackIsAWarning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.call(t, wish(matsu).SetMachineDetection("Enable").SetAsyncAmd("true"))
		if n := w.Notes(); len(n) != 1 || n[0].Code != 21262 || !n[0].Warning {
			t.Errorf("notes = %v, want a warning 21262", n)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if _, err := w.Phone(matsu).Ring(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("Ring = %v after %s", err, time.Since(began))
		}
	})
}
