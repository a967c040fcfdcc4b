package incident_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toban/oncall"
	"toban/respond/respondtest"
	"toban/store"
	"toban/store/storetest"
)

// TestR18_NothingIsClaimedAfterAnAcknowledgement plays random nights on both
// engines: signals, acknowledgements, keys, outcomes and timers at the same
// moments, with nodes that are killed and lost in between. What has to hold is
// in model.check.
func TestR18_NothingIsClaimedAfterAnAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		for seed := range uint64(nights(engine)) {
			t.Run(fmt.Sprintf("%s seed %d", engine, seed), func(t *testing.T) {
				t.Parallel()
				dsn := storetest.DSN(t, engine)
				synctest.Test(t, func(t *testing.T) {
					m := begin(t, dsn, seed)
					for range 40 {
						m.moment()
						m.check()
					}
					m.end()
				})
			})
		}
	}
}

// nights is how many nights are played on an engine.
func nights(engine string) int {
	switch {
	case testing.Short():
		return 1
	case engine == "postgres":
		return 3
	}
	return 8
}

// model is one random night.
type model struct {
	t      *testing.T
	dsn    string
	rnd    *rand.Rand
	nodes  []*node
	keys   []string
	named  int
	claims int

	mu   sync.Mutex
	held []taken
	seen map[oncall.IncidentID]bool
	kept map[oncall.DeliveryID]bool // calls on which a key was pressed: they end by themselves
}

// node is one process.
type node struct {
	*house
	name string
	stop func()
}

// taken is an acknowledgement that has returned.
type taken struct {
	id    oncall.IncidentID
	epoch int64
	mark  map[*node]int64
	at    time.Time
}

func begin(t *testing.T, dsn string, seed uint64) *model {
	m := &model{
		t: t, dsn: dsn, rnd: rand.New(rand.NewPCG(seed, 18)),
		keys: []string{"db", "web", "disk"}, seen: map[oncall.IncidentID]bool{}, kept: map[oncall.DeliveryID]bool{},
	}
	m.start()
	if m.nodes[0].DB.Engine() == "postgres" {
		m.start()
	}
	return m
}

// start starts a process of a new name.
func (m *model) start() {
	m.named++
	n := &node{name: fmt.Sprintf("node%d", m.named)}
	db, err := store.Open(m.t.Context(), m.dsn, store.Options{Node: n.name})
	if err != nil {
		m.t.Fatal(err)
	}
	script := rand.New(rand.NewPCG(m.rnd.Uint64(), 0))
	n.house = move(m.t, db, respondtest.Config{Policy: short(), Script: func(store.OutboxRow) respondtest.Answer {
		return random(script)
	}})
	n.stop = n.Run(m.t.Context())
	m.nodes = append(m.nodes, n)
}

// short is a policy whose night is over soon.
func short() *oncall.Policy {
	p := respondtest.Small()
	p.AcknowledgementTimeout = 7 * time.Minute
	p.Levels[1].Strategy = oncall.RoundRobin
	return p
}

func random(rnd *rand.Rand) respondtest.Answer {
	after := time.Duration(rnd.IntN(25000)) * time.Millisecond
	switch rnd.IntN(6) {
	case 0:
		return respondtest.Answer{Outcome: oncall.Busy, After: after / 10}
	case 1:
		return respondtest.Answer{Outcome: oncall.NoInput, After: after}
	case 2:
		return respondtest.Answer{Outcome: oncall.Undeliverable}
	case 3:
		return respondtest.Answer{Never: true}
	}
	return respondtest.Answer{Outcome: oncall.NoAnswer, After: after}
}

func (m *model) any() *node { return m.nodes[m.rnd.IntN(len(m.nodes))] }

// moment lets some time pass and then does several things at once, in the
// middle of which a process may be killed.
func (m *model) moment() {
	after(time.Duration(m.rnd.IntN(40000)) * time.Millisecond)
	var work sync.WaitGroup
	for range 1 + m.rnd.IntN(5) {
		work.Go(m.act())
	}
	if m.rnd.IntN(8) == 0 {
		m.kill(&work)
	}
	work.Wait()
	synctest.Wait()
}

