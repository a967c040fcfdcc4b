package respond_test

import (
	"slices"
	"testing"
	"time"

	"toban/oncall"
	"toban/respond/respondtest"
	"toban/store"
)

// slow is a service that pages nobody for a while.
func slow(t *testing.T, wait time.Duration) []store.Object {
	return []store.Object{respondtest.Object(t, store.ObjectService, "slow", oncall.Service{ID: "slow", Policy: "main", PageAfter: wait})}
}

func TestR14_AnEditedServiceIsToldToItsWaitingResponses(t *testing.T) {
	rehearse(t, respondtest.Config{Script: never, More: slow(t, time.Hour)}, func(t *testing.T, h *respondtest.House) {
		id, err := respondtest.Signal(t.Context(), h.DB, "slow", "down", oncall.Trigger, oncall.Critical)
		if err != nil {
			t.Fatal(err)
		}
		after(10 * time.Second)
		if got := paged(h); len(got) != 0 {
			t.Fatalf("paged = %v, want nobody for an hour", got)
		}
		h.Apply(respondtest.Config{Policy: respondtest.Small(), More: slow(t, 5*time.Second)}) // the incident is older
		after(3 * time.Second)
		if got, want := paged(h), []oncall.UserID{"ann"}; !slices.Equal(got, want) {
			t.Errorf("paged = %v, want %v", got, want)
		}
		if e, ok := find(h.Timeline(id), oncall.EntryWorldChanged); !ok || e.Data.Why != "service slow" {
			t.Errorf("world changed = %+v, want service slow", e)
		}
	})
}
