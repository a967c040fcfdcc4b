package view

import (
	"slices"
	"strconv"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// OverrideForm asks who takes a span, and shows what that changes before it is
// saved.
type OverrideForm struct {
	Schedule oncall.ScheduleID
	Zone     string
	Users    []Option
	User     string
	From, To string // 2026-11-21T18:00 by the schedule's clock
	Reason   string
	Wrong    map[string]string // by field
	Preview  *OverridePreview  // nil until it can be shown
}

// OverridePreview is what an override changes.
type OverridePreview struct {
	Who      string
	From, To time.Time
	Zone     *time.Location
	Lines    []OverrideLine
	Sums     []string // who gets and who gives how much
	Warnings []string
}

// OverrideLine is a span that somebody takes from somebody.
type OverrideLine struct {
	From, To      time.Time
	Before, After string // Before "" = nobody
	Same          bool   // they had it anyway
}

// OverridePreviewOf compares who has the override's span before and after it.
func OverridePreviewOf(s Shell, dir *oncall.Directory, schedule *oncall.Schedule, o oncall.Override) *OverridePreview {
	p, names := i18n.In(s.Lang), i18n.Names{Directory: dir}
	zone := schedule.Location()
	out := &OverridePreview{Who: names.User(p, o.User), From: o.From, To: o.To, Zone: zone}
	gets, shifts := time.Duration(0), 0
	gives := map[oncall.UserID]time.Duration{}
	for _, x := range spansOf(dir, schedule, o.From, o.To) {
		line := OverrideLine{From: x.From, To: x.To, After: out.Who, Same: x.User == o.User}
		if x.User != "" {
			line.Before = names.User(p, x.User)
		}
		out.Lines = append(out.Lines, line)
		if line.Same {
			continue
		}
		gets += x.To.Sub(x.From)
		shifts++
		if x.User != "" {
			gives[x.User] += x.To.Sub(x.From)
		}
	}
	if shifts == 0 {
		out.Sums = []string{s.T("override.nothing")}
		return out
	}
	gained := "override.gets"
	if shifts == 1 {
		gained = "override.gets.one"
	}
	out.Sums = append(out.Sums, s.T(gained, "who", out.Who, "n", strconv.Itoa(shifts), "time", Span(s.Lang, gets)))
	for _, id := range sortedKeys(gives) {
		out.Sums = append(out.Sums, s.T("override.gives", "who", names.User(p, id), "time", Span(s.Lang, gives[id])))
	}
	out.Sums = append(out.Sums, s.T("override.rest"))
	out.Warnings = overrideWarnings(s, dir, schedule, o)
	return out
}

// spansOf are the shifts of [from, to) with the gaps between them as shifts of
// nobody; who has two in a row has one.
func spansOf(dir *oncall.Directory, schedule *oncall.Schedule, from, to time.Time) []oncall.Shift {
	all := schedule.Shifts(dir, from, to)
	for _, gap := range schedule.Gaps(dir, from, to) {
		all = append(all, oncall.Shift{From: gap.From, To: gap.To})
	}
	slices.SortFunc(all, func(a, b oncall.Shift) int { return a.From.Compare(b.From) })
	var out []oncall.Shift
	for _, x := range all {
		if n := len(out); n > 0 && out[n-1].User == x.User && out[n-1].To.Equal(x.From) {
			out[n-1].To = x.To
			continue
		}
		out = append(out, x)
	}
	return out
}

func overrideWarnings(s Shell, dir *oncall.Directory, schedule *oncall.Schedule, o oncall.Override) []string {
	var all []string
	if u := dir.Users[o.User]; u != nil && !u.Reachable() {
		all = append(all, s.T("override.warn.unreachable"))
	}
	own := []oncall.Shift{{User: o.User, From: o.From, To: o.To}}
	for _, id := range sortedKeys(dir.Schedules) {
		if id != schedule.ID && len(overlaps(own, dir.Schedules[id].Shifts(dir, o.From, o.To))) > 0 {
			all = append(all, s.T("override.warn.double", "name", string(id)))
		}
	}
	for _, other := range dir.Overrides {
		if other.Schedule == schedule.ID && other.From.Before(o.To) && other.To.After(o.From) {
			all = append(all, s.T("override.warn.covers"))
			break
		}
	}
	return all
}
