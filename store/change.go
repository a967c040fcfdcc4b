package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"toban/oncall"
)

// The topics of changes.
const (
	TopicIncident  = "incident"  // Ref: the incident
	TopicIncidents = "incidents" // any incidents
	TopicDirectory = "directory" // the configuration
	TopicMonitors  = "monitors"  // Ref: a monitor that has turned, "" = some
)

// Change says that something has to be drawn again. It carries nothing: who
// looks at it reads how it stands now, so that one change too many is harmless.
type Change struct {
	// Seq grows with time, on each node; those of another node may turn up a
	// little later with a lower one.
	Seq   int64
	Topic string
	Ref   string
}

// At is when the change was written.
func (c Change) At() time.Time { return time.UnixMilli(c.Seq >> seqShift) }

// The parts of a seq: milliseconds << 20 | node << 12 | n (12 bits). A node's n
// begins anywhere in each millisecond, so that even nodes of the same bits seldom
// meet.
const (
	seqShift  = 20
	nodeShift = 12
	nodeBits  = 1<<(seqShift-nodeShift) - 1
	// maxChanges is how many rows a transaction writes; what changes more is
	// TopicIncidents.
	maxChanges = 8
	// keepChanges is how long a page may have been away and still be told what
	// it has missed.
	keepChanges = 10 * time.Minute
)

// subject is a change without its number.
type subject struct{ topic, ref string }

// Changed notes that something has to be drawn again, once in a transaction.
// Whatever saves incidents or the configuration notes it by itself.
func (tx *Tx) Changed(topic, ref string) {
	if s := (subject{topic, ref}); !slices.Contains(tx.changes, s) {
		tx.changes = append(tx.changes, s)
	}
}

// fewTurned is how many monitors are named one by one: of more the list is drawn
// anew anyway.
const fewTurned = 4

// MonitorsTurned notes that monitors are not what they were.
func (tx *Tx) MonitorsTurned(ids ...oncall.MonitorID) {
	if len(ids) > fewTurned {
		ids = []oncall.MonitorID{""}
	}
	for _, id := range ids {
		tx.Changed(TopicMonitors, string(id))
	}
}

// touch notes that incidents have changed, and wakes who follows them.
func (tx *Tx) touch(ctx context.Context, incidents []*oncall.Incident) error {
	var timers []Timer
	for _, i := range incidents {
		if len(tx.changes) < 4*maxChanges { // enough to see that it is many
			tx.Changed(TopicIncident, string(i.ID))
		}
		timers = append(timers, tx.followers(i.ID, i.Stage)...)
	}
	return tx.PutTimers(ctx, timers...)
}

// follower is a kind of timer, and the stages whose incidents it follows.
type follower struct {
	kind     string
	concerns func(oncall.Stage) bool
}

// Follow makes a timer of that kind due for each incident of a stage that it
// concerns whenever the incident changes, in the transaction that changes it;
// nil ends it. A timer costs as much as a step: what nobody acts on is not to be
// followed.
func (db *DB) Follow(kind string, concerns func(oncall.Stage) bool) {
	db.following.Lock()
	defer db.following.Unlock()
	all := slices.DeleteFunc(slices.Clone(db.followers()), func(f follower) bool { return f.kind == kind })
	if concerns != nil {
		all = append(all, follower{kind, concerns})
	}
	db.follow.Store(&all)
}

func (db *DB) followers() []follower {
	if all := db.follow.Load(); all != nil {
		return *all
	}
	return nil
}

func (tx *Tx) followers(id oncall.IncidentID, stage oncall.Stage) (timers []Timer) {
	for _, f := range tx.db.followers() {
		if f.concerns(stage) {
			timers = append(timers, Timer{Kind: f.kind, Ref: string(id), DueAt: tx.Now})
		}
	}
	return timers
}

// Of nodes whose names come to the same bits two may take one number in one
// millisecond: the later transaction then is run again, with numbers behind.
// Only SQLite's single node passes over a number that is there, from before its
// clock went back: it hears of its changes without the table.
const (
	insertChanges         = `INSERT INTO changes(seq, topic, ref) VALUES ($1, $2, $3) ON CONFLICT (seq) DO NOTHING`
	postgresInsertChanges = `INSERT INTO changes(seq, topic, ref) VALUES ($1, $2, $3)`
)

// flushChanges writes what has to be drawn again.
func (tx *Tx) flushChanges(ctx context.Context) error {
	if len(tx.changes) == 0 {
		return nil
	}
	list := tx.changes
	if len(list) > maxChanges {
		all := subject{TopicIncidents, ""}
		list = slices.DeleteFunc(slices.Clone(list), func(s subject) bool { return s.topic == TopicIncident || s == all })
		list = append(list, all)
	}
	args := make([]any, 0, 3*len(list))
	for _, s := range list {
		c := Change{Seq: tx.db.nextSeq(time.Now()), Topic: s.topic, Ref: s.ref}
		tx.wake.Changes = append(tx.wake.Changes, c)
		args = append(args, c.Seq, c.Topic, c.Ref)
	}
	tx.changes = tx.changes[:0]
	insert := insertChanges
	if tx.db.dialect.postgres {
		insert = postgresInsertChanges
	}
	if err := tx.laterSet(ctx, insert, 3, args); err != nil {
		return fmt.Errorf("changes: %w", err)
	}
	return nil
}

// nextSeq is the number of the next change of this node.
func (db *DB) nextSeq(now time.Time) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(db.node)) // never fails
	from := now.UnixMilli()<<seqShift | int64(h.Sum32()&nodeBits)<<nodeShift | rand.Int64N(1<<nodeShift)
	for {
		last := db.seq.Load()
		next := max(from, last+1)
		if db.seq.CompareAndSwap(last, next) {
			return next
		}
	}
}

// OnChange calls f after each commit of this node with what it changed. f must
// not block and must not call the store. The changes of other nodes are read
// with Changes.
func (db *DB) OnChange(f func([]Change)) (cancel func()) {
	return db.told.subscribe(func(w Wake) {
		if len(w.Changes) > 0 {
			f(w.Changes)
		}
	})
}

const selectChanges = `SELECT seq, topic, ref FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2`

// Changes returns at most limit changes behind a seq, in order.
func (tx *Tx) Changes(ctx context.Context, after int64, limit int) ([]Change, error) {
	var list []Change
	err := tx.all(ctx, selectChanges, func(rows row) error {
		var c Change
		err := rows.Scan(&c.Seq, &c.Topic, &c.Ref)
		list = append(list, c)
		return err
	}, after, limit)
	if err != nil {
		return nil, fmt.Errorf("changes: %w", err)
	}
	return list, nil
}

// SeqAt is a seq that is lower than those of all changes from that time on.
func SeqAt(t time.Time) int64 { return t.UnixMilli() << seqShift }
