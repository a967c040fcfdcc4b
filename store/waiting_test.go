package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestATimerIsTakenOnceByItsOwnerWhenItIsDue(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const kind = store.TimerSweep
		tx(t, db, func(tx *store.Tx) error {
			return tx.PutTimers(t.Context(),
				store.Timer{Kind: kind, Ref: "due", DueAt: tx.Now},
				store.Timer{Kind: kind, Ref: "later", DueAt: tx.Now.Add(time.Hour)},
				store.Timer{Kind: kind, Ref: "moved", DueAt: tx.Now},
				store.Timer{Kind: kind, Ref: "moved", DueAt: tx.Now.Add(time.Hour)},
				store.Timer{Kind: kind, Ref: "gone", DueAt: tx.Now},
				store.Timer{Kind: store.TimerDelivery, Ref: "due", DueAt: tx.Now.Add(time.Hour)},
			)
		})
		tx(t, db, func(tx *store.Tx) error { return tx.DeleteTimers(t.Context(), kind, "gone", "never was") })
		refs := []string{"due", "later", "moved", "gone"}
		for _, want := range [][]string{{"due"}, {}} {
			tx(t, db, func(tx *store.Tx) error {
				taken, err := tx.TakeTimers(t.Context(), kind, refs)
				if diff := cmp.Diff(want, taken); diff != "" {
					t.Errorf("taken differs (-want +got):\n%s", diff)
				}
				return err
			})
		}
		read(t, db, func(tx *store.Tx) error {
			timers, err := tx.OwnTimers(t.Context(), tx.Now.Add(2*time.Hour), 10)
			var left []string
			for _, timer := range timers {
				left = append(left, timer.Kind+" "+timer.Ref)
			}
			slices.Sort(left)
			if diff := cmp.Diff([]string{"delivery due", "sweep later", "sweep moved"}, left); diff != "" {
				t.Errorf("left differs (-want +got):\n%s", diff)
			}
			return err
		})
	})
}

func TestOutboxRowsComeBackAsTheyWereSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		inc := accept(t, db, trigger("db-1"))[0].Incident
		at := began()
		row := store.OutboxRow{
			ID: oncall.AttemptID(inc + ".1"), Incident: inc, Epoch: 1, Kind: oncall.Call, State: store.OutboxDue, Owner: "test", DueAt: at,
			Payload: store.Payload{User: "matsu", Contact: "phone", Nth: 2, Stage: oncall.Production, Shadow: true},
		}
		tx(t, db, func(tx *store.Tx) error { return tx.AddOutbox(t.Context(), row) })
		again := row
		again.Kind = oncall.SMS
		tx(t, db, func(tx *store.Tx) error { return tx.AddOutbox(t.Context(), again) }) // leaves it as it is
		for range 2 {
			tx(t, db, func(tx *store.Tx) error {
				got, err := tx.OutboxRow(t.Context(), row.ID)
				if err != nil {
					return err
				}
				if diff := cmp.Diff(&row, got); diff != "" {
					t.Errorf("row differs (-want +got):\n%s", diff)
				}
				row.State, row.Attempts, row.ClaimedAt, row.AddressHash, row.LastError = store.OutboxClaimed, 1, tx.Now, "hash", "busy"
				row.Payload.Nth = 3
				return tx.SaveOutbox(t.Context(), row)
			})
		}
		err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SaveOutbox(t.Context(), store.OutboxRow{ID: "nobody.1"}) })
		if err == nil {
			t.Error("a row that does not exist was saved")
		}
	})
}

func TestR18_AClaimNeedsTheOwnerTheStateTheTimeAndTheEpoch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		inc := accept(t, db, trigger("db-1"))[0].Incident
		name := func(n int) oncall.AttemptID { return oncall.AttemptID(fmt.Sprintf("%s.%d", inc, n)) }
		ids := []oncall.AttemptID{name(1), name(2), name(3), name(4), "test.1"}
		tx(t, db, func(tx *store.Tx) error {
			row := func(id oncall.AttemptID, incident oncall.IncidentID, epoch int64, state store.OutboxState, due time.Duration) store.OutboxRow {
				return store.OutboxRow{ID: id, Incident: incident, Epoch: epoch, Kind: oncall.Call, State: state, DueAt: tx.Now.Add(due)}
			}
			return tx.AddOutbox(t.Context(),
				row(name(1), inc, 1, store.OutboxDue, 0),
				row(name(2), inc, 1, store.OutboxClaimed, 0),
				row(name(3), inc, 1, store.OutboxDue, time.Hour),
				row(name(4), inc, 2, store.OutboxDue, 0), // another epoch than the incident's
				row("test.1", "", 0, store.OutboxDue, 0), // of no incident
			)
		})
		claimable := func() (got []oncall.AttemptID) {
			tx(t, db, func(tx *store.Tx) error {
				rows, err := tx.LockOutbox(t.Context(), ids)
				for _, o := range rows {
					got = append(got, o.ID)
				}
				return err
			})
			return got
		}
		if diff := cmp.Diff([]oncall.AttemptID{name(1), "test.1"}, claimable()); diff != "" {
			t.Errorf("claimable differs (-want +got):\n%s", diff)
		}
		tx(t, db, func(tx *store.Tx) error {
			i, err := tx.Incident(t.Context(), inc)
			if err != nil {
				return err
			}
			i.Acknowledge("matsu", tx.Now, tx.Now.Add(time.Hour), "web")
			if err := tx.SaveIncidents(t.Context(), []*oncall.Incident{i}); err != nil {
				return err
			}
			n, err := tx.DropOutbox(t.Context(), inc, i.Epoch)
			if n != 2 {
				t.Errorf("dropped %d, want the two that were due for the epoch before", n)
			}
			return err
		})
		if diff := cmp.Diff([]oncall.AttemptID{name(4), "test.1"}, claimable()); diff != "" {
			t.Errorf("after the acknowledgement claimable differs (-want +got):\n%s", diff)
		}
		read(t, db, func(tx *store.Tx) error {
			own, err := tx.OwnOutbox(t.Context(), tx.Now.Add(2*time.Hour), 10)
			if len(own) != 2 {
				t.Errorf("%d own due rows, want 2", len(own))
			}
			if err != nil {
				return err
			}
			of, err := tx.OutboxOf(t.Context(), inc)
			if len(of) != 2 || of[0].ID != name(2) || of[1].ID != name(4) {
				t.Errorf("due and claimed of the incident: %+v", of)
			}
			return err
		})
	})
}

