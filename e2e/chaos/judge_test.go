package chaos

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	simtwilio "toban/sim/twilio"
	"toban/store"
)

// second is a moment of the runs below, in seconds.
func second(s float64) time.Time {
	return time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC).Add(time.Duration(s * float64(time.Second)))
}

// quiet is a run in which all went well: inc_1 is triggered at 1, matsu is called
// at 1.1, presses 1 at 3, and the alert clears at 5.
func quiet() *record {
	r := &record{
		lives:     []life{{launched: second(0), ready: second(0.5), ended: second(100)}},
		accepted:  []acceptance{{problem: "p", alert: "p", firing: true, sent: second(0.9), at: second(1)}, {problem: "p", alert: "p", sent: second(4.9), at: second(5)}},
		answered:  []answered{{delivery: "dlv_1", at: second(3.1)}},
		incidents: []oncall.Incident{{ID: "inc_1", Title: "p", State: oncall.Resolved, TriggeredAt: second(1), ResolvedAt: second(5)}},
		timeline: map[oncall.IncidentID][]oncall.Entry{"inc_1": {
			{At: second(1), Kind: oncall.EntryTriggered},
			{At: second(3), Kind: oncall.EntryAcknowledged, Actor: "matsu", Data: oncall.EntryData{Via: "call"}},
			{At: second(5), Kind: oncall.EntryResolved},
		}},
		alerts: map[oncall.IncidentID][]oncall.Alert{"inc_1": {{Fingerprint: "p", State: oncall.Cleared, Count: 1}}},
		told:   map[oncall.DeliveryID][]store.Told{},
		waits:  []wait{{at: second(2), incident: "inc_1", next: second(20), why: "outcome"}},
	}
	r.called("CA1", "dlv_1", "inc_1.1", "+819000000001", 1.1, 3.5)
	r.calls[0].Answered = second(2)
	r.calls[0].Transcript = []simtwilio.Line{{Kind: "key", Text: "1"}}
	return r
}

// called adds a call for the attempts of a delivery, from its request to its end.
func (r *record) called(sid string, d oncall.DeliveryID, attempts, to string, from, end float64) {
	address := "http://toban.test/callbacks/twilio/voice?d=" + string(d)
	r.requests = append(r.requests, simtwilio.Request{
		At: second(from), Done: second(from + 0.01), Kind: "create", Status: 201, CallSID: sid, Form: url.Values{"Url": {address}, "To": {to}},
	})
	c := simtwilio.Call{SID: sid, To: to, URL: address, Status: simtwilio.StatusNoAnswer, Arrived: second(from), Ended: second(end)}
	r.calls = append(r.calls, c)
	for a := range strings.SplitSeq(attempts, " ") {
		id, _, _ := strings.Cut(a, ".")
		r.told[d] = append(r.told[d], store.Told{Delivery: d, Incident: oncall.IncidentID(id), Attempt: oncall.AttemptID(a)})
	}
}

// number numbers the lines of the timelines that have no numbers.
func (r *record) number() {
	for id, entries := range r.timeline {
		for i := range entries {
			if entries[i].Seq == 0 {
				entries[i].Seq = int64(i + 1)
			}
		}
		for i := range r.incidents {
			if r.incidents[i].ID == id && r.incidents[i].Entries == 0 {
				r.incidents[i].Entries = int64(len(entries))
			}
		}
	}
}

// figures are the numbers of a verdict that a case is about.
type figures struct{ lost, silent, after, duplicates, unexplained, twice, inFlight int }

