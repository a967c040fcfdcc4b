package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"toban/oncall"
)

// Kinds of object that toban watches by. They are not part of the directory: who
// is paged does not depend on them.
const (
	ObjectMonitor  = "monitor"
	ObjectLocation = "location"
)

// Monitors returns the configured monitors and locations in their order.
func (tx *Tx) Monitors(ctx context.Context) (monitors []*oncall.Monitor, locations []*oncall.Location, err error) {
	objects, err := tx.Objects(ctx, ObjectMonitor)
	if err != nil {
		return nil, nil, err
	}
	for _, o := range objects {
		m := &oncall.Monitor{}
		if err := json.Unmarshal(o.Body, m); err != nil {
			return nil, nil, fmt.Errorf("monitor %s: %w", o.Name, err)
		}
		monitors = append(monitors, m)
	}
	if objects, err = tx.Objects(ctx, ObjectLocation); err != nil {
		return nil, nil, err
	}
	for _, o := range objects {
		l := &oncall.Location{}
		if err := json.Unmarshal(o.Body, l); err != nil {
			return nil, nil, fmt.Errorf("location %s: %w", o.Name, err)
		}
		locations = append(locations, l)
	}
	return monitors, locations, nil
}

// MonitorState is how a monitor stands at a location, or as a whole.
type MonitorState struct {
	Monitor  oncall.MonitorID
	Location string // "" = as a whole
	Status   oncall.MonitorStatus
	Since    time.Time
	State    []byte // JSON of oncall.MonitorState, or of oncall.PlaceState for a location
	Version  int64  // of the row that was read; 0 = there was none
}

const selectMonitorStates = `
	SELECT monitor_id, location, status, since, state, version FROM monitor_states
	WHERE monitor_id IN ($1) ORDER BY monitor_id, location`

// MonitorStates returns the rows of some monitors.
func (tx *Tx) MonitorStates(ctx context.Context, monitors []oncall.MonitorID) ([]MonitorState, error) {
	var list []MonitorState
	monitors = slices.Compact(slices.Sorted(slices.Values(monitors)))
	err := tx.queryIn(ctx, selectMonitorStates, ids(monitors), func(rows row) error {
		s, err := scanMonitorState(rows)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("states of monitors: %w", err)
	}
	return list, nil
}

const selectMonitorStatesAfter = `
	SELECT monitor_id, location, status, since, state, version FROM monitor_states
	WHERE monitor_id > $1 AND location = '' ORDER BY monitor_id LIMIT $2`

// MonitorStatesAfter returns how monitors stand as a whole, whether or not they
// are configured, in the order of their names behind one.
func (tx *Tx) MonitorStatesAfter(ctx context.Context, after oncall.MonitorID, limit int) ([]MonitorState, error) {
	var list []MonitorState
	err := tx.all(ctx, selectMonitorStatesAfter, func(rows row) error {
		s, err := scanMonitorState(rows)
		list = append(list, s)
		return err
	}, string(after), limit)
	if err != nil {
		return nil, fmt.Errorf("states of monitors: %w", err)
	}
	return list, nil
}

func scanMonitorState(rows row) (s MonitorState, err error) {
	err = rows.Scan(&s.Monitor, &s.Location, &s.Status, (*millis)(&s.Since), &s.State, &s.Version)
	return s, err
}

const upsertMonitorState = `
	INSERT INTO monitor_states(monitor_id, location, status, since, state, version) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (monitor_id, location) DO UPDATE SET status = excluded.status, since = excluded.since, state = excluded.state,
		version = excluded.version
	WHERE monitor_states.version = excluded.version - 1
	RETURNING monitor_id, location`

// SaveMonitorStates writes rows over those that were read, each under the version
// after the one that it names, and returns which were not written, because
// another node has: whoever gets one back does not own that monitor any more, or
// has to read it again.
func (tx *Tx) SaveMonitorStates(ctx context.Context, states []MonitorState) (lost []MonitorState, err error) {
	type key struct {
		monitor  oncall.MonitorID
		location string
	}
	states = slices.Clone(states)
	slices.SortStableFunc(states, func(a, b MonitorState) int {
		return cmp.Or(strings.Compare(string(a.Monitor), string(b.Monitor)), strings.Compare(a.Location, b.Location))
	})
	args := make([]any, 0, 6*len(states))
	for i := range states {
		s := &states[i]
		args = append(args, string(s.Monitor), s.Location, string(s.Status), s.Since.UnixMilli(), string(s.State), s.Version+1)
	}
	written := make(map[key]bool, len(states))
	err = chunks(args, 6, func(rows int, part []any) error {
		return tx.query(ctx, tx.db.sentence(upsertMonitorState, 6, rows), part, func(rows row) error {
			var k key
			err := rows.Scan(&k.monitor, &k.location)
			written[k] = true
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("states of monitors: %w", err)
	}
	for _, s := range states {
		if !written[key{s.Monitor, s.Location}] {
			lost = append(lost, s)
		}
	}
	return lost, nil
}

const (
	deleteMonitorStates   = `DELETE FROM monitor_states WHERE monitor_id IN ($1)`
	deleteMonitorFailures = `DELETE FROM monitor_failures WHERE monitor_id IN ($1)`
)

// ForgetMonitors removes how monitors stand and why they failed; their days stay
// until they are swept.
func (tx *Tx) ForgetMonitors(ctx context.Context, monitors []oncall.MonitorID) error {
	for _, statement := range []string{deleteMonitorStates, deleteMonitorFailures} {
		if _, err := tx.execSet(ctx, statement, 1, ids(monitors)); err != nil {
			return fmt.Errorf("forget monitors: %w", err)
		}
	}
	return nil
}
