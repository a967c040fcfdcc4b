package access

import (
	"context"
	"fmt"

	"toban/store"
)

// The kinds of what this package changes, as the audit log calls them.
const (
	KindAccount = "account"
	KindSession = "session"
	KindToken   = "token"
)

// Toban is who is named in the audit log where nobody asked for a change.
const Toban = "toban"

// Record writes down in tx who makes a change, which is who asks in ctx, and what
// it is: a verb, the kind and name of what is changed, and how it is before and
// after (nil = it is not there). They become JSON with sorted keys, in which
// secrets and telephone numbers are masked; what takes more than 16 KiB is only
// named by its size and hash. The log is kept for ever.
func Record(ctx context.Context, tx *store.Tx, action, kind, name string, before, after any) error {
	e := store.AuditEntry{Actor: Toban, Action: action, Kind: kind, Name: name}
	if by, ok := From(ctx); ok && by.Account != "" {
		e.Actor, e.Via = by.Account, by.Via
	} else if ok && by.User != "" { // by a signed link
		e.Actor, e.Via = string(by.User), by.Via
	}
	var err error
	if e.Before, err = document(before); err == nil {
		e.After, err = document(after)
	}
	if err != nil {
		return fmt.Errorf("audit of %s %s: %w", kind, name, err)
	}
	return tx.AddAudit(ctx, e)
}
