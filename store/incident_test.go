package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestAnIncidentComesBackAsItWasSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		inc := trigger("by-hand").Incident
		tx(t, db, func(tx *store.Tx) error {
			if err := tx.InsertIncidents(t.Context(), []*oncall.Incident{inc}); err != nil {
				return err
			}
			entries := inc.Acknowledge("matsu", tx.Now, tx.Now.Add(time.Hour), "web")
			inc.MergedInto, inc.Title = "inc_other", "new title"
			if err := tx.AddEntries(t.Context(), inc, entries...); err != nil {
				return err
			}
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		if inc.Number == 0 || inc.Version != 2 || inc.Entries != 1 {
			t.Errorf("number %d, version %d, %d entries", inc.Number, inc.Version, inc.Entries)
		}
		read(t, db, func(tx *store.Tx) error {
			for name, find := range map[string]func() (*oncall.Incident, error){
				"by id":     func() (*oncall.Incident, error) { return tx.IncidentUnlocked(t.Context(), inc.ID) },
				"by number": func() (*oncall.Incident, error) { return tx.IncidentByNumber(t.Context(), inc.Number) },
				"open":      func() (*oncall.Incident, error) { return tx.OpenIncident(t.Context(), inc.Service, inc.GroupKey) },
			} {
				got, err := find()
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if diff := cmp.Diff(inc, got); diff != "" {
					t.Errorf("%s differs (-want +got):\n%s", name, diff)
				}
			}
			return nil
		})
		tx(t, db, func(tx *store.Tx) error {
			got, err := tx.Incident(t.Context(), inc.ID)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(inc, got); diff != "" {
				t.Errorf("locked, it differs (-want +got):\n%s", diff)
			}
			lines, err := tx.Timeline(t.Context(), inc.ID, 0, 0)
			if len(lines) != 1 || lines[0].Kind != oncall.EntryAcknowledged || lines[0].Actor != "matsu" || lines[0].Data.Until == nil {
				t.Errorf("timeline %+v", lines)
			}
			return err
		})
	})
}

func TestWhatDoesNotExistIsSaidSo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			for name, find := range map[string]func() error{
				"incident":        func() error { _, err := tx.Incident(t.Context(), "inc_x"); return err },
				"incident, NUL":   func() error { _, err := tx.Incident(t.Context(), "inc_\x00"); return err },
				"unlocked":        func() error { _, err := tx.IncidentUnlocked(t.Context(), "\xff"); return err },
				"by number":       func() error { _, err := tx.IncidentByNumber(t.Context(), 99); return err },
				"open":            func() error { _, err := tx.OpenIncident(t.Context(), "s", "g\x00"); return err },
				"delivery":        func() error { _, err := tx.Delivery(t.Context(), "dlv_\x00"); return err },
				"by provider":     func() error { _, err := tx.DeliveryByProvider(t.Context(), "twilio", "CA\xff"); return err },
				"key":             func() error { _, err := tx.KeyIntegration(t.Context(), "\x00"); return err },
				"revoked":         func() error { return tx.RevokeKey(t.Context(), "nobody") },
				"revision":        func() error { _, _, err := tx.Revision(t.Context(), "\x00"); return err },
				"policy":          func() error { _, err := tx.Policy(t.Context(), "x"); return err },
				"object to drop":  func() error { return tx.DeleteObject(t.Context(), "override", "x\x00") },
				"unsent delivery": func() error { return tx.SaveDelivery(t.Context(), &store.Delivery{ID: "dlv_x"}) },
			} {
				err := find()
				e, ok := errors.AsType[*oncall.Error](err)
				if !ok || e.Kind != oncall.NotFound && e.Kind != oncall.Unauthenticated {
					t.Errorf("%s: got %v, want that there is none", name, err)
				}
			}
			row, err := tx.OutboxRow(t.Context(), "inc_1.1\x00")
			if row != nil || err != nil {
				t.Errorf("outbox row %v, %v, want none", row, err)
			}
			return nil
		})
	})
}

