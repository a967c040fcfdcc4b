package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

const selectResponses = `
	SELECT incident_id, state, next_at, next_why, version FROM responses WHERE incident_id IN ($1)`

// Responses returns the responses of incidents; one that has none is absent.
func (tx *Tx) Responses(ctx context.Context, names []oncall.IncidentID) (map[oncall.IncidentID]*ResponseRow, error) {
	found := make(map[oncall.IncidentID]*ResponseRow, len(names))
	err := tx.queryIn(ctx, selectResponses, ids(names), func(rows row) error {
		var id oncall.IncidentID
		r := &ResponseRow{}
		if err := rows.Scan(&id, document{&r.Response}, (*millis)(&r.NextAt), into(&r.NextWhy), &r.Version); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		found[id] = r
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("responses: %w", err)
	}
	return found, nil
}

// A response is stored under the version after the one that was read.
const insertResponses = `
	INSERT INTO responses(incident_id, epoch, policy_hash, phase, state, next_at, next_why, version)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

const upsertResponses = insertResponses + `
	ON CONFLICT (incident_id) DO UPDATE SET epoch = excluded.epoch, policy_hash = excluded.policy_hash,
		phase = excluded.phase, state = excluded.state, next_at = excluded.next_at, next_why = excluded.next_why,
		version = excluded.version
	WHERE responses.version = excluded.version - 1`

// responseWidth is how many arguments insertResponses takes a row.
const responseWidth = 8

func responseArgs(r *ResponseRow) ([]any, error) {
	state, err := encode(&r.Response)
	if err != nil {
		return nil, fmt.Errorf("response %s: %w", r.Response.Incident, err)
	}
	return []any{
		string(r.Response.Incident), r.Response.Epoch, r.Response.Policy, string(r.Response.Phase), state,
		ms(r.NextAt), str(r.NextWhy), r.Version + 1,
	}, nil
}

// SaveResponses stores responses, new ones (Version 0) and changed ones, and
// raises their Version. It fails with ErrStale when one has been saved by
// somebody else since it was read.
func (tx *Tx) SaveResponses(ctx context.Context, responses []*ResponseRow) error {
	args := make([]any, 0, responseWidth*len(responses))
	for _, r := range responses {
		row, err := responseArgs(r)
		if err != nil {
			return err
		}
		args = append(args, row...)
	}
	n, err := tx.execSet(ctx, upsertResponses, responseWidth, args)
	if err != nil {
		return fmt.Errorf("responses: %w", err)
	}
	if n != int64(len(responses)) {
		tx.fail = ErrStale
		return ErrStale
	}
	for _, r := range responses {
		r.Version++
	}
	return nil
}

const selectLost = `
	SELECT i.id FROM incidents i
	WHERE i.resolved_at IS NULL AND i.triggered_at < $1
		AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.kind = 'response' AND t.ref = i.id)
		AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.kind = 'incident' AND t.ref = i.id)
		AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.incident_id = i.id AND (o.state = 'due' OR o.state = 'claimed'))
		AND NOT EXISTS (SELECT 1 FROM delivery_incidents n JOIN deliveries d ON d.id = n.delivery_id
			WHERE n.incident_id = i.id AND d.ended_at IS NULL AND d.give_up_at IS NOT NULL)
	ORDER BY i.triggered_at LIMIT $2`

// Lost returns at most limit open incidents, triggered before olderThan, that
// have no next action: no timer, no due or claimed outbox row, no live delivery
// with a time to give up (R13). The oldest come first.
func (tx *Tx) Lost(ctx context.Context, olderThan time.Time, limit int) ([]oncall.IncidentID, error) {
	var lost []oncall.IncidentID
	err := tx.all(ctx, selectLost, func(rows row) error {
		var id oncall.IncidentID
		err := rows.Scan(&id)
		lost = append(lost, id)
		return err
	}, olderThan.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("lost incidents: %w", err)
	}
	return lost, nil
}
