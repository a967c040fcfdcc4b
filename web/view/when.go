package view

import (
	"strconv"
	"time"

	"toban/i18n"
)

// Relative says how far away a moment is: d is the moment less now, so what is
// past is negative. Under an hour ahead it counts seconds, because somebody waits
// for it. The scripts say the same (web/static/js/time.js).
func Relative(lang string, d time.Duration) string {
	p := i18n.In(lang)
	n := func(d, unit time.Duration) string { return strconv.Itoa(int(d / unit)) }
	if d > 0 {
		d = (d + time.Second - 1).Truncate(time.Second) // so that it reads 0:00 only when it is
		rest := func(of, unit time.Duration) string { return n(d%of, unit) }
		switch {
		case d < time.Minute:
			return p.Say("js.next.s", "n", n(d, time.Second))
		case d < time.Hour:
			return p.Say("js.next.ms", "n", n(d, time.Minute), "m", two(d%time.Minute/time.Second))
		case d < 24*time.Hour:
			return p.Say("js.next.hm", "n", n(d, time.Hour), "m", rest(time.Hour, time.Minute))
		}
		return p.Say("js.next.dh", "n", n(d, 24*time.Hour), "m", rest(24*time.Hour, time.Hour))
	}
	switch d = -d; {
	case d < 5*time.Second:
		return p.Say("js.now")
	case d < time.Minute:
		return p.Say("js.past.s", "n", n(d, time.Second))
	case d < time.Hour:
		return p.Say("js.past.min", "n", n(d, time.Minute))
	case d < 48*time.Hour:
		return p.Say("js.past.h", "n", n(d, time.Hour))
	}
	return p.Say("js.past.d", "n", n(d, 24*time.Hour))
}

// Absolute says a moment in zone: 11/20(金) 15:04, Fri 20 Nov 15:04. The zone is
// named where its clock differs from the viewer's.
func Absolute(lang string, t time.Time, zone, viewer *time.Location) string {
	return absolute(lang, t, zone, viewer, false)
}

func absolute(lang string, t time.Time, zone, viewer *time.Location, year bool) string {
	t = t.In(zone)
	text := Date(lang, t, year) + " " + t.Format("15:04")
	if foreign(t, viewer) {
		text += " " + t.Format("MST")
	}
	return text
}

// foreign reports whether t's clock differs from that of the viewer.
func foreign(t time.Time, viewer *time.Location) bool {
	if viewer == nil {
		return false
	}
	_, here := t.Zone()
	_, there := t.In(viewer).Zone()
	return here != there
}

// Date says the day of t: 11/20(金), Fri 20 Nov; with its year where that is
// asked for.
func Date(lang string, t time.Time, year bool) string {
	if i18n.In(lang).Language() == i18n.Japanese {
		layout := "1/2"
		if year {
			layout = "2006/1/2"
		}
		return t.Format(layout) + "(" + Weekday(lang, t.Weekday()) + ")"
	}
	if year {
		return t.Format("Mon 2 Jan 2006")
	}
	return t.Format("Mon 2 Jan")
}

// Weekday is the short name of a day of the week: 金, Fri.
func Weekday(lang string, d time.Weekday) string {
	return i18n.In(lang).Say("weekday." + strconv.Itoa(int(d)))
}

// Clock is the time of day in zone, to the second.
func Clock(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.TimeOnly) }

// day says the day of a moment as the reader's calendar has it.
func (s Shell) day(t time.Time) string {
	day := t.In(s.Location())
	return Date(s.Lang, day, day.Year() != s.Now.In(s.Location()).Year())
}

// sameDay reports whether two moments are of one day of the reader's.
func (s Shell) sameDay(a, b time.Time) bool {
	a, b = a.In(s.Location()), b.In(s.Location())
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// Span says a length of time: 3 min 12 s, 5 h 2 min, 2 d.
func Span(lang string, d time.Duration) string {
	p := i18n.In(lang)
	say := func(key string, n, m time.Duration) string {
		return p.Say("span."+key, "n", strconv.Itoa(int(n)), "m", strconv.Itoa(int(m)))
	}
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return say("s", d/time.Second, 0)
	case d < time.Hour && d%time.Minute == 0:
		return say("min", d/time.Minute, 0)
	case d < time.Hour:
		return say("ms", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour && d%time.Hour < time.Minute:
		return say("h", d/time.Hour, 0)
	case d < 48*time.Hour:
		return say("hm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return say("d", d/(24*time.Hour), 0)
}

// when is a moment as the reader sees it in full, with its year if it is not
// this one.
func (s Shell) when(t time.Time) string {
	zone := s.Location()
	return absolute(s.Lang, t, zone, zone, t.In(zone).Year() != s.Now.In(zone).Year())
}

// machine is a moment as <time datetime> has it, to the millisecond.
func machine(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func two(n time.Duration) string {
	if n < 10 {
		return "0" + strconv.Itoa(int(n))
	}
	return strconv.Itoa(int(n))
}
