package store_test

import (
	"slices"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestIncidentsOfAMonitorAreFoundByTheKeysOfItsAlerts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.UnixMilli(1_790_000_000_000).UTC()
		incident := func(id oncall.IncidentID, service oncall.ServiceID, key string, back time.Duration) *oncall.Incident {
			return &oncall.Incident{
				ID: id, Service: service, GroupKey: key, State: oncall.Resolved, Severity: oncall.Critical, Urgency: oncall.High, Title: "x",
				Stage: oncall.Production, Epoch: 1, Count: 1, TriggeredAt: at.Add(-back), ResolvedAt: at,
			}
		}
		tx(t, db, func(tx *store.Tx) error {
			return tx.InsertIncidents(t.Context(), []*oncall.Incident{
				incident("inc_1", "shop", "web", 3*time.Hour), incident("inc_2", "shop", "web/sight", 2*time.Hour), incident("inc_3", "shop", "other", time.Hour),
				incident("inc_4", "search", "web", time.Hour), incident("inc_5", "shop", "web", time.Minute),
			})
		})
		tx(t, db, func(tx *store.Tx) error {
			list, err := tx.IncidentsOfKeys(t.Context(), "shop", [2]string{"web", "web/sight"}, 2)
			var got []oncall.IncidentID
			for i := range list {
				got = append(got, list[i].ID)
			}
			if want := []oncall.IncidentID{"inc_5", "inc_2"}; !slices.Equal(got, want) {
				t.Errorf("got %v, want the two newest %v", got, want)
			}
			return err
		})
	})
}

func TestMonitorsThatTurnAreToldOneByOneOrAllAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, tc := range []struct {
			turned []oncall.MonitorID
			want   []string
		}{
			{nil, nil},
			{[]oncall.MonitorID{"a", "b", "a"}, []string{"a", "b"}},
			{[]oncall.MonitorID{"a", "b", "c", "d", "e"}, []string{""}},
		} {
			var after int64
			tx(t, db, func(tx *store.Tx) error {
				list, err := tx.Changes(t.Context(), 0, 1000)
				for _, c := range list {
					after = max(after, c.Seq)
				}
				return err
			})
			tx(t, db, func(tx *store.Tx) error {
				tx.MonitorsTurned(tc.turned...)
				return nil
			})
			var got []string
			tx(t, db, func(tx *store.Tx) error {
				list, err := tx.Changes(t.Context(), after, 1000)
				for _, c := range list {
					if c.Topic == store.TopicMonitors {
						got = append(got, c.Ref)
					}
				}
				return err
			})
			if !slices.Equal(got, tc.want) {
				t.Errorf("%v turned: got changes of %q, want %q", tc.turned, got, tc.want)
			}
		}
	})
}

func TestWhatFiresAndHasToBeSaidAgainIsReadAtOnceWhateverItsService(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		labelled := func(a *store.Acceptance) {
			a.Signal.Labels = map[string]string{"monitor": "disk"}
			a.Signal.Annotations = map[string]string{"summary": "it holds"}
		}
		future := until(time.Now().Add(time.Hour))
		elsewhere := func(a *store.Acceptance) {
			a.Signal.Service = "search"
			if a.Incident != nil {
				a.Incident.Service = "search"
			}
		}
		accept(t, db, trigger("first", future, labelled))
		accept(t, db, trigger("other", future, elsewhere))
		accept(t, db, trigger("for ever"))
		accept(t, db, trigger("over", until(time.Now().Add(-time.Second))))
		clearEnded(t, db, 10)
		tx(t, db, func(tx *store.Tx) error {
			list, err := tx.FiringUntil(t.Context())
			var got []string
			for _, a := range list {
				got = append(got, a.GroupKey)
			}
			slices.Sort(got)
			if len(got) != 2 {
				t.Fatalf("got %q, want what fires and ends by itself of both services", got)
			}
			for _, a := range list {
				if a.Labels["monitor"] == "disk" && a.Annotations["summary"] == "it holds" && !a.StartsAt.IsZero() && a.Incident != "" {
					return err
				}
			}
			t.Errorf("got %+v, want labels and annotations", list)
			return err
		})
	})
}
