package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"toban/internal/id"
)

// AuditEntry is one change: who, what, before, after. Changes of incidents are in
// their timelines.
type AuditEntry struct {
	ID     string // made by AddAudit; those of one node sort as they were added
	At     time.Time
	Actor  string // an account; "toban" where nobody asked for it
	Via    string // page, api, cli, link; "" where nobody asked for it
	Action string // a verb, such as "disabled"
	Kind   string // of what was changed
	Name   string // which one
	Before json.RawMessage
	After  json.RawMessage
}

// AuditFilter says which entries are listed: the newest first.
type AuditFilter struct {
	Kind   string // "" = all
	Name   string // "" = all
	Actor  string // "" = all
	Before string // the ID of the last entry of the page before; "" = from the newest
	Limit  int    // 1 to 1000; zero = 50
}

const auditPrefix = "aud"

// behindAll sorts after every id there is, in any collation.
const behindAll = auditPrefix + "_z"

// auditID is the next id: an ordinary one with the node's count after its time.
func (db *DB) auditID() string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	seq := db.nextSeq(time.Now())
	name := []byte(id.At(auditPrefix, time.UnixMilli(seq>>seqShift)))
	for i := range seqShift / 5 {
		name[len(auditPrefix)+1+timeDigits+i] = digits[seq>>(seqShift-5*(i+1))&31]
	}
	return string(name)
}

const insertAudit = `
	INSERT INTO audit(id, at, actor, via, action, kind, name, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// AddAudit writes down a change that tx makes. It is never removed: who changed
// what is asked years later.
func (tx *Tx) AddAudit(ctx context.Context, e AuditEntry) error {
	_, err := tx.do(ctx, insertAudit, tx.db.auditID(), tx.Now.UnixMilli(), clean(e.Actor), clean(e.Via),
		clean(e.Action), clean(e.Kind), clean(e.Name), str(clean(string(e.Before))), str(clean(string(e.After))))
	if err != nil {
		return fmt.Errorf("audit of %s %s: %w", e.Kind, e.Name, err)
	}
	return nil
}

const (
	auditColumns = `id, at, actor, via, action, kind, name, before, after`
	selectAudit  = `SELECT ` + auditColumns + ` FROM audit
		WHERE id < $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR name = $3) AND ($4 = '' OR actor = $4)
		ORDER BY id DESC LIMIT $5`
	// The log grows for ever, so what is asked most goes by an index of its own.
	selectAuditOfKind = `SELECT ` + auditColumns + ` FROM audit
		WHERE id < $1 AND kind = $2 AND ($3 = '' OR name = $3) AND ($4 = '' OR actor = $4)
		ORDER BY id DESC LIMIT $5`
	selectAuditOfActor = `SELECT ` + auditColumns + ` FROM audit
		WHERE id < $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR name = $3) AND actor = $4
		ORDER BY id DESC LIMIT $5`
)

// Audit returns changes, the newest first.
func (tx *Tx) Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	limit := 50
	if f.Limit > 0 {
		limit = min(f.Limit, 1000)
	}
	before := behindAll
	if f.Before != "" {
		before = clean(f.Before)
	}
	statement := selectAudit
	switch {
	case f.Kind != "":
		statement = selectAuditOfKind
	case f.Actor != "":
		statement = selectAuditOfActor
	}
	var list []AuditEntry
	err := tx.all(ctx, statement, func(rows row) error {
		var e AuditEntry
		var was, is string
		err := rows.Scan(&e.ID, (*millis)(&e.At), &e.Actor, &e.Via, &e.Action, &e.Kind, &e.Name, into(&was), into(&is))
		if was != "" {
			e.Before = json.RawMessage(was)
		}
		if is != "" {
			e.After = json.RawMessage(is)
		}
		list = append(list, e)
		return err
	}, before, clean(f.Kind), clean(f.Name), clean(f.Actor), limit)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return list, nil
}
