package detect

import (
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
)

func TestTimeIsCountedByDayOfTheCalendarAndByHour(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*60*60)
	from := time.Date(2026, 11, 20, 23, 30, 0, 0, tokyo)
	l := Ledger{Mark: from}
	l.Until(from.Add(time.Hour), oncall.MonitorUp, tokyo) // over midnight
	l.Until(from.Add(90*time.Minute), oncall.MonitorDown, tokyo)
	l.Until(from, oncall.MonitorDown, tokyo) // is counted already
	l.Until(from.Add(100*time.Minute), oncall.MonitorUnknown, tokyo)
	got := l.Take("web", "")
	days, hours := map[int64]store.MonitorDay{}, map[int64]store.MonitorHour{}
	for _, d := range got.Days {
		days[d.Day] = d
	}
	for _, h := range got.Hours {
		hours[h.Hour] = h
	}
	day, hour := store.DayOf(from, tokyo), store.HourOf(from)
	if d := days[day]; len(days) != 2 || d.Up != 30*time.Minute || d.Down != 0 || d.Monitor != "web" {
		t.Errorf("the first day: got %+v of %d", d, len(days))
	}
	if d := days[day+1]; d.Up != 30*time.Minute || d.Down != 30*time.Minute || d.Unknown != 10*time.Minute {
		t.Errorf("the second day: got %+v", d)
	}
	if h := hours[hour+1]; len(hours) != 3 || h.Up != 30*time.Minute || h.Down != 30*time.Minute || h.Unknown != 0 {
		t.Errorf("the hour after midnight: got %+v of %d", h, len(hours))
	}
	if !l.Take("web", "").None() {
		t.Error("what was taken is there still")
	}
	l.Until(from.Add(2*time.Hour), oncall.MonitorUp, tokyo)
	if got := l.Take("web", "osaka"); len(got.Days) != 1 || len(got.Hours) != 0 {
		t.Errorf("got %+v of a location, want no hours", got)
	}
}
