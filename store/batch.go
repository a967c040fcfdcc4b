package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"toban/oncall"
)

// batch writes signals as sets: a closure for each would be several times too
// slow. What several of its signals say of one alert is written as one change:
// its triggers, and that it cleared if a resolve came last.
//
// All batches lock rows in the same order, so that those of several nodes wait
// for each other and don't deadlock: numbered signals, incidents, alerts, timers,
// each by their keys.
type batch struct {
	tx    *Tx
	nums  *numbers
	items []*item
}

// groupKey and alertKey name an incident's group and an alert.
type (
	groupKey struct{ service, group string }
	alertKey struct{ service, key string }
)

// group is what a batch says of one incident.
type group struct {
	key      groupKey
	items    []*item // triggers, in their order
	id       oncall.IncidentID
	number   int64 // proposed, then stored
	recent   bool  // resolved lately: bound to, and reopened by the handler (R4)
	opened   bool
	repeated bool  // a line says so
	entries  int64 // the seq of that line
	count    int64
	facts    bool // the handler has to look at the alerts
}

// write writes the items in tx. It leaves each item's result.
func (b *batch) write(ctx context.Context) error {
	for _, it := range b.items {
		it.result, it.logged, it.failed = Accepted{}, false, nil
	}
	rest, err := b.leaveOutDuplicates(ctx)
	if err != nil {
		return err
	}
	groups := fold(rest)
	if err := b.bindRecent(ctx, groups); err != nil {
		return err
	}
	if err := b.upsertIncidents(ctx, groups); err != nil {
		return err
	}
	if err := b.forgetRecent(ctx, groups); err != nil {
		return err
	}
	fired, cleared := fire(groups), clearing(rest)
	if err := b.writeAlerts(ctx, fired, cleared); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	if err := b.follow(ctx, groups, fired, cleared); err != nil {
		return err
	}
	return b.bind(ctx)
}

const selectSignalOnce = `SELECT incident_id FROM signals WHERE integration_id = $1 AND sender_key = $2`

// leaveOutDuplicates writes the signals that their sender has numbered, and
// returns the items without those that are there already.
func (b *batch) leaveOutDuplicates(ctx context.Context) ([]*item, error) {
	var numbered []*item
	for _, it := range b.items {
		if it.senderKey != nil {
			numbered = append(numbered, it)
		}
	}
	if len(numbered) == 0 {
		return b.items, nil
	}
	slices.SortStableFunc(numbered, func(x, y *item) int {
		return cmp.Or(strings.Compare(x.integration, y.integration), strings.Compare(x.senderKey.(string), y.senderKey.(string)))
	})
	args := make([]any, 0, signalWidth*len(numbered))
	for _, it := range numbered {
		args = it.signalArgs(args, nil)
	}
	fresh := make(map[string]bool, len(numbered))
	err := b.tx.askSet(ctx, insertSignalsOnce, signalWidth, args, func(rows row) error {
		var id string
		err := rows.Scan(&id)
		fresh[id] = true
		return err
	})
	if err := cmp.Or(err, b.tx.send(ctx)); err != nil {
		return nil, fmt.Errorf("signals: %w", err)
	}
	rest := make([]*item, 0, len(b.items))
	for _, it := range b.items {
		if it.senderKey == nil || fresh[it.signal] {
			it.logged = it.senderKey != nil
			rest = append(rest, it)
			continue
		}
		it.result.Duplicate = true
		if _, err := b.tx.one(ctx, selectSignalOnce, []any{it.integration, it.senderKey}, into(&it.result.Incident)); err != nil {
			return nil, fmt.Errorf("signals: %w", err)
		}
	}
	return rest, nil
}

func (it *item) signalArgs(args []any, incident any) []any {
	action := oncall.Trigger
	if it.resolve {
		action = oncall.Resolve
	}
	return append(args, it.signal, it.integration, it.senderKey, it.service, it.key, string(action), string(it.severity),
		it.receivedAt, incident, it.body)
}

