package config

import (
	"strings"
	"time"

	"toban/oncall"
)

const (
	maxLayers    = 50
	maxLayerUser = 500
	maxSpans     = 50
)

// schedule reads one of `schedules`.
func (l *loader) schedule(name, n *node) {
	f := l.fields(name, n, "zone", "holidays", "layers", "slack")
	s := &oncall.Schedule{ID: oncall.ScheduleID(name.text), Zone: f.zone("zone", l.installation.Zone)}
	l.put(kindSchedule, name.text, s, name)
	if f.has("slack") {
		g := l.fields(f.key("slack"), f.node("slack"), "group", "topic")
		s.Chat.Group, s.Chat.Topic = strings.TrimPrefix(g.text("group"), "@"), g.chatChannel("topic")
		l.needsSlack(f.key("slack"))
	}
	if !f.need("layers", "who is on duty, and in which turns") {
		return
	}
	var during []*node
	layers := f.each("layers")
	for _, n := range layers {
		s.Layers = append(s.Layers, l.layer(name, n, s, &during))
	}
	if len(layers) == 0 || len(layers) > maxLayers {
		l.errorf(f.key("layers"), "a schedule has 1 to %d layers", maxLayers)
	}
	s.Holidays = f.holidays("holidays", during, s.Zone)
	for i := range s.Layers {
		withHolidays(s.Layers[i].During, s.Holidays)
	}
}

func (l *loader) layer(at, n *node, s *oncall.Schedule, during *[]*node) (layer oncall.Layer) {
	f := l.fields(n, n, "name", "users", "rotate", "during")
	layer.Name = f.title("name")
	if f.need("users", "who takes turns, in their order") {
		users := f.texts("users")
		for _, u := range users {
			l.refer("user", u)
			layer.Users = append(layer.Users, oncall.UserID(u.text))
		}
		if len(users) == 0 || len(users) > maxLayerUser {
			l.errorf(f.key("users"), "a layer has 1 to %d users", maxLayerUser)
		}
	}
	if f.has("rotate") {
		layer.Rotate = l.rotation(f.key("rotate"), f.node("rotate"))
	} else if len(layer.Users) > 1 {
		l.errorf(f.key("users"), "%d users need to know when they take turns: add rotate, as in { every: 1w, handoff: Mon 09:00, from: 2026-01-05 }", len(layer.Users))
	}
	if f.has("during") {
		nodes := f.texts("during")
		layer.During = l.spans(f.key("during"), nodes)
		*during = append(*during, nodes...)
	}
	return layer
}

// rotation reads { every: 1w, handoff: Mon 09:00, from: 2026-11-23 }.
func (l *loader) rotation(at, n *node) *oncall.Rotation {
	f := l.fields(at, n, "every", "handoff", "from")
	r := &oncall.Rotation{Every: 1, Unit: oncall.Week, Handoff: 9 * 60}
	if every, ok := f.scalar("every"); ok {
		count, unit, err := parseEvery(every.text)
		if err != nil {
			l.errorf(every, "every: %v", err)
		} else {
			r.Every, r.Unit = count, unit
		}
	}
	var day *time.Weekday
	if handoff, ok := f.scalar("handoff"); ok {
		day, r.Handoff = l.handoff(handoff, r)
	}
	if !f.need("from", "the day on which the first user's first turn begins, as in 2026-11-23") {
		return r
	}
	from, ok := f.scalar("from")
	if !ok {
		return r
	}
	date, err := parseDate(from.text)
	if err != nil {
		l.errorf(from, "from: %v", err)
		return r
	}
	r.From = date
	if day != nil && date.Weekday() != *day {
		near := time.Date(date.Year, date.Month, date.Day, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -(int(date.Weekday()-*day)+7)%7)
		l.errorf(from, "%s is a %s, but turns are handed over on %s; did you mean %s?", date, date.Weekday(), *day, near.Format(time.DateOnly))
	}
	return r
}
