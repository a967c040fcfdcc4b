package access

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"toban/oncall"
	"toban/store"
)

// What tokens may be.
const (
	MaxTokens    = 100 // an account, those that have ended not counted
	MaxTokenName = 100 // characters
	MaxTokenLife = 10 * 365 * 24 * time.Hour
)

// Token is one key to the API.
type Token struct {
	Hash      string // names it; no secret
	Name      string
	Account   string // "" = the installation's
	Role      Role   // at most; never more than the account's at the moment
	CreatedAt time.Time
	ExpiresAt time.Time // zero = never
	UsedAt    time.Time // to about a minute; zero = never
	RevokedAt time.Time // zero = not
}

// Valid reports whether the token is neither revoked nor expired at that time.
func (t Token) Valid(at time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || at.Before(t.ExpiresAt))
}

// Errors about tokens.
var (
	ErrToken        = &oncall.Error{Kind: oncall.Unauthenticated, Code: "access.token", Message: "the token is unknown, revoked or expired, or its account is disabled"}
	ErrTokenUnknown = &oncall.Error{Kind: oncall.NotFound, Code: "access.token_unknown", Message: "there is no such token"}
	ErrTokenAccount = &oncall.Error{Kind: oncall.Denied, Code: "access.token_account", Message: "only somebody with an account, or the machine's own user, can make a token"}
)

// CreateToken returns the secret of a new token, "tbn_…", which is nowhere else.
// It belongs to the account of by and may do at most what role and that account
// may. A local admin without an account, who asks by neither session nor token,
// makes one of the installation. expires zero = never; a token makes none that
// outlives it.
func (k *Keeper) CreateToken(ctx context.Context, by Principal, name string, role Role, expires time.Time) (secret string, t Token, err error) {
	if _, err := ParseRole(string(role)); err != nil {
		return "", Token{}, err
	}
	if err := by.require(role); err != nil {
		return "", Token{}, err
	}
	name = strings.TrimSpace(name)
	if err := checkToken(name, expires, time.Now()); err != nil {
		return "", Token{}, err
	}
	ctx = With(ctx, by)
	err = k.db.Tx(ctx, func(tx *store.Tx) error {
		owner, err := tokenOwner(ctx, tx, by, role)
		if err != nil {
			return err
		}
		if err := outlives(ctx, tx, by, expires); err != nil {
			return err
		}
		list, err := tx.TokensOf(ctx, owner)
		if err != nil {
			return err
		}
		valid := 0
		for _, each := range list {
			if token(each).Valid(tx.Now) {
				valid++
			}
		}
		if valid >= MaxTokens {
			return &oncall.Error{Kind: oncall.Conflict, Code: "access.token_many", Message: "an account has at most 100 tokens; revoke one that is not used"}
		}
		secret = newSecret()
		hash, _ := digest(secret)
		row := store.Token{Hash: hash, Name: name, Account: owner, Role: string(role), CreatedAt: tx.Now, ExpiresAt: expires.Truncate(time.Millisecond)}
		t = token(row)
		if err := tx.AddToken(ctx, row); err != nil {
			return err
		}
		return Record(ctx, tx, "created", KindToken, name, nil, tokenShown(t))
	})
	if err != nil {
		return "", Token{}, err
	}
	return TokenPrefix + secret, t, nil
}

// outlives refuses a token that would hold longer than the one it is made with:
// else one that is to end soon could live for ever.
func outlives(ctx context.Context, tx *store.Tx, by Principal, expires time.Time) error {
	if by.Token == "" {
		return nil
	}
	own, found, err := tx.Token(ctx, by.Token)
	if err != nil || !found || own.ExpiresAt.IsZero() {
		return err
	}
	if expires.IsZero() || expires.After(own.ExpiresAt) {
		return &oncall.Error{
			Kind: oncall.Invalid, Code: "access.token_expiry", Field: "/expires",
			Message: "a token makes none that outlives it; this one holds until " + own.ExpiresAt.UTC().Format(time.RFC3339),
		}
	}
	return nil
}

// tokenOwner is the account that a token of by belongs to.
func tokenOwner(ctx context.Context, tx *store.Tx, by Principal, role Role) (string, error) {
	a, err := tx.LockAccount(ctx, by.Account)
	switch {
	case errors.Is(err, store.ErrUnknownAccount) && by.Role == Admin && by.Session == "" && by.Token == "":
		return "", nil
	case errors.Is(err, store.ErrUnknownAccount):
		return "", ErrTokenAccount
	case err != nil:
		return "", err
	case !a.DisabledAt.IsZero():
		return "", ErrDisabled
	}
	return a.Name, Principal{Role: Role(a.Role)}.require(role)
}

