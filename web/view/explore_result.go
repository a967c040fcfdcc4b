package view

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"toban/internal/promapi"
	"toban/web/svg"
)

// ExploreResultOf is what a query says now and over its time.
func ExploreResultOf(s Shell, e Explore, now, over promapi.Answer) *ExploreResult {
	r := &ExploreResult{Text: now.Text, More: now.More || over.More}
	if now.Histograms+over.Histograms > 0 {
		r.Note = s.T("explore.histograms")
	}
	lines := slices.Clone(over.Series)
	slices.SortStableFunc(lines, func(a, b promapi.Series) int { return cmp.Compare(highest(b), highest(a)) })
	lines = lines[:min(len(lines), exploreLines)]
	last := map[string]promapi.Point{}
	for _, series := range now.Series {
		last[series.Name()], _ = series.Last()
	}
	all := slices.Concat(lines, now.Series, over.Series)
	shared := sharedLabels(all)
	r.Shared = sharedText(shared)
	unit := unitOf(e.Expr)
	seen := map[string]bool{}
	for i, series := range all {
		name := series.Name()
		if seen[name] {
			continue
		}
		seen[name] = true
		row := ExploreRow{Name: series.NameWithout(slices.Collect(maps.Keys(shared))...)}
		if row.Name == "{}" {
			row.Name = s.T("explore.value")
		}
		if i < len(lines) {
			row.Line, row.Mark = i+1, string(rune('A'+i))
			r.Lines = append(r.Lines, svg.Line{Mark: row.Mark, Name: row.Mark + " " + row.Name, Points: pointsOf(series)})
		}
		if p, ok := last[name]; ok {
			row.Value, row.Exact = unit.Say(p.Value), strconv.FormatFloat(p.Value, 'g', -1, 64)
		}
		r.Series++
		if len(r.Rows) < exploreRows {
			r.Rows = append(r.Rows, row)
		}
	}
	r.Drawn = len(r.Lines)
	if r.Drawn > 0 {
		r.draw(s, e, unit)
	}
	return r
}

// draw draws the lines, and writes them down as a table.
func (r *ExploreResult) draw(s Shell, e Explore, unit svg.Unit) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, line := range r.Lines {
		for _, p := range line.Points {
			if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
				low, high = min(low, p.Value), max(high, p.Value)
			}
		}
	}
	r.Title = s.T("explore.title.none", "expr", Short(e.Expr, 80), "period", e.period(s))
	if low <= high {
		r.Title = s.T("explore.title", "expr", Short(e.Expr, 80), "period", e.period(s), "n", strconv.Itoa(r.Drawn), "low", unit.Say(low), "high", unit.Say(high))
	}
	chart := svg.Chart{
		Title: r.Title, From: e.End(s).Add(-e.Span), To: e.End(s), Step: e.Step, Zone: s.Location(), Unit: unit, Lines: r.Lines,
		Moment: s.moment, None: s.T("chart.none"),
	}
	r.Wide, r.Narrow = twiceAs(chart, "explore", 760)
	for i := range exploreTimesShown {
		at := chart.To.Add(-time.Duration(i) * max(e.Step, (e.Span/exploreTimesShown).Truncate(e.Step)))
		if at.Before(chart.From) {
			break
		}
		row := ExploreTime{At: at}
		for _, line := range r.Lines {
			row.Values = append(row.Values, valueAt(line.Points, at, e.Step, unit))
		}
		r.Times = append(r.Times, row)
	}
}

// twiceAs draws a chart for a desk, that wide, and for a telephone, where its
// letters would be too small.
func twiceAs(c svg.Chart, id string, width int) (wide, narrow string) {
	c.ID, c.Width, c.Height = id+"-wide", width, 280
	if width <= half {
		c.Height = 230
	}
	wide = c.SVG()
	c.ID, c.Width, c.Height = id+"-narrow", 350, 220
	return wide, c.SVG()
}

// moment is a moment on an axis.
func (s Shell) moment(t time.Time, day bool) string {
	if day {
		return Date(s.Lang, t, false)
	}
	if t.Second() != 0 {
		return t.Format(time.TimeOnly)
	}
	return t.Format("15:04")
}

// valueAt is the newest value of a step that ends at a moment.
func valueAt(points []svg.Point, at time.Time, step time.Duration, unit svg.Unit) string {
	for _, p := range slices.Backward(points) {
		if !p.At.After(at) && at.Sub(p.At) < step {
			return unit.Say(p.Value)
		}
	}
	return "—"
}

func pointsOf(series promapi.Series) []svg.Point {
	points := make([]svg.Point, len(series.Points))
	for i, p := range series.Points {
		points[i] = svg.Point{At: p.At, Value: p.Value}
	}
	return points
}

// highest is the greatest value of a series, for an order of those that are
// worth being drawn.
func highest(series promapi.Series) float64 {
	top := math.Inf(-1)
	for _, p := range series.Points {
		if !math.IsNaN(p.Value) {
			top = max(top, p.Value)
		}
	}
	return top
}

// sharedLabels are those that all of several series have; one series alone shares
// nothing.
func sharedLabels(all []promapi.Series) map[string]string {
	if len(all) == 0 || !slices.ContainsFunc(all, func(s promapi.Series) bool { return !maps.Equal(s.Labels, all[0].Labels) }) {
		return nil
	}
	shared := maps.Clone(all[0].Labels)
	for _, series := range all[1:] {
		maps.DeleteFunc(shared, func(name, value string) bool { other, ok := series.Labels[name]; return !ok || other != value })
	}
	return shared
}

func sharedText(shared map[string]string) string {
	if len(shared) == 0 {
		return ""
	}
	return promapi.Series{Labels: shared}.Name()
}
