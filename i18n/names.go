package i18n

import (
	"time"

	"toban/oncall"
)

// Names turns ids into what people call them, in one language and zone.
type Names struct {
	Directory *oncall.Directory // nil: ids stand for themselves
	Zone      *time.Location    // nil: the directory's, else UTC
}

// User is what a user is called: 松さん, Matsu.
func (n Names) User(p Printer, id oncall.UserID) string {
	name := string(id)
	if n.Directory != nil {
		if u, ok := n.Directory.Users[id]; ok && u.Name != "" {
			name = u.Name
		}
	}
	return p.Say("name.user", "name", name)
}

// Actor is who did something: a user, or whatever the id names.
func (n Names) Actor(p Printer, id string) string {
	if n.Directory != nil {
		if _, ok := n.Directory.Users[oncall.UserID(id)]; !ok {
			return id
		}
	}
	return n.User(p, oncall.UserID(id))
}

// Users are the names of all of them.
func (n Names) Users(p Printer, ids []oncall.UserID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = n.User(p, id)
	}
	return p.List(names)
}

// Service is what a service is called.
func (n Names) Service(id oncall.ServiceID) string {
	if n.Directory != nil {
		if s := n.Directory.Service(id); s != nil && s.Name != "" {
			return s.Name
		}
	}
	return string(id)
}

// Policy is the name of the policy with that revision; a revision that is not in
// force any more is known by the beginning of its hash.
func (n Names) Policy(revision string) string {
	if n.Directory != nil {
		for id, p := range n.Directory.Policies {
			if p.Revision == revision {
				return string(id)
			}
		}
	}
	const short = 12
	return revision[:min(short, len(revision))]
}

// Target is what a target is called.
func (n Names) Target(p Printer, t *oncall.Target) string {
	switch {
	case t == nil:
		return ""
	case t.Kind == oncall.TargetUser:
		return n.User(p, oncall.UserID(t.Name))
	}
	return p.Or(t.Name, "target."+string(t.Kind), "name", t.Name)
}

// Clock is a time of day to the second where it is near at, with its date where
// it is another day.
func (n Names) Clock(p Printer, t, at time.Time) string {
	zone := n.zone()
	t, at = t.In(zone), at.In(zone)
	if t.YearDay() == at.YearDay() && t.Year() == at.Year() {
		return t.Format("15:04:05")
	}
	return t.Format(p.Say("time.dated"))
}

func (n Names) zone() *time.Location {
	if n.Zone != nil {
		return n.Zone
	}
	if n.Directory != nil && n.Directory.Settings.Zone != "" {
		if zone, err := time.LoadLocation(n.Directory.Settings.Zone); err == nil {
			return zone
		}
	}
	return time.UTC
}
