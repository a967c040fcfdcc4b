package respond

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"toban/internal/wait"
	"toban/oncall"
	"toban/store"
)

// changedBatch is how many responses are told of a change in one transaction.
const changedBatch = 64

// seenVersion is the counter that keeps up to which version of the directory
// waiting responses were told.
const seenVersion = "directory/told"

// watch tells responses that wait on this node when something was edited that
// they rely on: somebody's contacts, a schedule, an override, the hours of a
// service (R14).
func (d *Driver) watch(ctx context.Context) {
	var last *oncall.Directory
	every(ctx, d.o.Watch, func(ctx context.Context) {
		next, err := d.look(ctx, last)
		if err != nil {
			if ctx.Err() == nil {
				d.log.ErrorContext(ctx, "waiting responses not told of a change", "err", err)
			}
			return // last stays: it is tried again
		}
		last = next
	})
}

// look compares the directory with the last one seen and tells whom it
// concerns. Without a last one, what was edited while nobody watched is unknown,
// and every waiting response looks again.
func (d *Driver) look(ctx context.Context, last *oncall.Directory) (*oncall.Directory, error) {
	var dir *oncall.Directory
	var seen int64
	err := d.db.Read(ctx, func(tx *store.Tx) (err error) {
		if dir, err = tx.Directory(ctx); err != nil || last != nil {
			return err
		}
		seen, err = tx.Counter(ctx, seenVersion)
		return err
	})
	if err != nil {
		return last, err
	}
	var what changes
	switch {
	case last == nil && seen == dir.Version, last != nil && last.Version == dir.Version:
		return dir, nil
	case last == nil:
		what.all = true
	default:
		what = changed(last, dir)
	}
	if err := d.tell(ctx, what); err != nil {
		return last, err
	}
	return dir, d.db.Tx(ctx, func(tx *store.Tx) error { return tx.SetCounter(ctx, seenVersion, dir.Version) })
}

