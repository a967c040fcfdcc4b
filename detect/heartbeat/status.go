package heartbeat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"toban/detect/saying"
	"toban/oncall"
	"toban/store"
)

// Status is how a heartbeat stands, as pages show it. It has no address in it:
// those are for who may see them, see Listener.Addresses.
type Status struct {
	Monitor *oncall.Monitor
	Status  oncall.HeartbeatStatus // late as well
	Since   time.Time              // of what is saved: one that is late is up since then
	State   oncall.HeartbeatState

	Expected time.Time     // when the next report is; zero = none is
	Deadline time.Time     // when it is down without one; zero = never
	Typical  time.Duration // the median of the last run times; 0 = not known
	Why      string        // why it is down, as a sentence; "" when it is not
}

// Status returns how the heartbeats that are configured stand, by their names.
func (l *Listener) Status(ctx context.Context) ([]Status, error) {
	var rows []*store.Heartbeat
	err := l.o.DB.Read(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Heartbeats(ctx, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l.statuses(rows), nil
}

// StatusOf is Status of one; ok is false for one that is not configured.
func (l *Listener) StatusOf(ctx context.Context, id oncall.MonitorID) (s Status, ok bool, err error) {
	var rows []*store.Heartbeat
	err = l.o.DB.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Heartbeat(ctx, id)
		if row != nil {
			rows = append(rows, row)
		}
		return err
	})
	if list := l.statuses(rows); len(list) == 1 && err == nil {
		return list[0], true, nil
	}
	return Status{}, false, err
}

func (l *Listener) statuses(rows []*store.Heartbeat) []Status {
	now := time.Now()
	list := make([]Status, 0, len(rows))
	for _, row := range rows {
		e := l.entry(row.Monitor)
		if e == nil || row.Voice.Gone {
			continue
		}
		s := Status{
			Monitor: e.monitor, Status: e.plan.Now(row.State, now), Since: row.State.Since, State: row.State,
			Expected: e.plan.Expected(row.State), Typical: row.State.Typical(),
		}
		if s.Status != oncall.HeartbeatDown {
			s.Deadline = e.plan.Deadline(row.State)
		} else {
			_, s.Why = l.sentences(saying.Words{Zone: l.spokenIn().Zone}, row.State, e)
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Status) int { return cmp.Compare(a.Monitor.ID, b.Monitor.ID) })
	return list
}

// Pings returns at most limit of the last pings of a heartbeat before the n-th, 0
// for all, the last one first, with what they had with them. store.KeepPings are
// kept.
func (l *Listener) Pings(ctx context.Context, id oncall.MonitorID, before int64, limit int) (pings []store.Ping, err error) {
	err = l.o.DB.Read(ctx, func(tx *store.Tx) error {
		pings, err = tx.Pings(ctx, id, before, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("heartbeat %s: %w", id, err)
	}
	return pings, nil
}
