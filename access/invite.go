package access

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"toban/oncall"
	"toban/store"
)

// InviteFor is how long an invite is good for.
const InviteFor = 7 * 24 * time.Hour

// What may have become of an invite.
var (
	ErrInviteUnknown = &oncall.Error{Kind: oncall.NotFound, Code: "access.invite_unknown", Message: "the link is none that is known here; a newer one may have taken its place"}
	ErrInviteUsed    = &oncall.Error{Kind: oncall.Conflict, Code: "access.invite_used", Message: "the link was used already; it can be used once"}
	ErrInviteExpired = &oncall.Error{Kind: oncall.Conflict, Code: "access.invite_expired", Message: "the link is too old; ask for a new one"}
)

// Invitation is what a link is for.
type Invitation struct {
	Account   string // "" = whoever opens it chooses
	Role      Role   // "" = the account keeps its own
	Reset     bool   // the account exists: it gets a new password
	By        string // "" = toban itself
	CreatedAt time.Time
	ExpiresAt time.Time
}

// SetUp returns the secret of a link that makes the first account, an admin of
// any name; needed is false when there are accounts. An earlier one that was not
// used is void.
func (k *Keeper) SetUp(ctx context.Context) (secret string, needed bool, err error) {
	err = k.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockAccounts(ctx); err != nil {
			return err
		}
		has, err := tx.HasAccounts(ctx)
		if needed = !has; err != nil || !needed {
			return err
		}
		secret = newSecret()
		hash, _ := digest(secret)
		i := store.Invite{Hash: hash, Role: string(Admin), ExpiresAt: tx.Now.Add(InviteFor)}
		if err := tx.AddInvite(ctx, i); err != nil {
			return err
		}
		return Record(ctx, tx, "invited", KindAccount, "", nil, map[string]string{"role": i.Role})
	})
	if err != nil || !needed {
		return "", needed, err
	}
	return secret, true, nil
}

// Begun reports whether there is an account yet, disabled ones too: before, the
// link that SetUp made is the only way in.
func (k *Keeper) Begun(ctx context.Context) (has bool, err error) {
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		has, err = tx.HasAccounts(ctx)
		return err
	})
	return has, err
}

// Invite returns the secret of a link by which somebody makes that account, or
// sets a new password for it when it exists: it is good for InviteFor, once, and
// takes the place of earlier ones. Role "" lets an account that exists keep its
// own. by is an admin.
func (k *Keeper) Invite(ctx context.Context, by Principal, account string, role Role) (secret string, err error) {
	if err := by.require(Admin); err != nil {
		return "", err
	}
	name, err := Name(account)
	if err != nil {
		return "", err
	}
	if role != "" {
		if _, err := ParseRole(string(role)); err != nil {
			return "", err
		}
	}
	ctx = With(ctx, by)
	err = k.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockAccounts(ctx); err != nil {
			return err
		}
		a, err := tx.Account(ctx, name)
		switch {
		case errors.Is(err, store.ErrUnknownAccount):
			if _, err := ParseRole(string(role)); err != nil {
				return err
			}
		case err != nil:
			return err
		case !a.DisabledAt.IsZero():
			return ErrDisabled
		}
		secret = newSecret()
		hash, _ := digest(secret)
		i := store.Invite{Hash: hash, Account: name, Role: string(role), CreatedBy: by.Account, ExpiresAt: tx.Now.Add(InviteFor)}
		if err := tx.AddInvite(ctx, i); err != nil {
			return err
		}
		return Record(ctx, tx, "invited", KindAccount, name, nil, map[string]string{"role": i.Role})
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Uninvite makes the invites of an account void that nobody has used. by is an
// admin.
func (k *Keeper) Uninvite(ctx context.Context, by Principal, account string) error {
	if err := by.require(Admin); err != nil {
		return err
	}
	name, err := Name(account)
	if err != nil {
		return err
	}
	ctx = With(ctx, by)
	return k.db.Tx(ctx, func(tx *store.Tx) error {
		n, err := tx.EndInvites(ctx, name)
		if err != nil || n == 0 {
			return err
		}
		return Record(ctx, tx, "uninvited", KindAccount, name, nil, nil)
	})
}

// Invitations returns the invites that can still be used, by account.
func (k *Keeper) Invitations(ctx context.Context) (list []Invitation, err error) {
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Invites(ctx)
		if err != nil {
			return err
		}
		list = make([]Invitation, 0, len(rows))
		for _, i := range rows {
			inv, err := invitation(ctx, tx, i)
			if err != nil {
				return err
			}
			list = append(list, inv)
		}
		return nil
	})
	return list, err
}

