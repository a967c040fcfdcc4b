package view

import (
	"cmp"
	"context"
	"io"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"toban/detect/standing"
	"toban/oncall"
	"toban/web/svg"
)

// MonitorRow is a monitor in the list.
type MonitorRow struct {
	ID                  oncall.MonitorID
	Name, Path          string
	Kind                oncall.MonitorKind
	Asked               string // what is watched, in a line
	State               standing.State
	Doubt               bool
	Since, Last         time.Time
	Why                 string // why it is down or in doubt, in words
	Problem             string // why it can't be watched
	ProblemCode         string // of that
	Day, Month, Quarter MonitorFigure
	Watched             time.Time // when it began to be watched; zero = nobody knows, or long ago
	Strip               templ.Component
	Ends                time.Time // the certificate; zero = none is known
}

// MonitorFigure is how much of a span a monitor was up.
type MonitorFigure struct {
	Share string // in per cent; "" = nothing is known
	Since string // since when, in short, where that is shorter than the span
}

// Bare reports whether nothing is known of how it stood.
func (r MonitorRow) Bare() bool { return r.Day.Share+r.Month.Share+r.Quarter.Share == "" }

// Monitors is the list of monitors.
type Monitors struct {
	Filter          MonitorFilter
	Segments        []Tab
	Kinds, Services []Option
	Groups          []MonitorGroup
	All, Found      int
	Before, Next    string // pages, "" = none
	MayEdit         bool
	NotKept         bool // the store keeps nothing now: what is here is from before
	New             NewMonitor
}

// MonitorFilter is which monitors are listed; it is what the address says.
type MonitorFilter struct {
	State, Kind, Service, Text string
	Page                       int // from 1
}