func TestTheJudgeSeesEachBrokenPromise(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		what func(r *record)
		want figures
		bad  bool
	}{
		{"all is well", func(*record) {}, figures{}, false},
		{"an accepted signal without an incident", func(r *record) {
			r.accepted = append(r.accepted, acceptance{problem: "q", alert: "q", firing: true, at: second(2)})
		}, figures{lost: 1}, true},
		{"an accepted signal without its alert in the incident of its group", func(r *record) {
			r.accepted = append(r.accepted, acceptance{problem: "p", alert: "p/2", firing: true, at: second(2)})
		}, figures{lost: 1}, true},
		{"a repetition that was not counted", func(r *record) {
			r.accepted = slices.Insert(r.accepted, 1, acceptance{problem: "p", alert: "p", firing: true, sent: second(2), at: second(2)})
		}, figures{lost: 1}, true},
		{"a resolve that did not arrive", func(r *record) {
			r.alerts["inc_1"][0].State = oncall.Firing
			r.incidents[0].State = oncall.Acknowledged
		}, figures{lost: 2}, true},
		{"a trigger after the resolve that did not arrive", func(r *record) {
			r.alerts["inc_1"][0].Count = 2
			r.accepted = append(r.accepted, acceptance{problem: "p", alert: "p", firing: true, sent: second(6), at: second(6)})
		}, figures{lost: 1}, true},
		{"one that somebody resolved by hand afterwards", func(r *record) {
			r.accepted = r.accepted[:1]
			r.timeline["inc_1"][2].Actor = "matsu"
		}, figures{}, false},
		{"a next action that is eleven seconds late", func(r *record) {
			r.waits = append(r.waits, wait{at: second(31), incident: "inc_1", next: second(20)})
		}, figures{silent: 1}, true},
		{"a next action that is late because toban was down", func(r *record) {
			r.lives = []life{{ready: second(0), ended: second(19)}, {ready: second(25), ended: second(100)}}
			r.waits = append(r.waits, wait{at: second(31), incident: "inc_1", next: second(20)})
		}, figures{}, false},
		{"no next action for eleven seconds", func(r *record) {
			r.waits = append(r.waits, wait{at: second(30), incident: "inc_1"}, wait{at: second(36), incident: "inc_1"}, wait{at: second(41.5), incident: "inc_1"})
		}, figures{silent: 1}, true},
		{"a next action that is put off again and again", func(r *record) {
			r.timeline["inc_1"] = r.timeline["inc_1"][:1]
			r.incidents[0].State, r.accepted, r.alerts["inc_1"][0].State = oncall.Triggered, r.accepted[:1], oncall.Firing
			r.waits = []wait{{at: second(10), incident: "inc_1", next: second(15)}, {at: second(14), incident: "inc_1", next: second(19)}, {at: second(18), incident: "inc_1", next: second(23)}}
		}, figures{silent: 1}, true},
		{"a line of the timeline that is missing", func(r *record) {
			r.timeline["inc_1"][1].Seq = 3
		}, figures{}, true},
		{"a line that the incident counts and the timeline lacks", func(r *record) {
			r.incidents[0].Entries = 4
		}, figures{}, true},
		{"a store without a next action", func(r *record) {
			r.audits = []audit{{at: second(4), lost: []oncall.IncidentID{"inc_1"}}}
		}, figures{silent: 1}, true},
		{"an incident that the auditor had to start again", func(r *record) {
			r.timeline["inc_1"] = append(r.timeline["inc_1"], oncall.Entry{At: second(2), Kind: oncall.EntryRestarted})
		}, figures{}, true},
		{"a call requested two seconds after the acknowledgement", func(r *record) {
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 5.2, 5.3)
			r.timeline["inc_1"] = r.timeline["inc_1"][:2]
			r.alerts["inc_1"][0].State, r.incidents[0].State = oncall.Cleared, oncall.Resolved
		}, figures{after: 1}, true},
		{"a call requested within a second of the acknowledgement, hung up at once", func(r *record) {
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 3.9, 4.2)
		}, figures{}, false},
		{"a telephone that rings on for two seconds", func(r *record) {
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 2.5, 5.2)
		}, figures{after: 1, inFlight: 1}, true},
		{"a telephone that rings on while toban is down, and one second more", func(r *record) {
			r.lives = []life{{ready: second(0), ended: second(3.2)}, {ready: second(6), ended: second(100)}}
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 2.5, 6.9)
		}, figures{inFlight: 1}, false},
		{"a telephone that rings on two seconds after toban is back", func(r *record) {
			r.lives = []life{{ready: second(0), ended: second(3.2)}, {ready: second(6), ended: second(100)}}
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 2.5, 8.1)
		}, figures{after: 1, inFlight: 1}, true},
		{"a call that tells of another incident too, which nobody has", func(r *record) {
			r.timeline["inc_2"] = []oncall.Entry{{At: second(2), Kind: oncall.EntryTriggered}}
			r.called("CA2", "dlv_2", "inc_1.2 inc_2.1", "+819000000002", 2.5, 8)
		}, figures{inFlight: 1}, false},
		{"a call after the incident was triggered again", func(r *record) {
			r.timeline["inc_1"] = append(r.timeline["inc_1"], oncall.Entry{At: second(7), Kind: oncall.EntryReopened})
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 7.1, 20)
		}, figures{}, false},
		{"a call that the store does not know", func(r *record) {
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 2, 2.5)
			delete(r.told, "dlv_2")
		}, figures{}, true},
		{"a second call for the same attempt without a reason", func(r *record) {
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 1.2, 1.5)
			r.called("CA3", "dlv_3", "inc_1.2", "+819000000002", 1.7, 1.9)
		}, figures{duplicates: 1, unexplained: 1}, true},
		{"a second call after a kill before the receipt", func(r *record) {
			r.lives = []life{{ready: second(0), ended: second(1.21)}, {ready: second(1.3), ended: second(100)}}
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 1.2, 1.5)
			r.called("CA3", "dlv_3", "inc_1.2", "+819000000002", 1.7, 1.9)
		}, figures{duplicates: 1}, false},
		{"a second call after the provider's answer was lost", func(r *record) {
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000002", 1.2, 1.5)
			r.requests[1].Status = 0
			r.called("CA3", "dlv_3", "inc_1.2", "+819000000002", 1.7, 1.9)
		}, figures{duplicates: 1}, false},
		{"two calls to the same telephone at the same moment", func(r *record) {
			r.called("CA2", "dlv_2", "inc_1.2", "+819000000001", 2, 2.5)
		}, figures{twice: 1}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := quiet()
			tc.what(r)
			r.number()
			v := judge(r)
			got := figures{v.lost, v.silent, v.calledAfterAck, v.duplicateCalls, v.unexplained, v.twiceAtOnce, v.inFlightAtAck}
			if got != tc.want || v.failed() != tc.bad {
				t.Errorf("got %+v, failed %t, want %+v, %t\n%s", got, v.failed(), tc.want, tc.bad, tell(r, v))
			}
		})
	}
}

