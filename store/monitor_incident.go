package store

import (
	"context"
	"fmt"

	"toban/oncall"
)

// lookBack is among how many of a service's last incidents those of one key are
// looked for: a page is not worth reading years.
const lookBack = 1000

const selectKeyIncidents = `
	SELECT ` + incidentColumns + ` FROM
		(SELECT * FROM incidents WHERE service_id = $1 ORDER BY triggered_at DESC, id DESC LIMIT $2) AS v
	WHERE group_key = $3 OR group_key = $4 ORDER BY triggered_at DESC, id DESC LIMIT $5`

// IncidentsOfKeys returns at most limit of the last incidents of a service that
// group under one of two keys, the newest first.
func (tx *Tx) IncidentsOfKeys(ctx context.Context, service oncall.ServiceID, keys [2]string, limit int) ([]oncall.Incident, error) {
	var list []oncall.Incident
	err := tx.all(ctx, selectKeyIncidents, func(rows row) error {
		inc, err := scanIncident(rows)
		list = append(list, *inc)
		return err
	}, clean(string(service)), lookBack, clean(keys[0]), clean(keys[1]), limit)
	if err != nil {
		return nil, fmt.Errorf("incidents of %s: %w", service, err)
	}
	return list, nil
}

const selectFiringUntil = `
	SELECT i.group_key, i.id, a.severity, a.starts_at, a.last_at, a.labels, a.annotations
	FROM alerts a JOIN incidents i ON i.id = a.incident_id
	WHERE a.state = 'firing' AND a.ends_at IS NOT NULL AND i.resolved_at IS NULL
	ORDER BY a.starts_at, a.id`

// FiringUntil returns what fires of the open incidents and has to be said again
// to go on, as rules do; what began first is first. GroupKey is the incident's.
func (tx *Tx) FiringUntil(ctx context.Context) ([]oncall.Alert, error) {
	var list []oncall.Alert
	err := tx.all(ctx, selectFiringUntil, func(rows row) error {
		a := oncall.Alert{State: oncall.Firing}
		err := rows.Scan(&a.GroupKey, &a.Incident, &a.Severity, (*millis)(&a.StartsAt), (*millis)(&a.LastAt), document{&a.Labels}, document{&a.Annotations})
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	return list, nil
}
