package svg

import (
	"html"
	"strconv"
	"strings"
)

// Bar is one bar of a Strip or of Bars.
type Bar struct {
	// Class is its grade: the stylesheet gives colour and height, so that it reads
	// without colour, too. "" = there is nothing, and a place is left.
	Class string
	// Height of Bars, from 0 to 1.
	Height float64
	Title  string // in words
}

// The measures of a strip, in its own units.
const (
	stripStep   = 4
	stripWide   = 3
	stripHeight = 32
)

// top is where a bar of a grade begins: what is worse is shorter, so that the
// shape says it as well.
func top(class string) int {
	switch class {
	case "up":
		return 0
	case "slow":
		return 6
	case "down":
		return 14
	}
	return 26
}

// Strip draws one bar a day, the oldest at the left. label is the whole in words.
func Strip(days []Bar, label string) string {
	var b strings.Builder
	b.Grow(256 + 110*len(days))
	b.WriteString(`<svg class="strip" role="img" preserveAspectRatio="none" viewBox="0 0 `)
	b.WriteString(strconv.Itoa(len(days)*stripStep - 1))
	b.WriteString(` 32"><title>`)
	b.WriteString(html.EscapeString(label))
	b.WriteString(`</title>`)
	for i, d := range days {
		y := top(d.Class)
		b.WriteString(`<rect class="s-`)
		if d.Class == "" {
			b.WriteString("none")
		} else {
			b.WriteString(html.EscapeString(d.Class))
		}
		b.WriteString(`" x="`)
		b.WriteString(strconv.Itoa(i * stripStep))
		b.WriteString(`" y="`)
		b.WriteString(strconv.Itoa(y))
		b.WriteString(`" width="` + strconv.Itoa(stripWide) + `" height="`)
		b.WriteString(strconv.Itoa(stripHeight - y))
		b.WriteString(`"><title>`)
		b.WriteString(html.EscapeString(d.Title))
		b.WriteString(`</title></rect>`)
	}
	b.WriteString(`</svg>`)
	return b.String()
}

// The measures of Bars, in its own units.
const (
	barsHeight = 80
	barsStep   = 12
	barsWide   = 9
	fewBars    = 30   // fewer leave room: one bar is no wall
	least      = 0.03 // of the height: what is very small is still there
)

// Bars draws values beside each other, the oldest at the left. label is the whole
// in words.
func Bars(all []Bar, label string) string {
	var b strings.Builder
	b.WriteString(`<svg class="bars-chart" role="img" preserveAspectRatio="none" viewBox="0 0 ` + strconv.Itoa(max(fewBars, len(all))*barsStep) + ` 80"><title>`)
	b.WriteString(html.EscapeString(label) + `</title>`)
	for i, bar := range all {
		high := max(least, min(1, bar.Height)) * barsHeight
		b.WriteString(`<rect class="s-` + html.EscapeString(bar.Class) + `" x="` + strconv.Itoa(i*barsStep) + `" y="` + number(barsHeight-high) +
			`" width="` + strconv.Itoa(barsWide) + `" height="` + number(high) + `"><title>` + html.EscapeString(bar.Title) + `</title></rect>`)
	}
	b.WriteString(`</svg>`)
	return b.String()
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
