// Package standing is how monitors stand, for whoever shows it: probes that ask
// their targets, heartbeats that are listened to, service metrics that are posted
// and rules that Prometheus evaluates, all in the same words. It reads and joins; it decides nothing, and
// keeps only how long the monitors stood of which nobody else counts it.
package standing

import (
	"context"
	"strings"
	"time"

	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/mackerel"
	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
)

// Probes are the monitors that are configured, and those that ask; see
// detect.Monitors.
type Probes interface {
	Status(ctx context.Context) ([]detect.Status, error)
	Monitor(ctx context.Context, id oncall.MonitorID) (detect.Status, error)
	Check(ctx context.Context, id oncall.MonitorID) (*probe.Result, error)
	Try(ctx context.Context, m *oncall.Monitor) (*probe.Result, error)
	Follow(ctx context.Context) error
}

// Heartbeats are those that are listened to; see heartbeat.Listener.
type Heartbeats interface {
	Status(ctx context.Context) ([]heartbeat.Status, error)
	StatusOf(ctx context.Context, id oncall.MonitorID) (heartbeat.Status, bool, error)
	Pings(ctx context.Context, id oncall.MonitorID, before int64, limit int) ([]store.Ping, error)
	Addresses() heartbeat.Addresses
}

// Options are what a Reader reads from.
type Options struct {
	DB         *store.DB
	Probes     Probes
	Heartbeats Heartbeats
	// Metrics are how the service metrics of a monitor stand, of all when id is "";
	// see mackerel.Metrics. nil = of none anything is known.
	Metrics func(ctx context.Context, id oncall.MonitorID) ([]mackerel.Status, error)
	// Evaluations are how the rules of monitors are evaluated; ok is false while
	// nobody evaluates any. nil = nobody ever does.
	Evaluations func(ctx context.Context) (by map[oncall.MonitorID]Evaluation, ok bool)
}

// Evaluation is how the rule of a monitor is evaluated.
type Evaluation struct {
	At      time.Time // of the last one; zero = there was none
	Took    time.Duration
	Problem string // why it says nothing about the monitor; "" when it does
}

// Reader reads how monitors stand.
type Reader struct{ o Options }

// New returns a Reader.
func New(o Options) *Reader {
	if o.Evaluations == nil {
		o.Evaluations = func(context.Context) (map[oncall.MonitorID]Evaluation, bool) { return nil, false }
	}
	if o.Metrics == nil {
		o.Metrics = func(context.Context, oncall.MonitorID) ([]mackerel.Status, error) { return nil, nil }
	}
	return &Reader{o}
}

// State is what a monitor is taken for.
type State string

// The states, the ones that somebody has to look at first.
const (
	Down    State = "down"
	Unknown State = "unknown"
	Up      State = "up"
	Paused  State = "paused"
)

// States are all states in their order.
func States() []State { return []State{Down, Unknown, Up, Paused} }

// Standing is how one monitor stands.
type Standing struct {
	Monitor *oncall.Monitor
	State   State
	Since   time.Time // zero = not known
	// Doubt says that the last check failed and nobody believes it yet; for a
	// heartbeat, that its report is late.
	Doubt  bool
	Last   time.Time // the last check, or the last report; zero = none is known on this node
	Took   time.Duration
	Reason string // why it is down or in doubt, as a word; "" when it is not
	// Message is the same as a sentence.
	Message string
	Problem string // why it can't be watched; "" when it can
	// ProblemCode is the code of that in docs/errors.md; "" where it has none of its own.
	ProblemCode string
	Ends        time.Time
	// Places are what each location says; Heard has the last check of those that
	// are heard on this node.
	Places map[string]oncall.PlaceState
	Heard  map[string]detect.Last
	Beat   *heartbeat.Status // of a heartbeat
	// Metrics are those of a monitor of service metrics, by their names.
	Metrics []mackerel.Status
	Here    bool // this node watches it
}

