package heartbeat

import (
	"testing"
	"time"

	"toban/internal/remotewrite"
	"toban/oncall"
)

func TestTheSamePromQLSeesAHeartbeatDownWhileItIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	status := func(id oncall.MonitorID, s oncall.HeartbeatStatus, since, deadline time.Duration) Status {
		one := Status{Monitor: &oncall.Monitor{ID: id}, Status: s, Since: now.Add(since)}
		if deadline != 0 {
			one.Deadline = now.Add(deadline)
		}
		return one
	}
	list := []Status{
		status("up", oncall.HeartbeatUp, -time.Hour, time.Minute), status("late", oncall.HeartbeatLate, -time.Hour, time.Second),
		status("failed", oncall.HeartbeatDown, -time.Minute, 0), status("paused", oncall.HeartbeatPaused, -time.Hour, -time.Minute),
		status("never", oncall.HeartbeatNew, -time.Hour, 0),
	}
	series := map[oncall.MonitorID]*remotewrite.Series{}
	got := map[*remotewrite.Series]bool{} // time() > deadline
	for range 2 {
		for _, s := range deadlines(list, series, now) {
			got[s.Series] = float64(now.Unix()) > s.Value
		}
	}
	for id, down := range map[oncall.MonitorID]bool{"up": false, "late": false, "failed": true} {
		one := series[id]
		is, there := got[one]
		if one == nil || !there || is != down {
			t.Errorf("%s: got down %t (%t), want %t", id, is, there, down)
		}
	}
	if len(got) != 3 {
		t.Errorf("got %d series, want none of one that is paused or waits for nothing", len(got))
	}
}
