package access_test

import (
	"encoding/json"
	"testing"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestTheAccountOfAUserSaysWhetherTheyMayActInAChat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := keeper(db), t.Context()
		var objects []store.Object
		for _, name := range []string{"ume", "take", "Matsu", "kiku", "ran"} {
			body, err := json.Marshal(oncall.User{ID: oncall.UserID(name), Name: name})
			if err != nil {
				t.Fatal(err)
			}
			objects = append(objects, store.Object{Kind: store.ObjectUser, Name: name, Body: body, File: "a.yaml", Line: 1})
		}
		err := db.Tx(ctx, func(tx *store.Tx) error {
			_, _, err := tx.Apply(ctx, objects)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		ume, _ := begin(t, k)
		join(t, k, ume, "take", access.Responder)
		join(t, k, ume, "matsu", access.Viewer)
		join(t, k, ume, "kiku", access.Manager)
		if err := k.Disable(ctx, ume, "kiku"); err != nil {
			t.Fatal(err)
		}
		for user, want := range map[oncall.UserID]bool{
			"ume": true, "take": true, "Matsu": false, "kiku": false,
			"ran":    true,  // without an account
			"nobody": false, // in no configuration
		} {
			if got, err := k.MayAct(ctx, user); got != want || err != nil {
				t.Errorf("%s: got %v %v, want %v", user, got, err, want)
			}
		}
	})
}
