package store

import (
	"context"
	"fmt"

	"toban/oncall"
)

// A row that somebody is just writing is said again or cleared at this moment;
// the next look sees which.
const clearEnded = `
	UPDATE alerts SET state = 'cleared' WHERE (service_id, fingerprint) IN
		(SELECT service_id, fingerprint FROM alerts WHERE state = 'firing' AND ends_at <= $1 AND ends_at IS NOT NULL
			AND ($3 = '' OR NOT EXISTS (SELECT 1 FROM signals WHERE signals.id IN (alerts.edge, alerts.logged) AND signals.integration_id = $3))
			ORDER BY ends_at LIMIT $2 ` + markSkip + `)
	RETURNING service_id, fingerprint, incident_id`

// Ended is an alert that held until a time and was not said again.
type Ended struct {
	Service     oncall.ServiceID
	Fingerprint string
	Incident    oncall.IncidentID
}

// ClearEnded clears at most limit alerts whose senders were to say them again
// until tx.Now and have not, and has what follows for their incidents looked at.
// Those of the integration but stand: it can't speak at the moment; "" = of none.
func (tx *Tx) ClearEnded(ctx context.Context, limit int, but oncall.IntegrationID) ([]Ended, error) {
	var ended []Ended
	err := tx.all(ctx, clearEnded, func(rows row) error {
		var e Ended
		err := rows.Scan(&e.Service, &e.Fingerprint, into(&e.Incident))
		ended = append(ended, e)
		return err
	}, tx.Now.UnixMilli(), limit, clean(string(but)))
	if err != nil {
		return nil, fmt.Errorf("ended alerts: %w", err)
	}
	var timers []Timer
	for _, e := range ended {
		if e.Incident != "" {
			timers = append(timers, Timer{Kind: TimerIncident, Ref: string(e.Incident), DueAt: tx.Now})
		}
	}
	return ended, tx.PutTimers(ctx, timers...)
}
