package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"
)

// Change says that what pages show under a topic is no longer so.
type Change struct {
	Seq   int64
	At    time.Time
	Topic string
	Ref   string // "" = many
}

// TopicIncidents is the topic of changes of incidents; the ref is an incident.
const TopicIncidents = "incidents"

// keepChanges is how long a change is kept.
const keepChanges = 10 * time.Minute

// A change's seq is made of the time and the node, since a counter's row would
// serialise all commits: milliseconds, eight bits of the node, twelve that count.
// Commits of two nodes may come out of order; readers look a little back.
func nodeBits(node string) int64 {
	h := fnv.New32a()
	h.Write([]byte(node))
	return int64(h.Sum32() & 0xff)
}

const insertChanges = `
	INSERT INTO changes(seq, at, topic, ref) VALUES ($1, $2, $3, $4)
	ON CONFLICT (seq) DO NOTHING`

// Changed tells pages that something under a topic has changed.
func (tx *Tx) Changed(ctx context.Context, topic string, refs ...string) error {
	args := make([]any, 0, 4*len(refs))
	for _, ref := range refs {
		seq := tx.Now.UnixMilli()<<20 | tx.db.nodeBit<<12 | tx.db.seq.Add(1)&0xfff
		args = append(args, seq, tx.Now.UnixMilli(), topic, ref)
	}
	if err := tx.laterSet(ctx, insertChanges, 4, args); err != nil {
		return fmt.Errorf("changes: %w", err)
	}
	return nil
}

const selectChanges = `SELECT seq, at, topic, ref FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2`

// Changes returns at most limit changes behind seq, in order.
func (tx *Tx) Changes(ctx context.Context, seq int64, limit int) ([]Change, error) {
	var list []Change
	err := tx.all(ctx, selectChanges, func(rows row) error {
		var c Change
		err := rows.Scan(&c.Seq, (*millis)(&c.At), &c.Topic, &c.Ref)
		list = append(list, c)
		return err
	}, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	return list, nil
}

const deleteChanges = `DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE at < $1 ORDER BY at LIMIT $2)`

// SweepChanges removes at most limit changes that are older than ten minutes.
func (tx *Tx) SweepChanges(ctx context.Context, limit int) (int, error) {
	n, err := tx.do(ctx, deleteChanges, tx.Now.Add(-keepChanges).UnixMilli(), limit)
	if err != nil {
		return 0, fmt.Errorf("changes: %w", err)
	}
	return int(n), nil
}
