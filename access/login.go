package access

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"toban/internal/peer"
	"toban/oncall"
	"toban/store"
)

// ErrPassword is returned for a wrong password and for an account that doesn't
// exist, in the same words and after the same time.
var ErrPassword = &oncall.Error{Kind: oncall.Unauthenticated, Code: "access.password", Message: "the name or the password is wrong"}

// ErrDisabled is returned for an account that may not log in.
var ErrDisabled = &oncall.Error{Kind: oncall.Denied, Code: "access.disabled", Message: "the account is disabled; an admin can enable it"}

// Login opens a session and returns its secret, which is nowhere else. account is
// an account's name, or what people call its user where only one is called so;
// an account that is named so comes first. It fails with ErrPassword, ErrDisabled, ErrBusy or a TriesError. Of what was typed,
// nothing is kept but an account's name.
func (k *Keeper) Login(ctx context.Context, account, password string, address netip.Addr, agent string) (secret string, err error) {
	now := time.Now()
	from := peer.Network(address)
	if err := k.places.take(from, now); err != nil {
		return "", err
	}
	name, err := Name(account)
	if err != nil {
		name = "" // nobody's, and counted as one
	}
	var a store.Account
	var trusted bool
	err = k.db.Read(ctx, func(tx *store.Tx) (err error) {
		if a, err = tx.Account(ctx, name); errors.Is(err, store.ErrUnknownAccount) {
			dir, err := tx.Directory(ctx)
			if err != nil {
				return err
			}
			other, ok := k.users(dir).account(account)
			if !ok {
				return store.ErrUnknownAccount
			}
			name = other // its tries are counted with the account's own
			if a, err = tx.Account(ctx, name); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		trusted, err = knows(ctx, tx, name, address)
		return err
	})
	unknown := errors.Is(err, store.ErrUnknownAccount)
	if unknown {
		a = store.Account{Name: name, Password: k.nobody()}
	} else if err != nil {
		k.places.give(from)
		return "", err
	}
	// Whoever is logged in there may go on trying: guesses from elsewhere must
	// not keep a responder out at night.
	if !trusted {
		if err := k.accounts.take(name, now); err != nil {
			k.log.WarnContext(ctx, "too many tries at an account", "account", known(a, unknown), "address", address)
			return "", err
		}
	}
	match, stale, err := k.verify(ctx, password, a.Password)
	switch {
	case err != nil:
		k.places.give(from)
		if !trusted {
			k.accounts.give(name)
		}
		return "", err
	case !match || unknown:
		k.log.InfoContext(ctx, "login refused", "account", known(a, unknown), "address", address)
		return "", ErrPassword
	case !a.DisabledAt.IsZero():
		k.log.InfoContext(ctx, "login refused: disabled", "account", a.Name, "address", address)
		return "", ErrDisabled
	}
	k.places.give(from)
	k.accounts.forget(name)
	fresh := a.Password
	if stale {
		if fresh, err = k.hash(ctx, password); err != nil {
			return "", err
		}
	}
	ctx = With(ctx, Principal{Account: a.Name, Via: ViaPage})
	err = k.db.Tx(ctx, func(tx *store.Tx) error {
		is, err := tx.LockAccount(ctx, a.Name)
		switch {
		case err != nil:
			return err
		case is.Password != a.Password: // it was changed meanwhile
			return ErrPassword
		case !is.DisabledAt.IsZero():
			return ErrDisabled
		case fresh != is.Password:
			is.Password = fresh
			if err := tx.SaveAccount(ctx, is); err != nil {
				return err
			}
		}
		secret, err = open(ctx, tx, is.Name, address, agent)
		return err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// known is the name of an account for a log. What was typed where there is none
// may be a password in the wrong field.
func known(a store.Account, unknown bool) string {
	if unknown {
		return "(unknown)"
	}
	return a.Name
}

// knows reports whether an account is logged in at that address.
func knows(ctx context.Context, tx *store.Tx, account string, address netip.Addr) (bool, error) {
	if !address.IsValid() {
		return false, nil
	}
	list, err := tx.SessionsOf(ctx, account)
	for _, s := range list {
		if s.Address == written(address) {
			return true, err
		}
	}
	return false, err
}

// written is an address as it is kept.
func written(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	return address.Unmap().WithZone("").String()
}
