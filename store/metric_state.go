package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"toban/oncall"
)

// MetricState is how a metric of a monitor stands, and what is to be said of it.
type MetricState struct {
	Monitor oncall.MonitorID
	Name    string // of the metric
	State   oncall.MetricState
	NextAt  time.Time // when it is judged; zero = not by itself
	Voice   HeartbeatVoice
	// Speaker is the node that is handing the first of Voice.Owed on, until then.
	Speaker     string
	SpeaksUntil time.Time
}

// TimerMetric is the kind of timer of a metric's deadline. Ref: MetricStateID.
const TimerMetric = "metric"

// ID is the name of its row.
func (m *MetricState) ID() string { return MetricStateID(m.Monitor, m.Name) }

// MetricStateID is the name of the row of a monitor's metric. No metric has a
// slash in its name.
func MetricStateID(monitor oncall.MonitorID, name string) string { return string(monitor) + "/" + name }

// SplitMetricStateID is the inverse of MetricStateID.
func SplitMetricStateID(id string) (monitor oncall.MonitorID, name string) {
	at := strings.LastIndexByte(id, '/')
	return oncall.MonitorID(id[:max(at, 0)]), id[at+1:]
}

const (
	metricStateColumns = `monitor_id, name, state, next_at, voice, speaker, speaks_until`

	metricStatesAfter     = `SELECT ` + metricStateColumns + ` FROM metric_states WHERE id > $1 ORDER BY id LIMIT $2`
	lockMetricStatesAfter = metricStatesAfter + ` ` + markLock
	selectMetricStates    = `SELECT ` + metricStateColumns + ` FROM metric_states WHERE id IN ($1)`
	lockMetricStates      = selectMetricStates + ` ORDER BY id ` + markLock
	insertMetricStates    = `
		INSERT INTO metric_states(id, monitor_id, name, level, state, next_at, voice, speaker, speaks_until, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
		ON CONFLICT (id) DO NOTHING`
	upsertMetricStates = `
		INSERT INTO metric_states(id, monitor_id, name, level, state, next_at, voice, speaker, speaks_until, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
		ON CONFLICT (id) DO UPDATE SET level = excluded.level, state = excluded.state, next_at = excluded.next_at,
			voice = excluded.voice, speaker = excluded.speaker, speaks_until = excluded.speaks_until, version = metric_states.version + 1`
	deleteMetricStates = `DELETE FROM metric_states WHERE id IN ($1)`
)

func scanMetricState(rows row) (*MetricState, error) {
	var m MetricState
	err := rows.Scan(&m.Monitor, &m.Name, document{&m.State}, (*millis)(&m.NextAt), document{&m.Voice}, into(&m.Speaker), (*millis)(&m.SpeaksUntil))
	return &m, err
}

// MetricStates returns how all metrics of monitors stand. With lock they are held
// until the end of the transaction.
func (tx *Tx) MetricStates(ctx context.Context, lock bool) ([]*MetricState, error) {
	statement := metricStatesAfter
	if lock {
		statement = lockMetricStatesAfter
	}
	const page = 500
	var list []*MetricState
	for last := ""; ; last = list[len(list)-1].ID() {
		before := len(list)
		err := tx.all(ctx, statement, func(rows row) error {
			m, err := scanMetricState(rows)
			list = append(list, m)
			return err
		}, last, page)
		if err != nil {
			return nil, fmt.Errorf("states of metrics: %w", err)
		}
		if len(list)-before < page {
			return list, nil
		}
	}
}

// LockMetricStates returns those by their ids, held until the end of the
// transaction; what does not exist is missing. It waits for who holds one.
func (tx *Tx) LockMetricStates(ctx context.Context, refs []string) (map[string]*MetricState, error) {
	refs = slices.Compact(slices.Sorted(slices.Values(refs)))
	found := make(map[string]*MetricState, len(refs))
	err := tx.queryIn(ctx, lockMetricStates, ids(refs), func(rows row) error {
		m, err := scanMetricState(rows)
		found[m.ID()] = m
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("states of metrics: %w", err)
	}
	return found, nil
}

// MakeMetricStates makes rows; those that exist are left as they are. Who wants to
// write one locks it afterwards.
func (tx *Tx) MakeMetricStates(ctx context.Context, list ...*MetricState) error {
	return tx.writeMetricStates(ctx, insertMetricStates, list)
}

// SaveMetricStates writes rows, each once. Who saves one that exists holds it.
func (tx *Tx) SaveMetricStates(ctx context.Context, list ...*MetricState) error {
	return tx.writeMetricStates(ctx, upsertMetricStates, list)
}

func (tx *Tx) writeMetricStates(ctx context.Context, statement string, list []*MetricState) error {
	const width = 9
	list = slices.SortedFunc(slices.Values(list), func(a, b *MetricState) int { return cmp.Compare(a.ID(), b.ID()) })
	args := make([]any, 0, width*len(list))
	for _, m := range list {
		state, err := encode(m.State)
		if err != nil {
			return fmt.Errorf("metric %s: %w", m.ID(), err)
		}
		voice, err := encode(m.Voice)
		if err != nil {
			return fmt.Errorf("metric %s: %w", m.ID(), err)
		}
		args = append(args, clean(m.ID()), clean(string(m.Monitor)), m.Name, string(m.State.Level), clean(state), ms(m.NextAt), clean(voice), str(m.Speaker), ms(m.SpeaksUntil))
	}
	if _, err := tx.execSet(ctx, statement, width, args); err != nil {
		return fmt.Errorf("states of metrics: %w", err)
	}
	return nil
}

// DeleteMetricStates removes rows with their timers.
func (tx *Tx) DeleteMetricStates(ctx context.Context, refs ...string) error {
	if err := tx.queryIn(ctx, deleteMetricStates, ids(refs), func(row) error { return nil }); err != nil {
		return fmt.Errorf("states of metrics: %w", err)
	}
	return tx.DeleteTimers(ctx, TimerMetric, refs...)
}
