package standing

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/probe"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// given are probes as a test says.
type given []detect.Status

func (g given) Status(context.Context) ([]detect.Status, error) { return g, nil }

func (g given) Monitor(_ context.Context, id oncall.MonitorID) (detect.Status, error) {
	for _, s := range g {
		if s.Monitor.ID == id {
			return s, nil
		}
	}
	return detect.Status{}, &oncall.Error{Kind: oncall.NotFound}
}

func (g given) Check(context.Context, oncall.MonitorID) (*probe.Result, error) { return nil, nil }

func (g given) Follow(context.Context) error { return nil }

func now() time.Time { return time.Date(2026, 11, 20, 11, 2, 0, 0, time.UTC) }

func probeOf(id string, kind oncall.MonitorKind) *oncall.Monitor {
	return &oncall.Monitor{ID: oncall.MonitorID(id), Name: id, Kind: kind, Target: id, Every: time.Minute}
}

// serve configures services.
func serve(t *testing.T, db *store.DB, ids ...oncall.ServiceID) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			body, err := json.Marshal(oncall.Service{ID: id, CatchAll: id == ids[0]})
			if err == nil {
				err = tx.PutObject(t.Context(), store.Object{Kind: store.ObjectService, Name: string(id), Body: body})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// fires opens an incident with an alert of those labels.
func fires(t *testing.T, db *store.DB, key string, labels map[string]string) {
	t.Helper()
	inc := &oncall.Incident{
		ID: oncall.IncidentID("inc_" + key + labels["kind"]), Service: "shop" + oncall.ServiceID(labels["kind"]), GroupKey: key, State: oncall.Triggered, Severity: oncall.Warning,
		Urgency: oncall.High, Title: key, Stage: oncall.Production, Epoch: 1, Count: 1, TriggeredAt: now(),
	}
	signal := oncall.Signal{
		ID: oncall.SignalID("sig_" + key + labels["kind"]), Integration: "metrics", Service: inc.Service, Key: key, GroupKey: key, Action: oncall.Trigger, Severity: oncall.Warning,
		Title: key, Labels: labels, Annotations: map[string]string{"reason": "true", "summary": "it holds"}, Stage: oncall.Production, StartsAt: now(), ReceivedAt: now(), EndsAt: now().Add(4 * time.Minute),
	}
	if _, err := db.Accept(t.Context(), []store.Acceptance{{Signal: signal, Incident: inc, Response: &store.ResponseRow{Response: oncall.Response{Incident: inc.ID}}}}); err != nil {
		t.Fatal(err)
	}
}

func TestARuleIsUpOnlyWhileItIsEvaluatedAndThatGoesWell(t *testing.T) {
	t.Parallel()
	probes := given{}
	for _, id := range []string{"good", "new", "failed", "leftout", "old", "paused"} {
		probes = append(probes, detect.Status{Monitor: probeOf(id, oncall.MonitorPromQL)})
	}
	probes[5].Monitor.Paused = true
	running := true
	r := New(Options{DB: storetest.New(t, "sqlite"), Probes: probes, Evaluations: func(context.Context) (map[oncall.MonitorID]Evaluation, bool) {
		return map[oncall.MonitorID]Evaluation{
			"good": {At: now(), Took: time.Second}, "new": {}, "failed": {At: now(), Problem: "the last evaluation failed: many-to-many"}, "old": {At: now(), Problem: "it has not been evaluated since"},
		}, running
	}})
	states := map[oncall.MonitorID]State{"good": Up, "new": Unknown, "failed": Unknown, "leftout": Unknown, "old": Unknown, "paused": Paused}
	problems := map[oncall.MonitorID]bool{"failed": true, "leftout": true, "old": true}
	for range 2 {
		all, err := r.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if id := s.Monitor.ID; s.State != states[id] || (s.Problem != "") != problems[id] {
				t.Errorf("%s: got %s, %q, want %s", id, s.State, s.Problem, states[id])
			}
		}
		if good := all[0]; running && (!good.Last.Equal(now()) || good.Took != time.Second) {
			t.Errorf("got %+v, want when it was evaluated", good)
		}
		running, states["good"], problems = false, Unknown, nil
	}
}

func TestARuleIsDownWhileItsOwnAlertFiresAndUpOnlyWhileSomebodyLooks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		probes := given{{Monitor: probeOf("disk", oncall.MonitorPromQL)}, {Monitor: probeOf("full", oncall.MonitorMetric)}, {Monitor: probeOf("quiet", oncall.MonitorPromQL)}}
		evaluates := true
		beats := heartbeat.New(heartbeat.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
		r := New(Options{DB: db, Probes: probes, Heartbeats: beats, Evaluations: func(context.Context) (map[oncall.MonitorID]Evaluation, bool) {
			return map[oncall.MonitorID]Evaluation{"disk": {At: now()}, "quiet": {At: now()}}, evaluates
		}})
		serve(t, db, "shop", "shoppromql")
		fires(t, db, "disk", map[string]string{"monitor": "disk", "kind": "promql"})
		fires(t, db, "quiet", map[string]string{"monitor": "prometheus-1"}) // somebody else's group of that name
		want := map[oncall.MonitorID]State{"disk": Down, "full": Unknown, "quiet": Up}
		for range 2 {
			all, err := r.All(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				if s.State != want[s.Monitor.ID] {
					t.Errorf("%s: got %s, want %s", s.Monitor.ID, s.State, want[s.Monitor.ID])
				}
				if s.Monitor.ID == "disk" && (s.Message != "it holds" || s.Since.IsZero()) {
					t.Errorf("disk: got %q since %s, want why and since when", s.Message, s.Since)
				}
				one, err := r.One(t.Context(), s.Monitor.ID)
				if err != nil || one.State != s.State {
					t.Errorf("%s: got %s, %v alone, want %s as among all", s.Monitor.ID, one.State, err, s.State)
				}
			}
			evaluates, want = false, map[oncall.MonitorID]State{"disk": Down, "full": Unknown, "quiet": Unknown}
		}
	})
}

