package view

import (
	"context"
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// The measures of the drawing, in its own units; about pixels on a desktop.
const (
	lanesWidth  = 1100
	lanesLabel  = 130
	lanesHead   = 34
	laneHeight  = 40
	spanHeight  = 28
	letterWidth = 13 // of a Japanese letter; others take about half
)

// drawing is the calendar as SVG. Colours come from classes, so that themes
// apply; a gap has a hatching and a word, one's own shifts a frame.
func drawing(s Shell, c Calendar) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		d := lanes{s: s, c: c, hatch: "hatch-" + c.ID}
		d.draw()
		_, err := io.WriteString(w, d.b.String())
		return err
	})
}

type lanes struct {
	s     Shell
	c     Calendar
	hatch string
	b     strings.Builder
}

func (d *lanes) draw() {
	height := lanesHead + laneHeight*len(d.c.Lanes) + 6
	d.put(`<svg class="lanes" role="img" viewBox="0 0 %d %d"><title>%s</title>`, lanesWidth, height, esc(d.c.Title))
	d.put(`<defs><pattern id="%s" width="8" height="8" patternUnits="userSpaceOnUse"><path class="hatch" d="M-2 10L10-2M-2 2L2-2M6 10L10 6"/></pattern></defs>`, esc(d.hatch))
	d.days(height)
	for n, lane := range d.c.Lanes {
		y := lanesHead + n*laneHeight
		d.put(`<text class="lane-label%s" x="0" y="%d">%s</text>`, when(lane.Final, " lane-final"), y+25, esc(fit(lane.Label, lanesLabel-8)))
		d.put(`<line class="lane-line" x1="%d" x2="%d" y1="%d" y2="%d"/>`, lanesLabel, lanesWidth, y+laneHeight, y+laneHeight)
		for _, span := range lane.Shifts {
			d.span(span, y+(laneHeight-spanHeight)/2)
		}
	}
	if now := d.s.Now; !now.Before(d.c.From) && now.Before(d.c.To) {
		x := d.x(now)
		d.put(`<line class="now-line" x1="%s" x2="%s" y1="%d" y2="%d"/><path class="now-tip" d="M%s %dl-5-7h10z"/>`,
			num(x), num(x), lanesHead-4, height, num(x), lanesHead)
	}
	d.put(`</svg>`)
}

// days draws the line and the name of each day.
func (d *lanes) days(height int) {
	all := d.c.midnights()
	wide := (lanesWidth - lanesLabel) / max(1, len(all))
	for _, day := range all {
		x := d.x(latest(day, d.c.From))
		if !day.Before(d.c.From) {
			d.put(`<line class="day-line" x1="%s" x2="%s" y1="%d" y2="%d"/>`, num(x), num(x), lanesHead-14, height)
		}
		name := Date(d.s.Lang, day, false)
		if wide < textWidth(name)+8 {
			name = strconv.Itoa(day.Day())
		}
		class := "day-name"
		if sameDay(day, d.s.Now, d.c.zone()) {
			class += " day-today"
		}
		d.put(`<text class="%s" x="%s" y="15">%s</text>`, class, num(x+4), esc(name))
	}
}

func (d *lanes) span(span Shift, y int) {
	from, to := d.x(latest(span.From, d.c.From)), d.x(earliest(span.To, d.c.To))
	if to <= from {
		return
	}
	wide := max(2, to-from-1)
	const tones = 6
	class := "shift tone-" + strconv.Itoa(((span.Tone%tones)+tones)%tones)
	word := span.Who
	if span.Gap {
		class, word = "shift gap", d.s.T("calendar.gap")
	} else if span.Mine {
		class += " mine"
	}
	if span.Path != "" {
		d.put(`<a href="%s">`, esc(string(templ.URL(d.s.URL(span.Path)))))
	}
	d.put(`<g class="%s"><title>%s</title><rect x="%s" y="%d" width="%s" height="%d" rx="4"/>`,
		class, esc(d.sentence(span, word)), num(from), y, num(wide), spanHeight)
	if span.Gap {
		d.put(`<rect x="%s" y="%d" width="%s" height="%d" rx="4" fill="url(#%s)"/>`, num(from), y, num(wide), spanHeight, esc(d.hatch))
	}
	if text := fit(word, int(wide)-10); text != "" {
		d.put(`<text x="%s" y="%d">%s</text>`, num(from+6), y+spanHeight/2+5, esc(text))
	}
	d.put(`</g>`)
	if span.Path != "" {
		d.put(`</a>`)
	}
}

// sentence is a shift in words: who, from when until when, why.
func (d *lanes) sentence(span Shift, word string) string {
	zone, viewer := d.c.zone(), d.s.Location()
	parts := []string{word, Absolute(d.s.Lang, span.From, zone, viewer) + " – " + Absolute(d.s.Lang, span.To, zone, viewer)}
	if span.Mine {
		parts = append(parts, d.s.T("calendar.mine"))
	}
	if span.Note != "" {
		parts = append(parts, span.Note)
	}
	return strings.Join(parts, " · ")
}

// x is where a moment stands.
func (d *lanes) x(t time.Time) float64 {
	whole := d.c.To.Sub(d.c.From)
	if whole <= 0 {
		return lanesLabel
	}
	return lanesLabel + float64(t.Sub(d.c.From))/float64(whole)*(lanesWidth-lanesLabel)
}

func (d *lanes) put(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

// fit cuts a text to about that width; "" where not even a letter has room.
func fit(text string, width int) string {
	if textWidth(text) <= width {
		return text
	}
	for n := len([]rune(text)) - 1; n > 0; n-- {
		if cut := Short(text, n); textWidth(cut) <= width {
			if n == 1 { // an ellipsis alone says nothing
				return ""
			}
			return cut
		}
	}
	return ""
}

// textWidth is about how wide a text is drawn.
func textWidth(text string) int {
	wide := 0
	for _, r := range text {
		if r < 0x1100 {
			wide += letterWidth/2 + 1
		} else {
			wide += letterWidth
		}
	}
	return wide
}

func num(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

func esc(text string) string { return html.EscapeString(text) }

func when(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}
