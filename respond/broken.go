package respond

import (
	"context"
	"fmt"
	"strings"
	"time"

	"toban/oncall"
)

const (
	// nextBroken is the reason of a response whose machine failed.
	nextBroken oncall.Reason = "broken"
	// brokenAgain is how often the fallback is paged without the machine, and
	// how often the machine is tried.
	brokenAgain = time.Minute
)

// withoutMachine is what happens when a response's machine panics, or its world
// can't be made: the response stays as it was, the policy's fallback is paged at
// once and every minute until somebody has it, and toban raises an incident
// about itself. The incident's own change is committed all the same.
func (d *Driver) withoutMachine(ctx context.Context, s *step) {
	again := s.row.NextWhy == nextBroken
	if !again {
		d.log.ErrorContext(ctx, "response failed", "incident", s.inc.ID, "err", s.broken)
		s.note(oncall.Entry{Kind: oncall.EntryBroken, Data: oncall.EntryData{Text: firstLine(s.broken)}})
	}
	d.raise(alarm{key: "response-broken", title: "toban: the response to an incident failed; its fallback is paged without it"},
		fmt.Sprintf("incident %d (%s): %s", s.inc.Number, s.inc.ID, firstLine(s.broken)))

	if s.inc.State == oncall.Acknowledged && !s.now.Before(s.heldUntil()) { // R16 holds without the machine
		s.note(oncall.Entry{Kind: oncall.EntryLapsed, Data: oncall.EntryData{User: s.inc.AcknowledgedBy}})
		s.inc.Lapse()
		s.changed, s.stale = true, true
		again = false
	}
	switch s.inc.State {
	case oncall.Resolved:
		s.row.NextAt, s.row.NextWhy = time.Time{}, nextBroken
		return
	case oncall.Acknowledged:
		s.row.NextAt, s.row.NextWhy = s.now.Add(brokenAgain), nextBroken
		if end := s.heldUntil(); end.Before(s.row.NextAt) {
			s.row.NextAt = end
		}
		return
	}
	if again && s.now.Before(s.row.NextAt) {
		return // paged less than a minute ago
	}
	s.row.NextAt, s.row.NextWhy = s.now.Add(brokenAgain), nextBroken
	s.pageFallback()
}

// pageFallback asks for attempts that the machine knows nothing of. Their ids
// count by the timeline, which only grows.
func (s *step) pageFallback() {
	target, ok := s.fallback()
	if !ok {
		s.note(oncall.Entry{Kind: oncall.EntrySkipped, Data: oncall.EntryData{Why: oncall.WhyNoFallback}})
		return
	}
	if target.Kind == oncall.TargetPager {
		s.reach(oncall.ContactUser{Pager: oncall.PagerID(target.Name), Method: oncall.Events})
		return
	}
	user := s.world.Directory.Users[oncall.UserID(target.Name)]
	for _, c := range s.lastResort(user) {
		s.reach(oncall.ContactUser{User: user.ID, Contact: c.Name, Method: c.Method})
	}
}

func (s *step) reach(c oncall.ContactUser) {
	c.Attempt = oncall.AttemptID(fmt.Sprintf("%s.b%d", s.inc.ID, s.inc.Entries+int64(len(s.entries))+1))
	s.note(oncall.Entry{Kind: oncall.EntryContact, Data: oncall.EntryData{
		Attempt: c.Attempt, User: c.User, Method: c.Method, Contact: c.Contact, Why: string(nextBroken),
	}})
	s.contact(c)
}

// fallback is the last rung of the response's policy, else of the service's
// policy as it is now, else of the catch-all's.
func (s *step) fallback() (oncall.Target, bool) {
	dir := s.world.Directory
	for _, p := range []*oncall.Policy{s.world.Policy, policyOf(dir, dir.Service(s.inc.Service)), policyOf(dir, nil)} {
		if p == nil {
			continue
		}
		switch t := p.Fallback; {
		case t.Kind == oncall.TargetPager && dir.Pagers[oncall.PagerID(t.Name)] != nil:
			return t, true
		case t.Kind == oncall.TargetUser && dir.Users[oncall.UserID(t.Name)] != nil:
			return t, true
		}
	}
	return oncall.Target{}, false
}

// lastResort is how the fallback user is reached: the first verified phone,
// else everything else that is verified.
func (s *step) lastResort(u *oncall.User) (out []oncall.ContactMethod) {
	svc := s.world.Directory.Service(s.inc.Service)
	quiet := svc != nil && svc.NoCalls
	for _, c := range u.Contacts {
		switch {
		case !c.Verified, c.Method == oncall.Call && quiet:
		case c.Method == oncall.Call:
			return []oncall.ContactMethod{c}
		default:
			out = append(out, c)
		}
	}
	return out
}

// firstLine is what people are shown of an error: no stack.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
