package detect

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// An agent speaks to one node; another one watches the monitor.
func TestWhatAnAgentSaysReachesTheNodeThatWatches(t *testing.T) {
	t.Parallel()
	dsn := storetest.DSN(t, "postgres")
	a, b := open(t, storetest.Open(t, dsn, store.Options{Node: "a"})), open(t, storetest.Open(t, dsn, store.Options{Node: "b"}))
	for _, each := range []*bench{a, b} {
		err := each.db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.EnterNode(t.Context(), store.NodeRow{ID: each.db.Node(), StartedAt: tx.Now, LeaseUntil: tx.Now.Add(time.Hour)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var all []*oncall.Monitor
	his := ""
	for i := range 20 {
		m := monitor(fmt.Sprintf("m%02d", i), func(m *oncall.Monitor) { m.Locations = []string{"osaka"} })
		if all = append(all, m); owner(m.ID, []string{"a", "b"}) == "b" {
			his = string(m.ID)
		}
	}
	ref := monitor("location/osaka/1", func(m *oncall.Monitor) { m.Every, m.Timeout = 2*time.Second, time.Second })
	a.apply(all, &oncall.Location{Name: "osaka", References: []*oncall.Monitor{ref}})
	a.start()
	b.start()
	defer a.stop()
	defer b.stop()
	shared := func(of *bench) func() bool { return func() bool { return len(*of.m.lives.Load()) == 2 } }
	eventually(t, "a knows of both", 5*time.Second, shared(a))
	eventually(t, "b knows of both", 5*time.Second, shared(b))
	at := time.Now()
	say := func(up bool, ids ...string) {
		t.Helper()
		var heard []Heard
		at = at.Add(time.Second)
		if now := time.Now(); at.After(now) {
			<-time.NewTimer(at.Sub(now)).C
		}
		for _, id := range ids {
			report := ""
			if !up {
				report = `{"took":1000,"reason":"status","message":"503","evidence":{"tried":["x"]}}`
			}
			heard = append(heard, Heard{Monitor: oncall.MonitorID(id), Up: up, At: at, Report: report})
		}
		if err := a.m.Hear(t.Context(), "osaka", heard); err != nil {
			t.Fatal(err)
		}
	}
	place := func(of *bench) Place {
		for _, p := range of.m.Places() {
			if p.Name == "osaka" {
				return p
			}
		}
		return Place{}
	}
	var ids []string
	for _, m := range all {
		ids = append(ids, string(m.ID))
	}
	say(true, append([]string{"location/osaka/1"}, ids...)...)
	took := eventually(t, "it is up for the node that watches it", 5*time.Second, func() bool { return b.now(his) == oncall.MonitorUp })
	t.Logf("the other node knew after %s", took)
	if s, err := b.m.Monitor(t.Context(), oncall.MonitorID(his)); err != nil || !s.Here || s.Last["osaka"].At.UnixMilli() != at.UnixMilli() {
		t.Errorf("got %+v %v, want the last result as it was said", s, err)
	}
	eventually(t, "nothing is left on the way", 5*time.Second, func() bool {
		left := 0
		err := a.db.Tx(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.TakeAgentResults(t.Context(), 10) // of node a
			left = len(rows)
			return err
		})
		return err == nil && left == 0
	})
	// The location's own network: each node has its own sight of it.
	say(false, "location/osaka/1")
	say(false, "location/osaka/1")
	eventually(t, "both nodes believe nothing of it", 5*time.Second, func() bool { return place(a).Muted && place(b).Muted })
	say(false, ids...)
	say(true, "location/osaka/1")
	eventually(t, "both nodes believe it again", 5*time.Second, func() bool { return !place(a).Muted && !place(b).Muted })

	// An agent that was at one node is known at the other, with what it can't ask.
	a.m.Polled(store.Agent{Location: "osaka", ID: "x", Version: "v1", Problems: map[oncall.MonitorID]string{oncall.MonitorID(his): "env:KEY may not be read"}})
	eventually(t, "the other node says why", 10*time.Second, func() bool {
		s, err := b.m.Monitor(t.Context(), oncall.MonitorID(his))
		return err == nil && strings.Contains(s.Problem, "osaka: env:KEY may not be read")
	})
}

func TestWhatIsLeftForANodeThatIsGoneIsSwept(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.New(t, "postgres"))
	m := New(Options{DB: b.db, Acceptor: b.desk})
	b.apply([]*oncall.Monitor{monitor("shop", func(m *oncall.Monitor) { m.Locations = []string{"osaka"} })})
	if err := m.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal([]Heard{{Monitor: "shop", Up: true, At: time.Now()}, {Monitor: "none"}})
	if err != nil {
		t.Fatal(err)
	}
	err = b.db.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.SendAgentResults(t.Context(), []store.AgentResults{
			{Node: b.db.Node(), Location: "osaka", Body: []byte("nonsense")},
			{Node: b.db.Node(), Location: "naha", Body: body}, // another location's
			{Node: b.db.Node(), Location: "osaka", Body: body},
			{ID: "agr_00000000000000000000000000", Node: "gone", Location: "osaka", Body: body},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := m.Monitor(t.Context(), "shop"); err != nil || s.State.Now() != oncall.MonitorUp {
		t.Errorf("got %+v %v, want what is readable judged", s, err)
	}
	m.stop()
	if err := m.sweepResults(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = b.db.Tx(t.Context(), func(tx *store.Tx) error {
		n, err := tx.SweepAgentResults(t.Context(), 10)
		if n != 0 {
			t.Errorf("%d are left to sweep, want none", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsAskedFromElsewhereAloneNeedsNoSecretHere(t *testing.T) {
	t.Parallel()
	b := open(t, storetest.New(t, "sqlite"))
	m := New(Options{DB: b.db, Acceptor: b.desk})
	with := func(locations ...string) *oncall.Monitor {
		return monitor("shop", func(m *oncall.Monitor) {
			m.Locations, m.Secrets, m.Target = locations, []string{"env:SHOP_KEY"}, "https://shop.example.jp"
			m.Module = `{"prober":"http","http":{"bearer_token":"` + oncall.Placeholder(0) + `"}}`
		})
	}
	if err := m.Watchable(with("osaka")); err != nil {
		t.Errorf("got %v, want it left to the agent", err)
	}
	if err := m.Watchable(with("here", "osaka")); err == nil {
		t.Error("a monitor that is asked from here, too, needs no secret")
	}
	bad := with("osaka")
	bad.Module = `{"prober":"http","http":{"bearer_token":"` + oncall.Placeholder(0) + `","fail_if_body_matches_regexp":["("]}}`
	if err := m.Watchable(bad); err == nil {
		t.Error("a condition that nobody can read is taken")
	}
}
