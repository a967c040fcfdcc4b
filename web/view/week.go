package view

import (
	"strconv"
	"time"
)

// DayCount is how many incidents began on one day of the reader's calendar.
type DayCount struct {
	Day  time.Time // any moment of it
	N    int
	More bool // there were N at least
}

// manyOfADay is how many incidents make a day a bad one.
const manyOfADay = 10

// tone is the look of a day; its number says the same.
func (d DayCount) tone() string {
	switch {
	case d.N == 0:
		return "none"
	case d.N < manyOfADay:
		return "some"
	}
	return "many"
}

func (d DayCount) icon() string {
	if d.N == 0 {
		return "check"
	}
	return "alert"
}

// number is the count as a cell has room for it.
func (d DayCount) number() string {
	if d.More {
		return strconv.Itoa(d.N-1) + "+"
	}
	return strconv.Itoa(d.N)
}

// words are the day with its count in full.
func (d DayCount) words(s Shell) string {
	return s.T("incidents.week.day", "day", Date(s.Lang, d.Day.In(s.Location()), false), "n", d.number())
}

// weekSum is the strip in one sentence.
func weekSum(s Shell, week []DayCount) string {
	n, more := 0, false
	for _, d := range week {
		n += d.N
		more = more || d.More
	}
	key := "incidents.week.sum"
	if more {
		key = "incidents.week.more"
	}
	return s.T(key, "n", strconv.Itoa(n), "days", strconv.Itoa(len(week)))
}
