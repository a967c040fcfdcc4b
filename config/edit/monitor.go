package edit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"toban/access"
	"toban/config"
	"toban/oncall"
	"toban/store"
)

// maxMonitors is how many monitors can be made at run time, and maxMonitor how
// many bytes describe one.
const (
	maxMonitors = 10_000
	maxMonitor  = 64 << 10
)

// PutMonitor makes a monitor, or changes one that was made so. body is what
// stands behind its name in the folder's section monitors, as YAML or JSON. It
// needs a manager.
func (e *Editor) PutMonitor(ctx context.Context, name string, body []byte) (m *oncall.Monitor, err error) {
	if err := may(ctx, access.Manager); err != nil {
		return nil, err
	}
	if len(body) > maxMonitor {
		return nil, invalid("/", "monitor.invalid", "a monitor is described in at most 64 KiB")
	}
	if err := e.wouldWatch(ctx, name, body); err != nil {
		return nil, err
	}
	err = e.o.DB.Tx(ctx, func(tx *store.Tx) error {
		var all []*oncall.Monitor
		if m, all, err = read(ctx, tx, name, body); err != nil {
			return err
		}
		var was *oncall.Monitor
		for _, other := range all {
			switch {
			case other.ID == m.ID:
				was = other
			case m.Heartbeat != nil && other.Heartbeat != nil && m.Heartbeat.Slug != "" && m.Heartbeat.Slug == other.Heartbeat.Slug:
				return invalid("/heartbeat/slug", "monitor.invalid", "the slug "+m.Heartbeat.Slug+" is that of monitor "+string(other.ID)+" already")
			}
		}
		if was == nil && len(all) >= maxMonitors {
			return &oncall.Error{Kind: oncall.Conflict, Code: "monitor.too_many", Message: fmt.Sprintf("there are %d monitors; delete some, or write them into the folder", len(all))}
		}
		return putMonitor(ctx, tx, m, was)
	})
	return m, err
}

// wouldWatch asks whether a monitor could be watched, once it is known that it
// names no secret that it may not. The question is asked outside of a transaction:
// its answer takes files, and as long as they take.
func (e *Editor) wouldWatch(ctx context.Context, name string, body []byte) error {
	var m *oncall.Monitor
	err := e.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if m, _, err = read(ctx, tx, name, body); err != nil {
			return err
		}
		_, err = permitted(ctx, tx, m)
		return err
	})
	if err != nil {
		return err
	}
	if e.o.Watches != nil {
		if err := e.o.Watches(m); err != nil {
			return unwatched(m, err)
		}
	}
	return e.evaluable(ctx, m)
}

// read reads a monitor among all others.
func read(ctx context.Context, tx *store.Tx, name string, body []byte) (m *oncall.Monitor, all []*oncall.Monitor, err error) {
	dir, err := tx.Directory(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, locations, err := tx.Monitors(ctx)
	if err != nil {
		return nil, nil, err
	}
	places := make([]string, len(locations))
	for i, l := range locations {
		places[i] = l.Name
	}
	m, problems := config.ReadMonitor(name, body, dir, places)
	if m == nil {
		return nil, nil, misdescribed(problems)
	}
	return m, all, nil
}

// misdescribed is what is wrong with the description of a monitor: the first
// member's, and with several each with its own.
func misdescribed(problems []config.Problem) error {
	problems = slices.DeleteFunc(slices.Clone(problems), func(p config.Problem) bool { return p.Severity != config.Error })
	var lines []string
	for _, p := range problems {
		line := p.Message
		switch {
		case p.Pointer == "" && p.Line > 0: // it is no YAML, nor JSON: the place is all there is
			line = fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, line)
		case p.Pointer != "" && len(problems) > 1:
			line = p.Pointer + ": " + line
		}
		lines = append(lines, line)
	}
	field := "/"
	if len(problems) > 0 && problems[0].Pointer != "" {
		field = problems[0].Pointer
	}
	return invalid(field, "monitor.invalid", strings.Join(lines, "\n"))
}

