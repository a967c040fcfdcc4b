package incident

import (
	"context"
	"strconv"
	"strings"

	"toban/oncall"
	"toban/store"
)

// Find returns the id of the incident that people call ref: its number, with or
// without "#", or its id.
func (l *Lifecycle) Find(ctx context.Context, ref string) (oncall.IncidentID, error) {
	var found *oncall.Incident
	err := l.db.Read(ctx, func(tx *store.Tx) (err error) {
		if n, e := strconv.ParseInt(strings.TrimPrefix(ref, "#"), 10, 64); e == nil {
			found, err = tx.IncidentByNumber(ctx, n)
		} else {
			found, err = tx.IncidentUnlocked(ctx, oncall.IncidentID(ref))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return found.ID, nil
}
