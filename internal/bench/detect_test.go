package bench

import (
	"testing"
	"testing/fstest"
	"time"

	"toban/config"
)

func TestTheMeasuredMonitorsAreConfigured(t *testing.T) {
	t.Parallel()
	at, err := newTargets(t.Context(), 300)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := at.close(); err != nil {
			t.Error(err)
		}
	}()
	w := &watch{site: &site{dir: t.TempDir()}, targets: at}
	files := fstest.MapFS{"toban.yaml": {Data: []byte(folder("127.0.0.1:1", 60, time.Now()))}}
	for name, text := range w.files(probeMonitors(300, probeEvery, ", keep_alive: true")(at)) {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, problems := config.LoadFS(files)
	for _, p := range problems {
		t.Error(p)
	}
	if got := len(c.Monitors()); got != 300 {
		t.Errorf("got %d monitors, want 300", got)
	}
}

// These are the places of package prober; its own tests hold them.
func TestPlacesAreWithinTheInterval(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for _, monitor := range []string{"t0", "t1", "t2", "t3"} {
		p := place(monitor, probeEvery, 1000)
		if p < 0 || p >= probeEvery || seen[p] {
			t.Errorf("%s: got %s, want a place of its own below %s", monitor, p, probeEvery)
		}
		seen[p] = true
	}
}

func TestARecordingIsReplayedWithItsCounters(t *testing.T) {
	t.Parallel()
	values := func(all ...string) (pairs []rawValue) {
		for i, v := range all {
			pairs = append(pairs, rawValue{At: float64(i), Value: v})
		}
		return pairs
	}
	of, err := recordingOf([]rawSeries{
		{Metric: map[string]string{"__name__": "probe_duration_seconds", "monitor": "t0"}, Values: values("1", "2", "3", "4", "5", "6", "7", "8")},
		{Metric: map[string]string{"__name__": "uptime_checks_total", "target": "x"}, Values: values("1", "2", "3", "4", "5", "6", "7", "8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := of.replay(3)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		batch := p.next(nil, time.Unix(int64(n), 0), of.checks-1)
		if len(batch) != 2 || batch[0].Value != 8 || batch[1].Value != float64(n+1) {
			t.Errorf("check %d: got %+v, want 8 and %d", n, batch, n+1)
		}
	}
}
