package svg

import (
	"math"
	"strconv"
	"strings"
)

// Unit is what values are, so that an axis has round numbers of it.
type Unit uint8

// The units.
const (
	Number  Unit = iota
	Seconds      // said as ms, s, min, h or d
	Bytes        // said as KiB, MiB, …
	Ratio        // 0 to 1, said in percent
)

// magnitude is a name for a multiple of a unit.
type magnitude struct {
	of   float64
	name string
}

// magnitudes are the greatest first; the last one is the unit itself.
func (u Unit) magnitudes() []magnitude {
	switch u {
	case Seconds:
		return []magnitude{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}}
	case Bytes:
		return []magnitude{{1 << 50, " PiB"}, {1 << 40, " TiB"}, {1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}, {1, " B"}}
	case Ratio:
		return []magnitude{{0.01, " %"}}
	}
	return []magnitude{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}}
}

// pick is the magnitude in which v is said: a time has two of it at least, so
// that 90 s stay what they are.
func (u Unit) pick(v float64) magnitude {
	all := u.magnitudes()
	least := 1.0
	if u == Seconds {
		least = 2
	}
	for _, m := range all {
		n := least
		if m.of <= 1 {
			n = 1
		}
		if math.Abs(v) >= m.of*n*(1-1e-9) {
			return m
		}
	}
	return all[len(all)-1]
}

// Say is a value with three digits that count: 1.23k, 120 ms, 3.4 MiB.
func (u Unit) Say(v float64) string {
	if text, odd := oddly(v); odd {
		return text
	}
	m := u.pick(v)
	v /= m.of
	if v == 0 {
		return u.zero()
	}
	const digits = 3
	if a := math.Abs(v); a >= 1e15 || a < 1e-4 {
		return strconv.FormatFloat(v, 'g', digits, 64) + m.name
	}
	places := max(0, digits-1-int(math.Floor(math.Log10(math.Abs(v))+1e-9)))
	return trim(strconv.FormatFloat(v, 'f', places, 64)) + m.name
}

// zero is none of it.
func (u Unit) zero() string {
	switch u {
	case Seconds:
		return "0 s"
	case Bytes:
		return "0 B"
	case Ratio:
		return "0 %"
	}
	return "0"
}

// on is a value on an axis whose lines are step apart and whose greatest is high:
// all of them in one magnitude, with as many digits as tell them apart.
func (u Unit) on(v, step, high float64) string {
	if math.Abs(v) < step/1e6 {
		return u.zero()
	}
	m := u.pick(high)
	places := 0
	if s := step / m.of; s > 0 && s < 1 {
		places = int(math.Ceil(-math.Log10(s) - 1e-9))
		if !whole(s * math.Pow(10, float64(places))) { // 0.25 has two
			places++
		}
	}
	const most = 9
	text := strconv.FormatFloat(v/m.of, 'f', min(places, most), 64)
	if math.Abs(v/m.of) >= 1e15 || places > most {
		text = strconv.FormatFloat(v/m.of, 'g', 3, 64)
	}
	return text + m.name
}

func whole(v float64) bool { return math.Abs(v-math.Round(v)) < 1e-6 }

// nice is a round distance of lines that is not below step.
func (u Unit) nice(step float64) float64 {
	switch {
	case u == Bytes && step >= 1:
		power := math.Pow(2, math.Ceil(math.Log2(step)-1e-9))
		return power
	case u == Seconds && step > 20:
		for _, s := range []float64{30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400} {
			if step <= s*(1+1e-9) {
				return s
			}
		}
		return decimal(step/86400) * 86400
	}
	return decimal(step)
}

// oddly says what is no number.
func oddly(v float64) (text string, odd bool) {
	switch {
	case math.IsNaN(v):
		return "NaN", true
	case math.IsInf(v, 1):
		return "+Inf", true
	case math.IsInf(v, -1):
		return "−Inf", true
	}
	return "", false
}

func trim(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