// All returns all monitors in the order of the configuration.
func (r *Reader) All(ctx context.Context) ([]Standing, error) {
	probes, err := r.o.Probes.Status(ctx)
	if err != nil {
		return nil, err
	}
	return r.joined(ctx, probes)
}

// joined adds to monitors what is kept elsewhere.
func (r *Reader) joined(ctx context.Context, probes []detect.Status) ([]Standing, error) {
	beats := map[oncall.MonitorID]*heartbeat.Status{}
	var rules []oncall.MonitorID
	listens, measures := false, false
	for i := range probes {
		kind := probes[i].Monitor.Kind
		listens = listens || kind == oncall.MonitorHeartbeat
		measures = measures || kind == oncall.MonitorMetric
		if kind.Rules() {
			rules = append(rules, probes[i].Monitor.ID)
		}
	}
	if listens {
		list, err := r.o.Heartbeats.Status(ctx)
		if err != nil {
			return nil, err
		}
		for i := range list {
			beats[list[i].Monitor.ID] = &list[i]
		}
	}
	firing, err := r.firing(ctx, rules)
	if err != nil {
		return nil, err
	}
	judged := r.judged(ctx, len(rules) > 0)
	metrics := map[oncall.MonitorID][]mackerel.Status{}
	if measures {
		list, err := r.o.Metrics(ctx, "")
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			metrics[m.Monitor.ID] = append(metrics[m.Monitor.ID], m)
		}
	}
	all := make([]Standing, len(probes))
	for i := range probes {
		id := probes[i].Monitor.ID
		all[i] = r.join(&probes[i], beats[id], metrics[id], judged.of(id, firing[id]))
	}
	return all, nil
}

// One returns how one monitor stands.
func (r *Reader) One(ctx context.Context, id oncall.MonitorID) (Standing, error) {
	status, err := r.o.Probes.Monitor(ctx, id)
	if err != nil {
		return Standing{}, err
	}
	var beat *heartbeat.Status
	var metrics []mackerel.Status
	var firing map[oncall.MonitorID][]oncall.Alert
	switch kind := status.Monitor.Kind; {
	case kind == oncall.MonitorHeartbeat:
		found, ok, err := r.o.Heartbeats.StatusOf(ctx, id)
		if err != nil {
			return Standing{}, err
		}
		if ok {
			beat = &found
		}
	case kind == oncall.MonitorMetric:
		if metrics, err = r.o.Metrics(ctx, id); err != nil {
			return Standing{}, err
		}
	case kind.Rules():
		if firing, err = r.firing(ctx, []oncall.MonitorID{id}); err != nil {
			return Standing{}, err
		}
	}
	return r.join(&status, beat, metrics, r.judged(ctx, status.Monitor.Kind.Rules()).of(id, firing[id])), nil
}

func (r *Reader) join(s *detect.Status, beat *heartbeat.Status, metrics []mackerel.Status, rule judgement) Standing {
	out := Standing{Monitor: s.Monitor, Problem: s.Problem, ProblemCode: s.ProblemCode, Here: s.Here}
	switch {
	case s.Monitor.Kind == oncall.MonitorHeartbeat:
		out.listened(beat)
	case s.Monitor.Kind == oncall.MonitorMetric:
		out.measured(metrics)
	case s.Monitor.Kind.Rules():
		out.evaluated(rule)
	default:
		out.asked(s)
	}
	if s.Monitor.Paused {
		out.State, out.Doubt, out.Reason, out.Message = Paused, false, "", ""
	}
	return out
}