func TestR13_AnOpenIncidentWithoutANextActionIsFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := accept(t, db, trigger("timer"), trigger("due"), trigger("claimed"), trigger("live"), trigger("lost"), trigger("resolved"))
		at := func(i int) oncall.IncidentID { return got[i].Incident }
		tx(t, db, func(tx *store.Tx) error {
			for _, a := range got[1:] {
				if err := tx.DeleteTimers(t.Context(), store.TimerResponse, string(a.Incident)); err != nil {
					return err
				}
			}
			row := func(i int, state store.OutboxState) store.OutboxRow {
				return store.OutboxRow{ID: oncall.AttemptID(at(i) + ".1"), Incident: at(i), Epoch: 1, Kind: oncall.Call, State: state, DueAt: tx.Now}
			}
			if err := tx.AddOutbox(t.Context(), row(1, store.OutboxDue), row(2, store.OutboxClaimed), row(4, store.OutboxDone)); err != nil {
				return err
			}
			if _, err := tx.InsertDelivery(t.Context(), delivery(1)); err != nil {
				return err
			}
			if err := tx.AddTold(t.Context(), store.Told{Delivery: "dlv_1", Incident: at(3), Attempt: "x.1", Epoch: 1}); err != nil {
				return err
			}
			inc, err := tx.Incident(t.Context(), at(5))
			if err != nil {
				return err
			}
			inc.Resolve("", tx.Now, "")
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		read(t, db, func(tx *store.Tx) error {
			lost, err := tx.Lost(t.Context(), tx.Now.Add(time.Second), 10)
			if diff := cmp.Diff([]oncall.IncidentID{at(4)}, lost); diff != "" {
				t.Errorf("lost differs (-want +got):\n%s", diff)
			}
			if err != nil {
				return err
			}
			lost, err = tx.Lost(t.Context(), tx.Now.Add(-time.Hour), 10)
			if len(lost) != 0 {
				t.Errorf("lost %v, though it is younger", lost)
			}
			return err
		})
	})
}

func TestRowsOfADeadNodeAreAdopted(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, engine)
			dead := storetest.Open(t, dsn, store.Options{Node: "dead"})
			at := began()
			tx(t, dead, func(tx *store.Tx) error {
				for i := range 5 {
					if err := tx.PutTimers(t.Context(), store.Timer{Kind: store.TimerSweep, Ref: fmt.Sprint(i), DueAt: at}); err != nil {
						return err
					}
				}
				row := func(id oncall.AttemptID, state store.OutboxState) store.OutboxRow {
					return store.OutboxRow{ID: id, Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: state, DueAt: at}
				}
				if _, err := tx.InsertDelivery(t.Context(), delivery(2)); err != nil {
					return err
				}
				return errors.Join(
					tx.AddOutbox(t.Context(), row("inc_1.1", store.OutboxDue), row("inc_1.2", store.OutboxClaimed), row("inc_1.3", store.OutboxDone)),
					enter(t, tx, store.NodeRow{ID: "dead", LeaseUntil: at, StartedAt: at, Address: "a", Version: "v"}),
				)
			})
			if err := dead.Close(); err != nil {
				t.Fatal(err)
			}
			db := storetest.Open(t, dsn, store.Options{Node: "heir"})
			var told store.Wake
			defer db.Subscribe(func(w store.Wake) {
				told.Timers, told.Outbox = append(told.Timers, w.Timers...), append(told.Outbox, w.Outbox...)
			})()
			owners := func(want ...string) {
				t.Helper()
				read(t, db, func(tx *store.Tx) error {
					got, err := tx.Owners(t.Context())
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("owners differ (-want +got):\n%s", diff)
					}
					return err
				})
			}
			forget := func(want bool) {
				t.Helper()
				tx(t, db, func(tx *store.Tx) error {
					ok, err := tx.ForgetNode(t.Context(), "dead")
					if ok != want {
						t.Errorf("forgotten: %v, want %v", ok, want)
					}
					return err
				})
			}
			owners("dead")
			forget(false)
			var timers, outbox int
			for more := true; more; {
				tx(t, db, func(tx *store.Tx) error {
					w, err := tx.AdoptRows(t.Context(), "dead", 2)
					timers, outbox, more = timers+len(w.Timers), outbox+len(w.Outbox), len(w.Timers)+len(w.Outbox) > 0
					return err
				})
			}
			if timers != 5 || outbox != 1 || len(told.Timers) != 5 || len(told.Outbox) != 1 {
				t.Errorf("adopted %d timers and %d due rows, told of %d and %d, want 5 and 1", timers, outbox, len(told.Timers), len(told.Outbox))
			}
			owners("heir")
			forget(true)
			read(t, db, func(tx *store.Tx) error {
				open, err := tx.OpenDeliveries(t.Context(), 10)
				if len(open) != 1 {
					t.Errorf("%d deliveries to look up, want that of the dead node", len(open))
				}
				return err
			})
		})
	}
}
