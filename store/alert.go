package store

import (
	"context"
	"fmt"

	"toban/oncall"
)

// Firing is how many alerts of an incident fire, and the worst severity among
// them.
type Firing struct {
	Count int
	Worst oncall.Severity // "" when Count is zero
}

const countFiring = `
	SELECT incident_id, severity, count(*) FROM alerts
	WHERE incident_id IN ($1) AND state = 'firing' GROUP BY incident_id, severity`

// FiringOf returns how many alerts of the incidents fire, and the worst severity
// among them; an incident without firing alerts is absent.
func (tx *Tx) FiringOf(ctx context.Context, names []oncall.IncidentID) (map[oncall.IncidentID]Firing, error) {
	firing := make(map[oncall.IncidentID]Firing, len(names))
	err := tx.queryIn(ctx, countFiring, ids(names), func(rows row) error {
		var id oncall.IncidentID
		var severity oncall.Severity
		var n int
		err := rows.Scan(&id, &severity, &n)
		f := firing[id]
		if f.Count == 0 {
			f.Worst = severity
		}
		firing[id] = Firing{Count: f.Count + n, Worst: f.Worst.Worse(severity)}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("firing alerts: %w", err)
	}
	return firing, nil
}

const selectLastSaid = `
	SELECT s.body FROM alerts a JOIN signals s ON s.id = a.edge
	WHERE a.incident_id = $1 AND a.state = 'firing' ORDER BY a.last_at DESC LIMIT 1`

// LastTitle is the title of what made the alert fire that was said last of those of
// the incident that fire; "" where none does.
func (tx *Tx) LastTitle(ctx context.Context, id oncall.IncidentID) (string, error) {
	var body said
	if _, err := tx.one(ctx, selectLastSaid, []any{clean(string(id))}, document{&body}); err != nil {
		return "", fmt.Errorf("title of incident %s: %w", id, err)
	}
	return body.Title, nil
}

const selectAlerts = `
	SELECT id, service_id, fingerprint, state, severity, group_key, starts_at, ends_at, last_at, count, labels, annotations
	FROM alerts WHERE incident_id = $1 ORDER BY starts_at, fingerprint LIMIT $2`

// Alerts returns at most limit alerts of the incident, those that began first
// first; limit zero = 100.
func (tx *Tx) Alerts(ctx context.Context, id oncall.IncidentID, limit int) ([]oncall.Alert, error) {
	if limit <= 0 {
		limit = 100
	}
	var list []oncall.Alert
	err := tx.all(ctx, selectAlerts, func(rows row) error {
		a := oncall.Alert{Incident: id}
		err := rows.Scan(&a.ID, &a.Service, &a.Fingerprint, &a.State, &a.Severity, &a.GroupKey, (*millis)(&a.StartsAt),
			(*millis)(&a.EndsAt), (*millis)(&a.LastAt), &a.Count, document{&a.Labels}, document{&a.Annotations})
		list = append(list, a)
		return err
	}, clean(string(id)), limit)
	if err != nil {
		return nil, fmt.Errorf("alerts of %s: %w", id, err)
	}
	return list, nil
}

// Who said it is in the signal that was written down last. Once that is swept
// away the key alone counts.
const selectAlertOf = `
	SELECT a.id, a.service_id, a.incident_id, a.state, a.group_key, a.last_at
	FROM alerts a LEFT JOIN signals s ON s.id = a.logged
	WHERE a.service_id IN ($1) AND a.fingerprint = $2 AND ($3 = '' OR s.integration_id IS NULL OR s.integration_id = $3)`

// AlertOf returns the alert of that key which the integration triggered in one
// of the services, or nil; integration "" = any. Of several it is one that fires,
// and then the one that was heard of last.
func (tx *Tx) AlertOf(ctx context.Context, integration oncall.IntegrationID, services []oncall.ServiceID, key string) (*oncall.Alert, error) {
	var best *oncall.Alert
	err := tx.queryIn(ctx, selectAlertOf, ids(services), func(rows row) error {
		a := &oncall.Alert{Fingerprint: clean(key)}
		if err := rows.Scan(&a.ID, &a.Service, into(&a.Incident), &a.State, &a.GroupKey, (*millis)(&a.LastAt)); err != nil {
			return err
		}
		if best == nil || a.State != best.State && a.State == oncall.Firing || a.State == best.State && a.LastAt.After(best.LastAt) {
			best = a
		}
		return nil
	}, clean(key), clean(string(integration)))
	if err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	return best, nil
}

// The rows are locked in the order in which Accept locks them.
const lockFiring = `
	SELECT id FROM alerts WHERE incident_id = $1 AND state = 'firing' ORDER BY service_id, fingerprint ` + markLock

const clearAlerts = `UPDATE alerts SET state = 'cleared', ends_at = $2 WHERE incident_id = $1 AND state = 'firing'`

// ClearAlerts clears what fires of the incident, because it was resolved by
// hand: the next repetition of its sender then counts as an edge.
func (tx *Tx) ClearAlerts(ctx context.Context, id oncall.IncidentID) error {
	if tx.db.dialect.postgres {
		if err := tx.all(ctx, lockFiring, func(row) error { return nil }, string(id)); err != nil {
			return fmt.Errorf("alerts of %s: %w", id, err)
		}
	}
	if _, err := tx.do(ctx, clearAlerts, string(id), tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("alerts of %s: %w", id, err)
	}
	return nil
}

const insertSignals = `
	INSERT INTO signals(id, integration_id, sender_key, service_id, fingerprint, action, severity, received_at, incident_id, body)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const insertSignalsOnce = insertSignals + `
	ON CONFLICT (integration_id, sender_key) WHERE sender_key IS NOT NULL DO NOTHING
	RETURNING id`

// signalWidth is how many arguments insertSignals takes a row.
const signalWidth = 10

// InsertSignal keeps a signal that does not go through Accept: one that
// acknowledges. ok is false when the same delivery of its sender is kept already.
func (tx *Tx) InsertSignal(ctx context.Context, s oncall.Signal, incident oncall.IncidentID) (ok bool, err error) {
	body, err := encode(said{s.GroupKey, s.Unknown, s.By, s.Title, s.Labels, s.Annotations})
	if err != nil {
		return false, fmt.Errorf("signal %s: %w", s.ID, err)
	}
	var id string
	ok, err = tx.one(ctx, insertSignalsOnce, []any{
		string(s.ID), clean(string(s.Integration)), str(clean(s.SenderKey)), clean(string(s.Service)), clean(s.Key),
		string(s.Action), string(s.Severity), s.ReceivedAt.UnixMilli(), str(incident), body,
	}, &id)
	if err != nil {
		return false, fmt.Errorf("signal %s: %w", s.ID, err)
	}
	return ok, nil
}
