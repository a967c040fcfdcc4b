package demo

import (
	"strconv"
	"time"

	"toban/api"
	"toban/i18n"
)

// Pair is a line of the forecast beside what happened.
type Pair struct {
	Foretold, Happened float64 // seconds from the incident; negative = not there
	Text               string
	Surprise           bool
	Reader             bool // the reader did it, so nobody could foretell it
}

// tolerance is how much later something may happen than was foretold without
// being a surprise: the network of the simulated telephones takes its time.
const tolerance = 1500 * time.Millisecond

// compare puts the forecast beside the timeline, line by line. What came
// otherwise, at another time or not at all is marked; what comes after somebody
// has it was theirs to decide.
func compare(forecast []api.Step, happened []api.Entry) (pairs []Pair) {
	var start time.Time
	var real []api.Entry
	for _, e := range happened {
		switch {
		case e.Kind == "triggered":
			start = e.At
		case tellable(e.Kind):
			real = append(real, e)
		}
	}
	var foretold []api.Step
	for _, s := range forecast {
		if tellable(s.Kind) && s.Kind != "triggered" {
			foretold = append(foretold, s)
		}
	}
	for i, e := range real {
		at := e.At.Sub(start).Seconds()
		if byReader(e) {
			for _, rest := range real[i:] {
				pairs = append(pairs, Pair{Foretold: -1, Happened: rest.At.Sub(start).Seconds(), Text: rest.Text, Reader: byReader(rest)})
			}
			return pairs
		}
		if len(foretold) == 0 {
			pairs = append(pairs, Pair{Foretold: -1, Happened: at, Text: e.Text, Surprise: true})
			continue
		}
		f := foretold[0]
		foretold = foretold[1:]
		late := time.Duration((at - f.In) * float64(time.Second)).Abs()
		pairs = append(pairs, Pair{
			Foretold: f.In, Happened: at, Text: e.Text,
			Surprise: f.Kind != e.Kind || f.Data.User != e.Data.User || f.Data.Outcome != e.Data.Outcome || late > tolerance,
		})
	}
	for _, f := range foretold {
		pairs = append(pairs, Pair{Foretold: f.In, Happened: -1, Text: f.Text, Surprise: true})
	}
	return pairs
}

// byReader reports whether a line is what somebody did, or that it healed.
func byReader(e api.Entry) bool {
	switch e.Kind {
	case "acknowledged", "declined", "resolved", "note", "too_late":
		return true
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
