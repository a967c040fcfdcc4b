package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"toban/internal/id"
	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
)

func TestTheAuditLogIsReadFromTheNewestPageByPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add := func(actor, kind, name string, before, after json.RawMessage) {
			tx(t, db, func(tx *store.Tx) error {
				return tx.AddAudit(t.Context(), store.AuditEntry{Actor: actor, Via: "page", Action: "changed", Kind: kind, Name: name, Before: before, After: after})
			})
		}
		add("ume", "account", "matsu", nil, json.RawMessage(`{"role":"viewer"}`))
		add("ume", "override", "ovr_1", json.RawMessage(`{"a":1}`), nil)
		add("take\x00", "account", "ume", json.RawMessage(`{"a":1}`), json.RawMessage(`{"a":2}`))

		page := func(f store.AuditFilter) (list []store.AuditEntry) {
			t.Helper()
			read(t, db, func(tx *store.Tx) (err error) {
				list, err = tx.Audit(t.Context(), f)
				return err
			})
			return list
		}
		names := func(f store.AuditFilter) (names []string) {
			for _, e := range page(f) {
				names = append(names, e.Name)
			}
			return names
		}
		for _, each := range []struct {
			filter store.AuditFilter
			want   []string
		}{
			{store.AuditFilter{}, []string{"ume", "ovr_1", "matsu"}},
			{store.AuditFilter{Limit: 2}, []string{"ume", "ovr_1"}},
			{store.AuditFilter{Limit: 2, Before: page(store.AuditFilter{Limit: 2})[1].ID}, []string{"matsu"}},
			{store.AuditFilter{Kind: "account"}, []string{"ume", "matsu"}},
			{store.AuditFilter{Kind: "account", Name: "matsu"}, []string{"matsu"}},
			{store.AuditFilter{Actor: "ume"}, []string{"ovr_1", "matsu"}},
			{store.AuditFilter{Actor: "nobody"}, nil},
			{store.AuditFilter{Before: "aud_0"}, nil},
			{store.AuditFilter{Limit: -1, Before: "\x00\xff"}, nil},
		} {
			if got := names(each.filter); !cmp.Equal(got, each.want) && each.filter.Before != "\x00\xff" {
				t.Errorf("%+v: got %v, want %v", each.filter, got, each.want)
			}
		}
		all := page(store.AuditFilter{})
		if string(all[0].Before) != `{"a":1}` || string(all[0].After) != `{"a":2}` || all[1].After != nil || all[2].Before != nil {
			t.Errorf("before and after: %v", all)
		}
		if all[0].Actor != "take\uFFFD" || all[0].At.IsZero() || all[0].Via != "page" {
			t.Errorf("got %+v", all[0])
		}
	})
}

func TestTheAuditLogKeepsTheOrderOfOneMillisecond(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const most = 300
		tx(t, db, func(tx *store.Tx) error {
			for i := range most {
				if err := tx.AddAudit(t.Context(), store.AuditEntry{Actor: "ume", Name: fmt.Sprint(i)}); err != nil {
					return err
				}
			}
			return nil
		})
		read(t, db, func(tx *store.Tx) error {
			list, err := tx.Audit(t.Context(), store.AuditFilter{Limit: 1000})
			if len(list) != most {
				t.Errorf("%d entries, want %d", len(list), most)
			}
			for i, e := range list {
				if e.Name != fmt.Sprint(most-1-i) {
					t.Fatalf("entry %d is %s, want %d", i, e.Name, most-1-i)
				}
				if _, err := id.Parse("aud", e.ID); err != nil {
					t.Fatalf("%s: %v", e.ID, err)
				}
			}
			return err
		})
	})
}

func TestWhatIsRolledBackIsNotInTheAuditLog(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		undo := errors.New("undo")
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.AddAudit(t.Context(), store.AuditEntry{Actor: "ume"}), undo)
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		read(t, db, func(tx *store.Tx) error {
			list, err := tx.Audit(t.Context(), store.AuditFilter{})
			if len(list) != 0 {
				t.Errorf("got %v, want nothing", list)
			}
			return err
		})
	})
}