// tell gives the input world_changed to the waiting responses that rely on what
// changed, a page of them at a time.
func (d *Driver) tell(ctx context.Context, what changes) error {
	if what.none() {
		return nil
	}
	var after oncall.IncidentID
	for {
		var page []oncall.IncidentID
		var concerned []string
		err := d.db.Read(ctx, func(tx *store.Tx) (err error) {
			concerned = nil
			if page, err = tx.WaitingResponses(ctx, after, changedBatch); err != nil || len(page) == 0 {
				return err
			}
			rows, err := tx.Responses(ctx, page)
			if err != nil {
				return err
			}
			dir, err := tx.Directory(ctx)
			if err != nil {
				return err
			}
			for _, id := range page {
				policy, err := tx.Policy(ctx, rows[id].Response.Policy)
				if err != nil || what.concern(dir, policy, &rows[id].Response) {
					concerned = append(concerned, string(id))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := d.worldChanged(ctx, concerned, what); err != nil {
			return err
		}
		if len(page) < changedBatch {
			return nil
		}
		after = page[len(page)-1]
	}
}

// worldChanged gives the input to the responses of refs; those that somebody
// has locked come in the next round.
func (d *Driver) worldChanged(ctx context.Context, refs []string, what changes) error {
	for len(refs) > 0 {
		var locked []string
		err := d.db.Tx(ctx, func(tx *store.Tx) error {
			steps, later, err := d.lockFree(ctx, tx, refs)
			if err != nil {
				return err
			}
			locked = later
			for _, s := range steps {
				in := oncall.Input{Kind: oncall.InWorldChanged, Text: what.String()}
				s.catchUp(d, in)
				s.take(d, in)
			}
			return d.write(ctx, tx, steps...)
		})
		if err != nil {
			return err
		}
		if refs = locked; len(refs) > 0 && !wait.For(ctx, lockedAgain) {
			return ctx.Err()
		}
	}
	return nil
}

// changes are the names of what was edited.
type changes struct {
	all       bool
	users     []oncall.UserID
	schedules []oncall.ScheduleID
	pagers    []oncall.PagerID
	services  []oncall.ServiceID
	policies  []oncall.PolicyID
}

func (c changes) none() bool {
	return !c.all && len(c.users)+len(c.schedules)+len(c.pagers)+len(c.services)+len(c.policies) == 0
}

// String lists what was edited, for the timeline.
func (c changes) String() string {
	var out []string
	for _, s := range c.schedules {
		out = append(out, "schedule "+string(s))
	}
	for _, u := range c.users {
		out = append(out, "user "+string(u))
	}
	for _, p := range c.pagers {
		out = append(out, "pager "+string(p))
	}
	for _, s := range c.services {
		out = append(out, "service "+string(s))
	}
	for _, p := range c.policies {
		out = append(out, "policy "+string(p))
	}
	const most = 8
	if len(out) > most {
		out = append(out[:most], "…")
	}
	return strings.Join(out, ", ")
}

// changed compares two directories in what a running response asks about.
// Policies are among it for who stands in for a fallback that is gone; otherwise
// a response runs its snapshot.
func changed(a, b *oncall.Directory) (c changes) {
	c.users = differing(a.Users, b.Users)
	c.pagers = differing(a.Pagers, b.Pagers)
	c.schedules = differing(a.Schedules, b.Schedules)
	c.services = differing(asked(a), asked(b))
	c.policies = differing(a.Policies, b.Policies)
	for id := range b.Schedules {
		if !slices.Contains(c.schedules, id) && !reflect.DeepEqual(overrides(a, id), overrides(b, id)) {
			c.schedules = append(c.schedules, id)
		}
	}
	slices.Sort(c.schedules)
	return c
}

// asked returns what a response asks about services.
func asked(d *oncall.Directory) map[oncall.ServiceID]*oncall.Service {
	out := make(map[oncall.ServiceID]*oncall.Service, len(d.Services))
	for _, s := range d.Services {
		out[s.ID] = &oncall.Service{
			SupportHours: s.SupportHours, PageAfter: s.PageAfter, NoCalls: s.NoCalls, Policy: s.Policy, CatchAll: s.CatchAll,
		}
	}
	return out
}

func overrides(d *oncall.Directory, id oncall.ScheduleID) (out []oncall.Override) {
	for _, o := range d.Overrides {
		if o.Schedule == id {
			out = append(out, o)
		}
	}
	return out
}

func differing[K ~string, V any](a, b map[K]*V) (out []K) {
	for k, v := range b {
		if old := a[k]; old == nil || !reflect.DeepEqual(old, v) {
			out = append(out, k)
		}
	}
	for k := range a {
		if b[k] == nil {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// concern reports whether a response relies on something that was edited. One
// that could ask nobody hopes for anything.
func (c changes) concern(dir *oncall.Directory, p *oncall.Policy, r *oncall.Response) bool {
	if c.all || r.Silent > 0 || slices.Contains(c.services, r.Service) {
		return true
	}
	for _, u := range r.First {
		if slices.Contains(c.users, u) {
			return true
		}
	}
	for _, page := range r.Pages {
		if slices.Contains(c.users, page.User) {
			return true
		}
	}
	for _, l := range p.Levels {
		if slices.ContainsFunc(l.Targets, func(t oncall.Target) bool { return c.names(dir, t) }) {
			return true
		}
	}
	return c.names(dir, p.Fallback)
}

func (c changes) names(dir *oncall.Directory, t oncall.Target) bool {
	switch t.Kind {
	case oncall.TargetUser:
		return slices.Contains(c.users, oncall.UserID(t.Name))
	case oncall.TargetPager:
		return slices.Contains(c.pagers, oncall.PagerID(t.Name))
	}
	id := oncall.ScheduleID(t.Name)
	if slices.Contains(c.schedules, id) {
		return true
	}
	s := dir.Schedules[id]
	if s == nil {
		return false
	}
	for _, l := range s.Layers {
		if slices.ContainsFunc(l.Users, func(u oncall.UserID) bool { return slices.Contains(c.users, u) }) {
			return true
		}
	}
	return false
}
