package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"
)

// spell is a steady load as it was measured over a window.
type spell struct {
	asks      int
	processor time.Duration
	own       time.Duration   // of it, of the first process
	memory    float64         // bytes, the mean of several looks
	first     time.Duration   // from the start until every target had been asked
	gaps      []time.Duration // between two requests to a target, how far from its interval
	late      []time.Duration // after a target's place in its interval
	lasted    time.Duration
}

// looks is how often the memory is looked at in a window.
const looks = 8

// steady waits until every target has been asked and goes on being asked, and
// then measures for a window. A target's first request may come out of its
// place, so it is let pass for an interval.
func (r *runner) steady(ctx context.Context, t *targets, of family, began time.Time, every time.Duration) (m spell, err error) {
	err = patiently(ctx, 3*every+startWithin, func() (bool, error) { return t.unasked(began) == 0, nil })
	if n := t.unasked(began); err == nil && n > 0 {
		err = fmt.Errorf("%d of %d targets were never asked", n, len(t.all))
	}
	if err != nil {
		return m, err
	}
	for i := range t.all {
		m.first = max(m.first, t.asks(i)[0].at.Sub(began))
	}
	if !until(ctx, time.Now().Add(2*every)) {
		return m, ctx.Err()
	}
	from, used, own := time.Now(), of.processor(), of[:1].processor()
	for i := range looks {
		if !until(ctx, from.Add(r.window()*time.Duration(i+1)/looks)) {
			return m, ctx.Err()
		}
		bytes, err := of.memory()
		if err != nil {
			return m, err
		}
		m.memory += float64(bytes) / looks
	}
	to := time.Now()
	m.processor, m.own, m.lasted = of.processor()-used, of[:1].processor()-own, to.Sub(from)
	for i := range t.all {
		all := t.asks(i)
		for k, a := range all {
			if a.at.Before(from) || a.at.After(to) {
				continue
			}
			m.asks++
			if k > 2 { // the first ones come out of their place
				m.gaps = append(m.gaps, (a.at.Sub(all[k-1].at) - every).Abs())
			}
			m.late = append(m.late, afterPlace(i, a.at, every, len(t.all)))
		}
	}
	if m.asks == 0 {
		return m, fmt.Errorf("no target was asked in %s", r.window())
	}
	return m, nil
}

// afterPlace is how long after its place in the interval monitor t<i> of n was
// asked.
func afterPlace(i int, at time.Time, every time.Duration, n int) time.Duration {
	late := (time.Duration(at.UnixNano())%every - place(fmt.Sprintf("t%d", i), every, n) + every) % every
	if late > every-10*time.Millisecond { // a hair early: the clock was set meanwhile
		return 0
	}
	return late
}

// place is where in its interval, counted from the Unix epoch, toban asks a
// monitor of n: it is told again here, because what is measured is no judge of
// itself.
func place(monitor string, every time.Duration, n int) time.Duration {
	slot := 5 * time.Millisecond
	for _, longer := range []time.Duration{100, 50, 10} {
		if longer *= time.Millisecond; float64(n)*float64(longer)/float64(every) <= 8 {
			slot = longer
			break
		}
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(monitor)) // never fails
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	offset := time.Duration((x ^ x>>33) % uint64(every)) //nolint:gosec // below every
	return (offset + slot - 1) / slot * slot % every
}

// each is the processor time of a probe.
func (m spell) each() float64 { return milliseconds(m.processor) / float64(m.asks) }

// cores is how many processors were used.
func (m spell) cores() float64 { return m.processor.Seconds() / m.lasted.Seconds() }

func (m spell) String() string {
	return fmt.Sprintf("%d probes in %.0f s, %.3f cores, %.3f ms of processor a probe, %.0f MiB, all asked %.1f s after the start",
		m.asks, m.lasted.Seconds(), m.cores(), m.each(), m.memory/(1<<20), m.first.Seconds())
}
