package slack

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"toban/oncall"
	"toban/store"
)

// Refresh says that the workspaces or the configuration may be other ones. Then
// the chats of all open incidents are looked at once: nothing else would wake
// those of which nothing is heard.
func (f *Follower) Refresh() {
	select {
	case f.moved <- struct{}{}:
	default: // it is already on its way
	}
}

// followSettings wakes the chats when what they are made by has changed, until
// ctx ends.
func (f *Follower) followSettings(ctx context.Context) {
	var made making
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.moved:
		}
		for !f.refresh(ctx, &made) {
			if rest(ctx, pausing); ctx.Err() != nil {
				return
			}
		}
	}
}

// making is what all chats are made by.
type making struct {
	workspaces []*Workspace // by stage
	settings   string
}

// refresh wakes the chats unless they are made by the same as before; false = it
// has to be tried again.
func (f *Follower) refresh(ctx context.Context, made *making) bool {
	if f.o.Fenced() {
		return false
	}
	var dir *oncall.Directory
	err := f.read(ctx, func(tx *store.Tx) (err error) {
		dir, err = tx.Directory(ctx)
		return err
	})
	now := making{}
	if err == nil {
		now, err = f.making(dir)
	}
	if err != nil {
		f.log.WarnContext(ctx, "settings not read for slack; it is tried again", "err", err)
		return false
	}
	if now.settings == made.settings && slices.Equal(now.workspaces, made.workspaces) {
		return true
	}
	if slices.ContainsFunc(now.workspaces, func(w *Workspace) bool { return w != nil }) {
		if err := f.wakeOpen(ctx); err != nil {
			f.log.WarnContext(ctx, "chats not woken; it is tried again", "err", err)
			return false
		}
	}
	*made = now
	return true
}

func (f *Follower) making(dir *oncall.Directory) (m making, err error) {
	m.workspaces = append(m.workspaces, f.o.Workspace(oncall.Production))
	for _, stage := range slices.Sorted(maps.Keys(dir.Stages)) {
		m.workspaces = append(m.workspaces, f.o.Workspace(stage))
	}
	type service struct {
		Name   string
		Chat   any
		Shadow bool
	}
	services := map[oncall.ServiceID]service{}
	for _, s := range dir.Services {
		services[s.ID] = service{s.Name, s.Chat, s.Shadow}
	}
	s := dir.Settings
	all, err := json.Marshal([]any{s.Language, s.Zone, s.ExternalURL, s.PublicURL, s.Shadow, services})
	m.settings = string(all)
	return m, err
}

// wakeOpen lets the chats of all open incidents be looked at now, the newest
// first.
func (f *Follower) wakeOpen(ctx context.Context) error {
	const page = 200
	filter := store.IncidentFilter{States: []oncall.State{oncall.Triggered, oncall.Acknowledged}, Limit: page}
	for range maxQueue / page {
		var list []oncall.Incident
		err := f.tx(ctx, func(tx *store.Tx) (err error) {
			if list, err = tx.ListIncidents(ctx, filter); err != nil {
				return err
			}
			for _, inc := range list {
				if f.o.Workspace(inc.Stage) == nil {
					continue // nobody talks about it
				}
				if err := tx.HurryChat(ctx, string(inc.ID), tx.Now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(list) < page {
			return err
		}
		last := list[len(list)-1]
		filter.Before, filter.BeforeID = last.TriggeredAt, last.ID
		rest(ctx, 10*time.Millisecond) // others write, too
	}
	return nil
}
