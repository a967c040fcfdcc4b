package view

import (
	"strconv"
	"time"

	"toban/i18n"
)

// Calendar is who is on duty over a span of time, as rows.
type Calendar struct {
	ID       string // of the element, unique on the page
	Title    string // the whole of it in one sentence
	From, To time.Time
	Zone     *time.Location // of the schedule; nil = UTC
	Lanes    []Lane         // what comes of them first, then overrides and layers
}

// Lane is one row of a Calendar.
type Lane struct {
	Label  string
	Final  bool // who is really on duty: the row that matters
	Shifts []Shift
}

// Shift is one shift in a Lane, or a Gap in it.
type Shift struct {
	From, To time.Time
	Who      string // as people say it; "" for a Gap
	Note     string // such as "instead of Matsu", "" for none
	Path     string // leads there, "" for none
	Tone     int    // tells neighbours apart; any number
	Mine     bool
	Gap      bool
}

// Day is one day of a Calendar with what of its shifts lies in it.
type Day struct {
	Date   time.Time // its midnight in the calendar's zone
	Shifts []Shift   // cut at its ends
}

func (c Calendar) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// final is the row of who is really on duty, else the first.
func (c Calendar) final() Lane {
	for _, lane := range c.Lanes {
		if lane.Final {
			return lane
		}
	}
	if len(c.Lanes) > 0 {
		return c.Lanes[0]
	}
	return Lane{}
}

// midnights are the beginnings of the days that From to To touches, at most 400.
func (c Calendar) midnights() []time.Time {
	const most = 400
	from := c.From.In(c.zone())
	var all []time.Time
	for n := range most {
		day := time.Date(from.Year(), from.Month(), from.Day()+n, 0, 0, 0, 0, c.zone())
		if !day.Before(c.To) {
			break
		}
		all = append(all, day)
	}
	return all
}

// Days cuts the row of who is really on duty into days of the calendar's zone. A
// day of 23 or 25 hours is one day.
func (c Calendar) Days() []Day {
	shifts := c.final().Shifts
	var days []Day
	for _, begin := range c.midnights() {
		end := time.Date(begin.Year(), begin.Month(), begin.Day()+1, 0, 0, 0, 0, c.zone())
		day := Day{Date: begin}
		for _, span := range shifts {
			from, to := latest(span.From, begin), earliest(span.To, end)
			if from.Before(to) {
				span.From, span.To = from, to
				day.Shifts = append(day.Shifts, span)
			}
		}
		days = append(days, day)
	}
	return days
}

// weeks are the days in rows of seven from Monday on; a day outside is the zero
// Day.
func (c Calendar) weeks() [][]Day {
	days := c.Days()
	if len(days) == 0 {
		return nil
	}
	const week = 7
	before := (int(days[0].Date.Weekday()) + week - 1) % week
	days = append(make([]Day, before), days...)
	for len(days)%week != 0 {
		days = append(days, Day{})
	}
	var rows [][]Day
	for len(days) > 0 {
		rows = append(rows, days[:week])
		days = days[week:]
	}
	return rows
}

// hours is the part of a day that a span covers: "" for the whole of it.
func hours(span Shift, day time.Time, zone *time.Location) string {
	end := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
	if !span.From.After(day) && !span.To.Before(end) {
		return ""
	}
	to := span.To.In(zone).Format("15:04")
	if span.To.Equal(end) {
		to = "24:00"
	}
	return span.From.In(zone).Format("15:04") + "–" + to
}

func sameDay(a, b time.Time, zone *time.Location) bool {
	return a.In(zone).Format(time.DateOnly) == b.In(zone).Format(time.DateOnly)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// weekdays are the days of a week in the order of a Month.
func weekdays() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
}

// dayNumber is the number of a day, with its month where one begins.
func dayNumber(lang string, day time.Time) string {
	if day.Day() == 1 {
		if i18n.In(lang).Language() == i18n.Japanese {
			return day.Format("1/2")
		}
		return day.Format("2 Jan")
	}
	return strconv.Itoa(day.Day())
}
