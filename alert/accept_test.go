package alert_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"toban/alert"
	"toban/incident"
	"toban/oncall"
	"toban/respond"
	"toban/store"
	"toban/store/storetest"
)

// desk is an alert stage on a store with two services.
type desk struct {
	*alert.Acceptor
	t  *testing.T
	db *store.DB
}

func open(t *testing.T, db *store.DB) desk {
	t.Helper()
	policy := oncall.Policy{ID: "p", Levels: []oncall.Level{{Targets: []oncall.Target{{Kind: oncall.TargetUser, Name: "matsu"}}, Strategy: oncall.InOrder, Wait: 6e10}}, Fallback: oncall.Target{Kind: oncall.TargetUser, Name: "matsu"}}
	objects := []store.Object{
		object(t, "policy", "p", policy),
		object(t, "user", "matsu", oncall.User{ID: "matsu", Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: "+819000000001", Verified: true}}}),
		object(t, "service", "checkout", oncall.Service{ID: "checkout", Policy: "p", Match: []oncall.Matcher{{Label: "product", Op: oncall.Equal, Value: "checkout"}}}),
		object(t, "service", "unmatched", oncall.Service{ID: "unmatched", Policy: "p", CatchAll: true}),
	}
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		_, _, err := tx.Apply(t.Context(), objects)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return desk{alert.New(db, incident.New(db, respond.New(db, log, respond.Options{}), log), log), t, db}
}

func object(t *testing.T, kind, name string, v any) store.Object {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return store.Object{Kind: kind, Name: name, Body: body, File: "test.yaml", Line: 1}
}

func (d desk) accept(signals ...oncall.Signal) {
	d.t.Helper()
	if err := d.Accept(d.t.Context(), signals); err != nil {
		d.t.Fatal(err)
	}
}

func (d desk) incidents() (list []oncall.Incident) {
	d.t.Helper()
	err := d.db.Read(d.t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.ListIncidents(d.t.Context(), store.IncidentFilter{})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func TestNoSignalIsDroppedForWantOfAService(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.accept(
			oncall.Signal{Key: "a", Labels: map[string]string{"product": "checkout"}},
			oncall.Signal{Key: "b", Labels: map[string]string{"product": "unheard of"}},
			oncall.Signal{Key: "c", Service: "deleted since"},
		)
		got := map[oncall.ServiceID]int{}
		for _, inc := range d.incidents() {
			got[inc.Service]++
		}
		if got["checkout"] != 1 || got["unmatched"] != 2 {
			t.Errorf("got %v, want one for checkout and two for the catch-all", got)
		}
	})
}

func TestR2_OneIncidentPerProblemOfAGroup(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		for range 3 {
			d.accept(oncall.Signal{Key: "f1", GroupKey: "g", Title: "first"}, oncall.Signal{Key: "f2", GroupKey: "g"})
		}
		list := d.incidents()
		if len(list) != 1 || list[0].Count != 6 {
			t.Fatalf("got %d incidents (%+v), want one that six signals told of", len(list), list)
		}
	})
}

func TestR3_AResolveForAnUnknownKeyMakesNoIncident(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.accept(oncall.Signal{Key: "never seen", Action: oncall.Resolve})
		d.accept(oncall.Signal{Key: "never seen", Action: oncall.Acknowledge})
		if list := d.incidents(); len(list) != 0 {
			t.Errorf("got %d incidents, want none", len(list))
		}
	})
}

func TestARehearsalIsAnIncidentOfItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.accept(oncall.Signal{Key: "a"}, oncall.Signal{Key: "a", Stage: "staging"})
		stages := map[oncall.Stage]bool{}
		for _, inc := range d.incidents() {
			stages[inc.Stage] = true
		}
		if len(stages) != 2 {
			t.Errorf("got %v, want one incident in production and one in staging", stages)
		}
	})
}

func TestAnUnknownSeverityIsCriticalAndSaidSo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.accept(oncall.Signal{Key: "a", Severity: oncall.Critical, Unknown: "sev-1"})
		inc := d.incidents()[0]
		if inc.Severity != oncall.Critical || inc.Urgency != oncall.High {
			t.Errorf("got %s, %s, want critical, high", inc.Severity, inc.Urgency)
		}
		err := d.db.Read(t.Context(), func(tx *store.Tx) error {
			entries, err := tx.Timeline(t.Context(), inc.ID, 0, 10)
			if len(entries) != 2 || entries[1].Kind != oncall.EntrySeverityUnknown || entries[1].Data.Text != "sev-1" {
				t.Errorf("got %+v, want an entry with the sender's word", entries)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestASendersAcknowledgementTakesTheIncident(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.accept(oncall.Signal{Key: "a", Integration: "shop"})
		d.accept(oncall.Signal{Key: "a", Integration: "shop", Action: oncall.Acknowledge})
		if inc := d.incidents()[0]; inc.State != oncall.Acknowledged || inc.AcknowledgedBy != "integration:shop" {
			t.Errorf("got %s by %q, want acknowledged by integration:shop", inc.State, inc.AcknowledgedBy)
		}
	})
}

func TestATitleIsKeptAsOneLineAndADescriptionAsItIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		text := map[string]string{"description": "first line\n\tsecond line"}
		d.accept(
			oncall.Signal{Key: "a", Title: "\x1b[31mdisk full\x1b[0m\r\n\ton db-1", Annotations: text},
			oncall.Signal{Key: "key of\tb", Title: "\n\x07"},
			oncall.Signal{Key: "c", Title: strings.Repeat("x", 1020) + "👩‍👩‍👧"},
		)
		want := map[string]string{"a": "disk full on db-1", "key of\tb": "key of b", "c": strings.Repeat("x", 1020)}
		for _, inc := range d.incidents() {
			if inc.Title != want[inc.GroupKey] {
				t.Errorf("the title of %q is %q, want %q", inc.GroupKey, inc.Title, want[inc.GroupKey])
			}
			var entries []oncall.Entry
			var alerts []oncall.Alert
			err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
				if entries, err = tx.Timeline(t.Context(), inc.ID, 0, 0); err != nil {
					return err
				}
				alerts, err = tx.Alerts(t.Context(), inc.ID, 10)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := entries[0].Data.Title; got != want[inc.GroupKey] {
				t.Errorf("the timeline of %q has the title %q, want %q", inc.GroupKey, got, want[inc.GroupKey])
			}
			if len(alerts) != 1 || inc.GroupKey == "a" && alerts[0].Annotations["description"] != text["description"] {
				t.Errorf("alerts %+v, want one whose description has its lines", alerts)
			}
		}
	})
}

