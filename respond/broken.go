package respond

import (
	"context"
	"fmt"
	"slices"
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
	if !s.pageFallback() {
		d.unreachable(s)
	}
}

// pageFallback asks for attempts that the machine knows nothing of. Their ids
// count by the timeline, which only grows. The last rung of the response's policy
// comes first, then that of the service's policy as it is now, then the
// catch-all's; it reports whether one of them can be asked.
func (s *step) pageFallback() bool {
	dir := s.world.Directory
	var rungs []oncall.Target
	if p := s.world.Policy; p != nil {
		rungs = append(rungs, p.Fallback)
	}
	rungs = append(rungs, dir.Fallbacks(s.inc.Service)...)
	for i, t := range rungs {
		if slices.Contains(rungs[:i], t) {
			continue
		}
		if t.Kind == oncall.TargetPager && dir.Pagers[oncall.PagerID(t.Name)] != nil {
			s.reach(oncall.ContactUser{Pager: oncall.PagerID(t.Name), Contact: t.Name, Method: oncall.Events})
			return true
		}
		why := oncall.WhyUnknownTarget
		if t.Kind == oncall.TargetUser {
			user := dir.Users[oncall.UserID(t.Name)]
			ways := s.lastResort(user)
			for _, c := range ways {
				s.reach(oncall.ContactUser{User: user.ID, Contact: c.Name, Method: c.Method})
			}
			if len(ways) > 0 {
				return true
			}
			if why = oncall.WhyNoContact; user == nil {
				why = oncall.WhyUnknownUser
			}
		}
		s.skip(&t, why)
	}
	s.skip(nil, oncall.WhyNoFallback)
	return false
}

func (s *step) skip(t *oncall.Target, why string) {
	s.note(oncall.Entry{Kind: oncall.EntrySkipped, Data: oncall.EntryData{Level: oncall.AtFallback, Target: t, Why: why}})
}

func (s *step) reach(c oncall.ContactUser) {
	c.Attempt = oncall.AttemptID(fmt.Sprintf("%s.b%d", s.inc.ID, s.inc.Entries+int64(len(s.entries))+1))
	s.note(oncall.Entry{Kind: oncall.EntryContact, Data: oncall.EntryData{
		Attempt: c.Attempt, User: c.User, Method: c.Method, Contact: c.Contact, Why: string(nextBroken),
	}})
	s.contact(c)
}

// lastResort is how the fallback user is reached: the first verified phone, else
// everything else that is verified. A service that does not call rings that phone
// only for a high urgency, and only if there is nothing else.
func (s *step) lastResort(u *oncall.User) (out []oncall.ContactMethod) {
	if u == nil {
		return nil
	}
	var phone []oncall.ContactMethod
	for _, c := range u.Contacts {
		switch {
		case !c.Verified:
		case c.Method != oncall.Call:
			out = append(out, c)
		case phone == nil:
			phone = []oncall.ContactMethod{c}
		}
	}
	svc := s.world.Directory.Service(s.inc.Service)
	quiet := svc != nil && svc.NoCalls
	if phone == nil || quiet && (len(out) > 0 || s.inc.Urgency == oncall.Low) {
		return out
	}
	return phone
}

// unreachable says that an incident has nobody who could be asked.
func (d *Driver) unreachable(s *step) {
	d.raise(alarm{key: "nobody-reachable", title: "toban: there is nobody who could be asked about an incident"},
		fmt.Sprintf("incident %d (%s) of service %s: neither its policy nor the fallback of today names anybody who can be reached", s.inc.Number, s.inc.ID, s.inc.Service))
}

// firstLine is what people are shown of an error: no stack.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
