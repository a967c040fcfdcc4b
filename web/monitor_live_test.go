package web

import (
	"testing"
	"time"
)

func TestTheChartsOfANewMonitorAreDrawnOftenerThanThoseOfAnOldOne(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 11, 2, 0, 0, time.UTC)
	d := &drawnLatency{at: at}
	if !d.due(at.Add(monitorTick)) {
		t.Error("while nothing is measured it is not looked for at each tick")
	}
	d.note(at, true, time.Second)
	if d.due(at.Add(monitorTick-time.Millisecond)) || !d.due(at.Add(monitorTick)) {
		t.Error("those of the first minute are not drawn at each tick")
	}
	d.note(at, true, 30*time.Second)
	if d.due(at.Add(29*time.Second)) || !d.due(at.Add(30*time.Second)) {
		t.Error("those of an old one are not drawn every 30 seconds")
	}
}
