package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Of the users, some are called by monitors that ask, the others by rules on
// what another monitor has asked. All of it once a second.
const (
	watchedByProbes = usersThere / 2
	watchedByRules  = usersThere - watchedByProbes
	alertEvery      = time.Second
	breakEvery      = 70 * time.Millisecond // not a part of a second: all phases come
)

// downToAlert takes targets down, one after the other, and counts from the check
// that decides, in its place in the interval, until the call to the service's
// user is asked for. A rule can say so at its next evaluation at the earliest,
// and is counted from there.
func (r *runner) downToAlert(ctx context.Context) (figures []Figure, err error) {
	w, err := r.watchTargets(ctx, usersThere, func(t *targets) (all []string) {
		for i := range usersThere {
			common := fmt.Sprintf("t%d: { http: %q, every: %s, private: true, down_after: 1x", i, t.url(i), alertEvery)
			if i < watchedByProbes {
				all = append(all, fmt.Sprintf("%s, service: call%d }", common, i))
				continue
			}
			all = append(all, fmt.Sprintf("%s, service: %s, severity: info }", common, quietService),
				fmt.Sprintf("rule%d: { promql: 'probe_success{monitor=\"t%d\"} == 0', every: %s, service: call%d }", i, i, alertEvery, i))
		}
		return all
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = closed(w.site, err) }()
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	err = patiently(ctx, startWithin, func() (bool, error) { return w.targets.unasked(w.began) == 0, nil })
	if err != nil {
		return nil, err
	}
	if !until(ctx, time.Now().Add(4*alertEvery)) { // each in its place, and its series known
		return nil, ctx.Err()
	}
	phases, err := w.evaluations(ctx)
	if err != nil {
		return nil, err
	}
	var probes, rules []time.Duration
	var mu sync.Mutex
	var all sync.WaitGroup
	from := time.Now()
	for i := range usersThere {
		all.Go(func() { // ends with the call, or when it is too late
			var extra time.Duration
			failed := func() (err error) {
				came := w.phone.expect(number(i))
				if !until(ctx, from.Add(time.Duration(i)*breakEvery)) {
					return ctx.Err()
				}
				w.targets.all[i].down.Store(true)
				call, err := await(ctx, came, fmt.Sprintf("the call about target %d", i))
				if err != nil {
					return err
				}
				extra, err = w.extra(i, call.at, phases)
				return err
			}()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case failed != nil:
				err = errors.Join(err, failed)
			case i < watchedByProbes:
				probes = append(probes, extra)
			default:
				rules = append(rules, extra)
			}
		})
	}
	all.Wait()
	if err != nil {
		return nil, err
	}
	r.say("down_to_alert: p50 %.1f ms by a monitor, %.1f ms by a rule", milliseconds(percentile(probes, 0.5)), milliseconds(percentile(rules, 0.5)))
	return []Figure{
		{"down_to_alert.extra_p99", milliseconds(percentile(probes, 0.99)), "ms"},
		{"down_to_alert.rule.extra_p99", milliseconds(percentile(rules, 0.99)), "ms"},
	}, nil
}

// extra is how much later than it could have been the call about target i was.
func (w *watch) extra(i int, call time.Time, phases map[string]time.Duration) (time.Duration, error) {
	for _, a := range w.targets.asks(i) {
		if !a.down {
			continue
		}
		if i < watchedByProbes {
			return call.Sub(a.at) + afterPlace(i, a.at, alertEvery, usersThere), nil
		}
		phase, ok := phases[fmt.Sprintf("toban/monitor/rule%d", i)]
		if !ok {
			return 0, fmt.Errorf("rule %d is not evaluated", i)
		}
		least := a.at.Add((phase - time.Duration(a.at.UnixNano())%alertEvery + alertEvery) % alertEvery)
		return max(call.Sub(least), 0), nil
	}
	return 0, fmt.Errorf("target %d was never asked while it was down", i)
}

// evaluations are the places of the rules in their intervals, by group.
func (w *watch) evaluations(ctx context.Context) (map[string]time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://metrics/prometheus/api/v1/rules", http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := w.api.Do(r)
	if err != nil {
		return nil, err
	}
	var said struct {
		Data struct {
			Groups []struct {
				Name           string    `json:"name"`
				LastEvaluation time.Time `json:"lastEvaluation"`
			} `json:"groups"`
		} `json:"data"`
	}
	err = errors.Join(json.NewDecoder(res.Body).Decode(&said), res.Body.Close())
	phases := map[string]time.Duration{}
	for _, g := range said.Data.Groups {
		if strings.HasPrefix(g.Name, "toban/monitor/") && !g.LastEvaluation.IsZero() {
			phases[g.Name] = time.Duration(g.LastEvaluation.UnixNano()) % alertEvery
		}
	}
	return phases, err
}
