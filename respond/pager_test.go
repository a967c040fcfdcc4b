package respond_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	"toban/respond/respondtest"
	"toban/store"
)

func TestR15_AnotherPagerHearsThatItIsTakenAndOver(t *testing.T) {
	policy := respondtest.Small()
	policy.Levels = policy.Levels[:1]
	policy.Levels[0].Targets = []oncall.Target{{Kind: oncall.TargetPager, Name: "old"}}
	c := respondtest.Config{
		Policy: policy,
		Script: func(row store.OutboxRow) respondtest.Answer {
			return respondtest.Answer{Outcome: oncall.Sent, After: time.Second, Never: row.Kind == oncall.Call}
		},
		More: []store.Object{respondtest.Object(t, store.ObjectPager, "old", oncall.Pager{ID: "old", URL: "https://pager.example.jp"})},
	}
	rehearse(t, c, func(t *testing.T, h *respondtest.House) {
		id := h.Open("down", oncall.Critical)
		after(3 * time.Second)
		acknowledge(t, h, id, "ben")
		after(3 * time.Second)
		err := h.DB.Tx(t.Context(), func(tx *store.Tx) error {
			inc, err := tx.Incident(t.Context(), id)
			if err != nil {
				return err
			}
			said := inc.Resolve("ben", tx.Now, "api")
			return h.Driver.Take(t.Context(), tx, inc, oncall.Input{Kind: oncall.InResolved, By: "ben"}, said...)
		})
		if err != nil {
			t.Fatal(err)
		}
		after(3 * time.Second)
		var epochs []int64
		for _, c := range h.Phones.Claims() {
			if c.Row.Kind == oncall.Events && c.Row.Payload.Pager == "old" {
				epochs = append(epochs, c.Row.Epoch)
			}
		}
		if want := []int64{1, 2, 3}; !slices.Equal(epochs, want) {
			t.Errorf("the pager was told under the epochs %v, want %v: triggered, taken, over", epochs, want)
		}
		var why []string
		for _, e := range h.Timeline(id) {
			if e.Kind == oncall.EntryTold && e.Data.Target != nil {
				why = append(why, e.Data.Target.Name+" "+e.Data.Why)
			}
		}
		if got, want := strings.Join(why, ", "), "old taken, old healed"; got != want {
			t.Errorf("told = %s, want %s", got, want)
		}
	})
}
