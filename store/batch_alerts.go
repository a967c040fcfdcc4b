package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"toban/oncall"
)

// Of two edges of the same alert the earlier's signal stays in the row, so an
// upsert that returns the signal it proposed has changed the state. In the same
// way it learns whether the repetition is written down.
const upsertAlerts = `
	INSERT INTO alerts(service_id, fingerprint, id, state, severity, group_key, incident_id, starts_at, last_at, count,
		labels, annotations, edge, logged, logged_at, ends_at)
	VALUES ($1, $2, $3, 'firing', $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $8, $13)
	ON CONFLICT (service_id, fingerprint) DO UPDATE SET
		state = 'firing', severity = excluded.severity, group_key = excluded.group_key, incident_id = excluded.incident_id,
		starts_at = CASE WHEN alerts.state = 'firing' THEN alerts.starts_at ELSE excluded.starts_at END,
		ends_at = excluded.ends_at, last_at = excluded.last_at, count = alerts.count + excluded.count,
		labels = excluded.labels, annotations = excluded.annotations,
		edge = CASE WHEN alerts.state = 'firing' THEN alerts.edge ELSE excluded.edge END,
		logged = CASE WHEN alerts.state = 'firing' AND excluded.logged_at - alerts.logged_at < 60000 THEN alerts.logged ELSE excluded.logged END,
		logged_at = CASE WHEN alerts.state = 'firing' AND excluded.logged_at - alerts.logged_at < 60000 THEN alerts.logged_at ELSE excluded.logged_at END
	RETURNING service_id, fingerprint, edge, logged`

// firing is what the triggers of a batch say of one alert.
type firing struct {
	first, last *item
	incident    oncall.IncidentID
	count       int64
	logged      bool // a row in signals says so
}

// fire gathers the triggers by their alert, and tells them what they are about.
func fire(groups []*group) []*firing {
	byKey := map[alertKey]*firing{}
	var list []*firing
	for _, g := range groups {
		for i, it := range g.items {
			it.result = Accepted{Incident: g.id, Number: g.number, New: g.opened && i == 0}
			key := alertKey{it.service, it.key}
			a := byKey[key]
			if a == nil {
				a = &firing{first: it}
				byKey[key] = a
				list = append(list, a)
			}
			a.last, a.incident = it, g.id
			a.count++
		}
	}
	slices.SortFunc(list, func(x, y *firing) int { return byAlert(x.first, y.first) })
	return list
}

// clearing returns a resolve for each alert of which a resolve is the last word:
// the first behind its last trigger, which is the edge if there is one.
func clearing(items []*item) []*item {
	byKey := map[alertKey]*item{}
	for _, it := range items {
		key := alertKey{it.service, it.key}
		switch {
		case !it.resolve:
			delete(byKey, key)
		case byKey[key] == nil:
			byKey[key] = it
		}
	}
	return slices.SortedFunc(maps.Values(byKey), byAlert)
}

func byAlert(x, y *item) int {
	return cmp.Or(strings.Compare(x.service, y.service), strings.Compare(x.key, y.key))
}

const lockAlerts = `
	SELECT a.id FROM (VALUES ($1, $2)) AS v JOIN alerts a ON a.service_id = v.column1 AND a.fingerprint = v.column2
	ORDER BY a.service_id, a.fingerprint ` + markLock

const clearAlertSet = `
	UPDATE alerts SET state = 'cleared', ends_at = $4, last_at = $4, edge = v.column3, logged = v.column3, logged_at = $4
	FROM (VALUES (CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT))) AS v
	WHERE alerts.service_id = v.column1 AND alerts.fingerprint = v.column2 AND alerts.state = 'firing'
	RETURNING alerts.service_id, alerts.fingerprint, alerts.incident_id`

// lockAlerts locks the alerts in one order, for a batch that passes over the
// table twice.
func (b *batch) lockAlerts(ctx context.Context, fired []*firing, cleared []*item) error {
	if !b.tx.db.dialect.postgres {
		return nil // nobody else writes
	}
	keys := make([]alertKey, 0, len(fired)+len(cleared))
	for _, a := range fired {
		keys = append(keys, alertKey{a.first.service, a.first.key})
	}
	for _, it := range cleared {
		keys = append(keys, alertKey{it.service, it.key})
	}
	slices.SortFunc(keys, func(x, y alertKey) int {
		return cmp.Or(strings.Compare(x.service, y.service), strings.Compare(x.key, y.key))
	})
	args := make([]any, 0, 2*len(keys))
	for _, key := range slices.Compact(keys) {
		args = append(args, key.service, key.key)
	}
	return b.tx.askSet(ctx, lockAlerts, 2, args, nil)
}

