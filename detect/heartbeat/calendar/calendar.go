// Package calendar says when a job that cron starts is expected next. It reads
// what people write into a crontab, and knows what cron does when clocks are
// changed. It is pure.
package calendar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"toban/oncall"
)

// MaxCron is how long a cron expression may be, in bytes.
const MaxCron = 255

// Next reads a cron expression of five fields, or one such as @daily, and
// returns its first moment after a given time, the zero time when there is none
// within five years.
//
// Where clocks are changed it does what cron does on Debian: what has a star in
// its minute or hour goes on by the time that passes; what is at a fixed time
// runs right behind the gap when its time is left out, and once when its time
// comes twice. Sunday is 0 or 7. An empty zone is UTC.
func Next(expression, zone string) (func(time.Time) time.Time, error) {
	if len(expression) > MaxCron || strings.Contains(expression, "TZ=") {
		return nil, errors.New("a cron expression is minute, hour, day, month and weekday; its zone is said beside it")
	}
	fields := strings.Fields(expression)
	if len(fields) == 5 {
		fields[4] = sundays(fields[4])
	}
	parsed, err := cron.ParseStandard(strings.Join(fields, " "))
	if err != nil {
		return nil, fmt.Errorf("%q is no cron expression: %w", expression, err)
	}
	loc, err := oncall.LoadZone(zone)
	if err != nil {
		return nil, fmt.Errorf("there is no zone %q", zone)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok { // @every
		return parsed.Next, nil
	}
	spec.Location = time.UTC
	if spec.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q never comes", expression)
	}
	if flows(fields) {
		byTime := *spec
		byTime.Location = loc
		return func(t time.Time) time.Time { return byTime.Next(t).UTC() }, nil
	}
	return func(t time.Time) time.Time { return fixed(spec, loc, t) }, nil
}

// flows reports whether the expression goes on with the time that passes, rather
// than by what the clock on the wall says.
func flows(fields []string) bool {
	if len(fields) != 5 {
		return fields[0] == "@hourly"
	}
	return strings.HasPrefix(fields[0], "*") || strings.HasPrefix(fields[1], "*")
}

// fixed is the first moment after t at which the clock on the wall of loc comes
// to a time of the schedule for the first time, or jumps over it.
func fixed(spec cron.Schedule, loc *time.Location, t time.Time) time.Time {
	wall := onWall(t.In(loc))
	for range 1000 { // each is a moment later; those that have passed are within the hour that comes twice
		if wall = spec.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if at := offWall(wall, loc); at.After(t) {
			return at.UTC()
		}
	}
	return time.Time{}
}

// onWall is what the clock shows at t, as a time in UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// offWall is when the clock of loc first shows wall, or jumps over it.
func offWall(wall time.Time, loc *time.Location) time.Time {
	t := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), loc)
	start, end := t.ZoneBounds()
	if onWall(t).Equal(wall) {
		if !start.IsZero() { // perhaps it showed the same before the clock was put back
			_, offset := start.Add(-time.Second).Zone()
			if before := wall.Add(-time.Duration(offset) * time.Second).In(loc); before.Before(start) {
				return before
			}
		}
		return t
	}
	if !start.IsZero() && onWall(start).After(wall) {
		return start
	}
	return end
}

// sundays writes the seventh day of the week as the zeroth, as the library knows
// only that.
func sundays(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, step, stepped := strings.Cut(part, "/")
		first, last, ranged := strings.Cut(days, "-")
		switch from, err := strconv.Atoi(first); {
		case days == "7" && !stepped:
			parts[i] = "0"
		case ranged && last == "7" && err == nil && from >= 0 && from <= 7:
			by := 1
			if stepped {
				if by, err = strconv.Atoi(step); err != nil || by < 1 {
					return field // the library says what is wrong with it
				}
			}
			var list []string
			for day := from; day <= 7; day += by {
				list = append(list, strconv.Itoa(day%7))
			}
			parts[i] = strings.Join(list, ",")
		}
	}
	return strings.Join(parts, ",")
}
