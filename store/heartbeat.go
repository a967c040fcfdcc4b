package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"toban/oncall"
)

// Heartbeat is how a heartbeat stands, and what is to be said about it.
type Heartbeat struct {
	Monitor oncall.MonitorID
	State   oncall.HeartbeatState
	NextAt  time.Time // when it is judged; zero = not by itself
	Voice   HeartbeatVoice
	// Speaker is the node that is handing the first of Voice.Owed on, until then.
	Speaker     string
	SpeaksUntil time.Time
}

// HeartbeatVoice is what the alert stage has been told of a heartbeat, and what it
// is still to be told: it is written down together with the state that wants it,
// and crossed off once it is accepted, so that no crash loses it.
type HeartbeatVoice struct {
	// Opened is the trigger that the resolve has to fit: its service and labels may
	// be others by then.
	Opened *oncall.Signal  `json:"opened,omitempty"`
	Owed   []oncall.Signal `json:"owed,omitempty"` // in this order
	// Gone says that the heartbeat is no longer configured: the row goes when
	// nothing is owed.
	Gone bool `json:"gone,omitempty"`
}

// TimerHeartbeat is the kind of timer of a heartbeat's deadline. Ref: monitor.
const TimerHeartbeat = "heartbeat"

const (
	heartbeatColumns = `monitor_id, state, next_at, voice, speaker, speaks_until`

	selectHeartbeats  = `SELECT ` + heartbeatColumns + ` FROM heartbeats WHERE monitor_id > $1 ORDER BY monitor_id LIMIT $2`
	lockAllHeartbeats = selectHeartbeats + ` ` + markLock
	selectHeartbeat   = `SELECT ` + heartbeatColumns + ` FROM heartbeats WHERE monitor_id IN ($1)`
	lockHeartbeats    = selectHeartbeat + ` ORDER BY monitor_id ` + markLock
	skipHeartbeats    = selectHeartbeat + ` ORDER BY monitor_id ` + markSkip
)

func scanHeartbeat(rows row) (*Heartbeat, error) {
	var h Heartbeat
	err := rows.Scan(&h.Monitor, document{&h.State}, (*millis)(&h.NextAt), document{&h.Voice}, into(&h.Speaker), (*millis)(&h.SpeaksUntil))
	return &h, err
}

// Heartbeats returns how all heartbeats stand, by their names. With lock they are
// held until the end of the transaction.
func (tx *Tx) Heartbeats(ctx context.Context, lock bool) ([]*Heartbeat, error) {
	statement := selectHeartbeats
	if lock {
		statement = lockAllHeartbeats
	}
	const page = 500
	var list []*Heartbeat
	for last := oncall.MonitorID(""); ; last = list[len(list)-1].Monitor {
		before := len(list)
		err := tx.all(ctx, statement, func(rows row) error {
			h, err := scanHeartbeat(rows)
			list = append(list, h)
			return err
		}, string(last), page)
		if err != nil {
			return nil, fmt.Errorf("heartbeats: %w", err)
		}
		if len(list)-before < page {
			return list, nil
		}
	}
}

// Heartbeat returns how one stands, nil where there is none.
func (tx *Tx) Heartbeat(ctx context.Context, monitor oncall.MonitorID) (*Heartbeat, error) {
	found, err := tx.heartbeats(ctx, selectHeartbeat, []oncall.MonitorID{monitor})
	return found[monitor], err
}

// LockHeartbeats returns those heartbeats, held until the end of the transaction;
// what does not exist is missing. It waits for who holds one.
func (tx *Tx) LockHeartbeats(ctx context.Context, monitors []oncall.MonitorID) (map[oncall.MonitorID]*Heartbeat, error) {
	return tx.heartbeats(ctx, lockHeartbeats, monitors)
}

// SkipHeartbeats is LockHeartbeats that waits for nobody: what another
// transaction holds is in busy.
func (tx *Tx) SkipHeartbeats(ctx context.Context, monitors []oncall.MonitorID) (held map[oncall.MonitorID]*Heartbeat, busy []oncall.MonitorID, err error) {
	if held, err = tx.heartbeats(ctx, skipHeartbeats, monitors); err != nil || len(held) == len(monitors) {
		return held, nil, err
	}
	var rest []oncall.MonitorID
	for _, m := range monitors {
		if held[m] == nil {
			rest = append(rest, m)
		}
	}
	there, err := tx.heartbeats(ctx, selectHeartbeat, rest)
	if err != nil {
		return nil, nil, err
	}
	for m := range there {
		busy = append(busy, m)
	}
	slices.Sort(busy)
	return held, busy, nil
}

func (tx *Tx) heartbeats(ctx context.Context, statement string, monitors []oncall.MonitorID) (map[oncall.MonitorID]*Heartbeat, error) {
	// In one order for everybody, also where they are more than fit into one statement.
	monitors = slices.Compact(slices.Sorted(slices.Values(monitors)))
	found := make(map[oncall.MonitorID]*Heartbeat, len(monitors))
	err := tx.queryIn(ctx, statement, ids(monitors), func(rows row) error {
		h, err := scanHeartbeat(rows)
		found[h.Monitor] = h
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("heartbeats: %w", err)
	}
	return found, nil
}

const upsertHeartbeats = `
	INSERT INTO heartbeats(monitor_id, state, status, next_at, voice, speaker, speaks_until, version)
	VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
	ON CONFLICT (monitor_id) DO UPDATE SET state = excluded.state, status = excluded.status, next_at = excluded.next_at,
		voice = excluded.voice, speaker = excluded.speaker, speaks_until = excluded.speaks_until, version = heartbeats.version + 1`

// SaveHeartbeats writes heartbeats, each once. Who saves one that exists holds it.
func (tx *Tx) SaveHeartbeats(ctx context.Context, list ...*Heartbeat) error {
	const width = 7
	list = slices.SortedFunc(slices.Values(list), func(a, b *Heartbeat) int { return cmp.Compare(a.Monitor, b.Monitor) })
	args := make([]any, 0, width*len(list))
	for _, h := range list {
		state, err := encode(h.State)
		if err != nil {
			return fmt.Errorf("heartbeat %s: %w", h.Monitor, err)
		}
		voice, err := encode(h.Voice)
		if err != nil {
			return fmt.Errorf("heartbeat %s: %w", h.Monitor, err)
		}
		args = append(args, clean(string(h.Monitor)), clean(state), string(h.State.Status), ms(h.NextAt), clean(voice), str(h.Speaker), ms(h.SpeaksUntil))
	}
	if err := tx.laterSet(ctx, upsertHeartbeats, width, args); err != nil {
		return fmt.Errorf("heartbeats: %w", err)
	}
	return nil
}

const (
	deleteHeartbeats = `DELETE FROM heartbeats WHERE monitor_id IN ($1)`
	deletePings      = `DELETE FROM pings WHERE monitor_id IN ($1)`
)

// DeleteHeartbeats removes heartbeats with their pings and their timers.
func (tx *Tx) DeleteHeartbeats(ctx context.Context, monitors ...oncall.MonitorID) error {
	for _, statement := range []string{deleteHeartbeats, deletePings} {
		if err := tx.queryIn(ctx, statement, ids(monitors), func(row) error { return nil }); err != nil {
			return fmt.Errorf("heartbeats: %w", err)
		}
	}
	refs := make([]string, len(monitors))
	for i, m := range monitors {
		refs[i] = string(m)
	}
	return tx.DeleteTimers(ctx, TimerHeartbeat, refs...)
}
