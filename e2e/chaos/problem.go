package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// problem is one thing that goes wrong, and what its sender says about it, one
// signal after the other. Its name is the title of its incident.
type problem struct {
	name    string
	service string
	group   bool          // an Alertmanager group of two alerts
	gap     time.Duration // since the problem before
	says    []says
}

// says is one signal: of which of its alerts, whether it fires, and how long
// after the one before was accepted.
type says struct {
	after  time.Duration
	alert  int
	firing bool
}

// services is how many there are: one for each way to page, see configuration.
const services = 4

// nextProblem takes the next problem of a plan.
func nextProblem(r *rand.Rand, n int) problem {
	p := problem{
		name: fmt.Sprintf("problem %05d", n), service: fmt.Sprintf("s%d", r.IntN(services)),
		gap: time.Duration(r.ExpFloat64() * float64(280*time.Millisecond)),
	}
	soon := func() time.Duration { return between(r, 0, 3*time.Second) }
	fires := says{firing: true}
	switch what := r.Float64(); {
	case what < 0.55:
		p.says = []says{fires}
	case what < 0.67: // said again
		p.says = []says{fires, {after: soon(), firing: true}, {after: soon(), firing: true}}
	case what < 0.80: // heals
		p.says = []says{fires, {after: soon()}}
	case what < 0.88: // heals and comes back
		p.says = []says{fires, {after: soon()}, {after: soon(), firing: true}}
	default: // two alerts of one group, of which one or both clear
		p.group = true
		p.says = []says{fires, {after: soon(), alert: 1, firing: true}, {after: soon()}}
		if r.Float64() < 0.5 {
			p.says = append(p.says, says{after: soon(), alert: 1})
		}
	}
	return p
}

// press is an acknowledgement from outside a call: when, since the one before,
// which of those that nobody has, and by whom.
type press struct {
	gap   time.Duration
	which int
	by    string
}

func nextPress(r *rand.Rand) press {
	return press{gap: time.Duration(r.ExpFloat64() * float64(900*time.Millisecond)), which: r.IntN(1 << 20), by: user(r.IntN(people))}
}

func user(n int) string { return fmt.Sprintf("u%02d", n) }
