package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"toban/oncall"
)

// IncidentFilter says which incidents are listed: the newest first.
type IncidentFilter struct {
	States  []oncall.State   // none = all
	Service oncall.ServiceID // "" = all
	Limit   int              // 1 to 1000; zero = 50

	// Before and BeforeID are the TriggeredAt and ID of the last incident of the
	// page before; zero = from the newest.
	Before   time.Time
	BeforeID oncall.IncidentID
}

const (
	listIncidents = `SELECT ` + incidentColumns + ` FROM incidents
		WHERE (triggered_at, id) < ($1, $2) AND ($3 = '' OR service_id = $3) AND (state = $4 OR state = $5 OR state = $6)
		ORDER BY triggered_at DESC, id DESC LIMIT $7`
	listServiceIncidents = `SELECT ` + incidentColumns + ` FROM incidents
		WHERE service_id = $3 AND (triggered_at, id) < ($1, $2) AND (state = $4 OR state = $5 OR state = $6)
		ORDER BY triggered_at DESC, id DESC LIMIT $7`
	listOpenIncidents = `SELECT ` + incidentColumns + ` FROM incidents
		WHERE resolved_at IS NULL
			AND (triggered_at, id) < ($1, $2) AND ($3 = '' OR service_id = $3) AND (state = $4 OR state = $5 OR state = $6)
		ORDER BY triggered_at DESC, id DESC LIMIT $7`
)

// ListIncidents returns incidents, the newest first.
func (tx *Tx) ListIncidents(ctx context.Context, f IncidentFilter) ([]oncall.Incident, error) {
	limit := 50
	if f.Limit > 0 {
		limit = min(f.Limit, 1000)
	}
	before := int64(math.MaxInt64)
	if !f.Before.IsZero() {
		before = f.Before.UnixMilli()
	}
	states := f.States
	if len(states) == 0 {
		states = []oncall.State{oncall.Triggered, oncall.Acknowledged, oncall.Resolved}
	}
	at := func(i int) string { return string(states[min(i, len(states)-1)]) }
	statement := listOpenIncidents
	switch {
	case !slices.Contains(states, oncall.Resolved):
	case f.Service != "":
		statement = listServiceIncidents
	default:
		statement = listIncidents
	}
	var list []oncall.Incident
	err := tx.all(ctx, statement, func(rows row) error {
		inc, err := scanIncident(rows)
		list = append(list, *inc)
		return err
	}, before, clean(string(f.BeforeID)), clean(string(f.Service)), at(0), at(1), at(2), limit)
	if err != nil {
		return nil, fmt.Errorf("incidents: %w", err)
	}
	return list, nil
}
