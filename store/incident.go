package store

import (
	"context"
	"fmt"
	"slices"

	"toban/oncall"
)

// ErrStale is returned when what is saved is not what was read: somebody else
// saved it in between.
var ErrStale = &oncall.Error{Kind: oncall.Conflict, Code: "store.stale", Message: "somebody else changed it in between; look again"}

// ErrOpenIncident is returned when the group of a new or reopened incident has
// an open one already (R2).
var ErrOpenIncident = &oncall.Error{Kind: oncall.Conflict, Code: "incident.open", Message: "there is an open incident of the same service and key"}

const incidentColumns = `id, number, service_id, group_key, state, severity, urgency, title, stage, epoch, count,
	triggered_at, acknowledged_at, acknowledged_by, resolved_at, merged_into, entries, version`

func scanIncident(rows row) (*oncall.Incident, error) {
	var i oncall.Incident
	return &i, rows.Scan(&i.ID, &i.Number, &i.Service, &i.GroupKey, &i.State, &i.Severity, &i.Urgency, &i.Title, &i.Stage,
		&i.Epoch, &i.Count, (*millis)(&i.TriggeredAt), (*millis)(&i.AcknowledgedAt), into(&i.AcknowledgedBy),
		(*millis)(&i.ResolvedAt), into(&i.MergedInto), &i.Entries, &i.Version)
}

const (
	lockIncident           = `SELECT ` + incidentColumns + ` FROM incidents WHERE id = $1 ` + markLock
	selectIncident         = `SELECT ` + incidentColumns + ` FROM incidents WHERE id = $1`
	selectIncidentByNumber = `SELECT ` + incidentColumns + ` FROM incidents WHERE number = $1`
	selectOpenIncident     = `SELECT ` + incidentColumns + ` FROM incidents WHERE service_id = $1 AND group_key = $2 AND resolved_at IS NULL`
	lockIncidents          = `SELECT ` + incidentColumns + ` FROM incidents WHERE id IN ($1) ORDER BY id ` + markLock
	skipIncidents          = `SELECT ` + incidentColumns + ` FROM incidents WHERE id IN ($1) ORDER BY id ` + markSkip
)

// Incident returns the incident with that id, locked until the end of tx, or
// oncall.ErrUnknownIncident.
func (tx *Tx) Incident(ctx context.Context, id oncall.IncidentID) (*oncall.Incident, error) {
	if !fits(id) {
		return nil, oncall.ErrUnknownIncident
	}
	return tx.oneIncident(ctx, lockIncident, string(id))
}

// IncidentUnlocked returns the incident with that id without locking it, or
// oncall.ErrUnknownIncident.
func (tx *Tx) IncidentUnlocked(ctx context.Context, id oncall.IncidentID) (*oncall.Incident, error) {
	if !fits(id) {
		return nil, oncall.ErrUnknownIncident
	}
	return tx.oneIncident(ctx, selectIncident, string(id))
}

// IncidentByNumber returns the incident with that number without locking it, or
// oncall.ErrUnknownIncident.
func (tx *Tx) IncidentByNumber(ctx context.Context, n int64) (*oncall.Incident, error) {
	return tx.oneIncident(ctx, selectIncidentByNumber, n)
}

// OpenIncident returns the open incident of that group without locking it, or
// oncall.ErrUnknownIncident.
func (tx *Tx) OpenIncident(ctx context.Context, service oncall.ServiceID, groupKey string) (*oncall.Incident, error) {
	return tx.oneIncident(ctx, selectOpenIncident, clean(string(service)), clean(groupKey))
}

