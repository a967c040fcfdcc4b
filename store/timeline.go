package store

import (
	"context"
	"fmt"

	"toban/oncall"
)

const insertEntries = `INSERT INTO timeline(incident_id, seq, at, kind, actor, data) VALUES ($1, $2, $3, $4, $5, $6)`

// entryWidth is how many arguments insertEntries takes a row.
const entryWidth = 6

func entryArgs(e *oncall.Entry) ([]any, error) {
	data, err := encode(&e.Data)
	if err != nil {
		return nil, fmt.Errorf("entry %s/%d: %w", e.Incident, e.Seq, err)
	}
	return []any{string(e.Incident), e.Seq, e.At.UnixMilli(), string(e.Kind), str(clean(e.Actor)), data}, nil
}

// AddEntries adds lines to the timeline of inc, which tx holds: it gives them
// their Seq from inc.Entries, which it raises. The caller then saves inc. They
// are written as a set before the next SaveIncidents, Timeline or the end of tx.
// A line without a time is of tx.Now.
func (tx *Tx) AddEntries(_ context.Context, inc *oncall.Incident, entries ...oncall.Entry) error {
	for _, e := range entries {
		inc.Entries++
		e.Incident, e.Seq = inc.ID, inc.Entries
		if e.At.IsZero() {
			e.At = tx.Now
		}
		tx.entries = append(tx.entries, e)
	}
	return nil
}

// flush writes the lines that AddEntries collected.
func (tx *Tx) flush(ctx context.Context) error {
	if len(tx.entries) == 0 {
		return nil
	}
	args := make([]any, 0, entryWidth*len(tx.entries))
	for i := range tx.entries {
		row, err := entryArgs(&tx.entries[i])
		if err != nil {
			return err
		}
		args = append(args, row...)
	}
	tx.entries = tx.entries[:0]
	if _, err := tx.execSet(ctx, insertEntries, entryWidth, args); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	return nil
}

const selectTimeline = `
	SELECT seq, at, kind, actor, data FROM timeline
	WHERE incident_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`

// Timeline returns at most limit lines of an incident's timeline with a Seq
// above afterSeq, in order; limit zero = 500.
func (tx *Tx) Timeline(ctx context.Context, id oncall.IncidentID, afterSeq int64, limit int) ([]oncall.Entry, error) {
	if err := tx.flush(ctx); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = 500
	}
	var list []oncall.Entry
	err := tx.all(ctx, selectTimeline, func(rows row) error {
		e := oncall.Entry{Incident: id}
		err := rows.Scan(&e.Seq, (*millis)(&e.At), &e.Kind, into(&e.Actor), document{&e.Data})
		list = append(list, e)
		return err
	}, clean(string(id)), afterSeq, limit)
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", id, err)
	}
	return list, nil
}
