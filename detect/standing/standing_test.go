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
		Title: key, Labels: labels, Annotations: map[string]string{"reason": "true", "summary": "it holds"}, Stage: oncall.Production, StartsAt: now(), ReceivedAt: now(),
	}
	if _, err := db.Accept(t.Context(), []store.Acceptance{{Signal: signal, Incident: inc, Response: &store.ResponseRow{Response: oncall.Response{Incident: inc.ID}}}}); err != nil {
		t.Fatal(err)
	}
}

func TestARuleIsDownWhileItsOwnAlertFiresAndUpOnlyWhileSomebodyLooks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		probes := given{{Monitor: probeOf("disk", oncall.MonitorPromQL)}, {Monitor: probeOf("full", oncall.MonitorMetric)}, {Monitor: probeOf("quiet", oncall.MonitorPromQL)}}
		evaluates := true
		beats := heartbeat.New(heartbeat.Options{DB: db, Log: slog.New(slog.DiscardHandler)})
		r := New(Options{DB: db, Probes: probes, Heartbeats: beats, Evaluates: func() bool { return evaluates }})
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

func TestUptimeIsNeverBetterThanItWas(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		h    History
		want float64
		ok   bool
	}{
		{"nothing is known", nil, 0, false},
		{"nothing was watched", History{{}, {}}, 0, false},
		{"all was well", History{{Up: day}, {Up: 12 * time.Hour}}, 1, true},
		{"an hour of today", History{{Up: day}, {Up: 11 * time.Hour, Down: time.Hour}}, 23. / 24, true},
		{"six hours of yesterday, whenever they were", History{{Up: 18 * time.Hour, Down: 6 * time.Hour}, {Up: 12 * time.Hour}}, .75, true},
		{"all of yesterday", History{{Down: day}, {Up: 12 * time.Hour}}, .5, true},
		{"the first hour", History{{Up: time.Hour}}, 1, true},
	} {
		if got, ok := tc.h.LastDay(noon); got != tc.want || ok != tc.ok {
			t.Errorf("%s: got %v, %t, want %v, %t", tc.name, got, ok, tc.want, tc.ok)
		}
	}
	h := History{{Down: day}, {Up: day}, {Up: day}, {Up: day, Unknown: day}}
	if got, ok := h.Over(4); got != .75 || !ok {
		t.Errorf("four days: got %v, want .75, what is unknown left out", got)
	}
	if got, ok := h.Over(2); got != 1 || !ok {
		t.Errorf("two days: got %v, want 1", got)
	}
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
		if len(h) != Days || h[Days-1].Up != time.Hour || h[Days-1].Down != 0 || h[0].Down != time.Hour {
			t.Fatalf("got %d days, the last %+v, the first %+v", len(h), h[len(h)-1], h[0])
		}
		if got := h[Days-1].Date.Format(time.DateOnly); got != "2026-11-20" {
			t.Errorf("the last day is %s, want today by the clock of the zone", got)
		}
		if by["other"] != nil {
			t.Error("a monitor of which nothing is kept has a history")
		}
	})
}