func (tx *Tx) oneIncident(ctx context.Context, statement string, args ...any) (inc *oncall.Incident, err error) {
	err = tx.all(ctx, statement, func(rows row) (err error) {
		inc, err = scanIncident(rows)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("incident %v: %w", args[0], err)
	}
	if inc == nil {
		return nil, oncall.ErrUnknownIncident
	}
	return inc, nil
}

// IncidentsSkipLocked returns those of the incidents that nobody else holds,
// locked until the end of tx. One that is held or unknown is absent.
func (tx *Tx) IncidentsSkipLocked(ctx context.Context, ids []oncall.IncidentID) (map[oncall.IncidentID]*oncall.Incident, error) {
	return tx.incidents(ctx, skipIncidents, ids)
}

// IncidentsLocked returns the incidents, locked until the end of tx. It waits
// for whoever holds them, in the order of their ids. An unknown one is absent.
func (tx *Tx) IncidentsLocked(ctx context.Context, ids []oncall.IncidentID) (map[oncall.IncidentID]*oncall.Incident, error) {
	return tx.incidents(ctx, lockIncidents, slices.Sorted(slices.Values(ids)))
}

func (tx *Tx) incidents(ctx context.Context, statement string, names []oncall.IncidentID) (map[oncall.IncidentID]*oncall.Incident, error) {
	found := make(map[oncall.IncidentID]*oncall.Incident, len(names))
	err := tx.queryIn(ctx, statement, ids(names), func(rows row) error {
		inc, err := scanIncident(rows)
		found[inc.ID] = inc
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("incidents: %w", err)
	}
	return found, nil
}

// ---- writing

const insertIncidents = `
	INSERT INTO incidents(id, number, service_id, group_key, state, severity, urgency, title, stage, epoch, count,
		triggered_at, acknowledged_at, acknowledged_by, resolved_at, merged_into, entries, version, repeated, repeated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $1, $12)`

// InsertIncidents stores new incidents and gives them their numbers. An open
// incident of the same service and group key makes it fail with
// ErrOpenIncident.
func (tx *Tx) InsertIncidents(ctx context.Context, incidents []*oncall.Incident) error {
	if len(incidents) == 0 {
		return nil
	}
	first, err := tx.NextCounter(ctx, incidentCounter, int64(len(incidents)))
	if err != nil {
		return err
	}
	args := make([]any, 0, len(incidents)*18)
	for n, i := range incidents {
		i.Number, i.Version = first+int64(n), 1
		i.GroupKey, i.Title = clean(i.GroupKey), clean(i.Title)
		args = append(args, string(i.ID), i.Number, string(i.Service), i.GroupKey, string(i.State), string(i.Severity),
			string(i.Urgency), i.Title, string(i.Stage), i.Epoch, i.Count, i.TriggeredAt.UnixMilli(), ms(i.AcknowledgedAt),
			str(i.AcknowledgedBy), ms(i.ResolvedAt), str(i.MergedInto), i.Entries, i.Version)
	}
	if _, err := tx.execSet(ctx, insertIncidents, 18, args); err != nil {
		if tx.db.dialect.unique(err) {
			return ErrOpenIncident
		}
		return fmt.Errorf("new incidents: %w", err)
	}
	return nil
}

const updateIncidents = `
	UPDATE incidents SET state = v.column2, severity = v.column3, urgency = v.column4, title = v.column5,
		epoch = v.column6, count = v.column7, triggered_at = v.column8, acknowledged_at = v.column9,
		acknowledged_by = v.column10, resolved_at = v.column11, merged_into = v.column12, entries = v.column13,
		version = incidents.version + 1
	FROM (VALUES (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT),
		CAST($6 AS BIGINT), CAST($7 AS BIGINT), CAST($8 AS BIGINT), CAST($9 AS BIGINT), CAST($10 AS TEXT),
		CAST($11 AS BIGINT), CAST($12 AS TEXT), CAST($13 AS BIGINT), CAST($14 AS BIGINT))) AS v
	WHERE incidents.id = v.column1 AND incidents.version = v.column14`

// SaveIncidents stores changed incidents and raises their Version. It fails with
// ErrStale when one has been saved by somebody else since it was read, and with
// ErrOpenIncident when one is reopened whose group has an open one (R2).
func (tx *Tx) SaveIncidents(ctx context.Context, incidents []*oncall.Incident) error {
	if len(incidents) == 0 {
		return nil
	}
	if err := tx.flush(ctx); err != nil {
		return err
	}
	args := make([]any, 0, len(incidents)*14)
	for _, i := range incidents {
		args = append(args, string(i.ID), string(i.State), string(i.Severity), string(i.Urgency), clean(i.Title),
			i.Epoch, i.Count, i.TriggeredAt.UnixMilli(), ms(i.AcknowledgedAt), str(i.AcknowledgedBy), ms(i.ResolvedAt),
			str(i.MergedInto), i.Entries, i.Version)
	}
	n, err := tx.execSet(ctx, updateIncidents, 14, args)
	if err != nil {
		if tx.db.dialect.unique(err) {
			return ErrOpenIncident
		}
		return fmt.Errorf("incidents: %w", err)
	}
	if n != int64(len(incidents)) {
		tx.fail = ErrStale
		return ErrStale
	}
	for _, i := range incidents {
		i.Version++
	}
	return tx.touch(ctx, incidents)
}
