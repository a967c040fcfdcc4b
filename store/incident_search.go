package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"toban/oncall"
)

// IncidentSearch says which incidents a page is to show: the newest first. It
// looks through a bounded number of incidents, so that a search for what there
// is little of is as quick as any; Found says where to go on.
type IncidentSearch struct {
	States        []oncall.State   // none = all
	Service       oncall.ServiceID // "" = all
	Urgency       oncall.Urgency   // "" = all
	Holder        oncall.UserID    // who has it; "" = whoever
	Text          string           // a part of the title, in any case; "" = all
	ResolvedSince time.Time        // zero = whenever; otherwise only the newest 500 are looked through
	Limit         int              // 1 to 200; zero = 50

	// Before and BeforeID are the place to begin behind; zero = at the newest.
	Before   time.Time
	BeforeID oncall.IncidentID
}

// Found is a part of what a search finds.
type Found struct {
	Incidents []oncall.Incident
	// More says that there may be more behind the place of Last and LastID.
	More   bool
	Last   time.Time
	LastID oncall.IncidentID
}

// How many incidents a search looks through. What is open is looked through
// further: no incident that waits for somebody is to be missed.
const (
	searchDepth      = 2_000
	searchDepthOpen  = 10_000
	searchDepthSince = 500
)

// The inner part is bounded and walks along an index; the outer part picks.
const (
	pick = ` V WHERE (state = $5 OR state = $6 OR state = $7) AND ($8 = '' OR urgency = $8)
		AND ($9 = '' OR acknowledged_by = $9) AND ($10 = '' OR lower(title) LIKE $10 ESCAPE '!')
		AND COALESCE(resolved_at, CAST($11 AS BIGINT)) >= $11
		ORDER BY triggered_at DESC, id DESC LIMIT $12`

	searchOpen = `SELECT ` + incidentColumns + ` FROM (SELECT ` + incidentColumns + ` FROM incidents
		WHERE resolved_at IS NULL AND (triggered_at, id) < ($1, $2) AND ($3 = '' OR service_id = $3)
		ORDER BY triggered_at DESC, id DESC LIMIT $4)` + pick
	searchService = `SELECT ` + incidentColumns + ` FROM (SELECT ` + incidentColumns + ` FROM incidents
		WHERE service_id = $3 AND (triggered_at, id) < ($1, $2)
		ORDER BY triggered_at DESC, id DESC LIMIT $4)` + pick
	searchAll = `SELECT ` + incidentColumns + ` FROM (SELECT ` + incidentColumns + ` FROM incidents
		WHERE (triggered_at, id) < ($1, $2) AND $3 = ''
		ORDER BY triggered_at DESC, id DESC LIMIT $4)` + pick

	depthOpen = `SELECT triggered_at, id FROM incidents
		WHERE resolved_at IS NULL AND (triggered_at, id) < ($1, $2) AND ($3 = '' OR service_id = $3)
		ORDER BY triggered_at DESC, id DESC LIMIT 1 OFFSET $4`
	depthService = `SELECT triggered_at, id FROM incidents
		WHERE service_id = $3 AND (triggered_at, id) < ($1, $2)
		ORDER BY triggered_at DESC, id DESC LIMIT 1 OFFSET $4`
	depthAll = `SELECT triggered_at, id FROM incidents
		WHERE (triggered_at, id) < ($1, $2) AND $3 = ''
		ORDER BY triggered_at DESC, id DESC LIMIT 1 OFFSET $4`
)

// SearchIncidents returns incidents, the newest first.
func (tx *Tx) SearchIncidents(ctx context.Context, s IncidentSearch) (*Found, error) {
	limit := 50
	if s.Limit > 0 {
		limit = min(s.Limit, 200)
	}
	before := int64(math.MaxInt64)
	if !s.Before.IsZero() {
		before = s.Before.UnixMilli()
	}
	states := s.States
	if len(states) == 0 {
		states = []oncall.State{oncall.Triggered, oncall.Acknowledged, oncall.Resolved}
	}
	state := func(i int) string { return string(states[min(i, len(states)-1)]) }
	statement, depth, bound := searchOpen, depthOpen, searchDepthOpen
	switch {
	case !slices.Contains(states, oncall.Resolved):
	case s.Service != "":
		statement, depth, bound = searchService, depthService, searchDepth
	default:
		statement, depth, bound = searchAll, depthAll, searchDepth
	}
	since := int64(0)
	if !s.ResolvedSince.IsZero() {
		since, bound = s.ResolvedSince.UnixMilli(), min(bound, searchDepthSince)
	}
	id, service := clean(string(s.BeforeID)), clean(string(s.Service))
	found := &Found{}
	err := tx.all(ctx, statement, func(rows row) error {
		inc, err := scanIncident(rows)
		found.Incidents = append(found.Incidents, *inc)
		return err
	}, before, id, service, bound, state(0), state(1), state(2), string(s.Urgency), clean(string(s.Holder)), likeness(s.Text), since, limit+1)
	if err != nil {
		return nil, fmt.Errorf("incidents: %w", err)
	}
	if len(found.Incidents) > limit {
		found.Incidents = found.Incidents[:limit]
		last := &found.Incidents[limit-1]
		found.More, found.Last, found.LastID = true, last.TriggeredAt, last.ID
		return found, nil
	}
	found.More, err = tx.one(ctx, depth, []any{before, id, service, bound - 1}, (*millis)(&found.Last), &found.LastID)
	if err != nil {
		return nil, fmt.Errorf("incidents: %w", err)
	}
	return found, nil
}