// permitted is a monitor as it is stored, if all secrets that it names are known
// and go nowhere else than before.
func permitted(ctx context.Context, tx *store.Tx, m *oncall.Monitor) (body []byte, err error) {
	if body, err = json.Marshal(m); err != nil {
		return nil, err
	}
	before, err := tx.Objects(ctx, "")
	if err != nil {
		return nil, err
	}
	if err := known(ctx, before, []config.Object{{Kind: store.ObjectMonitor, Name: string(m.ID), Body: body}}); err != nil {
		return nil, err
	}
	all, locations, err := tx.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	return body, staysPut(ctx, m, all, locations)
}

// unwatched says why a monitor can't be watched: in the monitor's own words,
// never with what is behind a reference.
func unwatched(m *oncall.Monitor, err error) error {
	if e, ok := errors.AsType[*oncall.Error](err); ok {
		return e
	}
	return invalid("/", "monitor.invalid", "monitor "+string(m.ID)+": "+err.Error())
}

func putMonitor(ctx context.Context, tx *store.Tx, m, was *oncall.Monitor) error {
	body, err := permitted(ctx, tx, m)
	if err != nil {
		return err
	}
	err = tx.PutObject(ctx, store.Object{Kind: store.ObjectMonitor, Name: string(m.ID), Body: body})
	if errors.Is(err, store.ErrManagedByFile) {
		at, e := place(ctx, tx, store.ObjectMonitor, string(m.ID))
		return errors.Join(e, managed("monitor "+string(m.ID), at))
	}
	if err != nil {
		return err
	}
	if was == nil {
		return access.Record(ctx, tx, "created", store.ObjectMonitor, string(m.ID), nil, m)
	}
	return access.Record(ctx, tx, "changed", store.ObjectMonitor, string(m.ID), was, m)
}

// DeleteMonitor removes a monitor that was made at run time and returns it. An
// alert of it that is open ends. It needs a manager.
func (e *Editor) DeleteMonitor(ctx context.Context, name oncall.MonitorID) (was *oncall.Monitor, err error) {
	if err := may(ctx, access.Manager); err != nil {
		return nil, err
	}
	err = e.o.DB.Tx(ctx, func(tx *store.Tx) error {
		all, _, err := tx.Monitors(ctx)
		if err != nil {
			return err
		}
		was = nil
		for _, m := range all {
			if m.ID == name {
				was = m
			}
		}
		if was == nil {
			return missing("monitor", string(name))
		}
		err = tx.DeleteObject(ctx, store.ObjectMonitor, string(name))
		if errors.Is(err, store.ErrManagedByFile) {
			at, e := place(ctx, tx, store.ObjectMonitor, string(name))
			return errors.Join(e, managed("monitor "+string(name), at))
		}
		if err != nil {
			return err
		}
		return access.Record(ctx, tx, "deleted", store.ObjectMonitor, string(name), was, nil)
	})
	return was, err
}

// watchable refuses monitors of a configuration that nobody could watch.
func (e *Editor) watchable(objects []config.Object) error {
	check := func(m *oncall.Monitor) error {
		if err := m.Validate(); err != nil {
			return err
		}
		if e.o.Watches == nil {
			return nil
		}
		if err := e.o.Watches(m); err != nil {
			return unwatched(m, err)
		}
		return nil
	}
	for _, o := range objects {
		var all []*oncall.Monitor
		switch o.Kind {
		case store.ObjectMonitor:
			m := &oncall.Monitor{}
			if err := json.Unmarshal(o.Body, m); err != nil {
				return misread(err)
			}
			if m.ID != oncall.MonitorID(o.Name) {
				return invalid("/objects", "monitor.invalid", "monitor "+o.Name+" has another name inside")
			}
			all = append(all, m)
		case store.ObjectLocation:
			l := &oncall.Location{}
			if err := json.Unmarshal(o.Body, l); err != nil {
				return misread(err)
			}
			all = l.References
		}
		for _, m := range all {
			if m == nil {
				return invalid("/objects", "monitor.invalid", "a reference of location "+o.Name+" is empty")
			}
			if err := check(m); err != nil {
				return err
			}
		}
	}
	return nil
}