// asked is how a probe stands.
func (s *Standing) asked(from *detect.Status) {
	s.State, s.Since = State(from.State.Now()), from.State.Since
	s.Places, s.Heard = from.State.Places, from.Last
	for _, last := range from.Last {
		if last.At.After(s.Last) {
			s.Last, s.Took = last.At, last.Took
		}
		if c := last.Certificate; c != nil && (s.Ends.IsZero() || c.Earliest.Before(s.Ends)) {
			s.Ends = c.Earliest
		}
	}
	if s.State == Down {
		s.Reason, s.Message = from.State.Reason, from.State.Message
		return
	}
	for _, place := range s.Monitor.Places() {
		p := s.Places[place]
		if p.Pending.To == oncall.MonitorDown || s.State == Up && p.Now() == oncall.MonitorDown {
			s.Doubt, s.Reason, s.Message = true, p.Reason, p.Message
			return
		}
	}
}

// listened is how a heartbeat stands.
func (s *Standing) listened(beat *heartbeat.Status) {
	s.State, s.Beat = Unknown, beat
	if beat == nil {
		return
	}
	s.Since, s.Last, s.Took = beat.Since, beat.State.Heard, beat.State.Took
	switch beat.Status {
	case oncall.HeartbeatUp:
		s.State = Up
	case oncall.HeartbeatLate:
		s.Doubt, s.Reason = true, string(oncall.HeartbeatSilent)
		if beat.State.Status != oncall.HeartbeatNew { // what was never heard of is not up either
			s.State = Up
		}
	case oncall.HeartbeatDown:
		s.State, s.Reason, s.Message = Down, string(beat.State.Why), beat.Why
	case oncall.HeartbeatPaused:
		s.State = Paused
	}
}

// Check asks a monitor's target now.
func (r *Reader) Check(ctx context.Context, id oncall.MonitorID) (*probe.Result, error) {
	return r.o.Probes.Check(ctx, id)
}

// Try asks the target of a monitor that need not be configured.
func (r *Reader) Try(ctx context.Context, m *oncall.Monitor) (*probe.Result, error) {
	return r.o.Probes.Try(ctx, m)
}

// Follow takes over a configuration that was just changed, so that what is asked
// next knows of it.
func (r *Reader) Follow(ctx context.Context) error { return r.o.Probes.Follow(ctx) }

// Pings are the last pings of a heartbeat before the n-th, see
// heartbeat.Listener.Pings.
func (r *Reader) Pings(ctx context.Context, id oncall.MonitorID, before int64, limit int) ([]store.Ping, error) {
	return r.o.Heartbeats.Pings(ctx, id, before, limit)
}

// Address is where a heartbeat is pinged, below the external URL; slug is the
// address by its slug, "" without one. Both are secrets.
func (r *Reader) Address(m *oncall.Monitor) (path, slug string) {
	if m.Heartbeat == nil {
		return "", ""
	}
	a := r.o.Heartbeats.Addresses()
	return a.Path(m.ID), a.SlugPath(m.Heartbeat.Slug)
}

// Incidents are the last incidents of a monitor, the newest first.
func (r *Reader) Incidents(ctx context.Context, dir *oncall.Directory, m *oncall.Monitor, limit int) (list []oncall.Incident, err error) {
	svc := dir.Service(m.Service)
	if svc == nil {
		if svc, _ = dir.Route(detect.Labels(m)); svc == nil {
			return nil, nil
		}
	}
	err = r.o.DB.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.IncidentsOfKeys(ctx, svc.ID, detect.Keys(m.ID), limit)
		return err
	})
	return list, err
}

// Asked is what a monitor watches, in a line: its target as it is shown, or the
// expression, or the plan of its heartbeat.
func Asked(m *oncall.Monitor) string {
	switch {
	case m.Heartbeat != nil && m.Heartbeat.Cron != "":
		return strings.TrimSpace(m.Heartbeat.Cron + " " + m.Heartbeat.Zone)
	case m.Heartbeat != nil:
		return oncall.PromDuration(m.Heartbeat.Period)
	case m.Metric != nil:
		return m.Metric.Service + " " + m.Metric.Name
	case m.Kind == oncall.MonitorPromQL:
		return m.PromQL
	}
	return m.ShownTarget()
}