// act chooses what somebody does; it is done later, beside other things.
func (m *model) act() func() {
	n, ctx := m.any(), m.t.Context()
	key := m.keys[m.rnd.IntN(len(m.keys))]
	open := m.open()
	switch what := m.rnd.IntN(12); {
	case what < 3 || len(open) == 0:
		return func() { m.signal(n, key, oncall.Trigger) }
	case what == 3:
		return func() { m.signal(n, key, oncall.Resolve) }
	default:
		inc := open[m.rnd.IntN(len(open))]
		who := respondtest.Users[m.rnd.IntN(len(respondtest.Users))]
		live := n.Phones.Live(ctx, inc.ID)
		var call *store.Delivery
		if len(live) > 0 {
			call = &live[m.rnd.IntN(len(live))]
		}
		digit := []string{"1", "2", "9"}[m.rnd.IntN(3)]
		switch {
		case what < 6:
			return func() { m.acknowledge(n, inc.ID, who) }
		case what == 6:
			return func() { _, err := n.life.Resolve(ctx, inc.ID, who, "api"); m.ok(err) }
		case what == 7:
			return func() { _, err := n.life.Note(ctx, inc.ID, "hm", who, "api"); m.ok(err) }
		case what == 8:
			return func() { _, err := n.life.Escalate(ctx, inc.ID, who, "api"); m.ok(err) }
		case what == 9:
			return func() {
				_, err := n.life.Reassign(ctx, inc.ID, []oncall.UserID{who}, "ann", "api")
				m.ok(err)
			}
		case call != nil && what == 10:
			return func() { n.Phones.End(ctx, call.ID, oncall.Busy) }
		case call != nil:
			return func() { m.press(n, inc.ID, call.ID, digit) }
		}
		return func() {}
	}
}

// ok takes every error that tells somebody that they came too late, or to a
// process that is no more.
func (m *model) ok(err error) {
	e, ok := errors.AsType[*oncall.Error](err)
	switch {
	case err == nil, errors.Is(err, store.ErrClosed):
	case ok && e.Kind == oncall.Conflict && !errors.Is(err, store.ErrStale):
	default:
		m.t.Errorf("action: %v", err)
	}
}

func (m *model) signal(n *node, key string, a oncall.Action) {
	sev := oncall.Failure
	if time.Now().UnixMilli()%2 == 0 {
		sev = oncall.Critical
	}
	_, err := respondtest.Signal(m.t.Context(), n.DB, "shop", key, a, sev)
	m.ok(err)
}

func (m *model) acknowledge(n *node, id oncall.IncidentID, by oncall.UserID) {
	inc, err := n.life.Acknowledge(m.t.Context(), id, by, "api")
	m.ok(err)
	if err == nil && inc.State == oncall.Acknowledged {
		m.took(inc)
	}
}

func (m *model) press(n *node, id oncall.IncidentID, call oncall.DeliveryID, digit string) {
	ctx := m.t.Context()
	m.mu.Lock()
	m.kept[call] = true
	m.mu.Unlock()
	if _, err := n.life.Press(ctx, call, digit); err != nil {
		m.ok(err)
		return
	}
	var inc *oncall.Incident
	if err := n.DB.Read(ctx, func(tx *store.Tx) (err error) {
		inc, err = tx.IncidentUnlocked(ctx, id)
		return err
	}); err != nil {
		m.ok(err)
		return
	}
	m.took(inc)
	if digit != "2" {
		n.Phones.End(ctx, call, oncall.Answered)
	}
}

// took notes that from now on nothing of a lower epoch may be claimed.
func (m *model) took(inc *oncall.Incident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark := map[*node]int64{}
	for _, n := range m.nodes {
		mark[n] = n.Phones.Mark()
	}
	m.held = append(m.held, taken{id: inc.ID, epoch: inc.Epoch, mark: mark, at: time.Now()})
}

// kill ends a process in the middle of what is done at this moment, and starts
// another that takes its rows over. What was begun there is committed or not.
func (m *model) kill(others *sync.WaitGroup) {
	i := m.rnd.IntN(len(m.nodes))
	dead := m.nodes[i]
	if err := dead.DB.Close(); err != nil {
		m.t.Error(err)
	}
	dead.stop()
	others.Wait()
	m.bury(dead)
	m.nodes = slices.Delete(m.nodes, i, i+1)
	m.start()
	m.adopt(dead.name)
}

// bury looks at what a process that has ended has done.
func (m *model) bury(dead *node) {
	m.collect(dead)
	m.claims += len(dead.Phones.Claims())
}

func (m *model) adopt(dead string) {
	n := m.nodes[0]
	for {
		var w store.Wake
		err := n.DB.Tx(m.t.Context(), func(tx *store.Tx) (err error) {
			w, err = tx.AdoptRows(m.t.Context(), dead, 16)
			return err
		})
		if err != nil {
			m.t.Fatal(err)
		}
		if len(w.Timers)+len(w.Outbox) == 0 {
			return
		}
	}
}

