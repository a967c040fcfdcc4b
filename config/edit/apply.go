package edit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"toban/access"
	"toban/config"
	"toban/oncall"
	"toban/store"
)

// Applied says what an apply did.
type Applied struct {
	Version int64 // of the directory
	Changed int
	Objects []Changed // the first of them
}

// Changed is one object that an apply made, changed or removed.
type Changed struct {
	Action string // created, changed, deleted
	Kind   string
	Name   string
}

const (
	// maxAudited is how many objects of one apply are on the audit log by
	// themselves; what is beyond is in the line of the apply, by number.
	maxAudited = 200
	maxObjects = 100_000
)

// Apply makes objects, which config.Config.Resolved gave, all that comes from
// files, in one transaction, when toban could work with them. What was made at
// run time stays. It needs an admin.
func (e *Editor) Apply(ctx context.Context, objects []config.Object) (a Applied, err error) {
	if err := may(ctx, access.Admin); err != nil {
		return a, err
	}
	if err := sound(objects); err != nil {
		return a, err
	}
	err = e.o.DB.Read(ctx, func(tx *store.Tx) error { // before any file is looked at
		before, err := tx.Objects(ctx, "")
		if err != nil {
			return err
		}
		return known(ctx, before, objects)
	})
	if err != nil {
		return a, err
	}
	if err := e.watchable(objects); err != nil {
		return a, err
	}
	if err := e.conditions(ctx, objects); err != nil {
		return a, err
	}
	if err := e.rehearse(ctx, objects); err != nil {
		return a, err
	}
	err = e.o.DB.Tx(ctx, func(tx *store.Tx) error {
		a = Applied{}
		before, err := tx.Objects(ctx, "")
		if err != nil {
			return err
		}
		if err := known(ctx, before, objects); err != nil {
			return err
		}
		if a.Version, a.Changed, err = config.Apply(ctx, tx, objects); err != nil || a.Changed == 0 {
			return misread(err)
		}
		after, err := tx.Objects(ctx, "")
		if err != nil {
			return err
		}
		if _, err := whole(ctx, tx); err != nil {
			return err
		}
		return a.record(ctx, tx, before, after)
	})
	return a, err
}

// errRehearsed ends a transaction that was only to be looked at.
var errRehearsed = errors.New("only a rehearsal")

// rehearse asks whether toban could work with a configuration before it is in
// force. The question is asked outside of the transaction: its answer may take
// the network or the store.
func (e *Editor) rehearse(ctx context.Context, objects []config.Object) error {
	if e.o.Accepts == nil {
		return nil
	}
	var dir *oncall.Directory
	var rows []store.Object
	var monitors []*oncall.Monitor
	err := e.o.DB.Tx(ctx, func(tx *store.Tx) (err error) {
		if _, _, err = config.Apply(ctx, tx, objects); err != nil {
			return misread(err)
		}
		if dir, err = whole(ctx, tx); err != nil {
			return err
		}
		if rows, err = tx.Objects(ctx, config.KindProvider); err != nil {
			return err
		}
		if monitors, _, err = tx.Monitors(ctx); err != nil {
			return misread(err)
		}
		return errRehearsed
	})
	if !errors.Is(err, errRehearsed) {
		return err
	}
	accounts := make([]config.Object, len(rows))
	for i, o := range rows {
		accounts[i] = config.Object{Kind: o.Kind, Name: o.Name, Body: o.Body}
	}
	providers, err := config.ReadProviders(accounts)
	if err != nil {
		return misread(err)
	}
	if err := e.o.Accepts(dir, providers); err != nil {
		return unfit(err)
	}
	return seen(ctx, providers.Metrics, monitors)
}

// sound refuses objects that no folder gives.
func sound(objects []config.Object) error {
	if len(objects) == 0 || len(objects) > maxObjects {
		return invalid("/objects", "configuration.invalid", fmt.Sprintf("a configuration has 1 to %d objects", maxObjects))
	}
	for i, o := range objects {
		field := fmt.Sprintf("/objects/%d", i)
		switch {
		case !slices.Contains(kinds(), o.Kind):
			return invalid(field+"/kind", "configuration.invalid", fmt.Sprintf("a folder has no objects of the kind %q", o.Kind))
		case o.Name == "":
			return invalid(field+"/name", "configuration.invalid", "an object has a name")
		case !json.Valid(o.Body):
			return invalid(field+"/body", "configuration.invalid", "the body is no JSON")
		}
	}
	return nil
}

