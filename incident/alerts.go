package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// lockedAgain is when an incident is looked at again that somebody else holds.
const lockedAgain = 10 * time.Millisecond

// handleAlerts is the one place in which alerts change incidents that exist
// (decision 1). Accept has only left word that something about them changed;
// what is true is read here, from the alerts, while the incident is held.
func (l *Lifecycle) handleAlerts(ctx context.Context, tx *store.Tx, refs []string) error {
	ids := make([]oncall.IncidentID, len(refs))
	for i, ref := range refs {
		ids[i] = oncall.IncidentID(ref)
	}
	incidents, err := tx.IncidentsSkipLocked(ctx, ids)
	if err != nil {
		return fmt.Errorf("incidents: %w", err)
	}
	firing, err := tx.FiringOf(ctx, ids)
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	dir, err := tx.Directory(ctx)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	var all []respond.Taken
	for _, id := range ids {
		inc := incidents[id]
		if inc == nil {
			if err := later(ctx, tx, id); err != nil {
				return err
			}
			continue
		}
		taken, err := l.fact(ctx, tx, dir, inc, firing[id])
		if err != nil {
			return fmt.Errorf("incident %s: %w", id, err)
		}
		if taken != nil {
			all = append(all, *taken)
		}
	}
	return l.response.TakeAll(ctx, tx, all)
}

// later puts off an incident that somebody else holds; one that does not exist
// is forgotten.
func later(ctx context.Context, tx *store.Tx, id oncall.IncidentID) error {
	if _, err := tx.IncidentUnlocked(ctx, id); errors.Is(err, oncall.ErrUnknownIncident) {
		return nil
	} else if err != nil {
		return err
	}
	return tx.PutTimers(ctx, store.Timer{Kind: store.TimerIncident, Ref: string(id), DueAt: tx.Now.Add(lockedAgain)})
}

// fact brings an incident to what its alerts say; nil when it says so already.
func (l *Lifecycle) fact(ctx context.Context, tx *store.Tx, dir *oncall.Directory, inc *oncall.Incident, f store.Firing) (*respond.Taken, error) {
	switch {
	case inc.State == oncall.Resolved && f.Count > 0:
		return l.again(ctx, tx, inc)
	case inc.State != oncall.Resolved && f.Count == 0:
		said := inc.Resolve("", tx.Now, viaAlerts)
		err := tx.PutRecent(ctx, inc, tx.Now.Add(reopensWithin))
		return &respond.Taken{Incident: inc, Input: oncall.Input{Kind: oncall.InResolved}, Said: said}, err
	case inc.State != oncall.Resolved:
		urgency := inc.Urgency
		if svc := dir.Service(inc.Service); svc != nil {
			urgency = svc.UrgencyOf(f.Worst)
		}
		before := inc.Urgency
		pages, said := inc.Raise(f.Worst, urgency, tx.Now)
		if !pages && inc.Urgency == before {
			return nil, say(ctx, tx, inc, said...)
		}
		return &respond.Taken{Incident: inc, Input: oncall.Input{Kind: oncall.InRedirect, Urgency: inc.Urgency}, Said: said}, nil
	}
	return nil, nil
}

// viaAlerts is the way of what alerts do by themselves.
const viaAlerts = "alerts"

// again reopens an incident one of whose alerts fires again (R4). Where the same
// problem has a newer open incident, that one is being responded to, and this
// one stays over. What is wrong now may be something else than at first: the title
// says that.
func (l *Lifecycle) again(ctx context.Context, tx *store.Tx, inc *oncall.Incident) (*respond.Taken, error) {
	if newer, err := replaced(ctx, tx, inc); err != nil || newer {
		return nil, err
	}
	if err := tx.DropRecent(ctx, inc.Service, inc.GroupKey); err != nil {
		return nil, err
	}
	title, err := tx.LastTitle(ctx, inc.ID)
	if err != nil {
		return nil, err
	}
	if title != "" {
		inc.Title = title
	}
	first, said := inc.Reopen(tx.Now)
	return &respond.Taken{Incident: inc, Input: oncall.Input{Kind: oncall.InReopened, Users: users(first)}, Said: said}, nil
}
