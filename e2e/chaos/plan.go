package chaos

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	simtwilio "toban/sim/twilio"
)

// plan is what a seed comes to. Each part has numbers of its own, so that how
// much is taken of one does not change another.
type plan struct {
	kills   []kill
	scripts map[string][]simtwilio.Script // by telephone number, one a call
	load    *rand.Rand                    // of problem
	hands   *rand.Rand                    // of press
}

// kill is one SIGKILL with what follows.
type kill struct {
	starting bool          // while the program starts, not when it is ready
	after    time.Duration // since its start, or since it was ready
	on       moment        // waited for after that; "" = none
	delay    time.Duration // since that moment
	pause    time.Duration // until it is started again
	audit    bool          // the store is looked at meanwhile
}

// moment is something that happens between the program and the provider: kills
// at random times seldom meet what lasts a millisecond.
type moment string

const (
	asked    moment = "asked"    // a call is requested
	made     moment = "made"     // the provider has answered that request
	told     moment = "told"     // the provider tells how a call is getting on
	keyed    moment = "keyed"    // a key comes
	thanked  moment = "thanked"  // the answer to a key has gone out
	accepted moment = "accepted" // a sender has been answered
)

func moments() []moment { return []moment{asked, made, told, keyed, thanked, accepted} }

const (
	people         = 48
	scriptsAPhone  = 2000
	longestPause   = time.Second
	pace           = 0.25 // of the telephones: a second takes a quarter
	startingShare  = 0.15
	momentShare    = 0.45
	auditShare     = 0.4
	faultShare     = 0.10
	callbacksShare = 0.15
)

func newPlan(seed uint64, kills int) *plan {
	p := &plan{scripts: map[string][]simtwilio.Script{}, load: part(seed, "load"), hands: part(seed, "hands")}
	r := part(seed, "kills")
	for range kills {
		k := kill{starting: r.Float64() < startingShare, audit: r.Float64() < auditShare}
		if k.starting {
			k.after = between(r, 0, 200*time.Millisecond)
		} else {
			k.after = between(r, 50*time.Millisecond, 1600*time.Millisecond)
		}
		m, delay := moments()[r.IntN(len(moments()))], between(r, 0, 3*time.Millisecond)
		if r.Float64() < momentShare && !k.starting {
			k.on, k.delay = m, delay
		}
		if r.Float64() < 0.5 {
			k.pause = between(r, 0, longestPause)
		}
		p.kills = append(p.kills, k)
	}
	for n := range people {
		r := part(seed, "phone "+number(n))
		for range scriptsAPhone {
			p.scripts[number(n)] = append(p.scripts[number(n)], script(r))
		}
	}
	return p
}

func part(seed uint64, name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// script is how somebody meets a call, and what the provider does to it. Each
// takes the same numbers whatever comes of them.
func script(r *rand.Rand) simtwilio.Script {
	what, after := r.Float64(), between(r, 0, 5*time.Second)
	s := reaction(what, after, between(r, 0, 4*time.Second))
	fault, kind := r.Float64(), r.IntN(8)
	events := []string{"initiated", "ringing", "answered", "completed"}
	on, by := events[r.IntN(len(events))], between(r, 0, 4*time.Second)
	switch {
	case fault < faultShare:
		return s.With(trouble(kind))
	case fault < faultShare+callbacksShare:
		return s.But(callbackTrouble(kind, on, by))
	}
	return s
}

func reaction(what float64, after, key time.Duration) simtwilio.Script {
	switch {
	case what < 0.15:
		return simtwilio.Busy()
	case what < 0.28:
		return simtwilio.NoAnswer()
	case what < 0.36:
		return simtwilio.Voicemail(after)
	case what < 0.44:
		s := simtwilio.Decline()
		s.After = simtwilio.Span(after)
		return s
	case what < 0.48:
		return simtwilio.Failed()
	case what < 0.52:
		return simtwilio.AnswerAndHangUp(after, key)
	case what < 0.56:
		return simtwilio.Answer(after) // and says nothing
	case what < 0.62:
		return simtwilio.Answer(after).Then("2", key)
	case what < 0.64:
		return simtwilio.Answer(after).Then("9", key)
	case what < 0.67:
		return simtwilio.Answer(after).Then("7", key/2).Then("1", key/2)
	case what < 0.70:
		return simtwilio.Answer(after).Then("3", key/2).Then("1", key)
	}
	return simtwilio.Answer(after).Then("1", key)
}

// trouble befalls the request that makes a call.
func trouble(kind int) simtwilio.Fault {
	switch kind {
	case 0:
		return simtwilio.TooMany(time.Second)
	case 1:
		return simtwilio.ServerError(503)
	case 2:
		return simtwilio.ServerErrorAfter(500)
	case 3:
		return simtwilio.DropAfter()
	case 4:
		return simtwilio.Slow(5 * time.Second) // longer than the client waits
	case 5:
		return simtwilio.Fault{Drop: true}
	case 6:
		return simtwilio.Slow(1500 * time.Millisecond)
	}
	return simtwilio.Slow(300 * time.Millisecond)
}

// callbackTrouble befalls what is told of a call.
func callbackTrouble(kind int, on string, by time.Duration) simtwilio.CallbackFault {
	switch {
	case kind < 2:
		return simtwilio.Duplicate(on, by)
	case kind < 5:
		return simtwilio.Late(on, by)
	case kind < 6:
		return simtwilio.Reordered(on)
	}
	return simtwilio.Lost(on)
}

// number is the n-th telephone number.
func number(n int) string { return fmt.Sprintf("+8190000000%02d", n+1) }
