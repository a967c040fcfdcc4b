package view

import (
	"fmt"
	"io"
	"testing"
	"time"

	"toban/oncall"
)

// company has 200 schedules of 6 people each, every other one with gaps.
func company(b *testing.B) *oncall.Directory {
	d := &oncall.Directory{
		Users: map[oncall.UserID]*oncall.User{}, Schedules: map[oncall.ScheduleID]*oncall.Schedule{}, Policies: map[oncall.PolicyID]*oncall.Policy{},
	}
	for n := range 200 {
		var users []oncall.UserID
		for i := range 6 {
			id := oncall.UserID(fmt.Sprintf("user-%03d-%d", n/2, i))
			d.Users[id] = &oncall.User{ID: id, Name: string(id), Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Verified: true}}}
			users = append(users, id)
		}
		id := oncall.ScheduleID(fmt.Sprintf("schedule-%03d", n))
		rotate := &oncall.Rotation{Every: 1, Unit: oncall.Day, From: oncall.Date{Year: 2026, Month: 1, Day: 5}, Handoff: 540}
		layers := []oncall.Layer{{Users: users, Rotate: rotate, During: weekday(540, 1080)}}
		if n%2 == 0 {
			layers = append([]oncall.Layer{{Users: users, Rotate: rotate}}, layers...)
		}
		d.Schedules[id] = &oncall.Schedule{ID: id, Zone: "Asia/Tokyo", Holidays: "jp", Layers: layers}
		target := []oncall.Target{{Kind: oncall.TargetSchedule, Name: string(id)}}
		d.Policies[oncall.PolicyID(id)] = &oncall.Policy{
			ID: oncall.PolicyID(id), Fallback: oncall.Target{Kind: oncall.TargetUser, Name: string(users[0])},
			Levels: []oncall.Level{{Targets: target, Strategy: oncall.All, Wait: 5 * time.Minute, OnNoAnswer: oncall.GoNext}},
		}
	}
	if err := d.Compile(); err != nil {
		b.Fatal(err)
	}
	return d
}

func benchShell() Shell { return Shell{Lang: "ja", Now: evening(), Role: "admin"} }

func BenchmarkSchedules(b *testing.B) {
	dir, s := company(b), benchShell()
	for b.Loop() {
		if err := SchedulesPage(s, ScheduleRowsOf(s, dir, "", nil)).Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSchedule(b *testing.B) {
	dir, s := company(b), benchShell()
	for b.Loop() {
		if err := SchedulePage(s, ScheduleOf(s, dir, dir.Schedules["schedule-000"], "", "month", s.Now, Origin{})).Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOnCall(b *testing.B) {
	dir, s := company(b), benchShell()
	for b.Loop() {
		if err := OnCallPage(s, OnCallOf(s, dir, "", Contacted{})).Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