// Invitation returns what the link with that secret is for, or fails with
// ErrInviteUnknown, ErrInviteUsed or ErrInviteExpired. Looking uses nothing up.
func (k *Keeper) Invitation(ctx context.Context, secret string) (inv Invitation, err error) {
	hash, ok := digest(secret)
	if !ok {
		return Invitation{}, ErrInviteUnknown
	}
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		i, err := usable(ctx, tx, hash)
		if err != nil {
			return err
		}
		inv, err = invitation(ctx, tx, i)
		return err
	})
	return inv, err
}

func invitation(ctx context.Context, tx *store.Tx, i store.Invite) (Invitation, error) {
	inv := Invitation{Account: i.Account, Role: Role(i.Role), By: i.CreatedBy, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt}
	if i.Account == "" {
		return inv, nil
	}
	_, err := tx.Account(ctx, i.Account)
	if errors.Is(err, store.ErrUnknownAccount) {
		return inv, nil
	}
	inv.Reset = err == nil
	return inv, err
}

// usable returns an invite that can be used at tx.Now.
func usable(ctx context.Context, tx *store.Tx, hash string) (store.Invite, error) {
	i, found, err := tx.Invite(ctx, hash)
	switch {
	case err != nil:
		return store.Invite{}, err
	case !found:
		return store.Invite{}, ErrInviteUnknown
	case !i.UsedAt.IsZero():
		return store.Invite{}, ErrInviteUsed
	case !tx.Now.Before(i.ExpiresAt):
		return store.Invite{}, ErrInviteExpired
	}
	if i.Account == "" { // the first account, by whatever link
		has, err := tx.HasAccounts(ctx)
		if err != nil {
			return store.Invite{}, err
		}
		if has {
			return store.Invite{}, ErrInviteUsed
		}
	}
	return i, nil
}

// Accept uses an invite up: it makes the account, or sets the password of the one
// that exists and ends its sessions, and opens a session, whose secret it
// returns. account is looked at when the invite leaves the name open. It fails
// as Invitation, Name and CheckPassword do.
func (k *Keeper) Accept(ctx context.Context, secret, account, password string, address netip.Addr, agent string) (session string, err error) {
	hash, ok := digest(secret)
	if !ok {
		return "", ErrInviteUnknown
	}
	var i store.Invite
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		i, err = usable(ctx, tx, hash)
		return err
	})
	if err != nil {
		return "", err
	}
	name := i.Account
	if name == "" {
		if name, err = Name(account); err != nil {
			return "", err
		}
	}
	if err := CheckPassword(name, password); err != nil {
		return "", err
	}
	kept, err := k.hash(ctx, password)
	if err != nil {
		return "", err
	}
	ctx = With(ctx, Principal{Account: name, Via: ViaPage})
	defer k.known.forget()
	err = k.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockAccounts(ctx); err != nil {
			return err
		}
		if _, err := usable(ctx, tx, hash); err != nil { // again: somebody may have been quicker
			return err
		}
		used, err := tx.UseInvite(ctx, hash)
		switch {
		case err != nil:
			return err
		case !used:
			return ErrInviteUsed
		}
		if err := k.accept(ctx, tx, i, name, kept); err != nil {
			return err
		}
		session, err = open(ctx, tx, name, address, agent)
		return err
	})
	if err != nil {
		return "", err
	}
	k.accounts.forget(name)
	return session, nil
}

// accept makes the account of an invite, or resets it.
func (k *Keeper) accept(ctx context.Context, tx *store.Tx, i store.Invite, name, kept string) error {
	was, err := tx.LockAccount(ctx, name)
	if errors.Is(err, store.ErrUnknownAccount) {
		a := store.Account{Name: name, Password: kept, Role: i.Role}
		if err := tx.SaveAccount(ctx, a); err != nil {
			return err
		}
		return Record(ctx, tx, "created", KindAccount, name, nil, shown(a))
	}
	if err != nil {
		return err
	}
	is := was
	is.Password = kept
	if i.Role != "" {
		is.Role = i.Role
	}
	if !was.DisabledAt.IsZero() {
		return ErrDisabled
	}
	if _, err := tx.CloseSessions(ctx, name, ""); err != nil {
		return err
	}
	return change(ctx, tx, "reset", was, is)
}
