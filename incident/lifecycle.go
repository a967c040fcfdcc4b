// Package incident is what people and alerts do to an incident: open,
// acknowledge, resolve, reopen, escalate, hand over. Every use case locks the
// incident's row, lets the rule in oncall decide, and hands the rest to respond,
// all in one transaction: who comes second sees the first one's result (R18).
//
// It never reaches anybody itself and never decides who is next.
package incident

import (
	"context"
	"log/slog"
	"time"

	"toban/internal/due"
	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// reopensWithin is how long after its end a trigger reopens an incident instead
// of opening another (R4).
const reopensWithin = 15 * time.Minute

// Lifecycle are the use cases. Its methods may be called from many goroutines.
//
// by is who does it: a user, or "integration:<id>", "link", "key". via is the
// way it came, such as "call", "api", "cli". An incident that does not exist is
// oncall.ErrUnknownIncident.
type Lifecycle struct {
	db       *store.DB
	response *respond.Driver
	log      *slog.Logger
}

// New returns the use cases on db, whose responses are driven by response.
func New(db *store.DB, response *respond.Driver, log *slog.Logger) *Lifecycle {
	return &Lifecycle{db: db, response: response, log: log}
}

// Register makes l the handler of the timers of kind "incident".
func (l *Lifecycle) Register(q *due.Queue) {
	q.Handle(store.TimerIncident, due.Options{Rank: 1}, l.handleAlerts)
	q.Handle(store.TimerDrill, due.Options{Rank: 2}, l.endDrills)
}

// on runs f in a transaction that holds the incident's row, and returns the
// incident as f left it.
func (l *Lifecycle) on(ctx context.Context, id oncall.IncidentID, f func(*store.Tx, *oncall.Incident) error) (*oncall.Incident, error) {
	var inc *oncall.Incident
	err := l.db.Tx(ctx, func(tx *store.Tx) (err error) {
		if inc, err = tx.Incident(ctx, id); err != nil {
			return err
		}
		return f(tx, inc)
	})
	if err != nil {
		return nil, err
	}
	return inc, nil
}

// say writes entries of an incident that nothing else follows from.
func say(ctx context.Context, tx *store.Tx, inc *oncall.Incident, entries ...oncall.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := tx.AddEntries(ctx, inc, entries...); err != nil {
		return err
	}
	return tx.SaveIncidents(ctx, []*oncall.Incident{inc})
}