// whole looks at a new configuration as a whole.
func whole(ctx context.Context, tx *store.Tx) (*oncall.Directory, error) {
	dir, err := tx.Directory(ctx)
	if err != nil {
		return nil, misread(err)
	}
	if err := dir.Compile(); err != nil {
		return nil, unfit(err)
	}
	if len(dir.Services) == 0 {
		return nil, invalid("/objects", "configuration.invalid", "there is no service: toban would take signals and reach nobody")
	}
	for _, p := range dir.Policies {
		if err := dir.ValidatePolicy(p); err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.ID, err)
		}
	}
	return dir, nil
}

// unfit says why a configuration can't be used. The reasons come from the
// configuration itself and name references, never what is behind them.
func unfit(err error) error {
	return invalid("/objects", "configuration.invalid", "this toban can't work with it, and nothing was changed: "+err.Error())
}

// misread makes an object that is no such thing the mistake of whoever gave it;
// every other failure is the store's.
func misread(err error) error {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return unfit(err)
	}
	return err
}

type nameOf struct{ kind, name string }

// record writes each change down, and one line for the whole.
func (a *Applied) record(ctx context.Context, tx *store.Tx, before, after []store.Object) error {
	was := map[nameOf]store.Object{}
	for _, o := range before {
		was[nameOf{o.Kind, o.Name}] = o
	}
	note := func(action string, from, to *store.Object) error {
		o := to
		if o == nil {
			o = from
		}
		if len(a.Objects) >= maxAudited || o.Kind == config.KindKey {
			return nil
		}
		a.Objects = append(a.Objects, Changed{Action: action, Kind: o.Kind, Name: o.Name})
		var old, now any
		if from != nil {
			old = shown(*from)
		}
		if to != nil {
			now = shown(*to)
		}
		return access.Record(ctx, tx, action, o.Kind, o.Name, old, now)
	}
	for i := range after {
		o, err := &after[i], error(nil)
		old, known := was[nameOf{o.Kind, o.Name}]
		delete(was, nameOf{o.Kind, o.Name})
		switch {
		case !known:
			err = note("created", nil, o)
		case old.Hash() != o.Hash():
			err = note("changed", &old, o)
		}
		if err != nil {
			return err
		}
	}
	for i := range before { // in their order; what is still in was is gone
		o := &before[i]
		if _, gone := was[nameOf{o.Kind, o.Name}]; gone {
			if err := note("deleted", o, nil); err != nil {
				return err
			}
		}
	}
	return access.Record(ctx, tx, "applied", "configuration", "files", nil, map[string]int64{"version": a.Version, "changed": int64(a.Changed)})
}

// Exported is the configuration that is in force.
type Exported struct {
	Version int64
	Objects []config.Object // in their order, without the keys of senders
}

// Export returns the configuration that is in force, with what was made at run
// time. Addresses of people are in it, secrets are not: they are references. It
// needs an admin.
func (e *Editor) Export(ctx context.Context) (out Exported, err error) {
	if err := may(ctx, access.Admin); err != nil {
		return out, err
	}
	err = e.o.DB.Read(ctx, func(tx *store.Tx) error {
		out = Exported{}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		rows, err := tx.Objects(ctx, "")
		if err != nil {
			return err
		}
		out.Version = dir.Version
		for _, o := range rows {
			if o.Kind == store.ObjectOverride || o.Kind != config.KindKey && slices.Contains(kinds(), o.Kind) {
				out.Objects = append(out.Objects, config.Object{Kind: o.Kind, Name: o.Name, Body: o.Body, File: o.File, Line: o.Line})
			}
		}
		return nil
	})
	return out, err
}

// kinds are the kinds of object that a folder has.
func kinds() []string {
	return []string{
		store.ObjectSettings, store.ObjectUser, store.ObjectSchedule, store.ObjectPolicy, store.ObjectService, store.ObjectIntegration,
		store.ObjectPager, store.ObjectStage, store.ObjectRoute, store.ObjectMonitor, store.ObjectLocation, config.KindProvider, config.KindKey,
	}
}