// Path is the address of what it picks.
func (f MonitorFilter) Path() string {
	q := url.Values{}
	for name, value := range map[string]string{"state": f.State, "kind": f.Kind, "service": f.Service, "q": f.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Page > 1 {
		q.Set("page", strconv.Itoa(f.Page))
	}
	if len(q) == 0 {
		return "/monitors"
	}
	return "/monitors?" + q.Encode()
}

// Narrow reports whether it leaves anything out.
func (f MonitorFilter) Narrow() bool { return f.State+f.Kind+f.Service+f.Text != "" }

// MonitorGroup are those of one state.
type MonitorGroup struct {
	State standing.State
	Count int // of all pages
	Rows  []MonitorRow
}

// NewMonitor is the form of a monitor in one field.
type NewMonitor struct {
	Target, Kind string
	Private      bool
	Wrong        map[string]string
	Answer       *MonitorCheck // what came back when it was tried; nil = it was not, or is fine
}

// Tried is what was tried, for whoever wants to watch it anyway: another target is
// tried first.
func (f NewMonitor) Tried() string { return f.Kind + " " + f.Target }

// MonitorPath is where a monitor is seen.
func MonitorPath(id oncall.MonitorID) string { return "/monitors/" + url.PathEscape(string(id)) }

// Kinds are the kinds of monitors in the order in which they are offered.
func monitorKinds() []oncall.MonitorKind {
	return []oncall.MonitorKind{
		oncall.MonitorHTTP, oncall.MonitorPing, oncall.MonitorTCP, oncall.MonitorDNS, oncall.MonitorCertificate, oncall.MonitorGRPC,
		oncall.MonitorHeartbeat, oncall.MonitorPromQL, oncall.MonitorMetric,
	}
}

// quickKinds are those that one field is enough for.
func quickKinds() []oncall.MonitorKind {
	return []oncall.MonitorKind{oncall.MonitorHTTP, oncall.MonitorPing, oncall.MonitorTCP, oncall.MonitorCertificate, oncall.MonitorDNS}
}

// MonitorsPerPage bounds one page of the list: a strip has 90 bars.
const MonitorsPerPage = 50

// PickMonitors are those that a filter picks, in the order in which they are
// listed, with how many there are in each state before that was asked for.
// service names the one that a monitor's alerts go to.
func PickMonitors(all []standing.Standing, f MonitorFilter, service func(*oncall.Monitor) oncall.ServiceID) (picked []standing.Standing, counts map[standing.State]int) {
	counts = map[standing.State]int{}
	text := strings.ToLower(f.Text)
	for _, s := range all {
		m := s.Monitor
		switch {
		case f.Kind != "" && f.Kind != string(m.Kind),
			text != "" && !strings.Contains(strings.ToLower(m.Name+"\n"+string(m.ID)+"\n"+standing.Asked(m)), text),
			f.Service != "" && f.Service != string(service(m)):
			continue
		}
		counts[s.State]++
		if f.State == "" || f.State == string(s.State) {
			picked = append(picked, s)
		}
	}
	slices.SortStableFunc(picked, func(a, b standing.Standing) int {
		if a.State == standing.Down && b.State == standing.Down {
			return b.Since.Compare(a.Since) // what broke last is looked at first
		}
		return cmp.Compare(slices.Index(standing.States(), a.State), slices.Index(standing.States(), b.State))
	})
	return picked, counts
}

// PageOfMonitors is the part of what was picked that a page shows.
func PageOfMonitors(picked []standing.Standing, page int) []standing.Standing {
	from := (max(1, page) - 1) * MonitorsPerPage
	if from >= len(picked) {
		return nil
	}
	return picked[from:min(from+MonitorsPerPage, len(picked))]
}

// MonitorsOf is the list: part of what a filter has picked, with its history.
func MonitorsOf(s Shell, dir *oncall.Directory, f MonitorFilter, picked, part []standing.Standing, counts map[standing.State]int, past map[oncall.MonitorID]standing.History, all int) Monitors {
	v := Monitors{Filter: f, All: all, Found: len(picked)}
	v.Segments = append(v.Segments, Tab{Label: s.T("monitors.all"), Path: with(f, ""), Active: f.State == ""})
	for _, state := range standing.States() {
		v.Segments = append(v.Segments, Tab{Label: s.T("monitor.state." + string(state)), Path: with(f, string(state)), Count: counts[state], Active: f.State == string(state)})
	}
	v.Kinds = append(v.Kinds, Option{Label: s.T("monitors.kind.all")})
	for _, k := range monitorKinds() {
		v.Kinds = append(v.Kinds, Option{Value: string(k), Label: s.T("monitor.kind." + string(k))})
	}
	v.Services = append(v.Services, Option{Label: s.T("monitors.service.all")})
	for _, svc := range dir.Services {
		v.Services = append(v.Services, Option{Value: string(svc.ID), Label: serviceName(svc)})
	}
	for i := range part {
		row := MonitorRowOf(s, &part[i], past[part[i].Monitor.ID])
		if n := len(v.Groups); n == 0 || v.Groups[n-1].State != row.State {
			v.Groups = append(v.Groups, MonitorGroup{State: row.State, Count: counts[row.State]})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Rows = append(g.Rows, row)
	}
	move := func(page int) string {
		f := f
		f.Page = page
		return f.Path()
	}
	if f.Page > 1 {
		v.Before = move(f.Page - 1)
	}
	if max(1, f.Page)*MonitorsPerPage < len(picked) {
		v.Next = move(max(1, f.Page) + 1)
	}
	return v
}

func with(f MonitorFilter, state string) string {
	f.State, f.Page = state, 0
	return f.Path()
}

// MonitorRowOf is one row.
func MonitorRowOf(s Shell, m *standing.Standing, past standing.History) MonitorRow {
	row := MonitorRow{
		ID: m.Monitor.ID, Name: m.Monitor.Name, Path: MonitorPath(m.Monitor.ID), Kind: m.Monitor.Kind, Asked: askedWords(s, m.Monitor),
		State: m.State, Doubt: m.Doubt, Since: m.Since, Last: m.Last, Why: standingWhy(s, m), Problem: m.Problem, ProblemCode: cmp.Or(m.ProblemCode, "monitor.invalid"), Ends: m.Ends,
	}
	past = past.Joined(m, s.Now)
	row.Watched = past.Since
	day, month, quarter := past.Figures(s.Now)
	row.Day, row.Month, row.Quarter = figureOf(s, day), figureOf(s, month), figureOf(s, quarter)
	row.Strip = strip(s, past)
	return row
}

func figureOf(s Shell, f standing.Figure) MonitorFigure {
	out := MonitorFigure{Share: percent(f.Share, f.Known)}
	if out.Share != "" && !f.Since.IsZero() {
		out.Since = s.since(f.Since)
	}
	return out
}

// since says since when as short as it can be said: since 10:32, since 2 Nov.
func (s Shell) since(t time.Time) string {
	at := t.In(s.Location())
	text := shortDate(s.Lang, at)
	switch now := s.Now.In(s.Location()); {
	case s.sameDay(t, s.Now):
		text = at.Format("15:04")
	case at.Year() != now.Year() && s.Lang == "ja":
		text = at.Format("2006/1/2")
	case at.Year() != now.Year():
		text = at.Format("2 Jan 2006")
	}
	return s.T("monitor.since.short", "time", text)
}

// sinceWhen is what a list says of the moment beside a state: since when it is so,
// and when it was looked at last.
func sinceWhen(s Shell, row MonitorRow) string {
	text := s.T("monitor.since.title", "time", s.when(row.Since))
	if !row.Last.IsZero() {
		text += s.T("list.separator") + lastWords(s, row.Kind) + " " + s.when(row.Last)
	}
	return text
}

// askedWords is what a monitor watches, in a line.
func askedWords(s Shell, m *oncall.Monitor) string {
	if m.Heartbeat != nil && m.Heartbeat.Cron == "" {
		return s.T("monitor.asked.period", "span", Span(s.Lang, m.Heartbeat.Period))
	}
	return standing.Asked(m)
}

// percent writes a share; less than all is never written as all.
func percent(share float64, ok bool) string {
	switch {
	case !ok:
		return ""
	case share >= 1:
		return "100%"
	}
	const most = 99.99
	return strconv.FormatFloat(min(most, math.Floor(share*10000)/100), 'f', -1, 64) + "%"
}

// strip draws 90 days; without a past there is nothing to draw.
func strip(s Shell, past standing.History) templ.Component {
	if past.None() {
		return templ.NopComponent
	}
	bars := make([]svg.Bar, len(past.Days))
	bad := 0
	for i, d := range past.Days {
		share, ok := d.Share()
		bars[i].Class = grade(share, ok)
		if bars[i].Class == "slow" || bars[i].Class == "down" {
			bad++
		}
		said := percent(share, ok)
		switch {
		case ok:
		case unwatched(past.Since, d.Date, s.Location()):
			said = s.T("monitor.strip.before")
		default:
			said = s.T("monitor.strip.none")
		}
		bars[i].Title = shortDate(s.Lang, d.Date) + " " + said
	}
	share := cmp.Or(percent(past.Over(standing.Days)), "–")
	label := s.T("monitor.strip", "days", strconv.Itoa(len(past.Days)), "share", share, "bad", strconv.Itoa(bad))
	if !past.Since.IsZero() {
		label = s.T("monitor.strip.since", "time", s.when(past.Since), "share", share, "bad", strconv.Itoa(bad))
	}
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, svg.Strip(bars, label))
		return err
	})
}

