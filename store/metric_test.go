package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestAMetricKeepsItsPointsAndOneThatIsIdleGoes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
		failed := &store.ServiceMetric{Service: "shop", Name: "jobs.failed", Points: []oncall.Point{{At: at, Value: 0.1}, {At: at.Add(time.Minute), Value: -1.7e308}}}
		old := &store.ServiceMetric{Service: "shop", Name: "old", Points: []oncall.Point{{At: at.Add(-time.Hour), Value: 1}}}
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.MakeMetrics(ctx, "shop", []string{"jobs.failed", "old", "empty"}); err != nil {
				return err
			}
			return tx.SaveMetrics(ctx, old, failed)
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.MakeMetrics(ctx, "shop", []string{"jobs.failed"}); err != nil {
				return err
			}
			got, err := tx.LockMetrics(ctx, "shop", []string{"old", "jobs.failed", "unknown", "old"})
			if diff := cmp.Diff(map[string]*store.ServiceMetric{"old": old, "jobs.failed": failed}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			return err
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			before, err := tx.CountMetrics(ctx, at.Add(-2*time.Hour))
			if err != nil {
				return err
			}
			n, err := tx.SweepMetrics(ctx, at, 10)
			if err != nil {
				return err
			}
			left, err := tx.AllMetrics(ctx)
			if before != 3 || n != 1 || len(left) != 2 || left[1].Name != "jobs.failed" {
				t.Errorf("of %d %d went, and %v is left", before, n, left)
			}
			return err
		})
	})
}

func TestHowAMetricStandsIsReadAsItWasSaved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at, five := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC), 5.0
		bad := &store.MetricState{
			Monitor: "失敗/ジョブ", Name: "jobs.failed", NextAt: at.Add(time.Hour),
			State: oncall.MetricState{
				Level: oncall.MetricCritical, Since: at, Found: oncall.MetricOK, Value: 1.5, At: at, Heard: at, Watched: at, Row: 2, RowSince: at,
				Plan: oncall.MetricPlan{
					ServiceMetric: oncall.ServiceMetric{Service: "shop", Name: "jobs.*", Operator: ">", Critical: &five, Points: 3, Missing: time.Hour},
					Down:          oncall.Threshold{Count: 2}, Severity: oncall.Warning,
				},
			},
			Voice:   store.HeartbeatVoice{Opened: &oncall.Signal{Key: "a", Action: oncall.Trigger}, Owed: []oncall.Signal{{Key: "a", Action: oncall.Resolve}}},
			Speaker: "test", SpeaksUntil: at,
		}
		good := &store.MetricState{Monitor: "b", Name: "x"}
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.MakeMetricStates(ctx, good, bad) })
		bad.State.Value = 2
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.MakeMetricStates(ctx, &store.MetricState{Monitor: bad.Monitor, Name: bad.Name}); err != nil {
				return err
			}
			return tx.SaveMetricStates(ctx, bad)
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.LockMetricStates(ctx, []string{bad.ID(), "unknown/x", good.ID()})
			if diff := cmp.Diff(map[string]*store.MetricState{bad.ID(): bad, good.ID(): good}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if monitor, name := store.SplitMetricStateID(bad.ID()); monitor != bad.Monitor || name != bad.Name {
				t.Errorf("got %s of %s", name, monitor)
			}
			return err
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutTimers(ctx, store.Timer{Kind: store.TimerMetric, Ref: bad.ID(), DueAt: at}); err != nil {
				return err
			}
			return tx.DeleteMetricStates(ctx, bad.ID(), "unknown/x")
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			timers, err := tx.OwnTimers(ctx, at.Add(time.Hour), 10)
			if err != nil {
				return err
			}
			left, err := tx.MetricStates(ctx, true)
			if len(timers) != 0 || len(left) != 1 || left[0].Monitor != "b" {
				t.Errorf("left %v and %v, want only the other", timers, left)
			}
			return err
		})
	})
}

func TestWhatWaitsToBePassedOnKeepsItsOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
		for i := range 12 {
			inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
				lane, err := tx.LockMetricLane(ctx, "shop")
				if err != nil {
					return err
				}
				points := []store.NamedPoint{{Name: fmt.Sprint("m", i), Point: oncall.Point{At: at, Value: float64(i)}}}
				if err := tx.AddMetricForward(ctx, lane, points); err != nil {
					return err
				}
				lane.Attempts, lane.Sender, lane.SendsUntil, lane.NextAt = i, "test", at, at
				return tx.SaveMetricLane(ctx, lane)
			})
		}
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			list, err := tx.MetricForwards(ctx, "shop", 3)
			if err != nil {
				return err
			}
			for i, f := range list {
				if want := (store.NamedPoint{Name: fmt.Sprint("m", i), Point: oncall.Point{At: at, Value: float64(i)}}); f.Points[0] != want || f.TakenAt.IsZero() {
					t.Errorf("got %v, want %v", f, want)
				}
			}
			if err := tx.DeleteMetricForwards(ctx, "shop", list[2].N); err != nil {
				return err
			}
			rest, err := tx.MetricForwards(ctx, "shop", 100)
			if len(list) != 3 || len(rest) != 9 || rest[0].Points[0].Name != "m3" {
				t.Errorf("got %d, then %v", len(list), rest)
			}
			return err
		})
		inTx(t, db, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.LockMetricLane(ctx, "shop")
			if err != nil {
				return err
			}
			want := &store.MetricLane{Service: "shop", Last: 12, Waiting: 12, NextAt: at, Attempts: 11, Sender: "test", SendsUntil: at}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			waiting, err := tx.MetricsWaiting(ctx)
			if waiting != 12 {
				t.Errorf("%d wait, want 12", waiting)
			}
			return err
		})
	})
}
