package oncall

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // a machine without a zone database still knows its zones
)

// zones remembers the zones that have been asked for: a zone never changes
// while the process lives, and reading it anew would cost more than a whole
// schedule. Only names that exist are kept, so the zone database bounds it.
var zones sync.Map // name → *zone

// LoadZone returns the zone with that IANA name; "" is UTC. It fails for names
// that are in no zone database, and for "Local", which is another zone on
// another node.
func LoadZone(name string) (*time.Location, error) {
	z, err := loadZone(name)
	if err != nil {
		return nil, err
	}
	return z.loc, nil
}

// locationOf is LoadZone for names that were refused already when there is no such
// zone: UTC stands in for one.
func locationOf(name string) *time.Location {
	zone, err := LoadZone(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

func loadZone(name string) (*zone, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*zone), nil
	}
	if name == "Local" {
		return nil, fmt.Errorf("zone %q is not the same everywhere", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone %q: %w", name, err)
	}
	z, _ := zones.LoadOrStore(name, newZone(loc))
	return z.(*zone), nil
}

// wallIn is for directories that have been compiled: an unknown zone has been
// refused there, and UTC is better than nobody on duty.
func wallIn(name string, at time.Time) wall {
	z, err := loadZone(name)
	if err != nil {
		z = newZone(time.UTC)
	}
	return z.wall(at.Unix())
}

// Moments inside the schedule maths are Unix seconds, wall-clock times are
// seconds since 1970 as if the zone were UTC, days are counted from 1970-01-01.
const (
	secondsPerDay = 24 * 60 * 60
	// reach is more than any offset from UTC has ever been (Manila's -15:56).
	reach   = 16 * 60 * 60
	forever = math.MaxInt64
)

// zone is a zone as the list of its changes of clocks: off[i] is the offset
// from UTC in seconds from the moment from[i] on. time.Location reads the rule
// for today's summer time anew at each question, and from[i] makes "when does
// 02:30 begin" a search in a small table.
type zone struct {
	loc       *time.Location
	from, off []int64
}

// Clocks are followed from before there were zones until the end of 2149;
// after it they stay as they are then.
const firstYear, lastYear = 1800, 2149

func newZone(loc *time.Location) *zone {
	at := time.Date(firstYear, time.January, 1, 0, 0, 0, 0, time.UTC).In(loc)
	_, off := at.Zone()
	z := &zone{loc: loc, from: []int64{math.MinInt64}, off: []int64{int64(off)}}
	for at.Year() <= lastYear {
		_, end := at.ZoneBounds()
		if end.IsZero() {
			break
		}
		if !end.After(at) {
			// On the last day of a leap year Go's rule for today's summer time
			// ends before it; no rule changes clocks on that day.
			end = at.Add(24 * time.Hour)
		}
		at = end
		_, off := at.Zone()
		if int64(off) != z.off[len(z.off)-1] { // a year's end is a bound without a change
			z.from, z.off = append(z.from, at.Unix()), append(z.off, int64(off))
		}
	}
	return z
}

// index returns which entry of the table holds at a moment.
func (z *zone) index(at int64) int {
	i, found := slices.BinarySearch(z.from, at)
	if !found {
		i--
	}
	return i
}

// until returns when entry i ends.
func (z *zone) until(i int) int64 {
	if i+1 < len(z.from) {
		return z.from[i+1]
	}
	return forever
}

// wall converts between the wall clock of one zone and moments. It remembers
// the stretch around one moment in which clocks are not changed, because nearly
// every question is about that.
type wall struct {
	zone     *zone
	off      int64
	from, to int64 // moments between which off holds, and no wall-clock time is missing or double
}

func (z *zone) wall(at int64) wall {
	i := z.index(at)
	w := wall{zone: z, off: z.off[i], from: math.MinInt64, to: forever}
	// A change of clocks moves them by a day at most (Apia in 2011).
	if i > 0 {
		w.from = z.from[i] + secondsPerDay
	}
	if end := z.until(i); end != forever {
		w.to = end - secondsPerDay
	}
	return w
}

// around returns a wall for questions near at.
func (w wall) around(at int64) wall {
	if at > w.from && at < w.to {
		return w
	}
	return w.zone.wall(at)
}

// local returns what the wall clock shows at a moment.
func (w wall) local(at int64) int64 {
	if at > w.from && at < w.to {
		return at + w.off
	}
	return at + w.zone.off[w.zone.index(at)]
}

// begin returns when the wall-clock time l begins: its first occurrence, or the
// first moment after the gap when clocks jump over it (R31).
func (w wall) begin(l int64) int64 {
	if at := l - w.off; at > w.from && at < w.to {
		return at
	}
	first, _ := w.zone.find(l)
	return first
}

// end returns when the wall-clock time l ends: its last occurrence, or the
// first moment after the gap (R31).
func (w wall) end(l int64) int64 {
	if at := l - w.off; at > w.from && at < w.to {
		return at
	}
	_, last := w.zone.find(l)
	return last
}

// find walks through the stretches of constant offset near l. The wall clock
// either shows l in one of them or jumps over it between two.
func (z *zone) find(l int64) (first, last int64) {
	found := false
	for i := z.index(l - reach); i < len(z.from) && z.from[i] <= l+reach; i++ {
		until := z.until(i)
		if at := l - z.off[i]; at >= z.from[i] && at < until {
			if !found {
				first = at
			}
			found, last = true, at
		}
		if !found && until != forever && until+z.off[i] <= l && l < until+z.off[i+1] {
			first, last = until, until
		}
	}
	return first, last
}

// days counts the days from 1970-01-01 to d; a day or month beyond its end
// carries over, as in time.Date.
func (d Date) days() int64 {
	return floorDiv(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix(), secondsPerDay)
}

func dateOf(days int64) Date {
	y, m, d := time.Unix(days*secondsPerDay, 0).UTC().Date()
	return Date{Year: y, Month: m, Day: d}
}

// Weekday returns the day of the week of d.
func (d Date) Weekday() time.Weekday { return weekday(d.days()) }

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

func weekday(days int64) time.Weekday { return time.Weekday(floorMod(days+int64(time.Thursday), 7)) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - b*floorDiv(a, b) }

// moment gives people's code a time.Time again; forever is the zero time.
func moment(at int64) time.Time {
	if at == forever {
		return time.Time{}
	}
	return time.Unix(at, 0).UTC()
}
