package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// IncidentsPage is the list of incidents, which is where everything begins.
type IncidentsPage struct {
	Segment  string // "mine", "open", "all"
	Segments []Tab
	Filter   IncidentFilter
	Groups   []IncidentGroup
	Next     string // path of what comes after; "" for the end
	// Searched is how far back a search has looked, where there may be more.
	Searched time.Time
	Last     time.Time  // when the last incident began; zero = there was none yet
	Week     []DayCount // the last days, the oldest first; none = not shown here
	Services int        // how many there are; none = nothing is configured yet
	Back     string     // path of this page, for actions to come back to
}

// IncidentFilter is what the list is narrowed to.
type IncidentFilter struct {
	Service, Urgency, State, Text string
	Services                      []Option
}

// Narrow reports whether anything is left out by the filter.
func (f IncidentFilter) Narrow() bool { return f.Service+f.Urgency+f.State+f.Text != "" }

// IncidentGroup are the incidents of one state, or all of a list without groups.
type IncidentGroup struct {
	ID   string // "triggered", "acknowledged", "resolved" or "all"
	Rows []IncidentRow
}

// IncidentRow is one incident in a list.
type IncidentRow struct {
	ID       oncall.IncidentID
	Number   int64
	Title    string
	Service  string
	State    oncall.State
	Severity oncall.Severity
	Urgency  oncall.Urgency
	Since    time.Time
	Count    int64
	Doing    Doing
	Holder   string // who has it, as people say it; "" for nobody
	Mine     bool
	Group    string // of the list it stands in
	Back     string
}

// Doing is what goes on with an incident: who has it, or who is being asked and
// what comes next.
type Doing struct {
	Text  string
	At    time.Time // zero: it says no time
	After string    // key of what happens at that time, with {time} in it, and {user} for Then
	Then  string    // who is reached at that time, as people say it
	Now   bool      // somebody is being reached at this moment, or is about to be
}

// DoingOf says in one sentence what goes on. The response may be nil, and next,
// which is what people notice next of it (oncall.NextStep), too.
func DoingOf(s Shell, names i18n.Names, inc *oncall.Incident, r *oncall.Response, next *oncall.Step) Doing {
	p := i18n.In(s.Lang)
	switch {
	case inc.State == oncall.Resolved:
		return Doing{Text: s.T("doing.resolved"), At: inc.ResolvedAt, After: "doing.at"}
	case inc.State == oncall.Acknowledged:
		d := Doing{Text: s.T("doing.held", "user", names.Actor(p, string(inc.AcknowledgedBy)))}
		if r != nil && r.Phase == oncall.Held && !r.HoldEnd.IsZero() {
			d.At, d.After = r.HoldEnd, "doing.held.until"
		}
		return d
	case r == nil:
		return Doing{}
	}
	switch r.Phase {
	case oncall.WaitingForHours:
		return Doing{Text: s.T("doing.waiting"), At: r.Start, After: "doing.waiting.until"}
	case oncall.Unanswered:
		return Doing{Text: s.T("doing.unanswered"), At: r.RemindAt, After: "doing.unanswered.until"}
	case oncall.Escalating:
	default:
		return Doing{}
	}
	if r.Level == oncall.AtRest {
		return Doing{Text: s.T("doing.rest"), At: r.Floor, After: "doing.rest.until"}
	}
	d := Doing{Text: s.T("doing.starting"), Now: true}
	asked := beingAsked(p, names, r)
	if len(asked) > 0 {
		d.Text = s.T("doing.paging", "users", p.List(asked))
	}
	if next == nil {
		return d
	}
	d.At, d.After = next.At, "doing.paging.until"
	switch e := &next.Entry; e.Kind {
	case oncall.EntryContact, oncall.EntryPage, oncall.EntryShadow:
		if d.Then = reaches(p, names, e); d.Then == "" {
			break
		}
		d.After = "doing.paging.then"
		if slices.Contains(asked, d.Then) {
			d.After = "doing.paging.again"
		}
	case oncall.EntryRound:
		d.After = "doing.rest.until"
	case oncall.EntryUnanswered:
		d.After = "doing.paging.end"
	}
	return d
}

