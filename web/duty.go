package web

import (
	"slices"
	"time"

	"toban/i18n"
	"toban/web/view"
)

// lookAhead is how far the next shift is looked for.
const lookAhead = 60 * 24 * time.Hour

// duty is the sentence about the reader's own duty; "" for who never has any.
func (s *request) duty() string {
	user := s.who.User
	if user == "" || s.dir.Users[user] == nil {
		return ""
	}
	p := i18n.In(s.lang)
	when := func(t time.Time) string { return view.Absolute(s.lang, t, s.zone, s.zone) }
	shifts := s.dir.ShiftsOf(user, s.now, s.now.Add(lookAhead))
	if len(shifts) == 0 {
		return ""
	}
	first := shifts[0]
	if first.From.After(s.now) {
		return s.t("duty.next", "schedule", string(first.Schedule), "from", when(first.From))
	}
	until := first.To
	names := []string{string(first.Schedule)}
	for _, other := range shifts[1:] {
		if !other.From.After(s.now) && !slices.Contains(names, string(other.Schedule)) {
			names = append(names, string(other.Schedule))
			if other.To.Before(until) {
				until = other.To
			}
		}
	}
	if backup := s.dir.Backup(first.Schedule, user, s.now); backup != "" {
		return s.t("duty.now.backup", "schedule", p.List(names), "until", when(until), "user", s.names().User(p, backup))
	}
	return s.t("duty.now", "schedule", p.List(names), "until", when(until))
}
