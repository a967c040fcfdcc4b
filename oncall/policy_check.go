package oncall

import (
	"fmt"
	"slices"
)

// ErrNoFallback is returned for a policy whose last rung is missing: a policy
// that can end in silence is refused when it is saved, not found out at night
// (R13).
var ErrNoFallback = &Error{
	Kind: Invalid, Code: "policy.no_fallback", Field: "/fallback",
	Message: "a policy needs a fallback that always reaches somebody: a user with a verified contact method, or a pager",
}

// ValidatePolicy reports why p can't be used with the users, schedules and
// pagers of d, as an *Error whose Field points into the policy; nil when it can.
func (d *Directory) ValidatePolicy(p *Policy) error {
	if err := d.validateFallback(p.Fallback); err != nil {
		return err
	}
	if len(p.Levels) == 0 {
		return invalidPolicy("/levels", "a policy needs at least one level")
	}
	for i := range p.Levels {
		if err := d.validateLevel(&p.Levels[i], fmt.Sprintf("/levels/%d", i)); err != nil {
			return err
		}
	}
	if p.Rounds < 0 {
		return invalidPolicy("/rounds", "rounds can't be negative")
	}
	if p.AcknowledgementTimeout < 0 {
		return invalidPolicy("/acknowledgement_timeout", "a time-out can't be negative")
	}
	return nil
}

func (d *Directory) validateFallback(t Target) error {
	if t == (Target{}) {
		return ErrNoFallback
	}
	switch t.Kind {
	case TargetPager:
	case TargetUser:
		if u := d.Users[UserID(t.Name)]; u != nil && !u.Reachable() {
			return &Error{
				Kind: Invalid, Code: "policy.fallback_unreachable", Field: "/fallback",
				Message: fmt.Sprintf("the fallback has to reach somebody, but %s has no verified contact method", t.Name),
			}
		}
	default:
		return &Error{
			Kind: Invalid, Code: "policy.fallback_kind", Field: "/fallback",
			Message: "a fallback is a user or a pager: a schedule may have nobody on duty",
		}
	}
	return d.knows(t, "/fallback")
}

func (d *Directory) validateLevel(l *Level, field string) error {
	if len(l.Targets) == 0 {
		return invalidPolicy(field+"/targets", "a level needs at least one target")
	}
	for i, t := range l.Targets {
		if err := d.knows(t, fmt.Sprintf("%s/targets/%d", field, i)); err != nil {
			return err
		}
	}
	if !slices.Contains([]Strategy{All, InOrder, RoundRobin}, l.Strategy) {
		return invalidPolicy(field+"/strategy", fmt.Sprintf("unknown strategy %q", l.Strategy))
	}
	if !slices.Contains([]OnNoAnswer{GoNext, GoAgain}, l.OnNoAnswer) {
		return invalidPolicy(field+"/on_no_answer", fmt.Sprintf("on_no_answer is next or again, not %q", l.OnNoAnswer))
	}
	if l.Wait <= 0 {
		return invalidPolicy(field+"/wait", "a level has to wait some time for an answer")
	}
	if l.Each < 0 || l.Each > l.Wait {
		return invalidPolicy(field+"/each", "the time of one target can't be longer than the level's")
	}
	return nil
}

func (d *Directory) knows(t Target, field string) error {
	ok := false
	switch t.Kind {
	case TargetUser:
		ok = d.Users[UserID(t.Name)] != nil
	case TargetSchedule:
		ok = d.Schedules[ScheduleID(t.Name)] != nil
	case TargetPager:
		ok = d.Pagers[PagerID(t.Name)] != nil
	}
	if ok {
		return nil
	}
	return &Error{
		Kind: Invalid, Code: "policy.unknown_target", Field: field,
		Message: fmt.Sprintf("there is no %s named %q", t.Kind, t.Name),
	}
}

func invalidPolicy(field, message string) *Error {
	return &Error{Kind: Invalid, Code: "policy.invalid", Message: message, Field: field}
}
