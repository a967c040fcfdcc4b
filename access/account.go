package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/store"
)

// Account is somebody who may log in.
type Account struct {
	Name       string
	User       oncall.UserID // "" = nobody of that name is in the configuration
	Role       Role
	Language   string
	Theme      string
	Zone       string
	CreatedAt  time.Time
	DisabledAt time.Time // zero = may log in
}

// ErrLastAdmin is returned when nobody would be left who may let others in.
var ErrLastAdmin = &oncall.Error{Kind: oncall.Conflict, Code: "access.last_admin", Message: "it is the last admin; make somebody else one first"}

// ErrOldPassword is returned when the password that is to be changed is another.
var ErrOldPassword = &oncall.Error{Kind: oncall.Invalid, Code: "access.old_password", Message: "the present password is another", Field: "/old"}

// Accounts returns all accounts by name.
func (k *Keeper) Accounts(ctx context.Context) (list []Account, err error) {
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.Accounts(ctx)
		if err != nil {
			return err
		}
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		list = make([]Account, 0, len(rows))
		users := k.users(dir)
		for _, a := range rows {
			list = append(list, Account{
				Name: a.Name, User: users.of(a.Name), Role: Role(a.Role), Language: a.Language, Theme: a.Theme, Zone: a.Zone,
				CreatedAt: a.CreatedAt, DisabledAt: a.DisabledAt,
			})
		}
		return nil
	})
	return list, err
}

// SetRole gives an account another role and ends its sessions, but not the one
// by which that is asked. by is an admin. The last one can't be demoted.
func (k *Keeper) SetRole(ctx context.Context, by Principal, name string, role Role) error {
	if _, err := ParseRole(string(role)); err != nil {
		return err
	}
	return k.administer(ctx, by, name, "role", func(tx *store.Tx, a *store.Account) error {
		a.Role = string(role)
		_, err := tx.CloseSessions(ctx, a.Name, by.Session)
		return err
	})
}

// Disable keeps an account from logging in, ends its sessions and revokes its
// tokens and invites, for good. by is an admin. The last one can't be disabled.
func (k *Keeper) Disable(ctx context.Context, by Principal, name string) error {
	return k.administer(ctx, by, name, "disabled", func(tx *store.Tx, a *store.Account) error {
		if a.DisabledAt.IsZero() {
			a.DisabledAt = tx.Now
		}
		_, err := tx.CloseSessions(ctx, a.Name, "")
		if err == nil {
			err = tx.RevokeTokens(ctx, a.Name)
		}
		if err == nil {
			_, err = tx.EndInvites(ctx, a.Name)
		}
		return err
	})
}

// Enable lets an account log in again. by is an admin.
func (k *Keeper) Enable(ctx context.Context, by Principal, name string) error {
	return k.administer(ctx, by, name, "enabled", func(_ *store.Tx, a *store.Account) error {
		a.DisabledAt = time.Time{}
		return nil
	})
}

