package web

import (
	"net/http"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/web/view"
)

// schedulesPage lists the schedules.
func (a *Web) schedulesPage(w http.ResponseWriter, r *http.Request, s *request) error {
	from, err := a.originsOf(r.Context(), store.ObjectSchedule)
	if err != nil {
		return err
	}
	p := s.managed(s.t("schedule.list"), "schedules")
	return s.draw(w, r, http.StatusOK, view.SchedulesPage(p, view.ScheduleRowsOf(p, s.dir, s.who.User, from)))
}

// schedulePage is one schedule over a week, two or a month.
func (a *Web) schedulePage(w http.ResponseWriter, r *http.Request, s *request) error {
	schedule, err := s.schedule(r)
	if err != nil {
		return err
	}
	from, err := a.originsOf(r.Context(), store.ObjectSchedule)
	if err != nil {
		return err
	}
	kind := query(r, "view")
	if kind != "2weeks" && kind != "month" {
		kind = "week"
	}
	day, err := time.ParseInLocation(time.DateOnly, query(r, "from"), s.zone)
	if err != nil || !sane(day) {
		day = s.now
	}
	p := s.managed(string(schedule.ID), "schedules")
	return s.draw(w, r, http.StatusOK, view.SchedulePage(p, view.ScheduleOf(p, s.dir, schedule, s.who.User, kind, day, from[string(schedule.ID)])))
}

// schedule is the one that the address names.
func (s *request) schedule(r *http.Request) (*oncall.Schedule, error) {
	schedule := s.dir.Schedules[oncall.ScheduleID(r.PathValue("id"))]
	if schedule == nil {
		return nil, errNoPage
	}
	return schedule, nil
}
