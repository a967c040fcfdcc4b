package svg

import (
	"math"
	"slices"
)

// mark is what stands beside the end of a line.
type mark struct {
	text string
	x, y float64 // of the end
	at   float64 // where its text stands
}

// marks writes each line's mark beside its end, one below the other where the
// ends are close.
func (d *drawing) marks() {
	var all []mark
	for i, line := range d.Lines {
		if parts := d.parts(line.Points); line.Mark != "" && len(parts) > 0 {
			last := parts[len(parts)-1]
			end := last[len(last)-1]
			all = append(all, mark{text: d.Lines[i].Mark, x: d.x(end.At), y: d.at(end.Value)})
		}
	}
	for i, area := range d.Areas { // in the middle of its thickness
		low, high := d.stacks[i], d.stacks[i+1]
		if last := len(high) - 1; area.Mark != "" && last >= 0 {
			all = append(all, mark{text: area.Mark, x: d.x(high[last].At), y: d.at((low[last].Value + high[last].Value) / 2)})
		}
	}
	spread(all, d.top+4, d.bottom)
	for _, m := range all {
		if math.Abs(m.at-m.y) > 2 || d.right-m.x > 2 {
			d.put(`<path class="leader" d="M%s %sL%s %s"/>`, num(m.x), num(m.y), num(d.right+aside-2), num(m.at))
		}
		d.put(`<text class="mark-end" x="%s" y="%s">%s</text>`, num(d.right+aside), num(m.at+4), esc(m.text))
	}
}

// spread moves marks apart so that each can be read, within low and high as far
// as there is room.
func spread(all []mark, low, high float64) {
	slices.SortStableFunc(all, func(a, b mark) int {
		switch {
		case a.y < b.y:
			return -1
		case a.y > b.y:
			return 1
		}
		return 0
	})
	distance := min(float64(row), (high-low)/float64(max(1, len(all)-1)))
	for i := range all {
		all[i].at = max(all[i].y, low)
		if i > 0 {
			all[i].at = max(all[i].at, all[i-1].at+distance)
		}
	}
	for i := len(all) - 1; i >= 0; i-- {
		most := high
		if i < len(all)-1 {
			most = all[i+1].at - distance
		}
		all[i].at = min(all[i].at, most)
	}
}
