package oncall

import (
	"slices"
	"time"
)

// Reach is how a user can be reached at an instant: what their rules for the
// urgency come to.
type Reach struct {
	Ways    []Way  `json:"ways,omitempty"` // by After
	Skipped []Skip `json:"skipped,omitempty"`
	Unknown bool   `json:"unknown,omitempty"` // there is no such user
}

// Way is one use of a contact method, After the start of the page.
type Way struct {
	After   time.Duration `json:"after,omitempty"`
	Contact string        `json:"contact"`
	Method  Method        `json:"method"`
}

// Skip is a contact method that the user's rules name and that can't be used.
type Skip struct {
	Contact string `json:"contact"`
	Why     string `json:"why"`
}

// maxWays bounds a page, whatever the rules say.
const maxWays = 32

// reachOf applies a user's rules (R20). Only verified contact methods count.
// Rules that come to nothing are replaced, never obeyed into silence: all phones
// at once, else everything else. A low urgency without rules of its own follows
// those of high, so that it is never louder. Where calls or money are not to be
// had, free contact methods that the rules leave out stand in.
func reachOf(u *User, urgency Urgency, noCalls, capped bool) Reach {
	var out Reach
	rules := u.Rules[urgency]
	if len(rules) == 0 && urgency == Low {
		rules = u.Rules[High]
	}
	for _, rule := range rules {
		after := min(max(rule.After, 0), maxWait).Truncate(time.Millisecond)
		for _, name := range rule.Via {
			c, ok := u.Contact(name)
			switch {
			case !ok:
				out.skip(name, WhyNoContact)
			case !c.Verified:
				out.skip(name, WhyUnverified)
			case c.Method == Call && noCalls:
				out.skip(name, WhyNoCalls)
			default:
				out.add(Way{After: after, Contact: name, Method: c.Method})
			}
		}
	}
	if len(out.Ways) == 0 && !noCalls {
		out.addAll(u, func(m Method) bool { return m == Call })
	}
	if len(out.Ways) == 0 {
		out.addAll(u, func(m Method) bool { return m != Call })
	}
	if capped && !slices.ContainsFunc(out.Ways, func(w Way) bool { return !w.Method.Paid() }) {
		out.addAll(u, func(m Method) bool { return !m.Paid() })
	}
	slices.SortStableFunc(out.Ways, func(a, b Way) int { return int(a.After - b.After) })
	return out
}

func (r *Reach) add(w Way) {
	if len(r.Ways) < maxWays && !slices.Contains(r.Ways, w) {
		r.Ways = append(r.Ways, w)
	}
}

func (r *Reach) addAll(u *User, fits func(Method) bool) {
	for _, c := range u.Contacts {
		if c.Verified && fits(c.Method) {
			r.add(Way{Contact: c.Name, Method: c.Method})
		}
	}
}

func (r *Reach) skip(contact, why string) {
	if s := (Skip{Contact: contact, Why: why}); len(r.Skipped) < maxWays && !slices.Contains(r.Skipped, s) {
		r.Skipped = append(r.Skipped, s)
	}
}
