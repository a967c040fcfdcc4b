package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Session is one browser in which an account is logged in.
type Session struct {
	Hash      string // of the secret that the browser has
	Account   string
	Address   string // from which it was opened
	Agent     string // what the browser calls itself
	CreatedAt time.Time
	SeenAt    time.Time // to about a minute
	ExpiresAt time.Time
}

// MaxSessions is how many sessions an account may have; the one that was seen
// longest ago goes.
const MaxSessions = 50

const sessionColumns = `sessions.hash, sessions.account, sessions.address, sessions.agent,
	sessions.created_at, sessions.seen_at, sessions.expires_at`

// into are the places of sessionColumns.
func (s *Session) into() []any {
	return []any{&s.Hash, &s.Account, &s.Address, &s.Agent, (*millis)(&s.CreatedAt), (*millis)(&s.SeenAt), (*millis)(&s.ExpiresAt)}
}

const (
	endExpired   = `DELETE FROM sessions WHERE account = $1 AND expires_at <= $2`
	trimSessions = `
		DELETE FROM sessions WHERE account = $1 AND hash NOT IN (
			SELECT hash FROM sessions WHERE account = $1 ORDER BY seen_at DESC, hash DESC LIMIT $2)`
	insertSession = `
		INSERT INTO sessions(hash, account, address, agent, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $5, $6)`
)

// AddSession opens a session at tx.Now. What has expired of its account goes,
// and of more than MaxSessions the one that was seen longest ago.
func (tx *Tx) AddSession(ctx context.Context, s Session) error {
	agent := strings.ToValidUTF8(s.Agent[:min(len(s.Agent), maxAgent)], "")
	_, err := tx.do(ctx, endExpired, s.Account, tx.Now.UnixMilli())
	if err == nil {
		_, err = tx.do(ctx, trimSessions, s.Account, MaxSessions-1)
	}
	if err == nil {
		_, err = tx.do(ctx, insertSession, s.Hash, s.Account, s.Address, clean(agent), tx.Now.UnixMilli(), s.ExpiresAt.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("session of %s: %w", s.Account, err)
	}
	return nil
}

const selectSession = `
	SELECT ` + sessionColumns + `, ` + accountColumns + ` FROM sessions JOIN accounts ON accounts.name = sessions.account
	WHERE sessions.hash = $1 AND sessions.expires_at > $2 AND accounts.disabled_at IS NULL`

// Session returns the session with that hash and its account; found is false
// when there is none that is valid at tx.Now.
func (tx *Tx) Session(ctx context.Context, hash string) (s Session, a Account, found bool, err error) {
	found, err = tx.one(ctx, selectSession, []any{clean(hash), tx.Now.UnixMilli()}, append(s.into(), a.into()...)...)
	if err != nil {
		return Session{}, Account{}, false, fmt.Errorf("session: %w", err)
	}
	return s, a, found, nil
}

const (
	selectSessions   = `SELECT ` + sessionColumns + ` FROM sessions WHERE expires_at > $1 ORDER BY seen_at DESC, hash`
	selectSessionsOf = `SELECT ` + sessionColumns + ` FROM sessions WHERE expires_at > $1 AND account = $2 ORDER BY seen_at DESC, hash`
)

// Sessions returns the sessions of all accounts that are valid at tx.Now, the
// last seen first.
func (tx *Tx) Sessions(ctx context.Context) ([]Session, error) {
	return tx.sessions(ctx, selectSessions, tx.Now.UnixMilli())
}

// SessionsOf is Sessions of one account.
func (tx *Tx) SessionsOf(ctx context.Context, account string) ([]Session, error) {
	return tx.sessions(ctx, selectSessionsOf, tx.Now.UnixMilli(), clean(account))
}

func (tx *Tx) sessions(ctx context.Context, statement string, args ...any) ([]Session, error) {
	var list []Session
	err := tx.all(ctx, statement, func(rows row) error {
		var s Session
		err := rows.Scan(s.into()...)
		list = append(list, s)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	return list, nil
}

const seeSession = `UPDATE sessions SET seen_at = $2, expires_at = $3 WHERE hash = $1 AND seen_at <= $4`

// SeeSession notes that a session is used at tx.Now and lasts until expires,
// unless that was noted after the time since.
func (tx *Tx) SeeSession(ctx context.Context, hash string, expires, since time.Time) error {
	if _, err := tx.do(ctx, seeSession, clean(hash), tx.Now.UnixMilli(), expires.UnixMilli(), since.UnixMilli()); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

const deleteSession = `DELETE FROM sessions WHERE hash = $1 RETURNING account`

// CloseSession ends a session and returns whose it was; found is false when it had
// ended before.
func (tx *Tx) CloseSession(ctx context.Context, hash string) (account string, found bool, err error) {
	found, err = tx.one(ctx, deleteSession, []any{clean(hash)}, &account)
	if err != nil {
		return "", false, fmt.Errorf("session: %w", err)
	}
	return account, found, nil
}

const deleteSessions = `DELETE FROM sessions WHERE account = $1 AND hash <> $2`

// CloseSessions ends the sessions of an account but one ("" = all of them) and
// returns how many they were.
func (tx *Tx) CloseSessions(ctx context.Context, account, but string) (int, error) {
	n, err := tx.do(ctx, deleteSessions, clean(account), clean(but))
	if err != nil {
		return 0, fmt.Errorf("sessions of %s: %w", account, err)
	}
	return int(n), nil
}