// reaches is whom a line of the forecast reaches, "" for nobody.
func reaches(p i18n.Printer, names i18n.Names, e *oncall.Entry) string {
	if e.Data.User != "" {
		return names.User(p, e.Data.User)
	}
	if e.Data.Target != nil {
		return names.Target(p, e.Data.Target)
	}
	return ""
}

// beingAsked are those who are being asked at this moment.
func beingAsked(p i18n.Printer, names i18n.Names, r *oncall.Response) (who []string) {
	for i := range r.Pages {
		page := &r.Pages[i]
		if page.State != oncall.PageLive {
			continue
		}
		name := ""
		if page.Pager != "" {
			name = names.Target(p, &oncall.Target{Kind: oncall.TargetPager, Name: string(page.Pager)})
		} else {
			name = names.User(p, page.User)
		}
		if !slices.Contains(who, name) {
			who = append(who, name)
		}
	}
	return who
}

// besideTime is a text before and behind its {time}.
func besideTime(s Shell, key string, places ...string) (before, behind string) {
	before, behind, _ = strings.Cut(s.T(key, places...), "{time}")
	return before, behind
}

// brief is what goes on as a list has room for it.
func (r IncidentRow) brief() Doing {
	if r.State == oncall.Acknowledged {
		return Doing{Text: r.Doing.Text}
	}
	return r.Doing
}

// element is the id of the incident's element.
func (r IncidentRow) element() string { return "inc-" + string(r.ID) }

// order puts the newest first.
func (r IncidentRow) order() string { return strconv.FormatInt(r.Since.UnixMilli(), 10) }

func (r IncidentRow) number() string { return strconv.FormatInt(r.Number, 10) }

func (r IncidentRow) path() string { return "/incidents/" + r.number() }

// act is an action on the incident that comes back to the list.
func (r IncidentRow) act(s Shell, verb, key string) Action {
	return Action{
		Label: s.T("act." + verb), Path: r.path() + "/" + verb, Key: key,
		Fields: []Hidden{{Name: "back", Value: r.Back}},
	}
}

// grouped reports whether the list is one of what is open, with its groups.
func (p IncidentsPage) grouped() bool { return p.Segment != "all" }

func stateOptions(s Shell, segment string) []Option {
	all := []Option{{Value: "", Label: s.T("filter.state.any")}}
	for _, v := range []oncall.State{oncall.Triggered, oncall.Acknowledged, oncall.Resolved} {
		if v == oncall.Resolved && segment != "all" {
			continue
		}
		all = append(all, Option{Value: string(v), Label: s.T("state." + string(v))})
	}
	return all
}

func urgencyOptions(s Shell) []Option {
	return []Option{
		{Value: "", Label: s.T("filter.urgency.any")},
		{Value: string(oncall.High), Label: s.T("chip.urgency.high")},
		{Value: string(oncall.Low), Label: s.T("chip.urgency.low")},
	}
}

func serviceOptions(s Shell, services []Option) []Option {
	return append([]Option{{Value: "", Label: s.T("filter.service.any")}}, services...)
}

// seen is a count as it stands behind a title: ×12.
func seen(n int64) string { return "×" + strconv.FormatInt(n, 10) }

// CreatePage is the form of an incident that is made by hand.
type CreatePage struct {
	Services                 []Option
	Service, Title, Severity string
	Key                      string // makes a form that is sent twice one incident
	Wrong                    map[string]string
	Calls                    []CreateCall // whom the services call, the chosen one first
}

// CreateCall is whom an incident of a service would call now, in a sentence.
type CreateCall struct{ Service, First string }

func groupName(s Shell, id string) string {
	if id == "resolved" {
		return s.T("incidents.group.resolved")
	}
	if id == "all" {
		return s.T("incidents.title")
	}
	return s.T("state." + id)
}
