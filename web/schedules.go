package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"toban/oncall"
	"toban/store"
	"toban/web/live"
	"toban/web/view"
)

// schedulesPage lists the schedules.
func (a *Web) schedulesPage(w http.ResponseWriter, r *http.Request, s *request) error {
	p := s.managed(s.t("schedule.list"), "schedules", "view", "schedules")
	rows, err := a.readSchedules(r.Context(), s, p)
	if err != nil {
		return err
	}
	return s.draw(w, r, http.StatusOK, view.SchedulesPage(p, rows))
}

func (a *Web) readSchedules(ctx context.Context, s *request, p view.Shell) ([]view.ScheduleRow, error) {
	from, err := a.originsOf(ctx, store.ObjectSchedule)
	return view.ScheduleRowsOf(p, s.dir, s.who.User, from), err
}

// span is which days of a schedule are asked for: kind is how many, and day is
// one of them, "" = today, whenever that is.
type span struct{ kind, day string }

func readSpan(kind, day string) span {
	if kind != "2weeks" && kind != "month" {
		kind = "week"
	}
	return span{kind, day}
}

// from is the day that is asked for.
func (x span) from(s *request) time.Time {
	day, err := time.ParseInLocation(time.DateOnly, x.day, s.zone)
	if err != nil || !sane(day) {
		return s.now
	}
	return day
}

// schedulePage is one schedule over a week, two or a month.
func (a *Web) schedulePage(w http.ResponseWriter, r *http.Request, s *request) error {
	schedule, err := s.schedule(r)
	if err != nil {
		return err
	}
	x := readSpan(query(r, "view"), query(r, "from"))
	p := s.managed(string(schedule.ID), "schedules", "view", "schedule", "ref", string(schedule.ID), "span", x.kind, "from", x.day)
	page, err := a.readSchedule(r.Context(), s, p, schedule, x)
	if err != nil {
		return err
	}
	return s.draw(w, r, http.StatusOK, view.SchedulePage(p, page))
}

func (a *Web) readSchedule(ctx context.Context, s *request, p view.Shell, schedule *oncall.Schedule, x span) (view.Schedule, error) {
	from, err := a.originsOf(ctx, store.ObjectSchedule)
	if err != nil {
		return view.Schedule{}, err
	}
	return view.ScheduleOf(p, s.dir, schedule, s.who.User, x.kind, x.from(s), from[string(schedule.ID)]), nil
}

// schedule is the one that the address names.
func (s *request) schedule(r *http.Request) (*oncall.Schedule, error) {
	schedule := s.dir.Schedules[oncall.ScheduleID(r.PathValue("id"))]
	if schedule == nil {
		return nil, errNoPage
	}
	return schedule, nil
}

// ---- live

// scheduleView is the stream of the schedules, or of the one that ref names.
// They depend on the configuration with its overrides and on the time: what
// happens to incidents changes the counts alone.
func (a *Web) scheduleView(v *live.View, s *request, q url.Values) {
	ref, x := oncall.ScheduleID(q.Get("ref")), readSpan(q.Get("span"), limited(q.Get("from")))
	v.Key, v.Topics = s.viewKey(q.Get("view"), string(ref), x.kind, x.day), concernsIncidents
	v.Next = func(ctx context.Context, behind time.Time) time.Time {
		return a.nextOfSchedule(ctx, ref, s.zone, behind)
	}
	var drawn *oncall.Directory // of the group that draws, one at a time
	v.Render = func(ctx context.Context, changes []store.Change) ([]live.Patch, error) {
		s, err := s.again(ctx)
		if err != nil {
			return nil, err
		}
		parts := s.countParts()
		if drawn != s.dir || touchesDirectory(changes) {
			some, err := a.scheduleParts(ctx, s, ref, x)
			if err != nil {
				return nil, err
			}
			parts, drawn = append(parts, some...), s.dir
		}
		return patches(ctx, parts...)
	}
}

func touchesDirectory(changes []store.Change) bool {
	for _, c := range changes {
		if c.Topic == store.TopicDirectory {
			return true
		}
	}
	return false
}

// scheduleParts are the live parts of the schedules' pages, as these draw them.
func (a *Web) scheduleParts(ctx context.Context, s *request, ref oncall.ScheduleID, x span) ([]templ.Component, error) {
	p := s.shell("", "")
	if ref == "" {
		rows, err := a.readSchedules(ctx, s, p)
		return []templ.Component{view.ScheduleList(p, rows)}, err
	}
	schedule := s.dir.Schedules[ref]
	if schedule == nil {
		return nil, nil // it was taken out of the configuration
	}
	page, err := a.readSchedule(ctx, s, p, schedule, x)
	return []templ.Component{view.ScheduleNow(p, page), view.ScheduleCalendar(p, page), view.ScheduleOverrides(p, page), view.ScheduleQuality(p, page)}, err
}

// nextOfSchedule is when something else is to be seen of a schedule, or of all
// for "", behind a time: a hand-over, an override's end, or the reader's next
// day.
func (a *Web) nextOfSchedule(ctx context.Context, ref oncall.ScheduleID, zone *time.Location, behind time.Time) time.Time {
	next := midnight(behind, zone).AddDate(0, 0, 1)
	earlier := func(at time.Time) {
		if at.After(behind) && at.Before(next) {
			next = at
		}
	}
	err := a.DB.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		schedule := dir.Schedules[ref]
		if schedule == nil {
			earlier(dir.NextHandover(behind))
			return nil
		}
		_, until := schedule.OnDuty(dir, behind)
		earlier(until)
		for i := range dir.Overrides {
			if o := &dir.Overrides[i]; o.Schedule == ref {
				earlier(o.From)
				earlier(o.To)
			}
		}
		return nil
	})
	if err != nil {
		a.Log.WarnContext(ctx, "the next hand-over is not known", "err", err)
	}
	return next
}
