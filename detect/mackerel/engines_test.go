package mackerel

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"toban/oncall"
	sim "toban/sim/mackerel"
	"toban/store"
	"toban/store/storetest"
)

// settled is whether nothing is owed any more.
func (b *bench) settled() (settled bool) {
	err := b.db.Read(b.Context(), func(tx *store.Tx) error {
		rows, err := tx.MetricStates(b.Context(), false)
		settled = true
		for _, row := range rows {
			settled = settled && len(row.Voice.Owed) == 0 && row.Speaker == ""
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return settled
}

// Branches of a workflow post at the same moment, some of them metrics that
// nobody has posted before.
func TestPostsAtTheSameMomentLoseNothing(t *testing.T) {
	onEach(t, func(b *bench) {
		b.open(failed("jobs", "job.*.failed"))
		defer b.close()
		began := time.Now().Unix() - 60
		const metrics, posts = 8, 10
		var jobs sync.WaitGroup
		for metric := range metrics {
			for n := range posts {
				jobs.Go(func() {
					b.postAll(fmt.Sprintf(`{"name":"job.%d.failed","time":%d,"value":%d}`, metric, began+int64(n), n))
				})
			}
		}
		jobs.Wait()
		b.until("all is said", b.settled)
		open := map[string]bool{}
		for _, s := range b.stage.signals {
			if now := s.Action == oncall.Trigger; now == open[s.Key] {
				b.Errorf("%s was told twice: %s", s.Key, s.Action)
			} else {
				open[s.Key] = now
			}
		}
		for metric := range metrics {
			name := fmt.Sprintf("job.%d.failed", metric)
			if points, err := b.m.Points(b.Context(), "ORGANIZATION", name); err != nil || len(points) != posts {
				b.Errorf("%s: got %d points %v, want %d", name, len(points), err, posts)
			}
			if !open["jobs/"+name] {
				b.Errorf("%s has no alert", name)
			}
		}
	})
}

func TestTwoNodesJudgeAndPassOnTheSameMetricInOneOrder(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	told, real := &stage{}, sim.New(sim.Options{})
	var nodes []*bench
	for _, name := range []string{"a", "b"} {
		b := &bench{TB: t, dsn: dsn, node: name, stage: told, real: real}
		b.open(failed("jobs", "job.*.failed"))
		defer b.close()
		nodes = append(nodes, b)
	}
	began := time.Now().Unix() - 600
	var clock sync.Mutex
	n := int64(0)
	next := func() int64 { clock.Lock(); defer clock.Unlock(); n++; return began + n }
	var jobs sync.WaitGroup
	for i, b := range nodes {
		jobs.Go(func() {
			for k := range 30 {
				b.postAll(fmt.Sprintf(`{"name":"job.%d.failed","time":%d,"value":%d}`, k%3, next(), (k+i)%2))
			}
		})
	}
	jobs.Wait()
	for k := range 3 {
		nodes[k%2].postAll(fmt.Sprintf(`{"name":"job.%d.failed","time":%d,"value":%d}`, k, next(), k%2))
	}
	nodes[0].until("all is said", nodes[0].settled)
	last := map[string]oncall.Action{}
	for _, s := range told.signals {
		if s.Action == oncall.Resolve && last[s.Key] != oncall.Trigger {
			t.Errorf("%s was resolved behind %q", s.Key, last[s.Key])
		}
		last[s.Key] = s.Action
	}
	for k := range 3 {
		name := fmt.Sprintf("job.%d.failed", k)
		if bad := last["jobs/"+name] == oncall.Trigger; bad != (k%2 == 1) {
			t.Errorf("the last word of %s was %q", name, last["jobs/"+name])
		}
	}
	nodes[0].until("the first are passed on", func() bool { return len(real.Posts()) > 0 })
}

func TestAnotherNodeTellsAndPassesOnForOneThatHasDied(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	real := sim.New(sim.Options{})
	a := &bench{TB: t, dsn: dsn, node: "a", stage: &stage{}, real: real}
	a.open(failed("jobs", "jobs"))
	a.stop() // its rows are left as they are
	a.post("jobs", 1)
	b := &bench{TB: t, dsn: dsn, node: "b", stage: &stage{}, real: real}
	b.open(failed("jobs", "jobs"))
	defer b.close()
	if err := b.db.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.AdoptRows(t.Context(), "a", 10); return err }); err != nil {
		t.Fatal(err)
	}
	b.until("it is told", func() bool { return len(b.stage.said()) == 1 })
	b.until("it is passed on", func() bool { return received(real, "jobs") == "1" })
	a.stop = func() {}
	a.close()
}
