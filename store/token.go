package store

import (
	"context"
	"fmt"
	"time"
)

// Token is one key to the API.
type Token struct {
	Hash      string // of what the client shows
	Name      string // what its owner calls it
	Account   string // "" = the installation's: it was made on the machine itself
	Role      string
	CreatedAt time.Time
	ExpiresAt time.Time // zero = never
	UsedAt    time.Time // to about a minute; zero = never
	RevokedAt time.Time // zero = not
}

const tokenColumns = `hash, name, account, role, created_at, expires_at, used_at, revoked_at`

// into are the places of tokenColumns.
func (t *Token) into() []any {
	return []any{
		&t.Hash, &t.Name, &t.Account, &t.Role,
		(*millis)(&t.CreatedAt), (*millis)(&t.ExpiresAt), (*millis)(&t.UsedAt), (*millis)(&t.RevokedAt),
	}
}

// keepTokens is how long a token is listed that is of no use any more.
const keepTokens = 90 * 24 * time.Hour

const (
	sweepTokens = `DELETE FROM tokens WHERE account = $1 AND (expires_at <= $2 OR revoked_at <= $2)`
	insertToken = `INSERT INTO tokens(hash, name, account, role, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`
)

// AddToken keeps a token that is made at tx.Now. What ended three months ago of
// the same account goes.
func (tx *Tx) AddToken(ctx context.Context, t Token) error {
	_, err := tx.do(ctx, sweepTokens, t.Account, tx.Now.Add(-keepTokens).UnixMilli())
	if err == nil {
		_, err = tx.do(ctx, insertToken, t.Hash, t.Name, t.Account, t.Role, tx.Now.UnixMilli(), ms(t.ExpiresAt))
	}
	if err != nil {
		return fmt.Errorf("token %s: %w", t.Name, err)
	}
	return nil
}

const selectToken = `SELECT ` + tokenColumns + ` FROM tokens WHERE hash = $1`

// Token returns the token with that hash, whatever has become of it.
func (tx *Tx) Token(ctx context.Context, hash string) (t Token, found bool, err error) {
	found, err = tx.one(ctx, selectToken, []any{clean(hash)}, t.into()...)
	if err != nil {
		return Token{}, false, fmt.Errorf("token: %w", err)
	}
	return t, found, nil
}

const (
	selectTokens   = `SELECT ` + tokenColumns + ` FROM tokens ORDER BY created_at DESC, hash`
	selectTokensOf = `SELECT ` + tokenColumns + ` FROM tokens WHERE account = $1 ORDER BY created_at DESC, hash`
)

// Tokens returns the tokens of all, the newest first, those that have ended too.
func (tx *Tx) Tokens(ctx context.Context) ([]Token, error) { return tx.tokens(ctx, selectTokens) }

// TokensOf is Tokens of one account; that of the installation's is "".
func (tx *Tx) TokensOf(ctx context.Context, account string) ([]Token, error) {
	return tx.tokens(ctx, selectTokensOf, clean(account))
}

func (tx *Tx) tokens(ctx context.Context, statement string, args ...any) ([]Token, error) {
	var list []Token
	err := tx.all(ctx, statement, func(rows row) error {
		var t Token
		err := rows.Scan(t.into()...)
		list = append(list, t)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return list, nil
}

const useToken = `UPDATE tokens SET used_at = $2 WHERE hash = $1 AND (used_at IS NULL OR used_at <= $3)`

// UseToken notes that a token is used at tx.Now, unless that was noted after the
// time since.
func (tx *Tx) UseToken(ctx context.Context, hash string, since time.Time) error {
	if _, err := tx.do(ctx, useToken, clean(hash), tx.Now.UnixMilli(), since.UnixMilli()); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	return nil
}

const revokeToken = `UPDATE tokens SET revoked_at = $2 WHERE hash = $1 AND revoked_at IS NULL`

// RevokeToken makes a token invalid and reports whether it was valid until now.
func (tx *Tx) RevokeToken(ctx context.Context, hash string) (bool, error) {
	n, err := tx.do(ctx, revokeToken, clean(hash), tx.Now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("token: %w", err)
	}
	return n == 1, nil
}

const revokeTokens = `UPDATE tokens SET revoked_at = $2 WHERE account = $1 AND revoked_at IS NULL`

// RevokeTokens makes all tokens of an account invalid.
func (tx *Tx) RevokeTokens(ctx context.Context, account string) error {
	if _, err := tx.do(ctx, revokeTokens, clean(account), tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("tokens of %s: %w", account, err)
	}
	return nil
}
