// Package svg draws charts as text: values go in, SVG comes out, the same each
// time.
//
// A chart has no colours of its own: classes say what a part is, and the style of
// the page says how it looks, light or dark. What tells two lines apart is never
// colour alone but a pattern of dashes and a letter at their end; and each chart
// is a sentence, too, for who does not see it. It loads nothing and runs nothing.
package svg

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Point is a value at a moment. NaN and the infinite are gaps.
type Point struct {
	At    time.Time
	Value float64
}

// Line is values one after the other, in the order of time.
type Line struct {
	Mark   string // what stands at its end: a letter or a short word
	Name   string // in full
	Points []Point
}

// Band is what lies between two lines, such as half of all values.
type Band struct {
	Name      string
	Low, High []Point // at the same moments
}

// Chart is lines over time. Areas are put on one another, the first one lowest.
type Chart struct {
	ID    string // unlike that of any other of the page; letters, digits, hyphens
	Title string // the whole chart in a sentence
	From  time.Time
	To    time.Time
	Step  time.Duration  // between two values; where more is missing there is a gap
	Begin time.Time      // before it nothing is missing; zero = From
	Zone  *time.Location // nil = UTC
	Unit  Unit
	Lines []Line
	Areas []Line
	Bands []Band
	// Moment says a moment on the axis: its clock, or its day where it begins one.
	Moment func(t time.Time, day bool) string
	// None is what a span is called that has no values at all.
	None          string
	Width, Height int // in its own units; zero = 720 by 260
}

// Kinds is how many kinds of lines and of areas there are; a further one looks
// like the first.
const (
	Kinds     = 12
	AreaKinds = 6
)

const (
	letter = 7  // width of a letter on an axis
	row    = 14 // height of a line of text
	above  = 8
	below  = 22
	aside  = 8 // between the plot and what stands beside it
)

// drawing is a chart while it is drawn.
type drawing struct {
	Chart
	b                        strings.Builder
	left, right, top, bottom float64
	y                        scale
	stacks                   [][]Point // the upper edges of areas, the zero line first
}

// SVG draws the chart.
func (c Chart) SVG() string {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Width <= 0 || c.Height <= 0 {
		c.Width, c.Height = 720, 260
	}
	if !c.To.After(c.From) {
		c.To = c.From.Add(time.Second)
	}
	d := &drawing{Chart: c}
	d.stacks = stacked(c.Areas)
	d.measure()
	d.put(`<svg class="chart" role="img" viewBox="0 0 %d %d"><title>%s</title>`, c.Width, c.Height, esc(c.Title))
	d.patterns()
	d.grid()
	d.gaps()
	for i := range c.Areas {
		d.between(fmt.Sprintf("area area-%d", i%AreaKinds+1), d.stacks[i], d.stacks[i+1], i+1)
	}
	for _, band := range c.Bands {
		d.between("band", band.Low, band.High, 0)
	}
	for i, line := range c.Lines {
		d.line(fmt.Sprintf("line line-%d", i%Kinds+1), line)
	}
	d.marks()
	d.put(`</svg>`)
	return d.b.String()
}

// measure finds the ends of the axes and the room beside them.
func (d *drawing) measure() {
	low, high := math.Inf(1), math.Inf(-1)
	look := func(points []Point) {
		for _, p := range points {
			if drawn(p) {
				low, high = min(low, p.Value), max(high, p.Value)
			}
		}
	}
	for _, line := range d.Lines {
		look(line.Points)
	}
	for _, band := range d.Bands {
		look(band.Low)
		look(band.High)
	}
	for _, edge := range d.stacks {
		look(edge)
	}
	d.top, d.bottom = above, float64(d.Height-below)
	d.y = values(low, high, d.Unit, max(2, (d.Height-above-below)/48))
	wide, mark := 0, 0
	for _, v := range d.y.ticks {
		wide = max(wide, utf8.RuneCountInString(d.tick(v)))
	}
	for _, line := range slices.Concat(d.Lines, d.Areas) {
		mark = max(mark, utf8.RuneCountInString(line.Mark))
	}
	d.left = float64(wide*letter + aside)
	d.right = float64(d.Width - mark*(letter+1) - 2*aside)
}

func (d *drawing) tick(v float64) string {
	return d.Unit.on(v, d.y.step, max(math.Abs(d.y.low), math.Abs(d.y.high)))
}

// grid draws the axes.
func (d *drawing) grid() {
	for _, v := range d.y.ticks {
		y := d.at(v)
		d.put(`<path class="grid" d="M%s %sH%s"/><text class="tick tick-y" x="%s" y="%s">%s</text>`,
			num(d.left), num(y), num(d.right), num(d.left-aside+2), num(y+4), esc(d.tick(v)))
	}
	const room = 74 // of a moment
	ticks, step := moments(d.From, d.To, d.Zone, max(2, int(d.right-d.left)/room))
	for _, t := range ticks {
		x := d.x(t)
		d.put(`<path class="grid grid-x" d="M%s %sV%s"/>`, num(x), num(d.top), num(d.bottom))
		newDay := step >= day || t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0
		text := d.say(t, newDay)
		half := float64(utf8.RuneCountInString(text)*letter) / 2
		if x-half < 0 || x+half > float64(d.Width) {
			continue // it would be cut off
		}
		d.put(`<text class="tick%s" x="%s" y="%d">%s</text>`, when(newDay, " tick-day"), num(x), d.Height-6, esc(text))
	}
}