// administer is what an admin does to an account. Where f leaves the account as
// it was, nothing is done at all.
func (k *Keeper) administer(ctx context.Context, by Principal, name, action string, f func(*store.Tx, *store.Account) error) error {
	if err := by.require(Admin); err != nil {
		return err
	}
	ctx = With(ctx, by)
	defer k.known.forget()
	err := k.db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockAccounts(ctx); err != nil {
			return err
		}
		was, err := tx.LockAccount(ctx, fold(name))
		if err != nil {
			return err
		}
		is := was
		if err := f(tx, &is); err != nil {
			return err
		}
		if is == was {
			return errUnchanged
		}
		return change(ctx, tx, action, was, is)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// errUnchanged ends a transaction that has nothing to change.
var errUnchanged = errors.New("unchanged")

// change saves an account and records it. LockAccounts comes first where the
// role or the end of an account may change.
func change(ctx context.Context, tx *store.Tx, action string, was, is store.Account) error {
	admin := func(a store.Account) bool { return Role(a.Role) == Admin && a.DisabledAt.IsZero() }
	if admin(was) && !admin(is) {
		n, err := tx.CountRole(ctx, string(Admin))
		if err != nil {
			return err
		}
		if n <= 1 {
			return ErrLastAdmin
		}
	}
	if err := tx.SaveAccount(ctx, is); err != nil {
		return err
	}
	return Record(ctx, tx, action, KindAccount, is.Name, shown(was), shown(is))
}

// shown is an account as the audit log has it.
func shown(a store.Account) any {
	return struct {
		Role     string `json:"role"`
		Language string `json:"language,omitempty"`
		Theme    string `json:"theme,omitempty"`
		Zone     string `json:"zone,omitempty"`
		Disabled bool   `json:"disabled,omitempty"`
	}{a.Role, a.Language, a.Theme, a.Zone, !a.DisabledAt.IsZero()}
}

// ChangePassword gives the account of by a new password and ends its other
// sessions. It fails with ErrOldPassword, as CheckPassword does, with ErrBusy, or
// with a TriesError.
func (k *Keeper) ChangePassword(ctx context.Context, by Principal, old, password string) error {
	if err := CheckPassword(by.Account, password); err != nil {
		return err
	}
	if err := k.accounts.take(by.Account, time.Now()); err != nil {
		return err
	}
	var a store.Account
	err := k.db.Read(ctx, func(tx *store.Tx) (err error) {
		a, err = tx.Account(ctx, by.Account)
		return err
	})
	if err != nil {
		k.accounts.give(by.Account)
		return err
	}
	match, _, err := k.verify(ctx, old, a.Password)
	if err != nil {
		k.accounts.give(by.Account)
		return err
	}
	if !match {
		return ErrOldPassword
	}
	k.accounts.forget(by.Account)
	kept, err := k.hash(ctx, password)
	if err != nil {
		return err
	}
	ctx = With(ctx, by)
	defer k.known.forget()
	return k.db.Tx(ctx, func(tx *store.Tx) error {
		was, err := tx.LockAccount(ctx, a.Name)
		if err != nil {
			return err
		}
		if was.Password != a.Password { // somebody was quicker
			return ErrOldPassword
		}
		is := was
		is.Password = kept
		if _, err := tx.CloseSessions(ctx, a.Name, by.Session); err != nil {
			return err
		}
		if _, err := tx.EndInvites(ctx, a.Name); err != nil {
			return err
		}
		return change(ctx, tx, "password", was, is)
	})
}

// Preferences are how somebody likes the pages; "" = as the browser, the system,
// the configuration has it.
type Preferences struct {
	Language string
	Theme    string // light, dark
	Zone     string
}

// SetPreferences keeps what the account of by prefers, or fails with an Invalid
// error, access.language, access.theme or access.zone.
func (k *Keeper) SetPreferences(ctx context.Context, by Principal, p Preferences) error {
	if err := p.check(); err != nil {
		return err
	}
	ctx = With(ctx, by)
	defer k.known.forget()
	return k.db.Tx(ctx, func(tx *store.Tx) error {
		was, err := tx.LockAccount(ctx, by.Account)
		if err != nil {
			return err
		}
		is := was
		is.Language, is.Theme, is.Zone = p.Language, p.Theme, p.Zone
		if is == was {
			return nil
		}
		return change(ctx, tx, "preferences", was, is)
	})
}

// maxZone is the length of the longest name of a zone, and some.
const maxZone = 64

func (p Preferences) check() error {
	if p.Language != "" && !slices.Contains(i18n.Languages(), p.Language) {
		return &oncall.Error{Kind: oncall.Invalid, Code: "access.language", Field: "/language", Message: "the languages are " + strings.Join(i18n.Languages(), ", ")}
	}
	if p.Theme != "" && p.Theme != "light" && p.Theme != "dark" {
		return &oncall.Error{Kind: oncall.Invalid, Code: "access.theme", Field: "/theme", Message: "the themes are light and dark"}
	}
	if p.Zone != "" {
		if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "Local" || len(p.Zone) > maxZone {
			return &oncall.Error{Kind: oncall.Invalid, Code: "access.zone", Field: "/zone", Message: "that is no zone; they are called as in Asia/Tokyo"}
		}
	}
	return nil
}
