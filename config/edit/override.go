package edit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"toban/access"
	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// Limits of overrides.
const (
	furthest        = 100 * 366 * 24 * time.Hour // from now to either end
	longestOverride = 366 * 24 * time.Hour
	maxOverrides    = 1000 // of one schedule that have not ended
	maxReason       = 1000 // bytes
)

// Preview is what an override would change, within its own span: outside of it
// nothing does.
type Preview struct {
	Before, After []oncall.Shift
	Changes       []Change // by user, in their order; who is on duty as long as before is absent
}

// Change is how long a user is on duty within the span of an override.
type Change struct {
	User          oncall.UserID
	Before, After time.Duration
}

// PreviewOverride says what an override would change, or why it can't be made.
// It needs a responder.
func (e *Editor) PreviewOverride(ctx context.Context, o oncall.Override) (p Preview, err error) {
	if err := may(ctx, access.Responder); err != nil {
		return p, err
	}
	err = e.o.DB.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		if o, err = checked(ctx, dir, o, tx.Now); err != nil {
			return err
		}
		p = preview(dir, o)
		return nil
	})
	return p, err
}

func preview(dir *oncall.Directory, o oncall.Override) (p Preview) {
	s := dir.Schedules[o.Schedule]
	with := &oncall.Directory{Overrides: append(slices.Clone(dir.Overrides), o)}
	p.Before, p.After = s.Shifts(dir, o.From, o.To), s.Shifts(with, o.From, o.To)
	hours := map[oncall.UserID]*Change{}
	of := func(u oncall.UserID) *Change {
		if hours[u] == nil {
			hours[u] = &Change{User: u}
		}
		return hours[u]
	}
	for _, shift := range p.Before {
		of(shift.User).Before += shift.To.Sub(shift.From)
	}
	for _, shift := range p.After {
		of(shift.User).After += shift.To.Sub(shift.From)
	}
	for _, c := range hours {
		if c.Before != c.After {
			p.Changes = append(p.Changes, *c)
		}
	}
	slices.SortFunc(p.Changes, func(a, b Change) int { return compare(a.User, b.User) })
	return p
}

func compare[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// CreateOverride puts a user on duty for a span, whoever had it, and returns the
// override with its id. By is the user of whoever asks when it is empty. It
// needs a responder.
func (e *Editor) CreateOverride(ctx context.Context, o oncall.Override) (oncall.Override, error) {
	if err := may(ctx, access.Responder); err != nil {
		return o, err
	}
	o.ID = id.New(id.Override)
	err := e.o.DB.Tx(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		if o, err = checked(ctx, dir, o, tx.Now); err != nil {
			return err
		}
		body, err := json.Marshal(o)
		if err != nil {
			return err
		}
		if err := tx.PutObject(ctx, store.Object{Kind: store.ObjectOverride, Name: o.ID, Body: body}); err != nil {
			return err
		}
		return access.Record(ctx, tx, "created", store.ObjectOverride, o.ID, nil, o)
	})
	return o, err
}

// checked completes an override and refuses one that makes no sense at now.
func checked(ctx context.Context, dir *oncall.Directory, o oncall.Override, now time.Time) (oncall.Override, error) {
	o.From, o.To = o.From.UTC().Truncate(time.Millisecond), o.To.UTC().Truncate(time.Millisecond)
	if p, ok := access.From(ctx); ok && o.By == "" {
		o.By = p.User
	}
	switch {
	case dir.Schedules[o.Schedule] == nil:
		return o, missing("schedule", string(o.Schedule))
	case dir.Users[o.User] == nil:
		return o, missing("user", string(o.User))
	case o.By != "" && dir.Users[o.By] == nil:
		return o, missing("user", string(o.By))
	case o.From.IsZero():
		return o, invalid("/from", "override.span", "say when the override begins")
	case !o.To.After(o.From):
		return o, invalid("/to", "override.span", "an override ends after it begins")
	case !o.To.After(now):
		return o, invalid("/to", "override.span", "an override ends in the future: what was cannot be changed")
	case o.To.Sub(now) > furthest || now.Sub(o.From) > furthest:
		return o, invalid("/to", "override.span", "an override begins and ends within a hundred years from now")
	case o.To.Sub(o.From) > longestOverride:
		return o, invalid("/to", "override.span", "an override lasts 366 days at most; for longer change the schedule itself")
	case len(o.Reason) > maxReason || !utf8.ValidString(o.Reason):
		return o, invalid("/reason", "override.reason", fmt.Sprintf("a reason has at most %d bytes of text", maxReason))
	}
	open := 0
	for i := range dir.Overrides {
		if dir.Overrides[i].Schedule == o.Schedule && dir.Overrides[i].To.After(now) {
			open++
		}
	}
	if open >= maxOverrides {
		return o, &oncall.Error{
			Kind: oncall.Conflict, Code: "override.too_many",
			Message: fmt.Sprintf("schedule %s has %d overrides that have not ended; delete some, or change the schedule itself", o.Schedule, open),
		}
	}
	return o, nil
}

// DeleteOverride takes an override back and returns it as it was. It needs a
// responder.
func (e *Editor) DeleteOverride(ctx context.Context, name string) (was oncall.Override, err error) {
	if err := may(ctx, access.Responder); err != nil {
		return was, err
	}
	err = e.o.DB.Tx(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(dir.Overrides, func(o oncall.Override) bool { return o.ID == name })
		if i < 0 {
			return missing("override", name)
		}
		was = dir.Overrides[i]
		err = tx.DeleteObject(ctx, store.ObjectOverride, name)
		if errors.Is(err, store.ErrManagedByFile) {
			at, e := place(ctx, tx, store.ObjectOverride, name)
			return errors.Join(e, managed("override "+name, at))
		}
		if err != nil {
			return err
		}
		return access.Record(ctx, tx, "deleted", store.ObjectOverride, name, was, nil)
	})
	return was, err
}