func TestALostUpdateIsStale(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("db-1"))[0]
		var old *oncall.Incident
		read(t, db, func(tx *store.Tx) (err error) {
			old, err = tx.IncidentUnlocked(t.Context(), got.Incident)
			return err
		})
		accept(t, db, trigger("db-1")) // counts
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SaveIncidents(t.Context(), []*oncall.Incident{old}) })
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("incident: got %v, want stale", err)
		}
		row := about(t, db, got.Incident).Response
		row.Version--
		err = db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SaveResponses(t.Context(), []*store.ResponseRow{row}) })
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("response: got %v, want stale", err)
		}
	})
}

func TestR2_ASecondOpenIncidentOfAGroupIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("db-1"))[0]
		insert := func() error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				return tx.InsertIncidents(t.Context(), []*oncall.Incident{trigger("db-1").Incident})
			})
		}
		if err := insert(); !errors.Is(err, store.ErrOpenIncident) {
			t.Fatalf("got %v, want incident.open", err)
		}
		resolve := func(f func(*oncall.Incident, time.Time)) error {
			return db.Tx(t.Context(), func(tx *store.Tx) error {
				inc, err := tx.Incident(t.Context(), got.Incident)
				if err != nil {
					return err
				}
				f(inc, tx.Now)
				return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
			})
		}
		if err := resolve(func(inc *oncall.Incident, at time.Time) { inc.Resolve("", at, "") }); err != nil {
			t.Fatal(err)
		}
		if err := insert(); err != nil {
			t.Fatalf("after the end: %v", err)
		}
		if err := resolve(func(inc *oncall.Incident, at time.Time) { inc.Reopen(at) }); !errors.Is(err, store.ErrOpenIncident) {
			t.Fatalf("reopened beside another: got %v, want incident.open", err)
		}
	})
}

func TestSetsOfAnySizeAreReadAndWrittenWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 64 + 16 + 4 + 3
		signals := make([]store.Acceptance, n)
		ids := make([]oncall.IncidentID, n)
		for i := range signals {
			signals[i] = trigger(fmt.Sprintf("k%d", i))
			ids[i] = signals[i].Incident.ID
		}
		accept(t, db, signals...)
		tx(t, db, func(tx *store.Tx) error {
			for name, lock := range map[string]func() (map[oncall.IncidentID]*oncall.Incident, error){
				"skip": func() (map[oncall.IncidentID]*oncall.Incident, error) {
					return tx.IncidentsSkipLocked(t.Context(), append(ids, "inc_x"))
				},
				"wait": func() (map[oncall.IncidentID]*oncall.Incident, error) {
					return tx.IncidentsLocked(t.Context(), append(ids, "inc_x"))
				},
			} {
				if found, err := lock(); err != nil || len(found) != n {
					return fmt.Errorf("%s: %d incidents, want %d (%w)", name, len(found), n, err)
				}
			}
			incidents, err := tx.IncidentsLocked(t.Context(), ids)
			if err != nil {
				return err
			}
			responses, err := tx.Responses(t.Context(), ids)
			if err != nil {
				return err
			}
			var changed []*oncall.Incident
			var rows []*store.ResponseRow
			for id, inc := range incidents {
				if err := tx.AddEntries(t.Context(), inc, oncall.Entry{Kind: oncall.EntryNote}, oncall.Entry{Kind: oncall.EntryNote}); err != nil {
					return err
				}
				responses[id].Response.Round = 7
				changed, rows = append(changed, inc), append(rows, responses[id])
			}
			if err := tx.SaveIncidents(t.Context(), changed); err != nil {
				return err
			}
			return tx.SaveResponses(t.Context(), rows)
		})
		for _, id := range ids {
			if f := about(t, db, id); f.Incident.Entries != 3 || f.Response.Response.Round != 7 {
				t.Fatalf("incident %s: %d entries, round %d", id, f.Incident.Entries, f.Response.Response.Round)
			}
		}
		read(t, db, func(tx *store.Tx) error {
			firing, err := tx.FiringOf(t.Context(), ids)
			if len(firing) != n {
				t.Errorf("%d incidents with firing alerts, want %d", len(firing), n)
			}
			return err
		})
	})
}

