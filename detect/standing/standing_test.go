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

func (g given) Try(context.Context, *oncall.Monitor) (*probe.Result, error) {
	return nil, nil
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

func TestAHistorySaysSinceWhenAMonitorIsWatched(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*60*60)
	today, hour := store.DayOf(now(), tokyo), store.HourOf(now())
	day := func(ago int64, watched time.Duration) store.MonitorDay {
		return store.MonitorDay{Monitor: "web", Day: today - ago, Up: watched - time.Minute, Unknown: time.Minute}
	}
	first := func(d store.MonitorDay, ago time.Duration) store.MonitorDay {
		d.From(now().Add(-ago))
		return d
	}
	for _, tc := range []struct {
		name string
		in   store.MonitorTimes
		want time.Time
	}{
		{"for ten minutes over the hour", store.MonitorTimes{
			Days:  []store.MonitorDay{day(0, 10*time.Minute)},
			Hours: []store.MonitorHour{{Monitor: "web", Hour: hour - 1, Unknown: 8 * time.Minute}, {Monitor: "web", Hour: hour, Up: 2 * time.Minute}},
		}, now().Add(-10 * time.Minute)},
		{"since yesterday, with a gap after its first hour", store.MonitorTimes{
			Days:  []store.MonitorDay{day(1, 2*time.Hour), day(0, time.Hour)},
			Hours: []store.MonitorHour{{Monitor: "web", Hour: hour - 22, Up: 15 * time.Minute}, {Monitor: "web", Hour: hour, Up: time.Minute}},
		}, now().Truncate(time.Hour).Add(-21*time.Hour - 15*time.Minute)},
		{"since a moment that no restart moves", store.MonitorTimes{
			Days:  []store.MonitorDay{first(day(0, 10*time.Minute), 40*time.Minute), first(day(0, time.Minute), 5*time.Minute)},
			Hours: []store.MonitorHour{{Monitor: "web", Hour: hour - 1, Unknown: 8 * time.Minute}, {Monitor: "web", Hour: hour, Up: 3 * time.Minute}},
		}, now().Add(-40 * time.Minute)},
		{"since a moment, and nothing is counted yet", store.MonitorTimes{Days: []store.MonitorDay{first(store.MonitorDay{Monitor: "web", Day: today}, time.Second)}}, now().Add(-time.Second)},
		{"for ten days", store.MonitorTimes{Days: []store.MonitorDay{day(10, 3*time.Hour), day(9, 24*time.Hour)}}, time.Date(2026, 11, 10, 21, 0, 0, 0, tokyo)},
		{"for longer", store.MonitorTimes{Days: []store.MonitorDay{day(89, time.Hour)}}, time.Time{}},
	} {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.AddMonitorTimes(t.Context(), tc.in) }); err != nil {
				t.Fatal(err)
			}
			by, err := New(Options{DB: db}).Histories(t.Context(), []oncall.MonitorID{"web"}, now(), tokyo)
			if err != nil || !by["web"].Since.Equal(tc.want) {
				t.Errorf("%s: got %s %v, want %s", tc.name, by["web"].Since, err, tc.want)
			}
			counted := now().Add(-time.Minute)
			for _, h := range []History{{}, {Days: make([]Day, Days), Since: counted}} {
				if got := h.Joined(&Standing{State: Up, Since: now().Add(-time.Hour)}, now()).Since; !got.Equal(now().Add(-time.Hour)) {
					t.Errorf("got %s, want since it is up", got)
				}
			}
			if got := (History{Days: make([]Day, Days)}).Joined(&Standing{State: Up, Since: now().Add(-time.Hour)}, now()).Since; !got.IsZero() {
				t.Errorf("got %s, want nothing: it was watched before", got)
			}
		})
	}
}

func TestAFigureIsOfNoLongerThanAMonitorWasWatched(t *testing.T) {
	t.Parallel()
	up := func(days int) History {
		h := History{Days: make([]Day, Days), Up: time.Hour, Since: now().AddDate(0, 0, 1-days)}
		for i := Days - days; i < Days; i++ {
			h.Days[i].Up = time.Hour
		}
		return h
	}
	young := up(1)
	young.Since = now().Add(-10 * time.Minute)
	old := up(Days)
	old.Since = time.Time{}
	for _, tc := range []struct {
		name                string
		of                  History
		day, month, quarter string
	}{
		{"nothing", History{}, "-", "-", "-"},
		{"ten minutes", young, "since 20 10:52", "-", "-"},
		{"five days", up(5), "whole", "since 16 11:02", "-"},
		{"sixty days", up(60), "whole", "whole", "since 22 11:02"},
		{"all days", old, "whole", "whole", "whole"},
	} {
		say := func(f Figure) string {
			switch {
			case !f.Known:
				return "-"
			case f.Since.IsZero():
				return "whole"
			}
			return "since " + f.Since.Format("2 15:04")
		}
		if d, m, q := tc.of.Figures(now()); say(d) != tc.day || say(m) != tc.month || say(q) != tc.quarter {
			t.Errorf("%s: got %s, %s, %s; want %s, %s, %s", tc.name, say(d), say(m), say(q), tc.day, tc.month, tc.quarter)
		}
	}
}

// An outage that has just begun is in the figures, saved or not.
func TestTheFigureOfWhatIsDownIsNotAHundredPercent(t *testing.T) {
	t.Parallel()
	h := History{Days: make([]Day, Days), Up: 9 * time.Minute, Since: now().Add(-9 * time.Minute)}
	h.Days[Days-1].Up = h.Up
	got := h.Joined(&Standing{State: Down, Since: now().Add(-20 * time.Second)}, now())
	if day, _, _ := got.Figures(now()); day.Share >= 0.97 || day.Share < 0.96 {
		t.Errorf("got %.3f, want 540 of 560 seconds", day.Share)
	}
	if got.Days[Days-1].Down != 20*time.Second || h.Days[Days-1].Down != 0 {
		t.Errorf("got %s today and %s before, want the outage in the new one alone", got.Days[Days-1].Down, h.Days[Days-1].Down)
	}
	got.Down = time.Hour
	if again := got.Joined(&Standing{State: Down, Since: now().Add(-2 * time.Hour)}, now()); again.Down != time.Hour {
		t.Errorf("got %s, want what is counted to stay", again.Down)
	}
}
