package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"toban/detect"
	"toban/detect/standing"
	"toban/internal/child"
	"toban/internal/promapi"
	"toban/oncall"
)

const (
	// rulesFresh is how long an answer about rules is good for: pages ask again and
	// again. rulesStale is how long it stands when no newer one can be had.
	rulesFresh = 2 * time.Second
	rulesStale = 30 * time.Second
	// rulesTime bounds the question.
	rulesTime = 5 * time.Second
	// missedRounds and missedLeast are after which time without an evaluation a rule
	// counts as not evaluated.
	missedRounds = 3
	missedLeast  = 2 * time.Minute
)

// evaluations is the last answer about the rules.
type evaluations struct {
	turn chan struct{} // holds one while somebody asks; others wait for the answer

	mu     sync.Mutex
	of     *metricsSeat
	at     time.Time // of the question
	failed time.Time // when the last question got no answer, zero when it got one
	by     map[oncall.MonitorID]standing.Evaluation
	forgot int
}

func newEvaluations() evaluations { return evaluations{turn: make(chan struct{}, 1)} }

// forgetRules makes the next question about rules a new one. An answer that is
// under way is of the rules before.
func (m *metrics) forgetRules() {
	m.rules.mu.Lock()
	defer m.rules.mu.Unlock()
	m.rules.at, m.rules.failed = time.Time{}, time.Time{}
	m.rules.forgot++
}

// evaluations are how the rules of monitors are evaluated; ok is false while
// nobody evaluates any: a Prometheus of somebody else's knows nothing of them.
func (m *metrics) evaluations(ctx context.Context) (by map[oncall.MonitorID]standing.Evaluation, ok bool) {
	seat := m.now.Load()
	if seat == nil || seat.child == nil || seat.child.State().Phase != child.Ready {
		return nil, false
	}
	e := &m.rules
	if by, ok, known := e.known(seat, time.Now()); known {
		return by, ok
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return e.last(seat, time.Now())
	}
	began := time.Now()
	if by, ok, known := e.known(seat, began); known { // whoever asked meanwhile knows
		return by, ok
	}
	e.mu.Lock()
	forgot := e.forgot
	e.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, rulesTime)
	defer cancel()
	list, err := seat.asked.Rules(asking)
	if err != nil {
		if ctx.Err() == nil { // else it says nothing of the one that is asked
			e.fail(forgot, time.Now())
		}
		return e.last(seat, time.Now())
	}
	by = map[oncall.MonitorID]standing.Evaluation{}
	for i := range list {
		if id, is := detect.RuleGroup(list[i].Group); is {
			by[id] = evaluated(&list[i], began)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of == seat && e.forgot == forgot {
		e.at, e.failed, e.by = began, time.Time{}, by
	}
	return by, true
}

// known is what need not be asked again, known is false where it has to.
func (e *evaluations) known(seat *metricsSeat, now time.Time) (by map[oncall.MonitorID]standing.Evaluation, ok, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of != seat {
		e.of, e.at, e.failed, e.by = seat, time.Time{}, time.Time{}, nil
	}
	switch {
	case now.Sub(e.at) < rulesFresh:
		return e.by, true, true
	case now.Sub(e.failed) < rulesFresh:
		return e.by, e.stands(now), true
	}
	return nil, false, false
}

// last is the last answer, while it stands.
func (e *evaluations) last(seat *metricsSeat, now time.Time) (by map[oncall.MonitorID]standing.Evaluation, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of != seat {
		return nil, false
	}
	return e.by, e.stands(now)
}

// stands reports whether the last answer is good where no newer one can be had.
// mu is held.
func (e *evaluations) stands(now time.Time) bool {
	return e.by != nil && now.Sub(e.at) < rulesStale
}

// fail remembers that there was no answer.
func (e *evaluations) fail(forgot int, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.forgot == forgot {
		e.failed = now
	}
}

func evaluated(r *promapi.Rule, now time.Time) standing.Evaluation {
	e := standing.Evaluation{At: r.At, Took: r.Took}
	switch {
	case r.At.IsZero():
	case r.Health == "err":
		e.Problem = "the last evaluation failed: " + r.Error
	case now.Sub(r.At) > max(missedRounds*r.Interval, missedLeast):
		e.Problem = "it has not been evaluated since " + r.At.UTC().Format(time.RFC3339)
	}
	return e
}

// errUnevaluated is why a rule is not known to the Prometheus that evaluates.
var errUnevaluated = errors.New("its rule was left out; the log of toban says why")

// blindness is which monitors are rules that are not evaluated.
type blindness struct {
	mu     sync.Mutex
	wanted []*oncall.Monitor
	from   map[oncall.MonitorID]time.Time // since when each is wanted
	since  map[oncall.MonitorID]time.Time // since when each is known not to be evaluated
}

// want takes the monitors that have to be evaluated from now on.
func (b *blindness) want(monitors []*oncall.Monitor) {
	b.mu.Lock()
	defer b.mu.Unlock()
	from, since := map[oncall.MonitorID]time.Time{}, map[oncall.MonitorID]time.Time{}
	for _, one := range monitors {
		from[one.ID] = time.Now()
		if at, known := b.from[one.ID]; known {
			from[one.ID] = at
		}
		if at, known := b.since[one.ID]; known {
			since[one.ID] = at
		}
	}
	b.wanted, b.from, b.since = monitors, from, since
}

// worst is how bad it is that none of them is evaluated; Info when there is none.
func (b *blindness) worst() oncall.Severity {
	b.mu.Lock()
	defer b.mu.Unlock()
	worst := oncall.Info
	for _, one := range b.wanted {
		worst = worst.Worse(one.Severity)
	}
	return worst
}

// blindAfter is how long a rule may go without a sound evaluation before somebody
// is told: a start, a reload or one slow query is no reason.
const blindAfter = 2 * time.Minute

// blind is a monitor that is not evaluated.
type blind struct {
	of  *oncall.Monitor
	why string
}

// look returns those that have not been evaluated for long. by is what is known;
// why is the reason that holds for all, "" when by counts.
func (b *blindness) look(by map[oncall.MonitorID]standing.Evaluation, why string, now time.Time) (all []blind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.wanted {
		reason := why
		if e, known := by[one.ID]; reason == "" {
			switch {
			case !known:
				reason = errUnevaluated.Error()
			case e.Problem != "":
				reason = e.Problem
			case e.At.IsZero() && now.Sub(b.from[one.ID]) > missedRounds*one.Every:
				reason = "it has never been evaluated"
			}
		}
		if reason == "" {
			delete(b.since, one.ID)
			continue
		}
		if b.since[one.ID].IsZero() {
			b.since[one.ID] = now
		}
		if now.Sub(b.since[one.ID]) >= blindAfter {
			all = append(all, blind{one, reason})
		}
	}
	return all
}

// told are at most so many monitors by their names.
const told = 10

// describe is what an alert says about monitors that are not evaluated, and how
// bad the worst of them is.
func describe(all []blind) (detail string, worst oncall.Severity) {
	worst = oncall.Info
	var lines []string
	for i, one := range all {
		worst = worst.Worse(one.of.Severity)
		if i < told {
			lines = append(lines, fmt.Sprintf("%s: %s", one.of.ID, cutText(one.why)))
		}
	}
	if more := len(all) - told; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n"), worst
}

// cutText keeps an error of a query to a length that fits a page.
func cutText(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
