package view

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// OnCall is the page that says who is on duty.
type OnCall struct {
	Schedules []DutyRow
	Policies  []PolicyDuty
	More      bool // there are more policies than are shown
	Rehearsal Rehearsal
}

// DutyRow is who is on duty on one schedule, until when, and who is next.
type DutyRow struct {
	Name, Path string
	Who        []DutyPerson // none = a gap
	Until      time.Time    // zero = for as long as can be seen
	Next       []string     // none = a gap follows
}

// PolicyDuty is whom each level of a policy would page now.
type PolicyDuty struct {
	Name, Path string
	Levels     []LevelDuty
}

// LevelDuty is one rung of it.
type LevelDuty struct {
	Label   string
	Targets []TargetDuty
	Wait    string
}

// TargetDuty is one target: itself, or who is on duty for it.
type TargetDuty struct {
	Text, Path string // of a schedule or pager; "" for a user, who stands for themselves
	Who        []DutyPerson
	Gap        bool // a schedule without anybody on duty
}

// DutyPerson is somebody who is on duty, and whether they can be reached.
type DutyPerson struct {
	Name  string
	Clock string // "03:12" where their clock differs from the reader's, else ""
	Zone  string
	Mine  bool
	Reach Reachable
	Call  string // tel:+81…, for who may see numbers; else ""
	Page  string // path of the form that pages them; "" = the reader may not, or is them
}

// Reachable says how somebody can be reached.
type Reachable struct {
	State    string // "ok" by a call, "warn" by messages only, "crit" not at all
	Text     string
	Devices  int       // that take push messages
	Answered time.Time // when they last answered a call; zero = not lately
}

// Contacted is what the store knows of how people were reached.
type Contacted struct {
	Devices  map[oncall.UserID]int
	Answered map[oncall.UserID]time.Time
}

// mostPolicies is how many policies are shown with their people.
const mostPolicies = 30

// OnCallOf is who is on duty at s.Now, by schedule and by policy; me is the
// reader.
func OnCallOf(s Shell, dir *oncall.Directory, me oncall.UserID, known Contacted) OnCall {
	var out OnCall
	d := dutyOf{s: s, dir: dir, me: me, known: known, names: i18n.Names{Directory: dir, Zone: s.Location()}}
	for _, id := range sortedKeys(dir.Schedules) {
		schedule := dir.Schedules[id]
		users, until := schedule.OnDuty(dir, s.Now)
		row := DutyRow{Name: string(id), Path: SchedulePath(id), Who: d.people(users), Until: until}
		if !until.IsZero() {
			next, _ := schedule.OnDuty(dir, until)
			row.Next = d.said(next)
		}
		out.Schedules = append(out.Schedules, row)
	}
	policies := sortedKeys(dir.Policies)
	out.More = len(policies) > mostPolicies
	for _, id := range policies[:min(len(policies), mostPolicies)] {
		policy := dir.Policies[id]
		row := PolicyDuty{Name: policyName(policy), Path: PolicyPath(id)}
		for i := range policy.Levels {
			level := &policy.Levels[i]
			one := LevelDuty{Label: s.T("level.n", "n", strconv.Itoa(i+1)), Wait: Span(s.Lang, level.Wait)}
			for _, t := range level.Targets {
				one.Targets = append(one.Targets, d.target(t))
			}
			row.Levels = append(row.Levels, one)
		}
		row.Levels = append(row.Levels, LevelDuty{Label: s.T("policy.fallback"), Targets: []TargetDuty{d.target(policy.Fallback)}})
		out.Policies = append(out.Policies, row)
	}
	return out
}

// dutyOf answers who somebody is for one reader.
type dutyOf struct {
	s     Shell
	dir   *oncall.Directory
	me    oncall.UserID
	known Contacted
	names i18n.Names
}

func (d dutyOf) target(t oncall.Target) TargetDuty {
	switch t.Kind {
	case oncall.TargetUser:
		return TargetDuty{Who: d.people([]oncall.UserID{oncall.UserID(t.Name)})}
	case oncall.TargetSchedule:
		out := TargetDuty{Text: d.names.Target(i18n.In(d.s.Lang), &t), Path: SchedulePath(oncall.ScheduleID(t.Name))}
		if schedule := d.dir.Schedules[oncall.ScheduleID(t.Name)]; schedule != nil {
			users, _ := schedule.OnDuty(d.dir, d.s.Now)
			out.Who = d.people(users)
		}
		out.Gap = len(out.Who) == 0
		return out
	}
	return TargetDuty{Text: d.names.Target(i18n.In(d.s.Lang), &t)}
}

func (d dutyOf) people(ids []oncall.UserID) []DutyPerson {
	var all []DutyPerson
	for _, id := range ids {
		u := d.dir.Users[id]
		one := DutyPerson{Name: d.names.User(i18n.In(d.s.Lang), id), Mine: id == d.me && id != ""}
		one.Clock, one.Zone = clockOf(d.s, d.dir, u)
		one.Reach = reachable(d.s, u)
		one.Reach.Devices, one.Reach.Answered = d.known.Devices[id], d.known.Answered[id]
		if u != nil && !one.Mine && d.s.Acts() {
			one.Page = PagePath(id)
			one.Call = d.s.dial(u)
		}
		all = append(all, one)
	}
	return all
}

func (d dutyOf) said(ids []oncall.UserID) []string {
	var all []string
	for _, id := range ids {
		all = append(all, d.names.User(i18n.In(d.s.Lang), id))
	}
	return all
}

// clockOf is the time of day where u is, "" where it is the reader's.
func clockOf(s Shell, dir *oncall.Directory, u *oncall.User) (clock, zone string) {
	if u == nil {
		return "", ""
	}
	there, err := oncall.LoadZone(cmp.Or(u.Zone, dir.Settings.Zone))
	if err != nil || !foreign(s.Now.In(there), s.Location()) {
		return "", ""
	}
	return s.Now.In(there).Format("15:04"), there.String()
}

// reachable says by which methods u can be reached, before anything is tried.
func reachable(s Shell, u *oncall.User) Reachable {
	if u == nil {
		return Reachable{State: "crit", Text: s.T("why.unknown_user")}
	}
	var methods []string
	calls, unverified := false, false
	for _, c := range u.Contacts {
		word := i18n.In(s.Lang).Or(string(c.Method), "method."+string(c.Method))
		switch {
		case !c.Verified:
			unverified = true
		case !slices.Contains(methods, word):
			methods = append(methods, word)
		}
		calls = calls || c.Verified && c.Method == oncall.Call
	}
	by := i18n.In(s.Lang).List(methods)
	switch {
	case calls:
		return Reachable{State: "ok", Text: s.T("oncall.reach.ok", "by", by)}
	case len(methods) > 0:
		return Reachable{State: "warn", Text: s.T("oncall.reach.nocall", "by", by)}
	case unverified:
		return Reachable{State: "crit", Text: s.T("oncall.reach.unverified")}
	}
	return Reachable{State: "crit", Text: s.T("oncall.reach.none")}
}

// Icon is the shape that goes with the state.
func (r Reachable) icon() string {
	switch r.State {
	case "ok":
		return "check"
	case "warn":
		return "alert"
	}
	return "cross"
}

// sortedKeys are the names of a map in order.
func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int { return strings.Compare(string(a), string(b)) })
	return keys
}
