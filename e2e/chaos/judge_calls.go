package chaos

import (
	"net/url"
	"slices"
	"sort"
	"time"

	"toban/oncall"
	simtwilio "toban/sim/twilio"
)

// request is a request to make a call, with the call that came of it.
type request struct {
	simtwilio.Request
	delivery oncall.DeliveryID
	call     *simtwilio.Call // nil: there is none
}

// deliveryOf is the delivery that a request is for: the addresses of its
// callbacks carry it.
func deliveryOf(form url.Values) oncall.DeliveryID {
	u, err := url.Parse(form.Get("Url"))
	if err != nil {
		return ""
	}
	return oncall.DeliveryID(u.Query().Get("d"))
}

// creations are the requests to make a call, oldest first.
func (r *record) creations() []request {
	calls := map[string]*simtwilio.Call{}
	for i := range r.calls {
		calls[r.calls[i].SID] = &r.calls[i]
	}
	var out []request
	for _, q := range r.requests {
		if q.Kind == "create" {
			out = append(out, request{Request: q, delivery: deliveryOf(q.Form), call: calls[q.CallSID]})
		}
	}
	return out
}

// judgeCalls looks at every request and every call: whether somebody still had
// to be called, whether it was hung up in time, whether it was the second one
// for the same thing, and how many were under way when somebody took it.
func judgeCalls(r *record, v *verdict) {
	wanted := map[oncall.IncidentID][]span{}
	for id := range r.timeline {
		wanted[id] = r.wanted(id)
	}
	all := r.creations()
	for _, q := range all {
		told := r.told[q.delivery]
		if len(told) == 0 {
			v.find("", "a call was requested at %s for delivery %q, which the store does not know", clock(q.At), q.delivery)
			continue
		}
		var spans [][]span
		for _, t := range told {
			spans = append(spans, wanted[t.Incident])
		}
		judgeRequest(r, v, q, told[0].Incident, spans)
	}
	judgeDuplicates(r, v, all)
	judgeNumbers(r, v)
	judgeInFlight(r, v, all)
}

// judgeRequest says whether a request came too late, and whether its call was
// hung up too late. A call that tells of several incidents counts only when
// nobody needs it for any of them.
func judgeRequest(r *record, v *verdict, q request, id oncall.IncidentID, told [][]span) {
	if since, over := overSince(told, q.At); over && q.At.After(r.late(since)) {
		v.calledAfterAck++
		v.find(id, "called after the acknowledgement: %s was requested at %s, everybody had moved on at %s", short(q.delivery), clock(q.At), clock(since))
		return
	}
	c := q.call
	if c == nil || !c.Answered.IsZero() { // whoever has answered hears what has become of it
		return
	}
	end := c.Ended
	if end.IsZero() {
		end = time.Now()
	}
	since, over := overSince(told, end)
	if !over {
		return
	}
	if since.Before(c.Arrived) {
		since = c.Arrived
	}
	took := end.Sub(since)
	if late := r.late(since); end.After(late) {
		v.calledAfterAck++
		v.find(id, "rings after the acknowledgement: %s rang until %s (%s), everybody had moved on at %s", short(q.delivery), clock(end), c.Status, clock(since))
	} else if !r.killedBetween(since, end) && took > v.worstHangUp {
		v.worstHangUp = took
	}
}

// overSince is since when, at t, none of the incidents is anybody's business any
// more; false when one still is.
func overSince(told [][]span, t time.Time) (since time.Time, over bool) {
	for _, spans := range told {
		for _, s := range spans {
			switch {
			case s.from.After(t):
			case s.to.IsZero() || s.to.After(t):
				return time.Time{}, false
			case s.to.After(since):
				since = s.to
			}
		}
	}
	return since, !since.IsZero()
}

// receiptTime is how long after the provider's answer its receipt may not yet be
// in the store.
const receiptTime = 500 * time.Millisecond