// unwatched reports whether a day of the calendar was over before since.
func unwatched(since, day time.Time, zone *time.Location) bool {
	y, m, d := since.In(zone).Date()
	return !since.IsZero() && day.Before(time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
}

// grade is the class of a day.
func grade(share float64, ok bool) string {
	const few = 0.99
	switch {
	case !ok:
		return ""
	case share >= 1:
		return "up"
	case share >= few:
		return "slow"
	}
	return "down"
}

// shortDate is a day as short as it can be said: a page has thousands.
func shortDate(lang string, t time.Time) string {
	if lang == "ja" {
		return t.Format("1/2")
	}
	return t.Format("2 Jan")
}

// stateIcon is the shape of a state.
func stateIcon(state standing.State) string {
	switch state {
	case standing.Up:
		return "check"
	case standing.Down:
		return "triggered"
	case standing.Paused:
		return "pause"
	}
	return "help"
}

// daysLeft is how many whole days there are until t, negative behind it.
func daysLeft(now, t time.Time) int { return int(math.Floor(t.Sub(now).Hours() / 24)) }

// endsTone is how a certificate's end looks.
func endsTone(days int) string {
	const soon, close = 21, 7
	switch {
	case days < close:
		return "crit"
	case days < soon:
		return "warn"
	}
	return "none"
}

// quickOptions are the kinds that one field is enough for.
func quickOptions(s Shell) (all []Option) {
	for _, k := range quickKinds() {
		all = append(all, Option{Value: string(k), Label: s.T("monitor.kind." + string(k))})
	}
	return all
}

// doubtOf is the text of what is not believed yet.
func doubtOf(kind oncall.MonitorKind) string {
	switch kind {
	case oncall.MonitorHeartbeat:
		return "monitor.doubt.beat"
	case oncall.MonitorMetric, oncall.MonitorPromQL:
		return "monitor.doubt.metric"
	}
	return "monitor.doubt.text"
}
