package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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

const selectFiringOfGroups = `
	SELECT i.group_key, i.id, a.severity, a.starts_at, a.last_at, a.labels, a.annotations
	FROM (VALUES ($1, $2)) AS v
		JOIN incidents i ON i.service_id = v.column1 AND i.group_key = v.column2 AND i.resolved_at IS NULL
		JOIN alerts a ON a.incident_id = i.id
	WHERE a.state = 'firing'`

// FiringOfGroups returns what fires of the open incidents that group under one of
// the keys at one of the services; what began first is first. Each is named once.
func (tx *Tx) FiringOfGroups(ctx context.Context, services []oncall.ServiceID, keys []string) ([]oncall.Alert, error) {
	if len(services) == 0 || len(keys) == 0 {
		return nil, nil
	}
	args := make([]any, 0, 2*len(services)*len(keys))
	for _, service := range services {
		for _, key := range keys {
			args = append(args, clean(string(service)), clean(key))
		}
	}
	var list []oncall.Alert
	err := tx.askSet(ctx, selectFiringOfGroups, 2, args, func(rows row) error {
		a := oncall.Alert{State: oncall.Firing}
		err := rows.Scan(&a.GroupKey, &a.Incident, &a.Severity, (*millis)(&a.StartsAt), (*millis)(&a.LastAt), document{&a.Labels}, document{&a.Annotations})
		list = append(list, a)
		return err
	})
	if err := cmp.Or(err, tx.send(ctx)); err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	slices.SortStableFunc(list, func(a, b oncall.Alert) int { return a.StartsAt.Compare(b.StartsAt) })
	return list, nil
}
