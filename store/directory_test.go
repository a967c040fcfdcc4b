package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func object(t *testing.T, kind, name string, v any) store.Object {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return store.Object{Kind: kind, Name: name, Body: body, File: "people.yaml", Line: 3}
}

func configuration(t *testing.T) []store.Object {
	return []store.Object{
		object(t, store.ObjectSettings, "settings", oncall.Settings{Language: "ja", Zone: "Asia/Tokyo"}),
		object(t, store.ObjectUser, "matsu", oncall.User{ID: "matsu", Name: "松", Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: "+819000000001", Ring: 25 * time.Second}}}),
		object(t, store.ObjectSchedule, "infra", oncall.Schedule{ID: "infra", Zone: "Asia/Tokyo"}),
		object(t, store.ObjectPolicy, "infra", oncall.Policy{ID: "infra", Levels: []oncall.Level{{Wait: time.Minute}}}),
		object(t, store.ObjectService, "checkout", oncall.Service{ID: "checkout", Policy: "infra"}),
		object(t, store.ObjectService, "all", oncall.Service{ID: "all", CatchAll: true}),
		object(t, store.ObjectIntegration, "prometheus", oncall.Integration{ID: "prometheus", Dialect: "alertmanager"}),
		object(t, store.ObjectPager, "old", oncall.Pager{ID: "old", URL: "https://pager.example.jp"}),
		object(t, store.ObjectStage, "staging", oncall.StageConfig{Name: "staging", Simulated: true}),
		object(t, store.ObjectRoute, "POST /alerts", oncall.Route{Method: "POST", Path: "/alerts", To: "prometheus"}),
	}
}

func directory(t *testing.T, db *store.DB) (d *oncall.Directory) {
	t.Helper()
	read(t, db, func(tx *store.Tx) (err error) {
		d, err = tx.Directory(t.Context())
		return err
	})
	return d
}

func apply(t *testing.T, db *store.DB, objects []store.Object) (version int64, changed int) {
	t.Helper()
	tx(t, db, func(tx *store.Tx) (err error) {
		version, changed, err = tx.Apply(t.Context(), objects)
		return err
	})
	return version, changed
}

func TestWhatIsAppliedIsTheDirectory(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if d := directory(t, db); d.Version != 0 || len(d.Users) != 0 || d.Users == nil {
			t.Errorf("an empty store has the directory %+v", d)
		}
		objects := configuration(t)
		if version, changed := apply(t, db, objects); version != 1 || changed != len(objects) {
			t.Errorf("version %d with %d changed, want 1 and %d", version, changed, len(objects))
		}
		d := directory(t, db)
		if d != directory(t, db) {
			t.Error("the directory was built again though nothing has changed")
		}
		want := &oncall.Directory{
			Version:  1,
			Settings: oncall.Settings{Language: "ja", Zone: "Asia/Tokyo"},
			Users: map[oncall.UserID]*oncall.User{"matsu": {ID: "matsu", Name: "松", Contacts: []oncall.ContactMethod{
				{Name: "phone", Method: oncall.Call, Address: "+819000000001", Ring: 25 * time.Second},
			}}},
			Schedules:    map[oncall.ScheduleID]*oncall.Schedule{"infra": {ID: "infra", Zone: "Asia/Tokyo"}},
			Policies:     map[oncall.PolicyID]*oncall.Policy{"infra": {ID: "infra", Levels: []oncall.Level{{Wait: time.Minute}}, Revision: objects[3].Hash()}},
			Services:     []*oncall.Service{{ID: "checkout", Policy: "infra"}, {ID: "all", CatchAll: true}},
			Integrations: map[oncall.IntegrationID]*oncall.Integration{"prometheus": {ID: "prometheus", Dialect: "alertmanager"}},
			Pagers:       map[oncall.PagerID]*oncall.Pager{"old": {ID: "old", URL: "https://pager.example.jp"}},
			Stages:       map[oncall.Stage]*oncall.StageConfig{"staging": {Name: "staging", Simulated: true}},
			Routes:       []oncall.Route{{Method: "POST", Path: "/alerts", To: "prometheus"}},
		}
		if diff := cmp.Diff(want, d, cmpopts.IgnoreUnexported(oncall.Directory{})); diff != "" {
			t.Errorf("directory differs (-want +got):\n%s", diff)
		}
		if version, changed := apply(t, db, objects); version != 1 || changed != 0 {
			t.Errorf("applied again: version %d with %d changed, want 1 and none", version, changed)
		}
	})
}

func TestApplyReplacesWhatComesFromFilesOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		objects := configuration(t)
		apply(t, db, objects)
		override := object(t, store.ObjectOverride, "ovr_1", oncall.Override{ID: "ovr_1", Schedule: "infra", User: "matsu"})
		tx(t, db, func(tx *store.Tx) error { return tx.PutObject(t.Context(), override) })
		before := directory(t, db)
		if before.Version != 2 || len(before.Overrides) != 1 {
			t.Fatalf("version %d with %d overrides, want 2 and 1", before.Version, len(before.Overrides))
		}
		swapped := append([]store.Object(nil), objects[:9]...) // without the route
		swapped[4], swapped[5] = swapped[5], swapped[4]
		swapped[1] = object(t, store.ObjectUser, "matsu", oncall.User{ID: "matsu", Name: "Matsu"})
		if version, changed := apply(t, db, swapped); version != 3 || changed != 2 {
			t.Errorf("version %d with %d changed, want 3 and 2: the user and the route", version, changed)
		}
		d := directory(t, db)
		if d.Users["matsu"].Name != "Matsu" || len(d.Routes) != 0 || len(d.Overrides) != 1 || d.Services[0].ID != "all" {
			t.Errorf("directory %+v", d)
		}
		if before.Users["matsu"].Name != "松" {
			t.Error("the directory of an older version has changed")
		}
		swapped[4], swapped[5] = swapped[5], swapped[4]
		if version, changed := apply(t, db, swapped); version != 4 || changed != 2 {
			t.Errorf("the order alone: version %d with %d changed, want 4 and 2", version, changed)
		}
		tx(t, db, func(tx *store.Tx) error { return tx.DeleteObject(t.Context(), store.ObjectOverride, "ovr_1") })
		if d := directory(t, db); d.Version != 5 || len(d.Overrides) != 0 {
			t.Errorf("version %d with %d overrides, want 5 and none", d.Version, len(d.Overrides))
		}
	})
}

func TestWhatAFileSaysIsNotChangedAtRunTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		objects := configuration(t)
		apply(t, db, objects)
		for name, change := range map[string]func(tx *store.Tx) error{
			"put": func(tx *store.Tx) error {
				return tx.PutObject(t.Context(), object(t, store.ObjectUser, "matsu", oncall.User{ID: "matsu"}))
			},
			"delete": func(tx *store.Tx) error { return tx.DeleteObject(t.Context(), store.ObjectUser, "matsu") },
		} {
			if err := db.Tx(t.Context(), change); !errors.Is(err, store.ErrManagedByFile) {
				t.Errorf("%s: got %v, want that a file manages it", name, err)
			}
		}
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			_, _, err := tx.Apply(t.Context(), append(objects, objects[0]))
			return err
		})
		if e, ok := errors.AsType[*oncall.Error](err); !ok || e.Kind != oncall.Invalid {
			t.Errorf("the same object twice: got %v", err)
		}
	})
}

func TestR14_APolicyStaysReadableByItsRevision(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		apply(t, db, configuration(t))
		revision := directory(t, db).Policies["infra"].Revision
		apply(t, db, []store.Object{object(t, store.ObjectPolicy, "infra", oncall.Policy{ID: "infra", Rounds: 9})})
		if now := directory(t, db).Policies["infra"]; now.Rounds != 9 || now.Revision == revision {
			t.Errorf("policy %+v, want the new one", now)
		}
		for range 2 {
			read(t, db, func(tx *store.Tx) error {
				p, err := tx.Policy(t.Context(), revision)
				if err != nil {
					return err
				}
				if p.Rounds != 0 || len(p.Levels) != 1 || p.Revision != revision {
					t.Errorf("policy of the revision: %+v", p)
				}
				return nil
			})
		}
	})
}

func TestADirectoryThatIsNotCommittedIsSeenByNobodyElse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		apply(t, db, configuration(t))
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			if _, _, err := tx.Apply(t.Context(), nil); err != nil {
				return err
			}
			d, err := tx.Directory(t.Context())
			if err != nil {
				return err
			}
			if d.Version != 2 || len(d.Users) != 0 {
				t.Errorf("the transaction sees %+v, want what it has made", d)
			}
			return errMine
		})
		if !errors.Is(err, errMine) {
			t.Fatal(err)
		}
		if d := directory(t, db); d.Version != 1 || len(d.Users) != 1 {
			t.Errorf("others see version %d with %d users, want 1 and 1", d.Version, len(d.Users))
		}
	})
}
