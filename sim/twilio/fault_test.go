package twilio_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"toban/sim/twilio"
)

// code is the provider's error code in an error of its library.
func code(err error) int {
	if refused, ok := errors.AsType[*client.TwilioRestError](err); ok {
		return refused.Code
	}
	return 0
}

func TestServerFaultsLeaveOrMakeACall(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fault twilio.Fault
		code  int // 0: not the provider's words
		made  bool
		takes time.Duration
	}{
		{"too many requests", twilio.TooMany(2 * time.Second), 20429, false, 0},
		{"error before", twilio.ServerError(503), 20500, false, 0},
		{"error after: the ambiguous case", twilio.ServerErrorAfter(500), 20500, true, 0},
		{"dropped after", twilio.DropAfter(), 0, true, 0},
		{"no answer at all", twilio.HangAfter(), 0, true, 10 * time.Second},
		{"slower than the client waits", twilio.Slow(30 * time.Second), 0, true, 10 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Phone(matsu).Next(twilio.Busy().With(tc.fault))
				began := time.Now()
				_, err := w.api.CreateCall(wish(matsu))
				if err == nil || code(err) != tc.code {
					t.Errorf("error = %v, want code %d", err, tc.code)
				}
				if got := time.Since(began); got != tc.takes {
					t.Errorf("took %s, want %s", got, tc.takes)
				}
				if made := len(w.Calls()) == 1; made != tc.made {
					t.Errorf("a call was made: %v, want %v", made, tc.made)
				}
				// The next request has a script of its own.
				if _, err := w.api.CreateCall(wish(take)); err != nil {
					t.Errorf("the request after it: %v", err)
				}
			})
		})
	}
}

func TestSlowAnswersAreLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Next(twilio.Busy().With(twilio.Slow(3 * time.Second)))
		began := time.Now()
		w.call(t, wish(matsu))
		if got := time.Since(began); got != 3*time.Second {
			t.Errorf("answered after %s, want 3s", got)
		}
		if c := w.Calls()[0]; c.Ended.Sub(began) != 0 {
			t.Errorf("the call itself was late: %s", c.Ended.Sub(began))
		}
	})
}

func TestRetryAfterIsToldInSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(twilio.Fault{On: "list", Times: 2, Status: 429, RetryAfter: twilio.Span(1500 * time.Millisecond)})
	for _, want := range []int{429, 429, 200} {
		r, _ := http.NewRequest(http.MethodGet, "https://api.twilio.example/2010-04-01/Accounts/"+sid+"/Calls.json", nil)
		r.SetBasicAuth(sid, token)
		res, err := w.Transport().RoundTrip(r)
		if err != nil || res.StatusCode != want {
			t.Fatalf("status %v (%v), want %d", res, err, want)
		}
		if want == 429 && res.Header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After = %q, want 2", res.Header.Get("Retry-After"))
		}
	}
	var got []int
	for _, r := range w.Requests() {
		got = append(got, r.Status)
	}
	if len(got) != 3 || w.Requests()[0].Code != 20429 || w.Requests()[0].Kind != "list" {
		t.Errorf("log = %+v", w.Requests())
	}
}

func TestCallbacksMisbehaveByScript(t *testing.T) {
	t.Parallel()
	script := twilio.AnswerAndHangUp(2*time.Second, 3*time.Second)
	for _, tc := range []struct {
		name   string
		faults []twilio.CallbackFault
		want   string
		check  func(t *testing.T, hits []hit)
	}{
		{"lost", []twilio.CallbackFault{twilio.Lost("completed")}, "initiated ringing in-progress", nil},
		{"reordered", []twilio.CallbackFault{twilio.Reordered("ringing")}, "initiated in-progress ringing completed", func(t *testing.T, hits []hit) {
			if hits[2].form.Get("SequenceNumber") != "1" {
				t.Error("the late one lost its number")
			}
		}},
		{"the last can't be overtaken", []twilio.CallbackFault{twilio.Reordered("completed")}, "initiated ringing in-progress completed", nil},
		{"late", []twilio.CallbackFault{twilio.Late("initiated", 3*time.Second)}, "ringing in-progress initiated completed", nil},
		{"duplicate", []twilio.CallbackFault{twilio.Duplicate("answered", 500*time.Millisecond)}, "initiated ringing in-progress in-progress completed", func(t *testing.T, hits []hit) {
			if hits[2].token != hits[3].token || hits[3].at.Sub(hits[2].at) != 500*time.Millisecond {
				t.Error("a repetition has the same token, by later")
			}
		}},
		{"bad signature", []twilio.CallbackFault{twilio.BadSignature("completed")}, "initiated ringing in-progress completed", func(t *testing.T, hits []hit) {
			if !hits[0].signed || hits[3].signed {
				t.Error("exactly the last one is signed wrongly")
			}
		}},
		{"signed with the port", []twilio.CallbackFault{{Do: "with-port"}}, "initiated ringing in-progress completed", func(t *testing.T, hits []hit) {
			if !hits[0].signed {
				t.Error("the vendor's validator accepts the standard port")
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Phone(matsu).Next(script.But(tc.faults...))
				w.call(t, wish(matsu))
				w.ended(t)
				time.Sleep(time.Minute)
				if got := w.app.statuses(); got != tc.want {
					t.Fatalf("callbacks = %q, want %q", got, tc.want)
				}
				if tc.check != nil {
					tc.check(t, w.app.got("/status"))
				}
			})
		})
	}
}

func TestRequestsForTwiMLMisbehaveToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Phone(matsu).Next(twilio.Press("1", time.Second).But(twilio.Duplicate("voice", time.Second), twilio.BadSignature("voice")))
		w.call(t, wish(matsu))
		w.ended(t)
		time.Sleep(time.Minute)
		gather := w.app.got("/gather")
		if len(gather) != 2 || gather[0].token != gather[1].token || gather[0].signed {
			t.Errorf("gather = %+v, want the same twice, signed wrongly", gather)
		}
	})
}

func TestRetriesFollowTheFragment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, fragment string
		reply          http.HandlerFunc
		tries          int
		note           int
	}{
		{"5xx is not tried again by default", "", status(503), 1, 15003},
		{"5xx by policy", "#rc=3&rp=5xx,ct", status(503), 4, 15003},
		{"4xx is another policy", "#rc=3&rp=5xx", status(404), 1, 15003},
		{"all", "#rc=2&rp=all", status(404), 3, 15003},
		{"no retries", "#rc=0&rp=all", status(503), 1, 15003},
		{"a policy that does not exist", "#rc=2&rp=sometimes", status(204), 0, 11243},
		{"too many retries", "#rc=9", status(204), 0, 11100},
		{"no answer in time", "#rc=1&rp=rt&ct=100&rt=400&tt=5000", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 2, 11200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.app.reply("/status", tc.reply)
				w.Phone(matsu).Next(twilio.Busy())
				p := wish(matsu).SetStatusCallback(base + "/status?a=1" + tc.fragment).SetStatusCallbackEvent([]string{"completed"})
				w.call(t, p)
				w.ended(t)
				time.Sleep(time.Minute)
				hits := w.app.got("/status")
				if len(hits) != tc.tries {
					t.Errorf("tries = %d, want %d", len(hits), tc.tries)
				}
				for _, h := range hits {
					if h.token != hits[0].token || !h.signed {
						t.Error("a retry has the same token and a good signature, without the fragment")
					}
				}
				notes := w.Notes()
				if tc.note != 0 && (len(notes) != 1 || notes[0].Code != tc.note || !notes[0].Warning) {
					t.Errorf("notes = %v, want one of code %d", notes, tc.note)
				}
			})
		})
	}
}

type refused struct{ tries *int }

func (r refused) RoundTrip(*http.Request) (*http.Response, error) {
	*r.tries++
	return nil, errors.New("connection refused")
}

func TestARefusedConnectionIsTriedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		w := newWorld(t, func(o *twilio.Options) { o.Client = &http.Client{Transport: refused{&tries}} })
		w.Phone(matsu).Next(twilio.Busy())
		w.call(t, wish(matsu).SetStatusCallbackEvent([]string{"completed"}))
		w.ended(t)
		synctest.Wait()
		if notes := w.Notes(); tries != 2 || len(notes) != 1 || notes[0].Code != 11205 {
			t.Errorf("tries = %d, notes = %v; want 2 and 11205", tries, notes)
		}
	})
}

func TestFetchAndNotificationsTellTheProblems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app.reply("/menu", status(500))
		w.Phone(matsu).Next(twilio.Answer(0))
		id := w.call(t, wish(matsu))
		c := w.ended(t)
		if c.Status != twilio.StatusCompleted || !strings.Contains(c.Said(), "application error") {
			t.Errorf("ended %s saying %q, want completed with an apology", c.Status, c.Said())
		}
		list, err := w.api.ListCallNotification(id, &api.ListCallNotificationParams{})
		if err != nil || len(list) != 1 || *list[0].ErrorCode != "11200" || *list[0].Log != "0" {
			t.Errorf("notifications = %+v (%v), want one 11200", list, err)
		}
	})
}
