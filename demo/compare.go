package demo

import (
	"strconv"
	"time"

	"toban/api"
	"toban/i18n"
)

// Pair is a line of what happened beside the forecast.
type Pair struct {
	Foretold, Happened float64 // seconds from the incident; negative = not there
	Text               string
	Surprise           bool
	Instead            string  // the outcome that was foretold in place of another one
	Shift              float64 // seconds by which an earlier surprise has moved this line and what follows
	Reader             bool    // somebody did it, so nobody could foretell it
}

// tolerance is how much later something may happen than was foretold without
// being a surprise: the network of the simulated telephones takes its time.
const tolerance = 1500 * time.Millisecond

// compare puts what happened beside the forecast of the moment at which the shop
// broke. That forecast knows only that nobody answers. An outcome that was
// another one is a surprise, with what was foretold in its place; the lines
// behind it are the same ones, moved by it. What comes at another time for no
// such reason is a surprise as well. What comes after somebody has it was theirs
// to decide, and so was everything that was foretold for later.
func compare(forecast []api.Step, happened []api.Entry) (pairs []Pair) {
	start, real := story(happened)
	foretold := lines(forecast)
	shift := 0.0   // how much later than foretold everything is by now
	moved := false // a surprise has just changed what follows: the next line says by how much
	for i, e := range real {
		at := e.At.Sub(start).Seconds()
		if decided(e) {
			for _, rest := range real[i:] {
				pairs = append(pairs, Pair{Foretold: -1, Happened: rest.At.Sub(start).Seconds(), Text: rest.Text, Reader: byReader(rest)})
			}
			return pairs
		}
		pair := Pair{Foretold: -1, Happened: at, Text: e.Text}
		n := find(foretold, e)
		if n < 0 { // the forecast ends somewhere
			pair.Surprise = len(foretold) > 0
			pairs = append(pairs, pair)
			continue
		}
		f := foretold[n]
		foretold = foretold[n+1:]
		pair.Foretold = f.In
		late := at - f.In - shift
		switch {
		case e.Kind == "outcome" && f.Data.Outcome != e.Data.Outcome:
			pair.Surprise, pair.Instead, moved = true, f.Data.Outcome, true
		case moved:
			shift, moved = at-f.In, false
			pair.Shift = shift
		case !moved && (late > tolerance.Seconds() || late < -tolerance.Seconds()):
			pair.Surprise, shift = true, at-f.In // said once: what follows is late for the same reason
		}
		pairs = append(pairs, pair)
	}
	return pairs
}

// story is when the incident began, and what a reader is told of it.
func story(happened []api.Entry) (start time.Time, told []api.Entry) {
	for _, e := range happened {
		switch {
		case e.Kind == "triggered":
			start = e.At
		case tellable(e.Kind) && e.Kind != "unreached": // the outcome before it says as much
			told = append(told, e)
		}
	}
	return start, told
}

func lines(forecast []api.Step) (told []api.Step) {
	for _, s := range forecast {
		if tellable(s.Kind) && s.Kind != "triggered" && s.Kind != "unreached" {
			told = append(told, s)
		}
	}
	return told
}

// find is the place of the line of a forecast that e is, whatever came of it; -1
// for none. What lies before it did not become necessary.
func find(foretold []api.Step, e api.Entry) int {
	for i, f := range foretold {
		if f.Kind == e.Kind && f.Data.User == e.Data.User && f.Data.Method == e.Data.Method && f.Data.Nth == e.Data.Nth {
			return i
		}
	}
	return -1
}

// decided reports whether a line ends what could be foretold: somebody did
// something, or it healed.
func decided(e api.Entry) bool { return byReader(e) || e.Kind == "resolved" }

// byReader reports whether a line is what somebody did.
func byReader(e api.Entry) bool {
	switch e.Kind {
	case "acknowledged", "declined", "note", "too_late", "renewed", "snoozed", "escalated", "redirected", "responder":
		return true
	case "resolved":
		return e.Actor != "" // else the alert cleared
	case "outcome":
		return e.Data.Outcome == "answered"
	}
	return false
}

// tellable leaves out what only a machine wants to know.
func tellable(kind string) bool {
	switch kind {
	case "input", "delivery", "round", "level", "page":
		return false
	}
	return true
}

// since is the time from a to b in seconds, "–" while b is not known.
func since(lang string, a, b time.Time) string {
	if b.IsZero() {
		return "–"
	}
	return seconds(lang, b.Sub(a).Seconds())
}

// seconds says a number of seconds; nothing where it is negative, for not there.
func seconds(lang string, n float64) string {
	if n < 0 {
		return "–"
	}
	return i18n.In(lang).Say("demo.seconds", "n", strconv.FormatFloat(n, 'f', 1, 64))
}
