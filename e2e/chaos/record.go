package chaos

import (
	"sort"
	"time"

	"toban/oncall"
	simtwilio "toban/sim/twilio"
	"toban/store"
)

// record is all that is known of a run when it is over.
type record struct {
	lives    []life
	accepted []acceptance
	answered []answered

	requests []simtwilio.Request // at the provider
	calls    []simtwilio.Call

	incidents []oncall.Incident
	timeline  map[oncall.IncidentID][]oncall.Entry
	alerts    map[oncall.IncidentID][]oncall.Alert
	told      map[oncall.DeliveryID][]store.Told
	heard     map[oncall.DeliveryID]time.Time // when a delivery ended, as the store knows it; zero = it has not

	waits  []wait
	audits []audit
}

// life is one run of the program: when it was started, was ready, and ended.
// ready is zero when it was killed before.
type life struct{ launched, ready, ended time.Time }

// acceptance is a signal that was answered with 2xx, in the order in which its
// sender said them.
type acceptance struct {
	problem string
	alert   string // its key
	firing  bool
	sent    time.Time // the try that was accepted
	at      time.Time // the answer
}

// answered is an acknowledgement whose success was said back: over the API, or
// as the words that follow a key.
type answered struct {
	incident oncall.IncidentID // over the API
	delivery oncall.DeliveryID // by a key: of all that the call tells of
	at       time.Time
}

// wait is an incident that nobody had, as the program told of it: what comes
// next, and when.
type wait struct {
	at       time.Time
	incident oncall.IncidentID
	next     time.Time // zero = nothing
	why      string
}

// audit is a look into the store between two lives: incidents without a next
// action.
type audit struct {
	at   time.Time
	lost []oncall.IncidentID
}

// grace is how long something may take after an acknowledgement was answered.
const grace = time.Second

// late is when something that had grace from t on is late: time in which the
// program was not ready does not count, and grace begins anew when it is.
func (r *record) late(t time.Time) time.Time {
	for _, l := range r.lives {
		if l.ready.IsZero() || l.ended.Before(t) {
			continue
		}
		from := l.ready
		if t.After(from) {
			from = t
		}
		if end := from.Add(grace); !end.After(l.ended) {
			return end
		}
	}
	return t.Add(1000 * time.Hour) // it never had the time
}

// readySince is when the life began that the program had at t; zero when it had
// none.
func (r *record) readySince(t time.Time) time.Time {
	for _, l := range r.lives {
		if !l.ready.IsZero() && !t.Before(l.ready) && !t.After(l.ended) {
			return l.ready
		}
	}
	return time.Time{}
}

// killedBetween reports whether a life ended in a span.
func (r *record) killedBetween(from, to time.Time) bool {
	for _, l := range r.lives {
		if !l.ended.Before(from) && !l.ended.After(to) {
			return true
		}
	}
	return false
}

// span is a time in which an incident was nobody's: somebody may be called.
// to is zero while it lasts.
type span struct{ from, to time.Time }

// wanted reads from a timeline when an incident was nobody's. An acknowledgement
// counts from when it was answered, and where nobody heard the answer from when
// it was made.
func (r *record) wanted(id oncall.IncidentID) []span {
	var spans []span
	open := false
	for _, e := range r.timeline[id] {
		switch e.Kind {
		case oncall.EntryTriggered, oncall.EntryReopened, oncall.EntryLapsed, oncall.EntryRedirected, oncall.EntryEscalated:
			if !open {
				spans, open = append(spans, span{from: e.At}), true
			}
		case oncall.EntryAcknowledged, oncall.EntrySnoozed, oncall.EntryResolved:
			if open {
				spans[len(spans)-1].to, open = r.answeredAt(id, e), false
			}
		}
	}
	return spans
}

// answerWithin is how long after its entry an acknowledgement's answer is looked
// for.
const answerWithin = 5 * time.Second

// answeredAt is when the acknowledgement of an entry was answered.
func (r *record) answeredAt(id oncall.IncidentID, e oncall.Entry) time.Time {
	if e.Kind != oncall.EntryAcknowledged {
		return e.At
	}
	for _, a := range r.answered {
		if a.at.Before(e.At) || a.at.Sub(e.At) > answerWithin {
			continue
		}
		if a.incident == id || a.delivery != "" && r.tells(a.delivery, id) {
			return a.at
		}
	}
	return e.At
}

func (r *record) tells(d oncall.DeliveryID, id oncall.IncidentID) bool {
	for _, t := range r.told[d] {
		if t.Incident == id {
			return true
		}
	}
	return false
}

// sortByTime puts what several goroutines noted in order.
func (r *record) sortByTime() {
	sort.SliceStable(r.answered, func(i, j int) bool { return r.answered[i].at.Before(r.answered[j].at) })
	sort.SliceStable(r.waits, func(i, j int) bool { return r.waits[i].at.Before(r.waits[j].at) })
}
