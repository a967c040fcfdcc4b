package store

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"toban/oncall"
)

// KeepPings is how many pings of a heartbeat are kept.
const KeepPings = 100

// MaxPingBody is how much of what a ping has with it is kept, in bytes.
const MaxPingBody = 10_000

// maxPingAgent is how much is kept of what a sender calls itself, in bytes.
const maxPingAgent = 200

// Ping is a ping as it is kept.
type Ping struct {
	oncall.HeartbeatPing
	Monitor oncall.MonitorID
	N       int64  // the n-th of its heartbeat, from 1
	Method  string // HTTP
	Address string // of the sender
	Agent   string // what the sender calls itself
	Body    string // its first MaxPingBody bytes
}

const upsertPings = `
	INSERT INTO pings(monitor_id, slot, n, at, kind, run, exit_status, duration_ms, method, address, agent, body)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
	ON CONFLICT (monitor_id, slot) DO UPDATE SET n = excluded.n, at = excluded.at, kind = excluded.kind, run = excluded.run,
		exit_status = excluded.exit_status, duration_ms = excluded.duration_ms, method = excluded.method,
		address = excluded.address, agent = excluded.agent, body = excluded.body`

// AddPings keeps pings, at most KeepPings of one heartbeat at a time, in place of
// those that many before. Who adds one holds its heartbeat.
func (tx *Tx) AddPings(ctx context.Context, pings ...Ping) error {
	const width = 12
	args := make([]any, 0, width*len(pings))
	for _, p := range pings {
		var exit, took any
		if p.Exit != nil {
			exit = int64(*p.Exit)
		}
		if p.Took > 0 {
			took = p.Took.Milliseconds()
		}
		args = append(args, clean(string(p.Monitor)), p.N%KeepPings, p.N, p.At.UnixMilli(), string(p.Kind), str(clean(p.Run)), exit, took,
			bounded(p.Method, maxPingAgent), bounded(p.Address, maxPingAgent), bounded(p.Agent, maxPingAgent), bounded(p.Body, MaxPingBody))
	}
	if err := tx.laterSet(ctx, upsertPings, width, args); err != nil {
		return fmt.Errorf("pings: %w", err)
	}
	return nil
}

// bounded is text from outside, cut to n bytes between two letters and fit for a
// column.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
		for range utf8.UTFMax - 1 {
			if last, size := utf8.DecodeLastRuneInString(s); last != utf8.RuneError || size != 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	return clean(s)
}

const pingColumns = `monitor_id, n, at, kind, run, exit_status, duration_ms, method, address, agent, body`

const selectPings = `SELECT ` + pingColumns + ` FROM pings WHERE monitor_id = $1 AND n < $2 ORDER BY n DESC LIMIT $3`

// Pings returns at most limit pings of a heartbeat before the n-th, 0 for all,
// the last one first.
func (tx *Tx) Pings(ctx context.Context, monitor oncall.MonitorID, before int64, limit int) ([]Ping, error) {
	if before <= 0 {
		before = 1 << 62
	}
	var list []Ping
	err := tx.all(ctx, selectPings, func(rows row) error {
		p, err := scanPing(rows)
		list = append(list, p)
		return err
	}, clean(string(monitor)), before, limit)
	if err != nil {
		return nil, fmt.Errorf("pings of %s: %w", monitor, err)
	}
	return list, nil
}

func scanPing(rows row) (p Ping, err error) {
	var exit, took *int64
	err = rows.Scan(&p.Monitor, &p.N, (*millis)(&p.At), &p.Kind, into(&p.Run), &exit, &took, &p.Method, &p.Address, &p.Agent, &p.Body)
	if exit != nil {
		status := int(*exit)
		p.Exit = &status
	}
	if took != nil {
		p.Took = time.Duration(*took) * time.Millisecond
	}
	return p, err
}
