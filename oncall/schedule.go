package oncall

import "time"

// Schedule says who is on duty over time: layers, the later covering the
// earlier, and overrides that cover all (R30).
type Schedule struct {
	ID       ScheduleID
	Zone     string // IANA
	Holidays string // country code of the holidays that `weekdays` leaves out; "" = none
	Layers   []Layer
	Chat     ScheduleChat
}

// ScheduleChat is what follows, in the chat, who is on duty.
type ScheduleChat struct {
	Group string // a user group, such as @oncall-infra, whose members they are; "" = none
	Topic string // a channel, such as #infra, whose topic names them; "" = none
}

// Layer is one rotation with its restriction.
type Layer struct {
	Name   string
	Users  []UserID
	Rotate *Rotation // nil: Users[0] always
	During []Span    // nil: at all times
}

// Unit is the unit of a rotation.
type Unit string

// The units of a rotation. A day, week or month is one of the calendar, not a
// number of hours (R31).
const (
	Hour  Unit = "hour"
	Day   Unit = "day"
	Week  Unit = "week"
	Month Unit = "month"
)

// Rotation is users taking turns of Every Units. The first shift of Users[0]
// begins at the wall-clock time From at Handoff. Before From the rotation is
// continued backwards, so that an unrestricted layer covers every instant. A
// turn begins at the same wall-clock time in summer and winter, those of hours
// too; a turn of months begins on From's day, or on the last day of a month
// that is too short for it.
type Rotation struct {
	Every   int
	Unit    Unit
	From    Date
	Handoff Clock
}

// Date is a day of the calendar without zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Clock is a wall-clock time of day in minutes after midnight, 0 to 1440
// (24:00 is the end of the day).
type Clock int

// DaySet says which days a span is about.
type DaySet struct {
	Weekdays [7]bool // by time.Weekday
	Holidays string  // country code: the public holidays themselves, whatever their weekday
	Working  bool    // leave out the schedule's holidays (`weekdays` does, `Mon-Fri` does not)
}

// Span is a part of the days it names. From may lie after To: the span then
// ends on the next day and belongs to the day it starts on. From equal to To is
// 24 hours round the clock from From.
type Span struct {
	Days DaySet
	From Clock
	To   Clock
}

// Hours are the hours in which something applies, such as support hours.
type Hours struct {
	Zone     string
	Holidays string
	During   []Span
}
