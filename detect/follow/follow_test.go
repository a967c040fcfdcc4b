package follow

import (
	"context"
	"slices"
	"testing"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// What taking over a configuration makes late is said in its language at once.
func TestTheLanguageIsKnownBeforeTheMonitorsAreTakenOver(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	var did []string
	f := Follower{
		DB: db, Name: "monitors",
		Apply: func(ctx context.Context, read Read) error {
			did = append(did, "apply")
			return db.Read(ctx, func(tx *store.Tx) error {
				_, err := read(ctx, tx)
				return err
			})
		},
		Applying: func(*oncall.Directory) { did = append(did, "applying") },
		Began:    func() bool { return false },
	}
	if err := f.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"applying", "apply"}; !slices.Equal(did, want) {
		t.Errorf("got %v, want %v", did, want)
	}
}