// fold gathers the triggers by the incident they are about.
func fold(items []*item) []*group {
	byKey := make(map[groupKey]*group, len(items))
	groups := make([]*group, 0, len(items))
	for _, it := range items {
		if it.resolve {
			continue
		}
		key := groupKey{it.service, it.group}
		g := byKey[key]
		if g == nil {
			g = &group{key: key, id: it.incident.ID}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.items = append(g.items, it)
	}
	slices.SortFunc(groups, func(x, y *group) int {
		return cmp.Or(strings.Compare(x.key.service, y.key.service), strings.Compare(x.key.group, y.key.group))
	})
	return groups
}

const anyRecent = `SELECT 1 FROM recent WHERE until > $1 LIMIT 1`

const selectRecent = `
	SELECT r.service_id, r.group_key, r.incident_id, r.until
	FROM (VALUES ($1, $2)) AS v JOIN recent r ON r.service_id = v.column1 AND r.group_key = v.column2
	WHERE NOT EXISTS (SELECT 1 FROM incidents i
		WHERE i.service_id = r.service_id AND i.group_key = r.group_key AND i.resolved_at IS NULL)`

// bindRecent finds the groups whose incident was resolved a short time ago. One
// that is open comes first: on another node the group may have got a new one
// while the old one was being resolved.
func (b *batch) bindRecent(ctx context.Context, groups []*group) error {
	if len(groups) == 0 {
		return nil
	}
	now := b.tx.Now.UnixMilli()
	var one int
	some, err := b.tx.one(ctx, anyRecent, []any{now}, &one)
	if err != nil || !some {
		return err
	}
	byKey := make(map[groupKey]*group, len(groups))
	args := make([]any, 0, 2*len(groups))
	for _, g := range groups {
		byKey[g.key] = g
		args = append(args, g.key.service, g.key.group)
	}
	err = b.tx.askSet(ctx, selectRecent, 2, args, func(rows row) error {
		var key groupKey
		var id oncall.IncidentID
		var until int64
		if err := rows.Scan(&key.service, &key.group, &id, &until); err != nil {
			return err
		}
		if g := byKey[key]; g != nil && until > now {
			g.id, g.recent, g.facts = id, true, true
		}
		return nil
	})
	if err := cmp.Or(err, b.tx.send(ctx)); err != nil {
		return fmt.Errorf("recent: %w", err)
	}
	return nil
}

// Who is just removing such a row is not waited for: he may wait for this batch.
const forgetRecent = `
	DELETE FROM recent WHERE (service_id, group_key) IN
		(SELECT r.service_id, r.group_key
			FROM (VALUES ($1, $2)) AS v JOIN recent r ON r.service_id = v.column1 AND r.group_key = v.column2 ` + markSkip + `)`

// forgetRecent makes the incidents that were opened the only ones of their
// groups: a resolve may have been committed since bindRecent.
func (b *batch) forgetRecent(ctx context.Context, groups []*group) error {
	if !b.tx.db.dialect.postgres {
		return nil // nobody else writes
	}
	var args []any
	for _, g := range groups {
		if g.opened {
			args = append(args, g.key.service, g.key.group)
		}
	}
	if err := b.tx.laterSet(ctx, forgetRecent, 2, args); err != nil {
		return fmt.Errorf("recent: %w", err)
	}
	return nil
}

// The version is raised with the count, so that nobody saves over it.
const upsertIncidents = `
	INSERT INTO incidents(id, number, service_id, group_key, state, severity, urgency, title, stage, epoch, count,
		triggered_at, entries, version, repeated, repeated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $1, $14)
	ON CONFLICT (service_id, group_key) WHERE resolved_at IS NULL DO UPDATE SET
		count = incidents.count + excluded.count,
		entries = incidents.entries + CASE WHEN excluded.repeated_at - incidents.repeated_at >= 60000 THEN 1 ELSE 0 END,
		repeated = CASE WHEN excluded.repeated_at - incidents.repeated_at >= 60000 THEN excluded.id ELSE incidents.repeated END,
		repeated_at = CASE WHEN excluded.repeated_at - incidents.repeated_at >= 60000 THEN excluded.repeated_at ELSE incidents.repeated_at END,
		version = incidents.version + 1
	RETURNING id, number, service_id, group_key, severity, urgency, count, entries, repeated`

// upsertIncidents opens the incidents that are not open and counts for the
// others. What else they change in an open one is for the handler of its timer.
func (b *batch) upsertIncidents(ctx context.Context, groups []*group) error {
	now := b.tx.Now.UnixMilli()
	byKey := make(map[groupKey]*group, len(groups))
	args := make([]any, 0, 14*len(groups))
	for _, g := range groups {
		if g.recent {
			continue
		}
		byKey[g.key] = g
		g.number = b.nums.take()
		i := &g.items[0].incident
		args = append(args, string(i.ID), g.number, g.key.service, g.key.group, string(i.State), string(i.Severity),
			string(i.Urgency), i.Title, string(i.Stage), i.Epoch, int64(len(g.items)), i.TriggeredAt.UnixMilli(), i.Entries, now)
	}
	err := b.tx.askSet(ctx, upsertIncidents, 14, args, func(rows row) error {
		var key groupKey
		var id, repeated oncall.IncidentID
		var number, count, entries int64
		var severity oncall.Severity
		var urgency oncall.Urgency
		if err := rows.Scan(&id, &number, &key.service, &key.group, &severity, &urgency, &count, &entries, &repeated); err != nil {
			return err
		}
		g := byKey[key]
		if g.opened = id == g.id; !g.opened {
			b.nums.giveBack(g.number)
			g.repeated = repeated == g.id
		}
		g.id, g.number, g.count, g.entries = id, number, count, entries
		for _, it := range g.items {
			p := &it.incident
			if p.Severity.Rank() < severity.Rank() || urgency == oncall.Low && p.Urgency == oncall.High {
				g.facts = true
			}
		}
		return nil
	})
	if err := cmp.Or(err, b.tx.send(ctx)); err != nil {
		return fmt.Errorf("incidents: %w", err)
	}
	return nil
}