func TestASeedIsAPlan(t *testing.T) {
	t.Parallel()
	one, again, other := newPlan(7, 50), newPlan(7, 50), newPlan(8, 50)
	if !slices.Equal(one.kills, again.kills) {
		t.Error("the same seed gives other kills")
	}
	if slices.Equal(one.kills, other.kills) {
		t.Error("another seed gives the same kills")
	}
	if first := newPlan(7, 20).kills; !slices.Equal(first, one.kills[:20]) {
		t.Error("fewer kills of the same seed are other kills")
	}
	for n := range 200 {
		a, b := nextProblem(one.load, n), nextProblem(again.load, n)
		if a.service != b.service || a.gap != b.gap || !slices.Equal(a.says, b.says) {
			t.Fatalf("problem %d: the same seed gives %+v and %+v", n, a, b)
		}
	}
	for number, scripts := range one.scripts {
		for i, s := range scripts {
			if s.Outcome != again.scripts[number][i].Outcome || s.After != again.scripts[number][i].After || len(s.Callbacks) != len(again.scripts[number][i].Callbacks) {
				t.Fatalf("telephone %s, call %d: the same seed gives other scripts", number, i)
			}
			if err := s.Validate(); err != nil {
				t.Fatalf("telephone %s, call %d: %v", number, i, err)
			}
		}
	}
}
