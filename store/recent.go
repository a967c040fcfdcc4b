package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

const upsertRecent = `
	INSERT INTO recent(service_id, group_key, incident_id, until) VALUES ($1, $2, $3, $4)
	ON CONFLICT (service_id, group_key) DO UPDATE SET incident_id = excluded.incident_id, until = excluded.until`

// PutRecent keeps the resolved incident in mind until then: a trigger of its
// group is bound to it instead of opening a new one (R4). An 'incident' timer
// tells the handler, which reopens it and calls DropRecent.
func (tx *Tx) PutRecent(ctx context.Context, inc *oncall.Incident, until time.Time) error {
	if _, err := tx.do(ctx, upsertRecent, string(inc.Service), inc.GroupKey, string(inc.ID), until.UnixMilli()); err != nil {
		return fmt.Errorf("recent %s: %w", inc.ID, err)
	}
	return nil
}

const deleteRecent = `DELETE FROM recent WHERE service_id = $1 AND group_key = $2`

// DropRecent forgets that an incident of that group was resolved lately.
func (tx *Tx) DropRecent(ctx context.Context, service oncall.ServiceID, groupKey string) error {
	if _, err := tx.do(ctx, deleteRecent, string(service), groupKey); err != nil {
		return fmt.Errorf("recent %s: %w", service, err)
	}
	return nil
}