// likeness is the pattern of what has text in it; "" for no text.
func likeness(text string) string {
	text = strings.ToLower(strings.TrimSpace(clean(text)))
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}

// OpenCount is how many incidents are open; none is counted above CountedUpTo.
type OpenCount struct{ Triggered, Acknowledged, Held int }

// CountedUpTo is where counting ends: nobody reads further.
const CountedUpTo = 1000

const countOpen = `
	SELECT state, count(*), CAST(SUM(CASE WHEN acknowledged_by = $1 THEN 1 ELSE 0 END) AS BIGINT)
	FROM (SELECT state, acknowledged_by FROM incidents WHERE resolved_at IS NULL AND triggered_at > 0
		ORDER BY triggered_at DESC, id DESC LIMIT $2) V
	GROUP BY state`

// CountOpen counts what is open, and of that what a user has.
func (tx *Tx) CountOpen(ctx context.Context, user oncall.UserID) (open OpenCount, err error) {
	err = tx.all(ctx, countOpen, func(rows row) error {
		var state oncall.State
		var n, held int
		err := rows.Scan(&state, &n, &held)
		switch state {
		case oncall.Triggered:
			open.Triggered = n
		case oncall.Acknowledged:
			open.Acknowledged, open.Held = n, held
		}
		return err
	}, clean(string(user)), CountedUpTo)
	if err != nil {
		return open, fmt.Errorf("open incidents: %w", err)
	}
	return open, nil
}

// OpenOfAll is OpenCount for everybody at once.
type OpenOfAll struct {
	Triggered, Acknowledged int
	Held                    map[oncall.UserID]int
}

const countOpenOfAll = `
	SELECT state, acknowledged_by, count(*)
	FROM (SELECT state, acknowledged_by FROM incidents WHERE resolved_at IS NULL AND triggered_at > 0
		ORDER BY triggered_at DESC, id DESC LIMIT $1) V
	GROUP BY state, acknowledged_by`

// CountOpenOfAll counts what is open, and of that what each user has.
func (tx *Tx) CountOpenOfAll(ctx context.Context) (OpenOfAll, error) {
	open := OpenOfAll{Held: map[oncall.UserID]int{}}
	err := tx.all(ctx, countOpenOfAll, func(rows row) error {
		var state oncall.State
		var user oncall.UserID
		var n int
		err := rows.Scan(&state, into(&user), &n)
		switch state {
		case oncall.Triggered:
			open.Triggered += n
		case oncall.Acknowledged:
			open.Acknowledged += n
			open.Held[user] += n
		}
		return err
	}, CountedUpTo)
	if err != nil {
		return open, fmt.Errorf("open incidents: %w", err)
	}
	return open, nil
}

const selectIncidents = `SELECT ` + incidentColumns + ` FROM incidents WHERE id IN ($1)`

// IncidentsUnlocked returns the incidents without locking them; an unknown one
// is absent.
func (tx *Tx) IncidentsUnlocked(ctx context.Context, names []oncall.IncidentID) (map[oncall.IncidentID]*oncall.Incident, error) {
	return tx.incidents(ctx, selectIncidents, names)
}

const selectDeliveriesAbout = `SELECT ` + deliveryColumns + ` FROM delivery_incidents n JOIN deliveries d ON d.id = n.delivery_id
	WHERE n.incident_id = $1 ORDER BY d.claimed_at DESC, d.id DESC LIMIT $2`

// DeliveriesAbout returns at most limit deliveries that told of an incident, the
// latest first, whether or not they have ended.
func (tx *Tx) DeliveriesAbout(ctx context.Context, incident oncall.IncidentID, limit int) ([]Delivery, error) {
	return tx.deliveries(ctx, selectDeliveriesAbout, clean(string(incident)), limit)
}

const selectTimelineBack = `
	SELECT seq, at, kind, actor, data FROM timeline
	WHERE incident_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`

// TimelineBack returns at most limit lines of an incident's timeline with a Seq
// below beforeSeq (zero = from the last one), the latest first.
func (tx *Tx) TimelineBack(ctx context.Context, id oncall.IncidentID, beforeSeq int64, limit int) ([]oncall.Entry, error) {
	if beforeSeq <= 0 {
		beforeSeq = math.MaxInt64
	}
	var list []oncall.Entry
	err := tx.all(ctx, selectTimelineBack, func(rows row) error {
		e := oncall.Entry{Incident: id}
		err := rows.Scan(&e.Seq, (*millis)(&e.At), &e.Kind, into(&e.Actor), document{&e.Data})
		list = append(list, e)
		return err
	}, clean(string(id)), beforeSeq, limit)
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", id, err)
	}
	return list, nil
}
