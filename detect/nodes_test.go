package detect

import (
	"slices"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// enter makes the node of b one of the living; each call begins another life.
func (b *bench) enter() (started time.Time) {
	b.t.Helper()
	err := b.db.Tx(b.t.Context(), func(tx *store.Tx) (err error) {
		started, err = tx.EnterNode(b.t.Context(), store.NodeRow{ID: b.db.Node(), StartedAt: tx.Now, LeaseUntil: tx.Now.Add(time.Hour)})
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return started
}

// dies has a node taken for dead.
func (b *bench) dies(node string, started time.Time) {
	b.t.Helper()
	err := b.db.Tx(b.t.Context(), func(tx *store.Tx) error {
		_, err := tx.EndNode(b.t.Context(), node, started)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// pair is two nodes with monitors that are asked each second, ten of each.
func pair(t *testing.T) (a, b *bench, lifeOfA time.Time, hers []*oncall.Monitor) {
	t.Helper()
	dsn := storetest.DSN(t, "postgres")
	a, b = open(t, storetest.Open(t, dsn, store.Options{Node: "a"})), open(t, storetest.Open(t, dsn, store.Options{Node: "b"}))
	lifeOfA = a.enter()
	b.enter()
	var all []*oncall.Monitor
	for _, m := range names("m", 200) {
		m.Every, m.Timeout = time.Second, 500*time.Millisecond
		if len(hers) < 10 && owner(m.ID, []string{"a", "b"}) == "a" {
			hers = append(hers, m)
			all = append(all, m)
		} else if len(all)-len(hers) < 10 {
			all = append(all, m)
		}
	}
	a.apply(all)
	a.start()
	b.start()
	both := func(of *bench) func() bool { return func() bool { return len(*of.m.lives.Load()) == 2 } }
	eventually(t, "a knows of both", 5*time.Second, both(a))
	eventually(t, "b knows of both", 5*time.Second, both(b))
	eventually(t, "all are up", 10*time.Second, func() bool {
		return !slices.ContainsFunc(all, func(m *oncall.Monitor) bool { return b.row(string(m.ID), "").Status != oncall.MonitorUp })
	})
	return a, b, lifeOfA, hers
}

// A node is frozen, another one takes its monitors over and opens an alert; the
// first comes back, and the target, too.
func TestANodeThatComesBackGoesOnFromWhatTheOthersFoundMeanwhile(t *testing.T) {
	t.Parallel()
	a, b, life, hers := pair(t)
	defer b.stop()
	defer a.stop()
	shop := string(hers[0].ID)
	a.fenced.Store(true)
	a.m.follow.Lock()
	a.m.compareAt = time.Now().Add(time.Hour) // not found by chance
	a.m.follow.Unlock()
	b.dies("a", life)
	b.target.set(shop, true) // a, which sees nothing of it, still believes that it is up
	eventually(t, "b says that it is down", 10*time.Second, func() bool { return slices.Contains(b.desk.said(), "trigger "+shop) })
	eventually(t, "that is saved", 5*time.Second, func() bool { return b.row(shop, "").Status == oncall.MonitorDown })
	a.enter()
	a.fenced.Store(false) // and for a the target has been up all the time
	eventually(t, "it is said to be up", 10*time.Second, func() bool { return slices.Contains(a.desk.said(), "resolve "+shop) })
	eventually(t, "that is saved", 5*time.Second, func() bool { return b.row(shop, "").Status == oncall.MonitorUp })
}

// A node is cut off from everything, so that all its targets seem to be down.
func TestWhatANodeDecidedWhileItWasCutOffIsNotSaid(t *testing.T) {
	t.Parallel()
	a, b, life, hers := pair(t)
	defer b.stop()
	defer a.stop()
	a.fenced.Store(true)
	for _, m := range hers {
		a.target.set(m.Target, true)
	}
	b.dies("a", life)
	eventually(t, "a believes that all are down", 10*time.Second, func() bool {
		return !slices.ContainsFunc(hers, func(m *oncall.Monitor) bool {
			w := a.m.get(m.ID)
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.signals) == 0
		})
	})
	for _, m := range hers {
		a.target.set(m.Target, false)
	}
	<-time.NewTimer(20 * time.Millisecond).C
	a.enter()
	a.fenced.Store(false)
	eventually(t, "they are up at a", 10*time.Second, func() bool {
		return !slices.ContainsFunc(hers, func(m *oncall.Monitor) bool { return a.now(string(m.ID)) != oncall.MonitorUp })
	})
	<-time.NewTimer(3 * time.Second).C
	if got := append(a.desk.said(), b.desk.said()...); slices.ContainsFunc(got, func(line string) bool { return line[:7] == "trigger" }) {
		t.Errorf("got %q, want nothing to be said of targets that were up", got)
	}
}

// The node that watched a monitor before opens an alert and says so late.
func TestTheLateWordOfTheNodeBeforeIsHeard(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.New(t, "postgres"))
	b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Every, m.Timeout = time.Second, 500*time.Millisecond })})
	b.start()
	defer b.stop()
	eventually(t, "it is up", 5*time.Second, func() bool { return b.row("shop", "").Status == oncall.MonitorUp })
	row, now := b.row("shop", ""), time.Now()
	err := b.db.Tx(t.Context(), func(tx *store.Tx) error {
		row.Status, row.Since = oncall.MonitorDown, now
		row.State = encode(t, whole{oncall.MonitorState{Status: oncall.MonitorDown, Since: now, Alerting: true}, map[oncall.MonitorAlert]opened{oncall.AlertDown: {Service: "checkout"}}})
		lost, err := tx.SaveMonitorStates(t.Context(), []store.MonitorState{row})
		if len(lost) > 0 {
			t.Fatal("the row was written meanwhile")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.desk.said()
	b.m.follow.Lock()
	b.m.compareAt = time.Now() // it would be soon after the monitor was taken over, too
	b.m.follow.Unlock()
	eventually(t, "the alert is ended, where it was opened", 10*time.Second, func() bool {
		b.desk.mu.Lock()
		defer b.desk.mu.Unlock()
		return slices.ContainsFunc(b.desk.signals, func(s oncall.Signal) bool {
			return s.Action == oncall.Resolve && s.Key == "shop" && s.Service == "checkout"
		})
	})
}
