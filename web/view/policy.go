package view

import (
	"cmp"
	"net/url"
	"strconv"

	"toban/i18n"
	"toban/oncall"
)

// Origin is where an object is written: File "" for what was made at run time.
type Origin struct {
	File string
	Line int
}

// PolicyRow is a policy in the list.
type PolicyRow struct {
	Name, Path string
	Summary    string
	Services   []Tab // that use it
	Origin     Origin
}

// Policy is one policy in words.
type Policy struct {
	ID        oncall.PolicyID
	Name      string
	Origin    Origin
	Levels    []PolicyLevel
	Fallback  PolicyTarget
	After     []string // what happens when all has been tried, and the time-out
	Services  []Tab
	Problem   string // why it can't be used, "" = it can
	Rehearsal Rehearsal
}

// PolicyLevel is one rung.
type PolicyLevel struct {
	Label   string
	Targets []PolicyTarget
	Rules   []string // how its targets are paged, how long, what then
}

// PolicyTarget is whom a rung pages.
type PolicyTarget struct {
	Text, Path string
	Now        string // who that is at the moment, for a schedule
	Gap        bool
}

// PolicyPath is the page of a policy.
func PolicyPath(id oncall.PolicyID) string { return "/policies/" + url.PathEscape(string(id)) }

// SchedulePath is the page of a schedule.
func SchedulePath(id oncall.ScheduleID) string { return "/schedules/" + url.PathEscape(string(id)) }

// ServicePath is the page of a service.
func ServicePath(id oncall.ServiceID) string { return "/services/" + url.PathEscape(string(id)) }

func policyName(p *oncall.Policy) string { return cmp.Or(p.Name, string(p.ID)) }

func serviceName(svc *oncall.Service) string { return cmp.Or(svc.Name, string(svc.ID)) }

// PolicyRowsOf are all policies of a directory; origins by their names.
func PolicyRowsOf(s Shell, dir *oncall.Directory, origins map[string]Origin) []PolicyRow {
	p, names := i18n.In(s.Lang), i18n.Names{Directory: dir}
	var rows []PolicyRow
	for _, id := range sortedKeys(dir.Policies) {
		policy := dir.Policies[id]
		rows = append(rows, PolicyRow{
			Name: policyName(policy), Path: PolicyPath(id), Origin: origins[string(id)], Services: usedBy(dir, id),
			Summary: s.T("policy.summary", "levels", strconv.Itoa(len(policy.Levels)), "fallback", names.Target(p, &policy.Fallback)),
		})
	}
	return rows
}

func usedBy(dir *oncall.Directory, id oncall.PolicyID) []Tab {
	var all []Tab
	for _, svc := range dir.Services {
		if svc.Policy == id {
			all = append(all, Tab{Label: serviceName(svc), Path: ServicePath(svc.ID)})
		}
	}
	return all
}

// PolicyOf is a policy in words, with who is on duty at s.Now.
func PolicyOf(s Shell, dir *oncall.Directory, policy *oncall.Policy, origin Origin) Policy {
	out := Policy{ID: policy.ID, Name: policyName(policy), Origin: origin, Services: usedBy(dir, policy.ID)}
	for i := range policy.Levels {
		level := &policy.Levels[i]
		one := PolicyLevel{Label: s.T("level.n", "n", strconv.Itoa(i+1))}
		for _, t := range level.Targets {
			one.Targets = append(one.Targets, targetOf(s, dir, t))
		}
		one.Rules = levelRules(s, level)
		out.Levels = append(out.Levels, one)
	}
	out.Fallback = targetOf(s, dir, policy.Fallback)
	out.After = []string{s.T("policy.repeat.high")}
	if policy.Rounds > 0 {
		out.After = append(out.After, s.T("policy.repeat.low", "n", strconv.Itoa(policy.Rounds)))
	}
	out.After = append(out.After, s.T("policy.timeout", "time", Span(s.Lang, policy.HoldFor(oncall.High))))
	if err := dir.ValidatePolicy(policy); err != nil {
		out.Problem = err.Error()
	}
	return out
}

// levelRules are the sentences about how a rung pages its targets.
func levelRules(s Shell, level *oncall.Level) []string {
	var rules []string
	if len(level.Targets) > 1 {
		rules = append(rules, s.T("policy.strategy."+string(level.Strategy)))
		if level.Strategy != oncall.All && level.Each > 0 {
			rules = append(rules, s.T("policy.each", "time", Span(s.Lang, level.Each)))
		}
	}
	rules = append(rules, s.T("policy.wait", "time", Span(s.Lang, level.Wait)))
	if level.OnNoAnswer == oncall.GoAgain {
		return append(rules, s.T("policy.again"))
	}
	return append(rules, s.T("policy.next"))
}

func targetOf(s Shell, dir *oncall.Directory, t oncall.Target) PolicyTarget {
	p, names := i18n.In(s.Lang), i18n.Names{Directory: dir}
	out := PolicyTarget{Text: names.Target(p, &t)}
	if t.Kind != oncall.TargetSchedule {
		return out
	}
	id := oncall.ScheduleID(t.Name)
	out.Path = SchedulePath(id)
	var users []oncall.UserID
	if schedule := dir.Schedules[id]; schedule != nil {
		users, _ = schedule.OnDuty(dir, s.Now)
	}
	if out.Gap = len(users) == 0; !out.Gap {
		out.Now = names.Users(p, users)
	}
	return out
}

// joined is a list of names as the language joins them.
func joined(s Shell, names []string) string { return i18n.In(s.Lang).List(names) }
