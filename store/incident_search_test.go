package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// history are 3,000 incidents, one a minute: of each ten two are open, and of
// those every second one is ume's.
func history(t *testing.T, db *store.DB) (at func(i int) time.Time) {
	t.Helper()
	at = func(i int) time.Time {
		return time.UnixMilli(1_790_000_000_000).UTC().Add(time.Duration(i) * time.Minute)
	}
	const all, chunk = 3000, 500
	for from := 0; from < all; from += chunk {
		tx(t, db, func(tx *store.Tx) error {
			var list []*oncall.Incident
			for i := from; i < from+chunk; i++ {
				inc := &oncall.Incident{
					ID: oncall.IncidentID(fmt.Sprintf("inc_%05d", i)), Service: "shop", GroupKey: fmt.Sprint(i), State: oncall.Resolved,
					Severity: oncall.Critical, Urgency: oncall.High, Title: fmt.Sprintf("Disk 50%% full on db_%d", i), Stage: oncall.Production,
					Epoch: 1, Count: 1, TriggeredAt: at(i), ResolvedAt: at(i + 60),
				}
				switch i % 10 {
				case 3:
					inc.State, inc.ResolvedAt = oncall.Triggered, time.Time{}
				case 7:
					inc.State, inc.ResolvedAt, inc.AcknowledgedAt, inc.AcknowledgedBy = oncall.Acknowledged, time.Time{}, at(i+1), "ume"
				}
				if i%100 == 0 {
					inc.Service, inc.Urgency = "search", oncall.Low
				}
				list = append(list, inc)
			}
			return tx.InsertIncidents(t.Context(), list)
		})
	}
	return at
}

func TestASearchFindsEachIncidentOnceHoweverManyPagesItTakes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := history(t, db)
		for _, tc := range []struct {
			name string
			s    store.IncidentSearch
			want int
		}{
			{"all", store.IncidentSearch{Limit: 200}, 3000},
			{"open", store.IncidentSearch{States: []oncall.State{oncall.Triggered, oncall.Acknowledged}, Limit: 200}, 600},
			{"triggered", store.IncidentSearch{States: []oncall.State{oncall.Triggered}}, 300},
			{"held by ume", store.IncidentSearch{States: []oncall.State{oncall.Acknowledged}, Holder: "ume", Limit: 7}, 300},
			{"held by nobody", store.IncidentSearch{Holder: "take"}, 0},
			{"a service", store.IncidentSearch{Service: "search", Limit: 7}, 30},
			{"an urgency", store.IncidentSearch{Urgency: oncall.Low}, 30},
			{"a title", store.IncidentSearch{Text: "DB_299"}, 11},
			{"a title with signs", store.IncidentSearch{Text: "50% full on db_1", Limit: 200}, 1111},
			{"signs are no wildcards", store.IncidentSearch{Text: "dbx1"}, 0},
			{"resolved since", store.IncidentSearch{States: []oncall.State{oncall.Resolved}, ResolvedSince: at(3000 + 50)}, 8},
		} {
			seen := map[oncall.IncidentID]bool{}
			last := at(5000)
			search := tc.s
			for range 400 {
				var found *store.Found
				read(t, db, func(tx *store.Tx) (err error) {
					found, err = tx.SearchIncidents(t.Context(), search)
					return err
				})
				for _, inc := range found.Incidents {
					if seen[inc.ID] || inc.TriggeredAt.After(last) {
						t.Fatalf("%s: %s is twice or out of order", tc.name, inc.ID)
					}
					seen[inc.ID], last = true, inc.TriggeredAt
				}
				if !found.More {
					break
				}
				search.Before, search.BeforeID = found.Last, found.LastID
			}
			if len(seen) != tc.want {
				t.Errorf("%s: found %d, want %d", tc.name, len(seen), tc.want)
			}
		}
	})
}

func TestWhatIsOpenIsCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var got store.OpenCount
		count := func(user oncall.UserID) {
			read(t, db, func(tx *store.Tx) (err error) {
				got, err = tx.CountOpen(t.Context(), user)
				return err
			})
		}
		if count("ume"); got != (store.OpenCount{}) {
			t.Errorf("in an empty store: %+v", got)
		}
		history(t, db)
		if count("ume"); got != (store.OpenCount{Triggered: 300, Acknowledged: 300, Held: 300}) {
			t.Errorf("for ume: %+v", got)
		}
		if count("take"); got.Held != 0 {
			t.Errorf("take has %d", got.Held)
		}
		var all store.OpenOfAll
		read(t, db, func(tx *store.Tx) (err error) {
			all, err = tx.CountOpenOfAll(t.Context())
			return err
		})
		if diff := cmp.Diff(store.OpenOfAll{Triggered: 300, Acknowledged: 300, Held: map[oncall.UserID]int{"ume": 300}}, all); diff != "" {
			t.Errorf("of all (-want +got):\n%s", diff)
		}
	})
}

func TestATimelineIsReadBackwards(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		inc := trigger("long").Incident
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.InsertIncidents(t.Context(), []*oncall.Incident{inc}); err != nil {
				return err
			}
			for range 10 {
				if err := tx.AddEntries(t.Context(), inc, oncall.Entry{Kind: oncall.EntryNote, Actor: "ume"}); err != nil {
					return err
				}
			}
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		seqs := func(before int64) (out []int64) {
			read(t, db, func(tx *store.Tx) error {
				list, err := tx.TimelineBack(t.Context(), inc.ID, before, 4)
				for _, e := range list {
					out = append(out, e.Seq)
				}
				return err
			})
			return out
		}
		if diff := cmp.Diff([]int64{10, 9, 8, 7}, seqs(0)); diff != "" {
			t.Errorf("from the end (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int64{2, 1}, seqs(3)); diff != "" {
			t.Errorf("the rest (-want +got):\n%s", diff)
		}
	})
}

func TestIncidentsTriggeredInASpanAreCountedUpToABound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := history(t, db)
		tx(t, db, func(tx *store.Tx) error {
			for _, tc := range []struct {
				name       string
				from, to   time.Time
				most, want int
			}{
				{"an hour, its first minute in and its last out", at(60), at(120), 100, 60},
				{"more than the bound", at(0), at(3000), 100, 100},
				{"before all", at(-100), at(0), 100, 0},
				{"nothing", at(5), at(5), 100, 0},
			} {
				if n, err := tx.CountTriggered(t.Context(), tc.from, tc.to, tc.most); err != nil || n != tc.want {
					t.Errorf("%s: got %d, %v, want %d", tc.name, n, err, tc.want)
				}
			}
			return nil
		})
	})
}