// writeAlerts fires and clears alerts. A resolve of one that does not fire, or
// that nobody knows, changes nothing (R3). The results say which were edges.
func (b *batch) writeAlerts(ctx context.Context, fired []*firing, cleared []*item) error {
	if len(fired) > 0 && len(cleared) > 0 {
		if err := b.lockAlerts(ctx, fired, cleared); err != nil {
			return err
		}
	}
	byKey := make(map[alertKey]*firing, len(fired))
	now := b.tx.Now.UnixMilli()
	args := make([]any, 0, 13*len(fired))
	for _, a := range fired {
		it := a.last
		byKey[alertKey{it.service, it.key}] = a
		args = append(args, it.service, it.key, it.alert, string(it.severity), it.group, string(a.incident), a.first.startsAt,
			now, a.count, it.labels, it.annotations, a.first.signal, it.endsAt)
	}
	err := b.tx.askSet(ctx, upsertAlerts, 13, args, func(rows row) error {
		var key alertKey
		var edge, logged string
		err := rows.Scan(&key.service, &key.key, &edge, &logged)
		a := byKey[key]
		a.first.result.Edge = edge == a.first.signal
		a.logged = logged == a.first.signal
		return err
	})
	if err != nil {
		return err
	}
	resolves := make(map[alertKey]*item, len(cleared))
	args = make([]any, 0, 3*len(cleared))
	for _, it := range cleared {
		resolves[alertKey{it.service, it.key}] = it
		args = append(args, it.service, it.key, it.signal)
	}
	err = b.tx.askSet(ctx, clearAlertSet, 3, args, func(rows row) error {
		var key alertKey
		var incident oncall.IncidentID
		err := rows.Scan(&key.service, &key.key, into(&incident))
		resolves[key].result = Accepted{Incident: incident, Edge: true}
		return err
	}, now)
	return cmp.Or(err, b.tx.send(ctx))
}

const bindSignal = `UPDATE signals SET incident_id = $1 WHERE id = $2`

// follow writes what follows: the signals, the lines of the timeline, the
// responses of new incidents, and the timers of everything that has to be looked
// at.
func (b *batch) follow(ctx context.Context, groups []*group, fired []*firing, cleared []*item) error {
	now := b.tx.Now
	var entries, responses []any
	var timers []Timer
	var changed []oncall.IncidentID
	look := func(id oncall.IncidentID) {
		timers = append(timers, Timer{Kind: TimerIncident, Ref: string(id), DueAt: now})
	}
	for _, g := range groups {
		if g.opened || g.repeated {
			changed = append(changed, g.id)
			timers = append(timers, b.tx.followers(g.id, g.items[0].incident.Stage)...)
		}
		first := g.items[0]
		switch {
		case g.opened:
			entries = append(entries, first.entries...)
			responses = append(responses, first.response...)
			if !first.responded.DueAt.IsZero() {
				timers = append(timers, first.responded)
			}
		case g.repeated:
			row, err := entryArgs(&oncall.Entry{
				Incident: g.id, Seq: g.entries, At: now, Kind: oncall.EntryRepeated, Data: oncall.EntryData{Count: g.count},
			})
			if err != nil {
				return err
			}
			entries = append(entries, row...)
		}
		if g.facts {
			look(g.id)
		}
	}
	b.tell(changed)
	for _, it := range cleared {
		if it.result.Edge && it.result.Incident != "" {
			look(it.result.Incident)
		}
	}
	if err := b.log(ctx, fired, cleared); err != nil {
		return fmt.Errorf("signals: %w", err)
	}
	if err := b.tx.laterSet(ctx, insertEntries, entryWidth, entries); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	if err := b.tx.laterSet(ctx, insertResponses, responseWidth, responses); err != nil {
		return fmt.Errorf("responses: %w", err)
	}
	return b.tx.PutTimers(ctx, timers...)
}

// namedChanges is how many incidents a batch names to the pages: one row each,
// which then need to draw no more than theirs. A batch of more is one row.
const namedChanges = 4

// tell says which incidents were opened or say something new.
func (b *batch) tell(changed []oncall.IncidentID) {
	if len(changed) > namedChanges {
		b.tx.Changed(TopicIncidents, "")
		return
	}
	for _, id := range changed {
		b.tx.Changed(TopicIncident, string(id))
	}
}

// log writes signals down with the incident they turned out to be about. Those
// that their sender has numbered are there already.
func (b *batch) log(ctx context.Context, fired []*firing, cleared []*item) error {
	args := make([]any, 0, signalWidth*(len(fired)+len(cleared)))
	for _, a := range fired {
		if a.logged && !a.first.logged {
			args = a.first.signalArgs(args, string(a.incident))
		}
	}
	for _, it := range cleared {
		if it.result.Edge && !it.logged {
			args = it.signalArgs(args, str(it.result.Incident))
		}
	}
	return b.tx.laterSet(ctx, insertSignals, signalWidth, args)
}

// bind tells the signals that their sender has numbered what they turned out to
// be about.
func (b *batch) bind(ctx context.Context) error {
	for _, it := range b.items {
		if !it.logged || it.result.Incident == "" {
			continue
		}
		if err := b.tx.laterSet(ctx, bindSignal, 2, []any{string(it.result.Incident), it.signal}); err != nil {
			return fmt.Errorf("signals: %w", err)
		}
	}
	return nil
}