// open lists the incidents that are not over, and remembers all there are.
func (m *model) open() (out []oncall.Incident) {
	n := m.nodes[0]
	err := n.DB.Read(m.t.Context(), func(tx *store.Tx) error {
		all, err := tx.ListIncidents(m.t.Context(), store.IncidentFilter{Limit: 500})
		out = nil
		for _, inc := range all {
			m.seen[inc.ID] = true
			if inc.State != oncall.Resolved {
				out = append(out, inc)
			}
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// check holds the night to its promises, while nothing is under way.
func (m *model) check() {
	m.t.Helper()
	n := m.nodes[0]
	open := map[string]oncall.IncidentID{}
	for _, inc := range m.open() {
		if other, ok := open[inc.GroupKey]; ok {
			m.t.Errorf("R2: %s and %s are open for %q", inc.ID, other, inc.GroupKey)
		}
		open[inc.GroupKey] = inc.ID
		m.due(&inc)
		row := n.Response(inc.ID)
		if row.Response.Epoch != inc.Epoch {
			m.t.Errorf("R18: %s has epoch %d, its response %d", inc.ID, inc.Epoch, row.Response.Epoch)
		}
	}
	if lost := n.Lost(); len(lost) > 0 {
		for _, id := range lost {
			m.t.Errorf("R13: %s has no next action; %+v\n%v", id, n.Response(id), kinds(n.Timeline(id)))
		}
	}
	for _, each := range m.nodes {
		m.collect(each)
	}
	m.hungUp()
}

// due looks for attempts that wait to be claimed though they are void.
func (m *model) due(inc *oncall.Incident) {
	m.t.Helper()
	ctx := m.t.Context()
	m.ok(m.nodes[0].DB.Read(ctx, func(tx *store.Tx) error {
		rows, err := tx.OutboxOf(ctx, inc.ID)
		for _, o := range rows {
			if o.State == store.OutboxDue && o.Epoch != inc.Epoch {
				m.t.Errorf("R18: %s of epoch %d is still due; %s has epoch %d", o.ID, o.Epoch, inc.ID, inc.Epoch)
			}
		}
		return err
	}))
}

// collect looks for claims that began after an acknowledgement had returned.
func (m *model) collect(n *node) {
	m.t.Helper()
	for _, c := range n.Phones.Claims() {
		for _, a := range m.held {
			if mark, ok := a.mark[n]; ok && c.Row.Incident == a.id && c.Begun > mark && c.Row.Epoch < a.epoch {
				m.t.Errorf("R18: %s of epoch %d was claimed after %s had epoch %d", c.Row.ID, c.Row.Epoch, a.id, a.epoch)
			}
		}
	}
}

// hungUp looks for calls that ring on a second after they were void. One that
// also tells of something that nobody has yet may ring on (decision 12).
func (m *model) hungUp() {
	m.t.Helper()
	n, ctx := m.nodes[0], m.t.Context()
	for _, a := range m.held {
		if time.Since(a.at) < time.Second {
			continue
		}
		for _, l := range n.Phones.Live(ctx, a.id) {
			if m.kept[l.ID] || !l.CancelAt.IsZero() {
				continue
			}
			m.ok(n.DB.Read(ctx, func(tx *store.Tx) error {
				told, err := tx.Told(ctx, l.ID)
				void := true
				for _, t := range told {
					inc, err := tx.IncidentUnlocked(ctx, t.Incident)
					if err != nil {
						return err
					}
					if inc.State == oncall.Triggered && inc.Epoch == t.Epoch {
						void = false
					}
				}
				if void {
					m.t.Errorf("R18: %s is not hung up, though nothing that it tells of is still so: %v", l.ID, told)
				}
				return err
			}))
		}
	}
}

// end replays every response from its timeline and stops what runs.
func (m *model) end() {
	m.t.Helper()
	n := m.nodes[0]
	entries := 0
	for id := range m.seen {
		replayed(m.t, n.house, id)
		entries += len(n.Timeline(id))
	}
	for _, each := range m.nodes {
		each.stop()
		m.bury(each)
		if err := each.DB.Close(); err != nil {
			m.t.Error(err)
		}
	}
	m.t.Logf("%d nodes, %d incidents, %d entries, %d claims, %d acknowledgements", m.named, len(m.seen), entries, m.claims, len(m.held))
}