// judgeDuplicates counts calls that were made for an attempt that had one
// already. R23 explains them: the program was killed, or the provider failed,
// between the request and its receipt.
func judgeDuplicates(r *record, v *verdict, all []request) {
	made := map[oncall.AttemptID][]request{}
	for _, q := range all {
		if q.call == nil {
			continue
		}
		for _, t := range r.told[q.delivery] {
			made[t.Attempt] = append(made[t.Attempt], q)
		}
	}
	for attempt, list := range made {
		for i := 1; i < len(list); i++ {
			v.duplicateCalls++
			id := r.told[list[i].delivery][0].Incident
			why := r.explained(list[:i], list[i])
			if why == "" {
				v.unexplained++
				v.find(id, "duplicate call: attempt %s was called at %s and again at %s, and nothing explains it", attempt, clock(list[i-1].At), clock(list[i].At))
				continue
			}
			v.note(id, "duplicate call of attempt %s at %s: %s", attempt, clock(list[i].At), why)
		}
	}
}

// explained says why a call had to be made again, or "".
func (r *record) explained(before []request, again request) string {
	for _, q := range before {
		done := q.Done
		if done.IsZero() {
			done = again.At
		}
		switch {
		case r.killedBetween(q.At, done.Add(receiptTime)):
			return "killed between the request and its receipt"
		case q.Status != 201:
			return "the provider failed to answer the request that it carried out"
		}
	}
	return ""
}

// judgeNumbers counts people who are called twice at the same moment.
func judgeNumbers(r *record, v *verdict) {
	byNumber := map[string][]simtwilio.Call{}
	for _, c := range r.calls {
		byNumber[c.To] = append(byNumber[c.To], c)
	}
	for _, calls := range byNumber {
		sort.Slice(calls, func(i, j int) bool { return calls[i].Arrived.Before(calls[j].Arrived) })
		for i := 1; i < len(calls); i++ {
			before := calls[i-1]
			if before.Ended.IsZero() || calls[i].Arrived.Before(before.Ended) {
				v.twiceAtOnce++
				v.find(r.incidentOf(calls[i]), "called twice at the same moment: %s at %s, while the call of %s (%s) lasted until %s",
					calls[i].SID, clock(calls[i].Arrived), clock(before.Arrived), before.SID, clock(before.Ended))
			}
		}
	}
}

func (r *record) incidentOf(c simtwilio.Call) oncall.IncidentID {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	for _, t := range r.told[oncall.DeliveryID(u.Query().Get("d"))] {
		return t.Incident
	}
	return ""
}

// judgeInFlight counts acknowledgements that found another call of theirs
// requested or under way, and calls that were under way at a kill: the moments
// at which the promises are hard to keep.
func judgeInFlight(r *record, v *verdict, all []request) {
	byIncident := map[oncall.IncidentID][]request{}
	for _, q := range all {
		for _, t := range r.told[q.delivery] {
			byIncident[t.Incident] = append(byIncident[t.Incident], q)
		}
	}
	for id, entries := range r.timeline {
		for _, e := range entries {
			if e.Kind != oncall.EntryAcknowledged {
				continue
			}
			if slices.ContainsFunc(byIncident[id], func(q request) bool { return q.underWay(e.At) && !q.pressed(e) }) {
				v.inFlightAtAck++
			}
		}
	}
	for _, q := range all {
		for _, l := range r.lives {
			if q.underWay(l.ended) {
				v.inFlightAtKill++
			}
		}
	}
}

// underWay reports whether a request was being made, or its call was not over,
// at t.
func (q request) underWay(t time.Time) bool {
	if q.At.After(t) {
		return false
	}
	if q.Done.IsZero() || q.Done.After(t) {
		return true
	}
	return q.call != nil && (q.call.Ended.IsZero() || q.call.Ended.After(t))
}

// pressed reports whether an acknowledgement may be the key of this call.
func (q request) pressed(e oncall.Entry) bool {
	return e.Data.Via == "call" && q.call != nil && !q.call.Answered.IsZero() && q.call.Answered.Before(e.At) && q.call.Keys() != ""
}

func short(d oncall.DeliveryID) string {
	if len(d) > 12 {
		return "…" + string(d[len(d)-8:])
	}
	return string(d)
}
