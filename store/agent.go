package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

// Agent is a program that asks from a location, as it was last heard of.
type Agent struct {
	Location string
	ID       string // of its own making, new with each start
	Version  string // of the program
	PolledAt time.Time
	// Problems are why it can't ask some of its monitors.
	Problems map[oncall.MonitorID]string
}

const upsertAgent = `
	INSERT INTO agents(location, id, version, polled_at, problems) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (location, id) DO UPDATE SET version = excluded.version, polled_at = excluded.polled_at, problems = excluded.problems`

// SaveAgent writes down that an agent was there at tx.Now.
func (tx *Tx) SaveAgent(ctx context.Context, a Agent) error {
	problems, err := encode(a.Problems)
	if err == nil {
		_, err = tx.do(ctx, upsertAgent, clean(a.Location), clean(a.ID), clean(a.Version), tx.Now.UnixMilli(), clean(problems))
	}
	if err != nil {
		return fmt.Errorf("agent at %s: %w", a.Location, err)
	}
	return nil
}

const selectAgents = `SELECT location, id, version, polled_at, problems FROM agents ORDER BY location, id`

// Agents returns the agents that were there lately.
func (tx *Tx) Agents(ctx context.Context) (list []Agent, err error) {
	err = tx.all(ctx, selectAgents, func(rows row) error {
		var a Agent
		err := rows.Scan(&a.Location, &a.ID, &a.Version, (*millis)(&a.PolledAt), document{&a.Problems})
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("agents: %w", err)
	}
	return list, nil
}

const sweepAgents = `DELETE FROM agents WHERE polled_at < $1`

// KeepAgents is how long an agent is remembered after it was last there.
const KeepAgents = 24 * time.Hour

// SweepAgents forgets agents that were not there for KeepAgents.
func (tx *Tx) SweepAgents(ctx context.Context) error {
	if _, err := tx.do(ctx, sweepAgents, tx.Now.Add(-KeepAgents).UnixMilli()); err != nil {
		return fmt.Errorf("agents: %w", err)
	}
	return nil
}
