package access

import (
	"context"
	"errors"

	"toban/oncall"
	"toban/store"
)

// MayAct reports whether a user may work on incidents where a chat, not a login,
// says who it is. The role of the user's account decides; one that is disabled
// may nothing. A user without an account acts as by a telephone: being in the
// configuration is enough.
func (k *Keeper) MayAct(ctx context.Context, user oncall.UserID) (may bool, err error) {
	err = k.db.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		may = dir.Users[user] != nil
		name := fold(string(user))
		if !may || k.users(dir).of(name) != user {
			return nil // the account of that name, if there is one, is another's
		}
		a, err := tx.Account(ctx, name)
		if errors.Is(err, store.ErrUnknownAccount) {
			return nil
		}
		may = a.DisabledAt.IsZero() && Role(a.Role).Includes(Responder)
		return err
	})
	return may && err == nil, err
}