func TestLongKeysAndTitlesAreBoundedAndStayApart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		long := strings.Repeat("鍵", 5000)
		d.accept(oncall.Signal{Key: long + "1", Title: long}, oncall.Signal{Key: long + "2", Title: long})
		list := d.incidents()
		if len(list) != 2 {
			t.Fatalf("got %d incidents, want two", len(list))
		}
		for _, inc := range list {
			if len(inc.GroupKey) > 255 || len(inc.Title) > 1024 || strings.ContainsRune(inc.Title, '�') {
				t.Errorf("got a key of %d and a title of %d bytes, want bounded ones without broken letters", len(inc.GroupKey), len(inc.Title))
			}
		}
	})
}

func TestTheKeyAloneSaysWhatIsMeantTheSecondTime(t *testing.T) {
	t.Parallel()
	shop := map[string]string{"product": "checkout"}
	for name, tc := range map[string]struct {
		first, second oncall.Signal
		want          oncall.State
	}{
		"an acknowledgement without the group": {
			oncall.Signal{Key: "a", GroupKey: "g", Service: "checkout"}, oncall.Signal{Key: "a", Service: "checkout", Action: oncall.Acknowledge}, oncall.Acknowledged,
		},
		"an acknowledgement by the group": {
			oncall.Signal{Key: "a", GroupKey: "g", Service: "checkout"}, oncall.Signal{Key: "g", Service: "checkout", Action: oncall.Acknowledge}, oncall.Acknowledged,
		},
		"an acknowledgement without the labels": {
			oncall.Signal{Key: "a", Labels: shop}, oncall.Signal{Key: "a", Action: oncall.Acknowledge}, oncall.Acknowledged,
		},
		"another sender's acknowledgement": {
			oncall.Signal{Key: "a", Labels: shop}, oncall.Signal{Key: "a", Action: oncall.Acknowledge, Integration: "other"}, oncall.Triggered,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				d := open(t, db)
				if tc.first.Integration = "shop"; tc.second.Integration == "" {
					tc.second.Integration = "shop"
				}
				d.accept(tc.first)
				d.accept(tc.second)
				if inc := d.incidents()[0]; inc.State != tc.want {
					t.Errorf("got %s, want %s", inc.State, tc.want)
				}
			})
		})
	}
}

func TestAResolveWithoutTheLabelsClearsTheAlertOfItsKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		labels := map[string]string{"product": "checkout"}
		d.accept(oncall.Signal{Key: "a", Integration: "shop", Labels: labels})
		d.accept(oncall.Signal{Key: "a", Integration: "shop", Action: oncall.Resolve})
		d.accept(oncall.Signal{Key: "b", Integration: "shop", Labels: labels}, oncall.Signal{Key: "b", Integration: "shop", Action: oncall.Resolve})
		for _, inc := range d.incidents() {
			err := d.db.Read(t.Context(), func(tx *store.Tx) error {
				firing, err := tx.FiringOf(t.Context(), []oncall.IncidentID{inc.ID})
				if len(firing) != 0 {
					t.Errorf("%s: %d alerts fire, want none", inc.GroupKey, firing[inc.ID].Count)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestALateRedeliveryOfAnAcknowledgementDoesNotTakeTheIncidentAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := open(t, db)
		d.accept(oncall.Signal{Key: "a", Integration: "shop"})
		ack := oncall.Signal{Key: "a", Integration: "shop", SenderKey: "delivery-7", Action: oncall.Acknowledge}
		d.accept(ack)
		err := d.db.Tx(t.Context(), func(tx *store.Tx) error {
			inc, err := tx.Incident(t.Context(), d.incidents()[0].ID)
			if err != nil {
				return err
			}
			inc.Lapse()
			return tx.SaveIncidents(t.Context(), []*oncall.Incident{inc})
		})
		if err != nil {
			t.Fatal(err)
		}
		d.accept(ack)
		if inc := d.incidents()[0]; inc.State != oncall.Triggered {
			t.Errorf("got %s, want it triggered: nobody has said anything new", inc.State)
		}
		ack.SenderKey = "delivery-8"
		d.accept(ack)
		if inc := d.incidents()[0]; inc.State != oncall.Acknowledged {
			t.Errorf("got %s, want acknowledged by what was said anew", inc.State)
		}
	})
}
