package store

import (
	"context"
	"fmt"
	"time"

	"toban/oncall"
)

// Account is somebody who may log in. Who may what is decided in package access;
// here a role is a word.
type Account struct {
	Name       string // that of a user, where there is one
	Password   string // argon2id in its usual text form; it never leaves the program
	Role       string
	Language   string // "" = as the browser asks
	Theme      string // "" = as the system has it
	Zone       string // "" = the user's, or the installation's
	CreatedAt  time.Time
	DisabledAt time.Time // zero = may log in
}

// ErrUnknownAccount is returned for an account that does not exist.
var ErrUnknownAccount = &oncall.Error{Kind: oncall.NotFound, Code: "access.account_unknown", Message: "there is no account of that name"}

const accountColumns = `accounts.name, accounts.password, accounts.role, accounts.language, accounts.theme, accounts.zone,
	accounts.created_at, accounts.disabled_at`

// into are the places of accountColumns.
func (a *Account) into() []any {
	return []any{&a.Name, &a.Password, &a.Role, &a.Language, &a.Theme, &a.Zone, (*millis)(&a.CreatedAt), (*millis)(&a.DisabledAt)}
}

// accountsLock is a counter that stands for all accounts together: who raises it
// is alone until the end of the transaction.
const accountsLock = "accounts"

// LockAccounts makes transactions that decide about accounts as a whole, such as
// which is the last admin, wait for each other. It comes before all locks of
// single accounts.
func (tx *Tx) LockAccounts(ctx context.Context) error {
	_, err := tx.NextCounter(ctx, accountsLock, 1)
	return err
}

const selectAccount = `SELECT ` + accountColumns + ` FROM accounts WHERE name = $1`

// Account returns the account of that name, or ErrUnknownAccount.
func (tx *Tx) Account(ctx context.Context, name string) (Account, error) {
	return tx.account(ctx, selectAccount, name)
}

const lockAccount = selectAccount + ` ` + markLock

// LockAccount is Account, locked until the end of tx: whoever makes something
// that stands on an account waits for who changes it, and sees the change.
func (tx *Tx) LockAccount(ctx context.Context, name string) (Account, error) {
	return tx.account(ctx, lockAccount, name)
}

func (tx *Tx) account(ctx context.Context, statement, name string) (a Account, err error) {
	found, err := tx.one(ctx, statement, []any{clean(name)}, a.into()...)
	switch {
	case err != nil:
		return Account{}, fmt.Errorf("account %s: %w", name, err)
	case !found:
		return Account{}, ErrUnknownAccount
	}
	return a, nil
}

const selectAccounts = `SELECT ` + accountColumns + ` FROM accounts ORDER BY name`

// Accounts returns all accounts by name.
func (tx *Tx) Accounts(ctx context.Context) ([]Account, error) {
	var list []Account
	err := tx.all(ctx, selectAccounts, func(rows row) error {
		var a Account
		err := rows.Scan(a.into()...)
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	return list, nil
}

const anyAccount = `SELECT name FROM accounts LIMIT 1`

// HasAccounts reports whether there is any account, disabled ones too.
func (tx *Tx) HasAccounts(ctx context.Context) (bool, error) {
	var name string
	found, err := tx.one(ctx, anyAccount, nil, &name)
	if err != nil {
		return false, fmt.Errorf("accounts: %w", err)
	}
	return found, nil
}

const countRole = `SELECT COUNT(*) FROM accounts WHERE role = $1 AND disabled_at IS NULL`

// CountRole returns how many accounts that may log in have exactly that role.
func (tx *Tx) CountRole(ctx context.Context, role string) (n int, err error) {
	if _, err := tx.one(ctx, countRole, []any{clean(role)}, &n); err != nil {
		return 0, fmt.Errorf("accounts: %w", err)
	}
	return n, nil
}

const upsertAccount = `
	INSERT INTO accounts(name, password, role, language, theme, zone, created_at, disabled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT (name) DO UPDATE SET password = excluded.password, role = excluded.role, language = excluded.language,
		theme = excluded.theme, zone = excluded.zone, disabled_at = excluded.disabled_at`

// SaveAccount writes an account. The time at which it was made stays what it
// was; that of a new one is tx.Now.
func (tx *Tx) SaveAccount(ctx context.Context, a Account) error {
	_, err := tx.do(ctx, upsertAccount, a.Name, a.Password, a.Role, a.Language, a.Theme, a.Zone, tx.Now.UnixMilli(), ms(a.DisabledAt))
	if err != nil {
		return fmt.Errorf("account %s: %w", a.Name, err)
	}
	return nil
}
