package store

import (
	"context"
	"fmt"
	"time"
)

// Invite is a link that makes an account, or sets a new password, once.
type Invite struct {
	Hash      string // of the link's secret
	Account   string // "" = whoever opens it chooses the name
	Role      string // "" = an account that exists keeps its own
	CreatedBy string // "" = toban
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero = not yet
}

// keepInvites is how long an invite is kept after its end, so that whoever opens
// it is told what has become of it.
const keepInvites = 30 * 24 * time.Hour

const (
	endInvites   = `DELETE FROM invites WHERE account = $1 AND used_at IS NULL`
	sweepInvites = `DELETE FROM invites WHERE expires_at <= $1`
	insertInvite = `
		INSERT INTO invites(hash, account, role, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`
)

// AddInvite keeps an invite that is made at tx.Now, in the place of those for the
// same account that nobody has used. LockAccounts comes first.
func (tx *Tx) AddInvite(ctx context.Context, i Invite) error {
	_, err := tx.EndInvites(ctx, i.Account)
	if err == nil {
		_, err = tx.do(ctx, sweepInvites, tx.Now.Add(-keepInvites).UnixMilli())
	}
	if err == nil {
		_, err = tx.do(ctx, insertInvite, i.Hash, i.Account, i.Role, i.CreatedBy, tx.Now.UnixMilli(), i.ExpiresAt.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("invite of %s: %w", i.Account, err)
	}
	return nil
}

// EndInvites makes the invites of an account void that nobody has used, and
// returns how many they were.
func (tx *Tx) EndInvites(ctx context.Context, account string) (int, error) {
	n, err := tx.do(ctx, endInvites, clean(account))
	if err != nil {
		return 0, fmt.Errorf("invites of %s: %w", account, err)
	}
	return int(n), nil
}

const inviteColumns = `hash, account, role, created_by, created_at, expires_at, used_at`

// into are the places of inviteColumns.
func (i *Invite) into() []any {
	return []any{&i.Hash, &i.Account, &i.Role, &i.CreatedBy, (*millis)(&i.CreatedAt), (*millis)(&i.ExpiresAt), (*millis)(&i.UsedAt)}
}

const selectInvites = `
	SELECT ` + inviteColumns + ` FROM invites WHERE used_at IS NULL AND expires_at > $1 ORDER BY account, created_at, hash`

// Invites returns the invites that can be used at tx.Now, by account.
func (tx *Tx) Invites(ctx context.Context) ([]Invite, error) {
	var list []Invite
	err := tx.all(ctx, selectInvites, func(rows row) error {
		var i Invite
		err := rows.Scan(i.into()...)
		list = append(list, i)
		return err
	}, tx.Now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("invites: %w", err)
	}
	return list, nil
}

const selectInvite = `SELECT ` + inviteColumns + ` FROM invites WHERE hash = $1`

// Invite returns the invite with that hash, whatever has become of it.
func (tx *Tx) Invite(ctx context.Context, hash string) (i Invite, found bool, err error) {
	found, err = tx.one(ctx, selectInvite, []any{clean(hash)}, i.into()...)
	if err != nil {
		return Invite{}, false, fmt.Errorf("invite: %w", err)
	}
	return i, found, nil
}

const useInvite = `UPDATE invites SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2`

// UseInvite uses an invite up; of those who try at the same time, one is told
// true.
func (tx *Tx) UseInvite(ctx context.Context, hash string) (bool, error) {
	n, err := tx.do(ctx, useInvite, clean(hash), tx.Now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("invite: %w", err)
	}
	return n == 1, nil
}
