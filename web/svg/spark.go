package svg

import (
	"fmt"
	"strings"
	"time"
)

// Spark is a line without axes, as high as a word: how something went, at a
// glance. title says it in words.
func Spark(points []Point, step time.Duration, title string) string {
	const wide, high, edge = 120, 24, 2
	d := &drawing{Chart: Chart{Step: step, Lines: []Line{{Points: points}}, Width: wide, Height: high}}
	if len(points) > 0 {
		d.From, d.To = points[0].At, points[len(points)-1].At
	}
	if !d.To.After(d.From) {
		d.To = d.From.Add(time.Second)
	}
	d.measure()
	d.left, d.right, d.top, d.bottom = edge, wide-edge, edge, high-edge
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart spark" role="img" viewBox="0 0 %d %d"><title>%s</title>`, wide, high, esc(title))
	d.line("line line-1", Line{Name: title, Points: points})
	return b.String() + d.b.String() + `</svg>`
}
