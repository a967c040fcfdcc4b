package incident

import (
	"context"
	"strconv"
	"strings"

	"toban/oncall"
	"toban/store"
)

// Lookup returns the incident that people call ref: its number, with or without
// "#", or its id. It is not locked.
func Lookup(ctx context.Context, tx *store.Tx, ref string) (*oncall.Incident, error) {
	ref = strings.TrimPrefix(ref, "#")
	if n, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return tx.IncidentByNumber(ctx, n)
	}
	return tx.IncidentUnlocked(ctx, oncall.IncidentID(ref))
}

// Find is Lookup in a transaction of its own, for the id.
func (l *Lifecycle) Find(ctx context.Context, ref string) (id oncall.IncidentID, err error) {
	err = l.db.Read(ctx, func(tx *store.Tx) error {
		found, err := Lookup(ctx, tx, ref)
		if err == nil {
			id = found.ID
		}
		return err
	})
	return id, err
}
