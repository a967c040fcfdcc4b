package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"toban/i18n"
	"toban/oncall"
	"toban/respond"
	"toban/web/view"
)

// meets is what the fields of a rehearsal begin with that say how somebody meets
// a call.
const meets = "m."

// mostMeetings bounds the people that a rehearsal asks about.
const mostMeetings = 100

// rehearsal reads the question who would be paged from the address, and answers
// it. policy nil: by that of the service. It is answered only where something
// was asked.
func (s *request) rehearsal(r *http.Request, path string, services []*oncall.Service, policy *oncall.Policy) view.Rehearsal {
	q := r.URL.Query()
	v := view.Rehearsal{
		Path: path, Service: query(r, "service"), Severity: cmp.Or(query(r, "severity"), string(oncall.Critical)),
		Urgency: query(r, "urgency"), At: query(r, "at"), Zone: s.zone.String(), Wrong: map[string]string{},
	}
	for _, svc := range services {
		v.Services = append(v.Services, view.Option{Value: string(svc.ID), Label: cmp.Or(svc.Name, string(svc.ID))})
	}
	svc := s.chosen(services, policy, &v)
	if svc == nil {
		return v
	}
	if policy == nil {
		policy = s.dir.Policies[svc.Policy]
	}
	if policy == nil {
		return v
	}
	assume := s.meetings(q, policy, &v)
	severity, known := oncall.ParseSeverity(v.Severity)
	if !known {
		v.Wrong["severity"] = s.t("rehearse.wrong.choice")
	}
	urgency := oncall.Urgency(v.Urgency)
	if urgency != "" && urgency != oncall.High && urgency != oncall.Low {
		v.Wrong["urgency"] = s.t("rehearse.wrong.choice")
	}
	at := s.now
	if v.At != "" {
		var ok bool
		if at, ok = localTime(v.At, s.zone); !ok {
			v.Wrong["at"] = s.t("rehearse.wrong.at")
		}
	}
	asked := q.Has("ask") || q.Has("service") || q.Has("at")
	if !asked || len(v.Wrong) > 0 {
		return v
	}
	v.Answer = s.rehearse(svc, policy, severity, urgency, at, assume)
	return v
}

// chosen is the service that is asked about: the named one, else the first. A
// policy that no service uses is rehearsed by itself.
func (s *request) chosen(services []*oncall.Service, policy *oncall.Policy, v *view.Rehearsal) *oncall.Service {
	for _, svc := range services {
		if string(svc.ID) == v.Service || v.Service == "" {
			v.Service = string(svc.ID)
			return svc
		}
	}
	if len(services) > 0 {
		v.Wrong["service"] = s.t("rehearse.wrong.choice")
		return nil
	}
	if policy == nil {
		return nil
	}
	return &oncall.Service{Name: cmp.Or(policy.Name, string(policy.ID)), Policy: policy.ID}
}

// meetings reads how the people of a policy meet calls.
func (s *request) meetings(q url.Values, policy *oncall.Policy, v *view.Rehearsal) oncall.Assumptions {
	assume := oncall.Assumptions{Calls: map[oncall.UserID][]oncall.Reaction{}}
	names := s.names()
	for _, id := range s.dir.MayPage(policy, mostMeetings) {
		m := view.Meeting{Field: meets + string(id), Who: names.User(i18n.In(s.lang), id), Value: limited(q.Get(meets + string(id)))}
		v.People = append(v.People, m)
		if m.Value == "" {
			continue
		}
		reactions, err := oncall.ParseReactions(m.Value)
		if err != nil {
			v.Wrong[m.Field] = s.t("rehearse.wrong.reaction")
		}
		assume.Calls[id] = reactions
	}
	return assume
}

// rehearse plays it and says it.
func (s *request) rehearse(svc *oncall.Service, policy *oncall.Policy, severity oncall.Severity, urgency oncall.Urgency, at time.Time, assume oncall.Assumptions) *view.Rehearsed {
	steps, urgency := respond.Rehearse(s.dir, respond.Rehearsal{Service: svc, Policy: policy, Severity: severity, Urgency: urgency, At: at, Assume: assume})
	answer := view.RehearsedOf(s.shell("", ""), s.names(), at, urgency, steps)
	answer.Duty = s.dutyAt(policy, at)
	return answer
}

// dutyAt says who is on duty on the schedules of a policy at a moment.
func (s *request) dutyAt(policy *oncall.Policy, at time.Time) []string {
	p, names := i18n.In(s.lang), s.names()
	var lines []string
	for _, level := range policy.Levels {
		for _, t := range level.Targets {
			schedule := s.dir.Schedules[oncall.ScheduleID(t.Name)]
			if t.Kind != oncall.TargetSchedule || schedule == nil {
				continue
			}
			who := s.t("oncall.gap")
			if users, _ := schedule.OnDuty(s.dir, at); len(users) > 0 {
				who = names.Users(p, users)
			}
			if line := s.t("rehearse.duty", "schedule", names.Target(p, &t), "who", who); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
