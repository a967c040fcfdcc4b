package svg

import (
	"fmt"
	"slices"
	"strings"
)

// stacked are the edges of areas that lie on one another, the zero line first. A
// moment counts when one of them has a value there; what is missing is zero.
func stacked(areas []Line) [][]Point {
	if len(areas) == 0 {
		return nil
	}
	var base []Point
	seen := map[int64]bool{}
	for _, a := range areas {
		for _, p := range a.Points {
			if at := p.At.UnixMilli(); drawn(p) && !seen[at] {
				seen[at] = true
				base = append(base, Point{At: p.At})
			}
		}
	}
	slices.SortFunc(base, func(a, b Point) int { return a.At.Compare(b.At) })
	edges := [][]Point{base}
	for _, a := range areas {
		own := map[int64]float64{}
		for _, p := range a.Points {
			if drawn(p) {
				own[p.At.UnixMilli()] = p.Value
			}
		}
		edge := slices.Clone(edges[len(edges)-1])
		for i := range edge {
			edge[i].Value += own[edge[i].At.UnixMilli()]
		}
		edges = append(edges, edge)
	}
	return edges
}

// hatchings tell areas apart where colours don't.
var hatchings = [...]string{
	2: `M-1 1L1-1M0 6L6 0M5 7L7 5`,
	3: `M3 2.5v1`,
	4: `M-1 5L1 7M0 0L6 6M5-1L7 1`,
	5: `M0 3H6`,
	6: `M3 0V6`,
}

func (d *drawing) pattern(n int) string {
	return fmt.Sprintf("%s-p%d", d.ID, (n-1)%AreaKinds+1)
}

func (d *drawing) patterns() {
	n := min(len(d.Areas), AreaKinds)
	if n < 2 {
		return
	}
	d.put(`<defs>`)
	for i := 2; i <= n; i++ {
		d.put("%s", hatching(d.pattern(i), i))
	}
	d.put(`</defs>`)
}

// Swatch is a sample of the n-th line (from 0), for a legend.
func Swatch(n int) string {
	return fmt.Sprintf(`<svg class="chart swatch" viewBox="0 0 28 10" aria-hidden="true"><g class="line line-%d"><path d="M1 5H27"/></g></svg>`, n%Kinds+1)
}

// AreaSwatch is a sample of the n-th area (from 0), for a legend; id is unlike any
// other of the page.
func AreaSwatch(id string, n int) string {
	var b strings.Builder
	b.WriteString(`<svg class="chart swatch" viewBox="0 0 28 14" aria-hidden="true">`)
	kind := n%AreaKinds + 1
	if kind > 1 {
		b.WriteString(`<defs>` + hatching(id, kind) + `</defs>`)
	}
	fmt.Fprintf(&b, `<path class="area area-%d" d="M1 1H27V13H1Z"/>`, kind)
	if kind > 1 {
		fmt.Fprintf(&b, `<path class="hatched" fill="url(#%s)" d="M1 1H27V13H1Z"/>`, esc(id))
	}
	b.WriteString(`</svg>`)
	return b.String()
}

func hatching(id string, kind int) string {
	return fmt.Sprintf(`<pattern id="%s" width="6" height="6" patternUnits="userSpaceOnUse"><path class="hatching" d="%s"/></pattern>`, esc(id), hatchings[kind])
}
