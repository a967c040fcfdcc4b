package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"toban/detect"
	"toban/detect/probe"
	"toban/detect/prober"
	"toban/internal/problem"
	"toban/internal/wait"
	"toban/oncall"
)

// Standing is what an agent is there for.
type Standing struct {
	Location   string
	Monitors   int // references apart
	References int
	// Problems are why some of them can't be asked here.
	Problems map[oncall.MonitorID]string
}

// Check asks the core once what there is to ask, without asking it.
func (a *Agent) Check(ctx context.Context) (Standing, error) {
	defer a.client.CloseIdleConnections()
	said, err := a.list(ctx, question{Toban: a.o.Version})
	if err != nil {
		return Standing{}, err
	}
	now := a.plan(said.Location, said.Version, *said.Monitors, &work{})
	s := Standing{Location: now.location, Problems: now.problems}
	for _, t := range now.by {
		shut(t.checker)
	}
	for _, i := range *said.Monitors {
		if detect.IsReference(i.ID) {
			s.References++
		} else {
			s.Monitors++
		}
	}
	return s, nil
}

// poll keeps the list fresh until ctx ends.
func (a *Agent) poll(ctx context.Context) {
	pause := time.Duration(0)
	for wait.For(ctx, pause) {
		err := a.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if a.tell(ctx, err); err == nil {
			pause = pollEvery
			continue
		}
		a.recall(ctx, err)
		pause = min(max(2*pause, time.Second), pollSlow)
	}
}

// once asks for the list and takes it over where it is another.
func (a *Agent) once(ctx context.Context) error {
	now := a.now.Load()
	said, err := a.list(ctx, question{Version: now.version, Toban: a.o.Version, Problems: now.problems})
	if err != nil {
		return err
	}
	var next *work
	switch {
	case said.Monitors != nil:
		next = a.plan(said.Location, said.Version, *said.Monitors, now)
	case len(now.problems) > 0 && time.Since(now.planned) >= planAgain: // a secret may be there by now
		if next = a.plan(now.location, now.version, now.items, now); maps.Equal(next.problems, now.problems) {
			now.planned = next.planned
			return nil
		}
	default:
		a.keep(ctx, now, false)
		return nil
	}
	a.adopt(ctx, now, next)
	a.keep(ctx, next, said.Monitors != nil)
	return nil
}

// adopt asks next from now on, and no longer what only now has.
func (a *Agent) adopt(ctx context.Context, now, next *work) {
	a.now.Store(next)
	a.prober.Set(next.targets())
	for id, t := range now.by {
		if next.by[id] == nil || next.by[id].checker != t.checker {
			shut(t.checker)
		}
	}
	a.log.InfoContext(ctx, "the list of monitors was taken", "location", next.location, "monitors", len(next.by), "problems", len(next.problems))
	for _, id := range slices.Sorted(maps.Keys(next.problems)) {
		if now.problems[id] != next.problems[id] {
			a.log.WarnContext(ctx, "a monitor can't be asked from here", "monitor", id, "err", next.problems[id])
		}
	}
}

// tell logs that the core is not reached, and that it is again.
func (a *Agent) tell(ctx context.Context, err error) {
	switch {
	case err == nil && a.trouble != "":
		a.log.InfoContext(ctx, "the core answers again")
		a.trouble = ""
	case err != nil && (a.trouble != err.Error() || time.Since(a.told) >= tellGap):
		a.trouble, a.told = err.Error(), time.Now()
		a.log.WarnContext(ctx, "the core gives no list; what is known is asked on, and it is tried again", "server", a.o.Server, "monitors", len(a.now.Load().by), "err", err)
	}
}

// list asks the core.
func (a *Agent) list(ctx context.Context, q question) (said answer, err error) {
	key, err := a.o.Key()
	if err != nil {
		return said, fmt.Errorf("the key: %w", err)
	}
	a.way.key.Store(&key)
	body, err := json.Marshal(q)
	if err != nil {
		return said, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.o.Server+pollPath, bytes.NewReader(body))
	if err != nil {
		return said, errors.New("the address of the core can't be used")
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := a.client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the address is said beside it
		}
		return said, fmt.Errorf("the core is not reached: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return said, fmt.Errorf("the core's answer broke off: %w", err)
	case len(raw) > maxAnswer:
		return said, errors.New("the core's answer is longer than 64 MiB")
	case res.StatusCode != http.StatusOK:
		return said, refusedBy(res, raw)
	}
	if err := json.Unmarshal(raw, &said); err != nil || said.Location == "" || said.Version == "" || q.Version == "" && said.Monitors == nil {
		return said, errors.New("what answers there is no toban that knows agents")
	}
	if said.Monitors == nil && said.Version != q.Version {
		return said, errors.New("the core has told no list for the version that it names")
	}
	return said, nil
}

// refusal is what the core says to an agent whose key is not good.
type refusal struct{ error }

// refusedBy is what the core says against an agent.
func refusedBy(res *http.Response, raw []byte) error {
	var doc problem.Document
	if json.Unmarshal(raw, &doc) == nil && doc.Code != "" {
		err := fmt.Errorf("the core refuses: %.500s (%.100s)", doc.Detail, doc.Code)
		if res.StatusCode/100 == 4 && res.StatusCode != http.StatusTooManyRequests {
			return refusal{err}
		}
		return err
	}
	if to := res.Header.Get("Location"); to != "" {
		return fmt.Errorf("the core answers %s and leads elsewhere: name the address where it stays", res.Status)
	}
	return fmt.Errorf("the core answers %s", res.Status)
}

// plan makes work of a list. What is the same as before keeps its checker, and the
// connection of that.
func (a *Agent) plan(location, version string, items []item, before *work) *work {
	next := &work{
		location: location, version: version, items: items, planned: time.Now(),
		by: map[oncall.MonitorID]*task{}, problems: map[oncall.MonitorID]string{},
	}
	for _, i := range items {
		if was := before.by[i.ID]; was != nil && before.location == location && reflect.DeepEqual(was.item, i) {
			next.by[i.ID] = was
			continue
		}
		t := &task{item: i, m: i.monitor(location)}
		err := t.m.Validate()
		if err == nil {
			t.checker, err = a.compile(t.m)
		}
		if err != nil {
			if len(next.problems) < maxProblems {
				next.problems[i.ID] = strings.ToValidUTF8(err.Error()[:min(len(err.Error()), maxProblem)], "")
			}
			continue
		}
		next.by[i.ID] = t
	}
	return next
}

func (w *work) targets() []prober.Target {
	all := make([]prober.Target, 0, len(w.by))
	for _, id := range slices.Sorted(maps.Keys(w.by)) {
		t := w.by[id]
		all = append(all, prober.Target{ID: string(id), Address: t.m.Target, Every: t.m.Every, Timeout: t.m.Timeout, Checker: t.checker})
	}
	return all
}

// checker makes what asks a monitor, as far as it names no secret that was not
// given to this agent.
func (a *Agent) checker(m *oncall.Monitor) (probe.Checker, error) {
	for _, ref := range m.Secrets {
		if !slices.Contains(a.o.Secrets, ref) {
			return nil, fmt.Errorf("this agent may not read %s: start it with --secret %s", ref, ref)
		}
	}
	return detect.Checker(m, a.o.Resolve, a.o.Probe)
}

func shut(c probe.Checker) {
	if c, ok := c.(probe.Closer); ok {
		c.Close()
	}
}
