package access

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"toban/store"
)

// How long a session lasts: without being used, and at all.
const (
	SessionIdle = 14 * 24 * time.Hour
	SessionMost = 90 * 24 * time.Hour
)

// noted is how seldom it is written down that a session or token is used, and
// noteWait how long a request waits for that.
const (
	noted    = time.Minute
	noteWait = time.Second
)

// Session is one browser in which an account is logged in.
type Session struct {
	Hash      string // names it; no secret
	Account   string
	Address   string // from which it was opened; "" = not known
	Agent     string // what the browser calls itself
	Since     time.Time
	LastSeen  time.Time // to about a minute
	ExpiresAt time.Time
	Current   bool // who asks does so by it
}

// maxAgent is how much of what a browser calls itself is kept, in bytes.
const maxAgent = 300

// open adds a session and returns its secret.
func open(ctx context.Context, tx *store.Tx, account string, address netip.Addr, agent string) (secret string, err error) {
	secret = newSecret()
	hash, _ := digest(secret)
	agent = strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], "")
	s := store.Session{Hash: hash, Account: account, Address: written(address), Agent: agent, ExpiresAt: tx.Now.Add(SessionIdle)}
	if err := tx.AddSession(ctx, s); err != nil {
		return "", err
	}
	return secret, Record(ctx, tx, "login", KindSession, account, nil, map[string]string{"address": s.Address, "agent": agent})
}

// Session returns who asks by a session's secret, with ViaPage, or fails with
// ErrLogin. A session that is used goes on for SessionIdle, at most for
// SessionMost. What was found is believed for five seconds, on this node until
// something is changed.
func (k *Keeper) Session(ctx context.Context, secret string) (Principal, error) {
	hash, ok := digest(secret)
	if !ok {
		return Principal{}, ErrLogin
	}
	now := time.Now()
	p, round, ok := k.known.of(hash, now)
	if ok {
		return p, nil
	}
	var s store.Session
	var found bool
	err := k.db.Read(ctx, func(tx *store.Tx) error {
		var a store.Account
		var err error
		if s, a, found, err = tx.Session(ctx, hash); err != nil || !found {
			return err
		}
		p, err = k.principal(ctx, tx, a)
		return err
	})
	switch {
	case err != nil:
		return Principal{}, err
	case !found:
		return Principal{}, ErrLogin
	}
	p.Via, p.Session = ViaPage, hash
	if now.Sub(s.SeenAt) >= noted {
		s.ExpiresAt = earlier(now.Add(SessionIdle), s.CreatedAt.Add(SessionMost))
		k.note(ctx, "session", p.Account, func(ctx context.Context, tx *store.Tx) error {
			return tx.SeeSession(ctx, hash, s.ExpiresAt, tx.Now.Add(-noted))
		})
	}
	k.known.keep(hash, p, earlier(now.Add(believed), s.ExpiresAt), round)
	return p, nil
}

// principal is who an account is now.
func (k *Keeper) principal(ctx context.Context, tx *store.Tx, a store.Account) (Principal, error) {
	dir, err := tx.Directory(ctx)
	if err != nil {
		return Principal{}, err
	}
	return Principal{
		Account: a.Name, User: k.users(dir).of(a.Name), Role: Role(a.Role),
		Language: a.Language, Theme: a.Theme, Zone: a.Zone,
	}, nil
}

// note writes down that something is used. That it can't be is no reason to
// refuse a responder.
func (k *Keeper) note(ctx context.Context, what, account string, f func(context.Context, *store.Tx) error) {
	ctx, cancel := context.WithTimeout(ctx, noteWait)
	defer cancel()
	if err := k.db.Tx(ctx, func(tx *store.Tx) error { return f(ctx, tx) }); err != nil && ctx.Err() == nil {
		k.log.WarnContext(ctx, "use is not noted", "of", what, "account", account, "err", err)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Logout ends the session with that secret. One that has ended is no error.
func (k *Keeper) Logout(ctx context.Context, secret string) error {
	hash, ok := digest(secret)
	if !ok {
		return nil
	}
	defer k.known.forget()
	return k.db.Tx(ctx, func(tx *store.Tx) error {
		account, found, err := tx.CloseSession(ctx, hash)
		if err != nil || !found {
			return err
		}
		by, ok := From(ctx)
		if !ok {
			by = Principal{Account: account, Via: ViaPage}
		}
		return Record(With(ctx, by), tx, "logout", KindSession, account, nil, nil)
	})
}

// Sessions returns the sessions of an account, the last seen first.
func (k *Keeper) Sessions(ctx context.Context, account string) ([]Session, error) {
	if account = fold(account); account == "" {
		return nil, nil
	}
	return k.sessions(ctx, func(tx *store.Tx) ([]store.Session, error) { return tx.SessionsOf(ctx, account) })
}

// AllSessions is Sessions of all accounts.
func (k *Keeper) AllSessions(ctx context.Context) ([]Session, error) {
	return k.sessions(ctx, func(tx *store.Tx) ([]store.Session, error) { return tx.Sessions(ctx) })
}

func (k *Keeper) sessions(ctx context.Context, read func(*store.Tx) ([]store.Session, error)) (list []Session, err error) {
	by, _ := From(ctx)
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := read(tx)
		list = make([]Session, 0, len(rows))
		for _, s := range rows {
			list = append(list, Session{
				Hash: s.Hash, Account: s.Account, Address: s.Address, Agent: s.Agent,
				Since: s.CreatedAt, LastSeen: s.SeenAt, ExpiresAt: s.ExpiresAt, Current: s.Hash == by.Session,
			})
		}
		return err
	})
	return list, err
}

// EndSession ends a session by its hash: one's own, or anybody's as an admin. It
// is of no use any more when this returns, on other nodes within five seconds.
// One that has ended is no error.
func (k *Keeper) EndSession(ctx context.Context, by Principal, hash string) error {
	ctx = With(ctx, by)
	defer k.known.forget()
	return k.db.Tx(ctx, func(tx *store.Tx) error {
		account, found, err := tx.CloseSession(ctx, hash)
		if err != nil || !found {
			return err
		}
		if err := by.owns(account); err != nil {
			return err
		}
		return Record(ctx, tx, "ended", KindSession, account, nil, nil)
	})
}

// EndSessions ends all sessions of an account but the one by which it is asked.
func (k *Keeper) EndSessions(ctx context.Context, by Principal, account string) error {
	account = fold(account)
	if err := by.owns(account); err != nil {
		return err
	}
	ctx = With(ctx, by)
	defer k.known.forget()
	return k.db.Tx(ctx, func(tx *store.Tx) error {
		n, err := tx.CloseSessions(ctx, account, by.Session)
		if err != nil || n == 0 {
			return err
		}
		return Record(ctx, tx, "ended", KindSession, account, nil, map[string]int{"sessions": n})
	})
}
