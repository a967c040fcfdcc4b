package incident

import (
	"context"
	"errors"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// drillLasts is how long a drill rings at most, whatever becomes of it.
const drillLasts = 5 * time.Minute

// drillKey begins the group keys of drills.
const drillKey = "drill/"

// IsDrill reports whether an incident is a drill.
func IsDrill(inc *oncall.Incident) bool {
	return len(inc.GroupKey) > len(drillKey) && inc.GroupKey[:len(drillKey)] == drillKey
}

// Drilled says how a drill went.
type Drilled struct {
	Incident *oncall.Incident
	Pressed  time.Time // when the user pressed the key on the telephone; zero = not so far
}

// Drill rings one user and nobody else, by the rules of a critical incident,
// until they press the key: an incident whose policy is that user alone. It is
// over after five minutes. A second drill of a user is the one that runs.
func (l *Lifecycle) Drill(ctx context.Context, user, by oncall.UserID) (*oncall.Incident, error) {
	var opening store.Acceptance
	err := l.db.Tx(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		u := dir.Users[user]
		if u == nil {
			return invalid("/user", "user.unknown", "there is no user named "+string(user))
		}
		svc := catchAll(dir)
		if svc == nil {
			return invalid("/user", "service.unknown", "no service takes what matches none")
		}
		only := oncall.Target{Kind: oncall.TargetUser, Name: string(user)}
		policy := &oncall.Policy{
			ID: oncall.PolicyID(drillKey + string(user)), Name: drillKey + string(user), Fallback: only, Rounds: 1,
			Levels: []oncall.Level{{Targets: []oncall.Target{only}, Strategy: oncall.All, Wait: time.Minute, OnNoAnswer: oncall.GoNext}},
		}
		if err := tx.KeepPolicy(ctx, policy); err != nil {
			return err
		}
		opening = respond.Opening(dir, svc, oncall.Signal{
			Key: drillKey + string(user), Severity: oncall.Critical, By: by,
			Title: i18n.In(dir.Settings.Language).Say("drill.title", "user", u.Name),
		}, oncall.High, "drill", tx.Now)
		opening.Response.Response = oncall.NewResponse(opening.Incident, policy.Revision)
		// Its end is sure before it begins; that of one that never begins does nothing.
		return tx.PutTimers(ctx, store.Timer{Kind: store.TimerDrill, Ref: string(opening.Incident.ID), DueAt: tx.Now.Add(drillLasts)})
	})
	if err != nil {
		return nil, err
	}
	accepted, err := l.db.Accept(ctx, []store.Acceptance{opening})
	if err != nil {
		return nil, err
	}
	var inc *oncall.Incident
	err = l.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if inc, err = tx.IncidentUnlocked(ctx, accepted[0].Incident); err != nil {
			return err
		}
		return tx.SetCounter(ctx, drillKey+string(user), inc.Number)
	})
	return inc, err
}

// LastDrill returns how the last drill of a user went, or nil.
func (l *Lifecycle) LastDrill(ctx context.Context, user oncall.UserID) (d *Drilled, err error) {
	err = l.db.Read(ctx, func(tx *store.Tx) error {
		d = nil
		number, err := tx.Counter(ctx, drillKey+string(user))
		if err != nil {
			return err
		}
		inc, err := tx.IncidentByNumber(ctx, number)
		if errors.Is(err, oncall.ErrUnknownIncident) || err == nil && inc.GroupKey != drillKey+string(user) {
			return nil // none so far
		} else if err != nil {
			return err
		}
		d = &Drilled{Incident: inc}
		entries, err := tx.Timeline(ctx, inc.ID, 0, 0)
		for _, e := range entries {
			if e.Kind == oncall.EntryAcknowledged && e.Data.Via == viaCall {
				d.Pressed = e.At
			}
		}
		return err
	})
	return d, err
}

// endDrills resolves drills whose time is over.
func (l *Lifecycle) endDrills(ctx context.Context, tx *store.Tx, refs []string) error {
	for _, ref := range refs {
		inc, err := tx.Incident(ctx, oncall.IncidentID(ref))
		if errors.Is(err, oncall.ErrUnknownIncident) {
			continue
		} else if err != nil {
			return err
		}
		if inc.State == oncall.Resolved {
			continue
		}
		if err := l.resolve(ctx, tx, inc, "", "drill", ""); err != nil {
			return err
		}
	}
	return nil
}

func catchAll(dir *oncall.Directory) *oncall.Service {
	for _, s := range dir.Services {
		if s.CatchAll {
			return s
		}
	}
	return nil
}