func checkToken(name string, expires, now time.Time) error {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if name == "" || utf8.RuneCountInString(name) > MaxTokenName || !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable) {
		return &oncall.Error{Kind: oncall.Invalid, Code: "access.token_name", Field: "/name", Message: "a token has a name of 1 to 100 characters that says what uses it"}
	}
	if !expires.IsZero() && (!expires.After(now) || expires.After(now.Add(MaxTokenLife))) {
		return &oncall.Error{Kind: oncall.Invalid, Code: "access.token_expiry", Field: "/expires", Message: "a token expires in the future, within ten years"}
	}
	return nil
}

func token(t store.Token) Token {
	return Token{
		Hash: t.Hash, Name: t.Name, Account: t.Account, Role: Role(t.Role),
		CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, UsedAt: t.UsedAt, RevokedAt: t.RevokedAt,
	}
}

// tokenShown is a token as the audit log has it.
func tokenShown(t Token) any {
	m := map[string]any{"account": t.Account, "role": t.Role}
	if !t.ExpiresAt.IsZero() {
		m["expires"] = t.ExpiresAt.UTC()
	}
	return m
}

// Token returns who asks by a token, with ViaAPI, or fails with ErrToken. What was
// found is believed for five seconds, on this node until something is changed.
func (k *Keeper) Token(ctx context.Context, secret string) (Principal, error) {
	bare, ok := strings.CutPrefix(secret, TokenPrefix)
	hash, formed := digest(bare)
	if !ok || !formed {
		return Principal{}, ErrToken
	}
	now := time.Now()
	p, round, ok := k.known.of(TokenPrefix+hash, now)
	if ok {
		return p, nil
	}
	var t store.Token
	err := k.db.Read(ctx, func(tx *store.Tx) (err error) {
		t, p, err = k.bearer(ctx, tx, hash, now)
		return err
	})
	if err != nil {
		return Principal{}, err
	}
	p.Via, p.Token = ViaAPI, hash
	if now.Sub(t.UsedAt) >= noted {
		k.note(ctx, "token", p.Account, func(ctx context.Context, tx *store.Tx) error {
			return tx.UseToken(ctx, hash, tx.Now.Add(-noted))
		})
	}
	until := now.Add(believed)
	if !t.ExpiresAt.IsZero() {
		until = earlier(until, t.ExpiresAt)
	}
	k.known.keep(TokenPrefix+hash, p, until, round)
	return p, nil
}

// bearer is who asks by the token with that hash.
func (k *Keeper) bearer(ctx context.Context, tx *store.Tx, hash string, now time.Time) (store.Token, Principal, error) {
	t, found, err := tx.Token(ctx, hash)
	if err != nil {
		return t, Principal{}, err
	}
	if !found || !token(t).Valid(now) {
		return t, Principal{}, ErrToken
	}
	if t.Account == "" {
		return t, Principal{Account: "token/" + t.Name, Role: Role(t.Role)}, nil
	}
	a, err := tx.Account(ctx, t.Account)
	if errors.Is(err, store.ErrUnknownAccount) || err == nil && !a.DisabledAt.IsZero() {
		return t, Principal{}, ErrToken
	}
	if err != nil {
		return t, Principal{}, err
	}
	p, err := k.principal(ctx, tx, a)
	p.Role = p.Role.lower(Role(t.Role))
	return t, p, err
}

// Tokens returns the tokens of an account, the newest first, those that ended in
// the last three months too.
func (k *Keeper) Tokens(ctx context.Context, account string) ([]Token, error) {
	if account = fold(account); account == "" {
		return nil, nil
	}
	return k.tokens(ctx, func(tx *store.Tx) ([]store.Token, error) { return tx.TokensOf(ctx, account) })
}

// AllTokens is Tokens of all accounts and of the installation.
func (k *Keeper) AllTokens(ctx context.Context) ([]Token, error) {
	return k.tokens(ctx, func(tx *store.Tx) ([]store.Token, error) { return tx.Tokens(ctx) })
}

func (k *Keeper) tokens(ctx context.Context, read func(*store.Tx) ([]store.Token, error)) (list []Token, err error) {
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := read(tx)
		list = make([]Token, 0, len(rows))
		for _, t := range rows {
			list = append(list, token(t))
		}
		return err
	})
	return list, err
}

// RevokeToken makes a token invalid by its hash: one's own, or anybody's as an
// admin. It is of no use any more when this returns, on other nodes within five
// seconds. One that was revoked is no error; one that is not there is
// ErrTokenUnknown.
func (k *Keeper) RevokeToken(ctx context.Context, by Principal, hash string) error {
	ctx = With(ctx, by)
	defer k.known.forget()
	return k.db.Tx(ctx, func(tx *store.Tx) error {
		t, found, err := tx.Token(ctx, hash)
		if err != nil {
			return err
		}
		if !found {
			return ErrTokenUnknown
		}
		if err := by.owns(t.Account); err != nil {
			return err
		}
		valid, err := tx.RevokeToken(ctx, hash)
		if err != nil || !valid {
			return err
		}
		return Record(ctx, tx, "revoked", KindToken, t.Name, tokenShown(token(t)), nil)
	})
}
