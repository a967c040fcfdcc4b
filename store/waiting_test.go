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
			ID: oncall.AttemptID(inc + ".1"), Incident: inc, Epoch: 1, Kind: oncall.Call, State: store.OutboxDue, DueAt: at,
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

func delivery(n int, change ...func(*store.Delivery)) store.Delivery {
	d := store.Delivery{
		ID: oncall.DeliveryID(fmt.Sprintf("dlv_%d", n)), Outbox: oncall.AttemptID(fmt.Sprintf("inc_1.%d", n)), Attempt: 1, User: "matsu",
		Channel: oncall.Call, AddressHash: "hash", Provider: "twilio", State: store.DeliveryClaimed, ClaimedAt: began(),
		GiveUpAt: began().Add(time.Minute), CostMicros: 1000,
	}
	for _, f := range change {
		f(&d)
	}
	return d
}

func TestR24_OneLiveCallPerNumber(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		insert := func(d store.Delivery) (ok bool) {
			tx(t, db, func(tx *store.Tx) (err error) {
				ok, err = tx.InsertDelivery(t.Context(), d)
				return err
			})
			return ok
		}
		first := delivery(1)
		if !insert(first) {
			t.Fatal("the first call was refused")
		}
		if insert(delivery(2)) {
			t.Error("a second live call to the number")
		}
		if !insert(delivery(3, func(d *store.Delivery) { d.Channel = oncall.SMS })) {
			t.Error("a message was refused because of a call")
		}
		if !insert(delivery(4, func(d *store.Delivery) { d.AddressHash = "other" })) {
			t.Error("a call to another number was refused")
		}
		if insert(delivery(3, func(d *store.Delivery) { d.ID, d.Channel = "dlv_30", oncall.SMS })) {
			t.Error("the same try of an attempt twice")
		}
		waiting := store.OutboxRow{ID: "inc_1.2", Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: store.OutboxDue, DueAt: began(), AddressHash: "hash"}
		tx(t, db, func(tx *store.Tx) error {
			live, err := tx.LiveCall(t.Context(), "hash")
			if err != nil || live == nil || live.ID != first.ID {
				return fmt.Errorf("live call %+v, %w", live, err)
			}
			if none, err := tx.LiveCall(t.Context(), "nobody"); none != nil || err != nil {
				t.Errorf("live call to nobody: %+v, %v", none, err)
			}
			if err := tx.AddOutbox(t.Context(), waiting); err != nil {
				return err
			}
			rows, err := tx.WaitingFor(t.Context(), "hash", 10)
			if len(rows) != 1 || rows[0].ID != waiting.ID {
				t.Errorf("waiting %+v, want %s", rows, waiting.ID)
			}
			if err != nil {
				return err
			}
			live.State, live.EndedAt, live.Outcome = store.DeliveryEnded, tx.Now, oncall.Busy
			return tx.SaveDelivery(t.Context(), live)
		})
		if !insert(delivery(2)) {
			t.Error("the number is free and the call was refused")
		}
	})
}

func TestADeliveryComesBackAsItWasSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := delivery(1)
		tx(t, db, func(tx *store.Tx) error {
			if _, err := tx.InsertDelivery(t.Context(), d); err != nil {
				return err
			}
			d.ProviderID, d.State, d.SentAt, d.CancelAt, d.CostMicros = "CA1", store.DeliveryRinging, tx.Now, tx.Now, 2500
			if err := tx.SaveDelivery(t.Context(), &d); err != nil {
				return err
			}
			told := []store.Told{
				{Delivery: d.ID, Incident: "inc_1", Attempt: "inc_1.1", Epoch: 1},
				{Delivery: d.ID, Incident: "inc_2", Attempt: "inc_2.4", Epoch: 3},
			}
			if err := tx.AddTold(t.Context(), told...); err != nil {
				return err
			}
			if err := tx.AddTold(t.Context(), told[0]); err != nil {
				return err
			}
			got, err := tx.Told(t.Context(), d.ID)
			if diff := cmp.Diff(told, got); diff != "" {
				t.Errorf("told differs (-want +got):\n%s", diff)
			}
			return err
		})
		tx(t, db, func(tx *store.Tx) error {
			for name, find := range map[string]func() (*store.Delivery, error){
				"by id":       func() (*store.Delivery, error) { return tx.Delivery(t.Context(), d.ID) },
				"by provider": func() (*store.Delivery, error) { return tx.DeliveryByProvider(t.Context(), "twilio", "CA1") },
				"live": func() (*store.Delivery, error) {
					list, err := tx.LiveDeliveries(t.Context(), "inc_2")
					if len(list) != 1 {
						return nil, fmt.Errorf("%d live deliveries (%w)", len(list), err)
					}
					return &list[0], err
				},
				"of the attempt": func() (*store.Delivery, error) {
					list, err := tx.DeliveriesOf(t.Context(), d.Outbox)
					if len(list) != 1 {
						return nil, fmt.Errorf("%d deliveries (%w)", len(list), err)
					}
					return &list[0], err
				},
			} {
				got, err := find()
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if diff := cmp.Diff(&d, got); diff != "" {
					t.Errorf("%s differs (-want +got):\n%s", name, diff)
				}
			}
			spent, err := tx.Spent(t.Context(), d.ClaimedAt)
			if spent != 2500 {
				t.Errorf("spent %d, want 2500", spent)
			}
			if err != nil {
				return err
			}
			spent, err = tx.Spent(t.Context(), d.ClaimedAt.Add(time.Millisecond))
			if spent != 0 {
				t.Errorf("spent %d since later, want 0", spent)
			}
			return err
		})
	})
}

func TestR23_DeliveriesWhoseFateIsUnknownAreFoundAfterAStart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tx(t, db, func(tx *store.Tx) error {
			for n := 1; n <= 3; n++ {
				d := delivery(n, func(d *store.Delivery) { d.AddressHash = fmt.Sprint(n) })
				row := store.OutboxRow{ID: d.Outbox, Incident: "inc_1", Epoch: 1, Kind: oncall.Call, State: store.OutboxClaimed, DueAt: tx.Now}
				if err := tx.AddOutbox(t.Context(), row); err != nil {
					return err
				}
				if _, err := tx.InsertDelivery(t.Context(), d); err != nil {
					return err
				}
				if n == 2 {
					d.ProviderID, d.State = "CA2", store.DeliverySent
					if err := tx.SaveDelivery(t.Context(), &d); err != nil {
						return err
					}
				}
			}
			open, err := tx.OpenDeliveries(t.Context(), 10)
			if len(open) != 2 || open[0].ID != "dlv_1" && open[0].ID != "dlv_3" {
				t.Errorf("open %+v, want those whose provider's id is not known", open)
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
					tx.Heartbeat(t.Context(), store.NodeRow{ID: "dead", LeaseUntil: at, StartedAt: at, Address: "a", Version: "v"}),
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
