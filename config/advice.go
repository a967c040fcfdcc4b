package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"toban/oncall"
)

// gapsWithin is how far ahead gaps are looked for (R34).
const gapsWithin = 90 * 24 * time.Hour

// Advice says what of a folder without errors will not work as its writer
// probably means it, seen at now: addresses that providers can't reach, hours
// that never occur, people whom a service without calls can't reach, times at
// which nobody is on duty, files of monitors that are not there. All are warnings.
// Of a folder with errors it looks at what has none.
func (c *Config) Advice(now time.Time) []Problem {
	l := &loader{config: c, told: map[string]bool{}}
	if c.sound(nil) {
		l.reachable()
	}
	for i := range c.objects {
		o := &c.objects[i]
		if !c.sound(o.at) {
			continue
		}
		switch v := o.value.(type) {
		case *oncall.Service:
			if v.SupportHours != nil && v.SupportHours.Next(now).IsZero() {
				l.warnf(o.at, "the support hours of %s never occur, so they hold nothing up: its low urgency pages at once, at any time", o.Name)
			}
			if v.NoCalls && !c.failed {
				l.uncalled(o, v)
			}
		case *oncall.Schedule:
			l.duty(o, v, now)
		case *oncall.Monitor:
			l.files(o, v)
		}
	}
	problems := sortProblems(l.problems)
	if c.dir != "" {
		for i := range problems {
			problems[i].File = filepath.Join(c.dir, filepath.FromSlash(problems[i].File))
		}
	}
	return problems
}

// files looks for those that a monitor names, where it is asked from here.
func (l *loader) files(o *object, m *oncall.Monitor) {
	if !m.AsksFrom(oncall.Here) {
		return
	}
	for _, ref := range m.Secrets {
		name, is := strings.CutPrefix(ref, "file:")
		if _, err := os.Stat(name); is && errors.Is(err, fs.ErrNotExist) {
			l.warnf(o.at, "monitor %s reads %s, which is not on this machine: it can't be asked until it is", o.Name, name)
		}
	}
}

// reachable looks at the ways to people and back.
func (l *loader) reachable() {
	c := l.config
	at := &node{file: "."}
	if s := c.objects[0].at; s != nil {
		at = s
	}
	live := false
	for _, s := range c.Stages() {
		live = live || s.Name == oncall.Production && !s.Simulated
	}
	if !live {
		return // nobody real is reached, as the folder says
	}
	t := c.Providers.Twilio
	if t == nil {
		l.warnf(at, "there is no provider: nobody is called. Add providers.twilio, or providers: simulated to the stage production")
		return
	}
	base, from := c.Server.Public.URL, "toban.public.url"
	if base == "" {
		base, from = c.Server.ExternalURL, "toban.external_url"
	}
	switch {
	case base == "":
		l.warnf(at, "without toban.external_url the phone provider can't call back: nothing is spoken, no key is heard and no outcome is known")
	case t.BaseURL == "" && private(base):
		l.warnf(at, "the phone provider can't reach %s (%s): nothing is spoken, no key is heard and no outcome is known; it needs a public address, by a reverse proxy or a tunnel", from, base)
	}
}

// private reports whether a URL can't be reached from the internet, as far as
// its text tells.
func private(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsUnspecified()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || !strings.Contains(host, ".")
}

// uncalled looks for people who have nothing but a phone, in the policy of a
// service that does not call.
func (l *loader) uncalled(o *object, s *oncall.Service) {
	d, err := l.config.Directory()
	if err != nil || d.Policies[s.Policy] == nil {
		return // said already
	}
	p := d.Policies[s.Policy]
	mute := map[oncall.UserID]bool{}
	see := func(id oncall.UserID) {
		u := d.Users[id]
		mute[id] = u != nil && !messaged(u)
	}
	for _, level := range p.Levels {
		for _, t := range level.Targets {
			switch t.Kind {
			case oncall.TargetUser:
				see(oncall.UserID(t.Name))
			case oncall.TargetSchedule:
				if schedule := d.Schedules[oncall.ScheduleID(t.Name)]; schedule != nil {
					for _, layer := range schedule.Layers {
						for _, id := range layer.Users {
							see(id)
						}
					}
				}
			}
		}
	}
	if id := oncall.UserID(p.Fallback.Name); p.Fallback.Kind == oncall.TargetUser && d.Users[id] != nil && !messaged(d.Users[id]) {
		l.warnf(o.at, "service %s never calls, but %s, the fallback of its policy %s, has nothing but a phone: a low urgency can end in silence, and a high one rings that phone all the same. Give %s a contact for messages, or take away call: never",
			o.Name, id, s.Policy, id)
		mute[id] = false // said
	}
	var names []string
	for id, yes := range mute {
		if yes {
			names = append(names, string(id))
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		l.warnf(o.at, "service %s never calls, and these people of its policy %s have nothing but a phone, so it skips them: %s. Give them a contact for messages, or take away call: never",
			o.Name, s.Policy, strings.Join(names, ", "))
	}
}

// messaged reports whether a user can be reached without a call.
func messaged(u *oncall.User) bool {
	return slices.ContainsFunc(u.Contacts, func(c oncall.ContactMethod) bool { return c.Verified && c.Method != oncall.Call })
}

// duty looks for layers that never apply and for gaps.
func (l *loader) duty(o *object, s *oncall.Schedule, now time.Time) {
	for i := range s.Layers {
		h := oncall.Hours{Zone: s.Zone, Holidays: s.Holidays, During: s.Layers[i].During}
		if h.During != nil && h.Next(now).IsZero() {
			l.warnf(o.at, "layer %d of schedule %s never applies", i+1, o.Name)
		}
	}
	gaps := s.Gaps(nil, now, now.Add(gapsWithin))
	if len(gaps) == 0 {
		return
	}
	zone := s.Location()
	const layout = "2006-01-02 15:04"
	more := ""
	if n := len(gaps) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more times within 90 days", n)
	}
	l.warnf(o.at, "schedule %s has nobody on duty from %s to %s (%s)%s; a level with nobody on duty is skipped at once",
		o.Name, gaps[0].From.In(zone).Format(layout), gaps[0].To.In(zone).Format(layout), s.Zone, more)
}
