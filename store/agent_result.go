package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"toban/internal/id"
)

// AgentResults are results of one location on their way to the node that watches
// its monitors.
type AgentResults struct {
	ID       string // "" = the store makes one; they are in the order of their time
	Node     string // that they are for
	Location string
	Body     []byte // JSON of whoever hands them over
}

const insertAgentResults = `INSERT INTO agent_results(id, node, location, body, created_at) VALUES ($1, $2, $3, $4, $5)`

// SendAgentResults leaves results for other nodes.
func (tx *Tx) SendAgentResults(ctx context.Context, list []AgentResults) error {
	const width = 5
	args := make([]any, 0, width*len(list))
	for i, r := range list {
		if r.ID == "" { // a millisecond for each: within one, names have no order
			r.ID = id.At(resultsPrefix, tx.Now.Add(time.Duration(i)*time.Millisecond))
		}
		args = append(args, r.ID, r.Node, clean(r.Location), clean(string(r.Body)), tx.Now.UnixMilli())
	}
	if _, err := tx.execSet(ctx, insertAgentResults, width, args); err != nil {
		return fmt.Errorf("results of agents: %w", err)
	}
	return nil
}

const resultsPrefix = "agr"

const takeAgentResults = `
	DELETE FROM agent_results WHERE id IN (SELECT id FROM agent_results WHERE node = $1 ORDER BY id LIMIT $2 ` + markSkip + `)
	RETURNING id, location, body`

// TakeAgentResults takes at most limit of those that are left for this node, the
// oldest first. Whoever takes them is the only one who has them.
func (tx *Tx) TakeAgentResults(ctx context.Context, limit int) (list []AgentResults, err error) {
	node := tx.db.node
	err = tx.all(ctx, takeAgentResults, func(rows row) error {
		r := AgentResults{Node: node}
		err := rows.Scan(&r.ID, &r.Location, &r.Body)
		list = append(list, r)
		return err
	}, node, limit)
	if err != nil {
		return nil, fmt.Errorf("results of agents: %w", err)
	}
	slices.SortFunc(list, func(a, b AgentResults) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// keepAgentResults is how long results wait for a node: what is older says
// nothing of now.
const keepAgentResults = time.Minute

const sweepAgentResults = `
	DELETE FROM agent_results WHERE id IN
		(SELECT id FROM agent_results WHERE id < $1 ORDER BY id LIMIT $2 ` + markSkip + `)`

// SweepAgentResults removes at most limit results that nobody has taken.
func (tx *Tx) SweepAgentResults(ctx context.Context, limit int) (int, error) {
	n, err := tx.do(ctx, sweepAgentResults, madeAt(resultsPrefix, tx.Now.Add(-keepAgentResults)), limit)
	if err != nil {
		return 0, fmt.Errorf("results of agents: %w", err)
	}
	return int(n), nil
}