// SQLite has one writer, so nobody else ever holds a row there.
func TestAnIncidentThatSomebodyHoldsIsLeftOut(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "postgres")
	got := accept(t, db, trigger("a"), trigger("b"))
	tx(t, db, func(holder *store.Tx) error {
		if _, err := holder.Incident(t.Context(), got[0].Incident); err != nil {
			return err
		}
		tx(t, db, func(tx *store.Tx) error {
			found, err := tx.IncidentsSkipLocked(t.Context(), []oncall.IncidentID{got[0].Incident, got[1].Incident})
			if len(found) != 1 || found[got[1].Incident] == nil {
				t.Errorf("found %v, want the one that nobody holds", found)
			}
			return err
		})
		return nil
	})
}

func TestIncidentsAreListedTheNewestFirstInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := began().Add(-time.Hour)
		var want []oncall.IncidentID
		for i := range 10 {
			a := trigger(fmt.Sprintf("k%d", i))
			a.Incident.TriggeredAt = at.Add(time.Duration(i/2) * time.Second) // two at a time
			if i%5 == 0 {
				a.Incident.Service, a.Signal.Service = "shop", "shop"
			}
			accept(t, db, a)
			want = append(want, a.Incident.ID)
		}
		tx(t, db, func(tx *store.Tx) error {
			inc, err := tx.Incident(t.Context(), want[3])
			if err != nil {
				return err
			}
			inc.Resolve("", tx.Now, "")
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		list := func(f store.IncidentFilter) (ids []oncall.IncidentID) {
			f.Limit = 3
			read(t, db, func(tx *store.Tx) error {
				for {
					page, err := tx.ListIncidents(t.Context(), f)
					if err != nil {
						return err
					}
					for _, inc := range page {
						ids = append(ids, inc.ID)
					}
					if len(page) < f.Limit {
						return nil
					}
					last := page[len(page)-1]
					f.Before, f.BeforeID = last.TriggeredAt, last.ID
				}
			})
			return ids
		}
		reversed := func(keep func(i int) bool) (ids []oncall.IncidentID) {
			for pair := 4; pair >= 0; pair-- {
				first, second := 2*pair, 2*pair+1
				if want[first] < want[second] {
					first, second = second, first
				}
				for _, i := range []int{first, second} {
					if keep(i) {
						ids = append(ids, want[i])
					}
				}
			}
			return ids
		}
		for name, tc := range map[string]struct {
			filter store.IncidentFilter
			keep   func(i int) bool
		}{
			"all":      {store.IncidentFilter{}, func(int) bool { return true }},
			"open":     {store.IncidentFilter{States: []oncall.State{oncall.Triggered, oncall.Acknowledged}}, func(i int) bool { return i != 3 }},
			"resolved": {store.IncidentFilter{States: []oncall.State{oncall.Resolved}}, func(i int) bool { return i == 3 }},
			"service":  {store.IncidentFilter{Service: "shop"}, func(i int) bool { return i%5 == 0 }},
		} {
			if diff := cmp.Diff(reversed(tc.keep), list(tc.filter)); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestADecisionClearsAlertsSoThatTheNextRepetitionIsAnEdge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("a", group("g"), severity(oncall.Warning, oncall.Low)), trigger("b", group("g")))
		if f := about(t, db, got[0].Incident); f.Firing != 2 || f.Worst != oncall.Failure {
			t.Errorf("%d firing, worst %s, want 2 and error", f.Firing, f.Worst)
		}
		tx(t, db, func(tx *store.Tx) error { return tx.ClearAlerts(t.Context(), got[0].Incident) })
		if f := about(t, db, got[0].Incident); f.Firing != 0 {
			t.Errorf("%d firing, want none", f.Firing)
		}
		if again := accept(t, db, trigger("a", group("g")))[0]; !again.Edge {
			t.Errorf("the repetition is %+v, want an edge", again)
		}
	})
}