func (d *drawing) say(t time.Time, newDay bool) string {
	switch {
	case d.Moment != nil:
		return d.Moment(t, newDay)
	case newDay:
		return t.Format("1/2")
	}
	return t.Format("15:04")
}

// gaps shades what has no value of any line.
func (d *drawing) gaps() {
	if d.Step <= 0 || d.None == "" {
		return
	}
	var all []time.Time
	for _, line := range slices.Concat(d.Lines, d.Areas) {
		for _, p := range line.Points {
			if drawn(p) {
				all = append(all, p.At)
			}
		}
	}
	if len(all) == 0 {
		return // an empty chart says so by itself
	}
	slices.SortFunc(all, time.Time.Compare)
	shade := func(from, to time.Time) {
		if to.Sub(from) <= d.Step*3/2 {
			return
		}
		x, wide := d.x(from), d.x(to)-d.x(from)
		d.put(`<g class="gap"><title>%s</title><rect x="%s" y="%s" width="%s" height="%s"/>`,
			esc(d.None), num(x), num(d.top), num(wide), num(d.bottom-d.top))
		if wide > float64(utf8.RuneCountInString(d.None)*letter*2) {
			d.put(`<text x="%s" y="%s">%s</text>`, num(x+wide/2), num(d.top+row), esc(d.None))
		}
		d.put(`</g>`)
	}
	before := latest(d.From, d.Begin).Add(-d.Step / 2)
	for _, t := range all {
		shade(latest(before, d.From), t)
		before = t
	}
	shade(before, d.To)
}

// line draws one line, broken where values are missing.
func (d *drawing) line(class string, line Line) {
	var path strings.Builder
	var alone []Point
	for _, part := range d.parts(line.Points) {
		if len(part) == 1 {
			alone = append(alone, part[0])
			continue
		}
		for i, p := range part {
			fmt.Fprintf(&path, "%s%s %s", when(i == 0, "M")+when(i > 0, "L"), num(d.x(p.At)), num(d.at(p.Value)))
		}
	}
	d.put(`<g class="%s"><title>%s</title>`, class, esc(line.Name))
	if path.Len() > 0 {
		d.put(`<path d="%s"/>`, path.String())
	}
	for _, p := range alone {
		d.put(`<circle cx="%s" cy="%s" r="3"/>`, num(d.x(p.At)), num(d.at(p.Value)))
	}
	d.put(`</g>`)
}

// between fills what lies between two lines.
func (d *drawing) between(class string, low, high []Point, pattern int) {
	under := map[int64]float64{}
	for _, p := range low {
		if drawn(p) {
			under[p.At.UnixMilli()] = p.Value
		}
	}
	both := slices.DeleteFunc(slices.Clone(high), func(p Point) bool { _, ok := under[p.At.UnixMilli()]; return !ok })
	for _, part := range d.parts(both) {
		if len(part) == 1 { // else nobody sees a value that stands alone
			const half = 2
			x, y, foot := d.x(part[0].At), num(d.at(part[0].Value)), num(d.at(under[part[0].At.UnixMilli()]))
			d.put(`<path class="%s" d="M%s %sH%sV%sH%sZ"/>`, class, num(x-half), y, num(x+half), foot, num(x-half))
			continue
		}
		var path strings.Builder
		for i, p := range part {
			fmt.Fprintf(&path, "%s%s %s", when(i == 0, "M")+when(i > 0, "L"), num(d.x(p.At)), num(d.at(p.Value)))
		}
		for _, p := range slices.Backward(part) {
			fmt.Fprintf(&path, "L%s %s", num(d.x(p.At)), num(d.at(under[p.At.UnixMilli()])))
		}
		d.put(`<path class="%s" d="%sZ"/>`, class, path.String())
		if pattern > 1 {
			d.put(`<path class="hatched" fill="url(#%s)" d="%sZ"/>`, d.pattern(pattern), path.String())
		}
	}
}

// parts are the runs of values without a gap.
func (d *drawing) parts(points []Point) (all [][]Point) {
	var part []Point
	for _, p := range points {
		last := len(part) - 1
		if last >= 0 && (!drawn(p) || d.Step > 0 && p.At.Sub(part[last].At) > d.Step*3/2) {
			all, part = append(all, part), nil
		}
		if drawn(p) && !p.At.Before(d.From) && !p.At.After(d.To) {
			part = append(part, p)
		}
	}
	if len(part) > 0 {
		all = append(all, part)
	}
	return all
}

func (d *drawing) x(t time.Time) float64 {
	return d.left + (d.right-d.left)*float64(t.Sub(d.From))/float64(d.To.Sub(d.From))
}

func (d *drawing) at(v float64) float64 {
	return d.bottom - (d.bottom-d.top)*(v-d.y.low)/(d.y.high-d.y.low)
}

func (d *drawing) put(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

// beyond is what is too far away for an axis; arithmetic on it overflows.
const beyond = 1e290

// drawn reports whether a value can be.
func drawn(p Point) bool { return math.Abs(p.Value) < beyond } // which NaN isn't

// num is a coordinate, no longer than it has to be.
func num(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

func esc(text string) string { return html.EscapeString(text) }

func when(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