func TestAProbeInDoubtIsStillUpAndSaysWhy(t *testing.T) {
	t.Parallel()
	m := probeOf("web", oncall.MonitorHTTP)
	state := oncall.MonitorState{Status: oncall.MonitorUp, Since: now(), Places: map[string]oncall.PlaceState{
		oncall.Here: {Status: oncall.MonitorUp, Pending: oncall.Pending{To: oncall.MonitorDown, Since: now()}, Reason: "timeout", Message: "nothing came"},
	}}
	ends := now().Add(time.Hour)
	status := detect.Status{Monitor: m, State: state, Here: true, Last: map[string]detect.Last{
		oncall.Here: {At: now(), Took: time.Second, Certificate: &probe.Certificate{Earliest: ends}},
	}}
	r := New(Options{Probes: given{status}})
	got, err := r.One(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	if got.State != Up || !got.Doubt || got.Reason != "timeout" || !got.Last.Equal(now()) || !got.Ends.Equal(ends) {
		t.Errorf("got %+v, want up, in doubt, with the last check and the certificate's end", got)
	}
	paused := *m
	paused.Paused = true
	status.Monitor = &paused
	got, err = New(Options{Probes: given{status}}).One(t.Context(), "web")
	if err != nil || got.State != Paused || got.Doubt {
		t.Errorf("paused: got %s, doubt %t, %v", got.State, got.Doubt, err)
	}
}

func TestUptimeLeavesOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	h := History{Days: []Day{{Down: day}, {Up: day}, {Up: day}, {Up: day, Unknown: day}}}
	if got, ok := h.Over(4); got != .75 || !ok {
		t.Errorf("four days: got %v, want .75, what is unknown left out", got)
	}
	if got, ok := h.Over(2); got != 1 || !ok {
		t.Errorf("two days: got %v, want 1", got)
	}
	if _, ok := (History{}).Over(2); ok || !(History{}).None() {
		t.Error("of nothing something is known")
	}
}

func TestTheLastDayIsCountedByTheHour(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := now().Truncate(time.Hour).Add(20 * time.Minute)
		hour := store.HourOf(at)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			times := store.MonitorTimes{Days: []store.MonitorDay{{Monitor: "web", Day: store.DayOf(at, time.UTC), Up: time.Hour}}}
			times.Hours = append(times.Hours, store.MonitorHour{Monitor: "web", Hour: hour, Up: 19 * time.Minute, Unknown: time.Minute})
			for ago := int64(1); ago <= 30; ago++ {
				h := store.MonitorHour{Monitor: "web", Hour: hour - ago, Up: time.Hour}
				if ago == 24 || ago == 25 { // one is of the last day, the other is not
					h.Up, h.Down = 15*time.Minute, 45*time.Minute
				}
				times.Hours = append(times.Hours, h)
			}
			return tx.AddMonitorTimes(t.Context(), times)
		})
		if err != nil {
			t.Fatal(err)
		}
		by, err := New(Options{DB: db}).Histories(t.Context(), []oncall.MonitorID{"web"}, at, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		all := 24*time.Hour + 19*time.Minute
		if got, ok := by["web"].LastDay(); !ok || got != float64(all-45*time.Minute)/float64(all) {
			t.Errorf("got %v, want 45 minutes less than all of the last day", got)
		}
	})
}

func TestAHistoryHasNinetyDaysUpToToday(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokyo := time.FixedZone("JST", 9*60*60)
		today := store.DayOf(now(), tokyo)
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.AddMonitorDays(t.Context(), []store.MonitorDay{
				{Monitor: "web", Day: today, Up: time.Hour},
				{Monitor: "web", Day: today - 89, Down: time.Hour},
				{Monitor: "web", Day: today - 90, Down: time.Hour},
				{Monitor: "web", Day: today, Location: "osaka", Down: time.Hour},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		by, err := New(Options{DB: db}).Histories(t.Context(), []oncall.MonitorID{"web", "other"}, now(), tokyo)
		if err != nil {
			t.Fatal(err)
		}
		h := by["web"]
		if d := h.Days; len(d) != Days || d[Days-1].Up != time.Hour || d[Days-1].Down != 0 || d[0].Down != time.Hour {
			t.Fatalf("got %d days, %+v", len(d), d)
		}
		if got := h.Days[Days-1].Date.Format(time.DateOnly); got != "2026-11-20" {
			t.Errorf("the last day is %s, want today by the clock of the zone", got)
		}
		if !by["other"].None() {
			t.Error("a monitor of which nothing is kept has a history")
		}
	})
}
