package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"toban/oncall"
)

// handoff reads "Mon 09:00" or "09:00".
func (l *loader) handoff(n *node, r *oncall.Rotation) (day *time.Weekday, clock oncall.Clock) {
	words := strings.Fields(n.text)
	if len(words) == 2 {
		d, ok := parseWeekday(words[0])
		switch {
		case !ok:
			l.errorf(n, "handoff: %s is no day of the week; write it as in Mon 09:00", quote(words[0]))
		case r.Unit != oncall.Week:
			l.errorf(n, "handoff: a day of the week goes with turns of weeks; write the time alone, as in %s", quote(words[1]))
		default:
			day = &d
		}
		words = words[1:]
	}
	if len(words) != 1 {
		l.errorf(n, "handoff is written as in Mon 09:00 or \"09:00\"")
		return day, r.Handoff
	}
	clock, err := parseClock(words[0])
	if err != nil {
		l.errorf(n, "handoff: %v", err)
		return day, r.Handoff
	}
	return day, clock
}

func parseWeekday(word string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(word, d.String()) || strings.EqualFold(word, d.String()[:3]) {
			return d, true
		}
	}
	return 0, false
}

// spans reads a list such as [ weekdays 18:00-24:00, weekends, holidays jp ].
func (l *loader) spans(at *node, nodes []*node) []oncall.Span {
	if len(nodes) == 0 || len(nodes) > maxSpans {
		l.errorf(at, "during is a list of 1 to %d spans, as in [ weekdays 09:00-18:00 ]; leave it out for always", maxSpans)
	}
	all := []oncall.Span{}
	for _, n := range nodes {
		span, err := parseSpan(n.text)
		if err != nil {
			l.errorf(n, "%v", err)
			continue
		}
		all = append(all, span)
	}
	return all
}

var spanTimes = regexp.MustCompile(`^(.*?)\s*\b([0-9]{1,2}:[0-9]{2})\s*[-–]\s*([0-9]{1,2}:[0-9]{2})$`)

// countryOfSchedule stands in a span for the holidays of its schedule until
// those are known.
const countryOfSchedule = "*"

// parseSpan reads days, times of day, or both: "Mon-Fri 09:00-18:00", "Sat,Sun",
// "22:00-06:00", "holidays jp".
func parseSpan(text string) (s oncall.Span, err error) {
	days := strings.TrimSpace(text)
	s.To = 24 * 60
	if m := spanTimes.FindStringSubmatch(days); m != nil {
		days = m[1]
		if s.From, err = parseClock(m[2]); err != nil {
			return s, err
		}
		if s.To, err = parseClock(m[3]); err != nil {
			return s, err
		}
	} else if strings.Contains(days, ":") {
		return s, fmt.Errorf("%s is no span; write it as in weekdays 09:00-18:00", quote(text))
	}
	s.Days, err = parseDays(strings.ToLower(days))
	return s, err
}

// parseDays reads weekdays, weekends, holidays jp, Mon-Fri, Sat,Sun; nothing is
// every day.
func parseDays(text string) (d oncall.DaySet, err error) {
	switch text {
	case "", "daily", "every day":
		text = "sun-sat"
	case "weekdays":
		d.Working = true
		text = "mon-fri"
	case "weekends":
		text = "sat-sun"
	}
	if country, ok := strings.CutPrefix(text, "holidays"); ok {
		d.Holidays = strings.TrimSpace(country)
		if d.Holidays == "" {
			d.Holidays = countryOfSchedule
		}
		return d, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, ok := parseWeekday(strings.TrimSpace(first))
		to, ok2 := parseWeekday(strings.TrimSpace(last))
		if !ok || !ok2 {
			return d, fmt.Errorf("%s are no days; write weekdays, weekends, daily, holidays jp, Mon-Fri or Sat,Sun, and times as in 09:00-18:00", quote(text))
		}
		for day := from; ; day = (day + 1) % 7 {
			d.Weekdays[day] = true
			if day == to {
				break
			}
		}
	}
	return d, nil
}

// holidays decides whose public holidays `weekdays` leaves out: what is written,
// else those that a span names, else those of the zone's country.
func (f fields) holidays(key string, during []*node, zone string) string {
	country := ""
	if zone == "Asia/Tokyo" {
		country = oncall.Japan
	}
	for _, n := range during {
		if s, err := parseSpan(n.text); err == nil && s.Days.Holidays != "" && s.Days.Holidays != countryOfSchedule {
			country = s.Days.Holidays
			if !oncall.KnowsHolidays(country) {
				f.l.errorf(n, "the holidays of %s are not known; known are those of %s", quote(country), oncall.Japan)
				return ""
			}
		}
	}
	if n, ok := f.scalar(key); ok {
		switch country = strings.ToLower(n.text); {
		case country == "none":
			country = ""
		case !oncall.KnowsHolidays(country):
			f.l.errorf(n, "the holidays of %s are not known; write %s, or none", quote(n.text), oncall.Japan)
			return ""
		}
	}
	for _, n := range during {
		if s, err := parseSpan(n.text); err == nil && s.Days.Holidays == countryOfSchedule && country == "" {
			f.l.errorf(n, "whose holidays? write holidays %s", oncall.Japan)
		}
	}
	return country
}

// withHolidays puts the country where a span says "holidays" alone.
func withHolidays(spans []oncall.Span, country string) {
	for i := range spans {
		if spans[i].Days.Holidays == countryOfSchedule {
			spans[i].Days.Holidays = country
		}
	}
}

// hours reads { zone: Asia/Tokyo, during: [ weekdays 09:00-18:00 ] }, or the
// list alone.
func (l *loader) hours(at, n *node) *oncall.Hours {
	h := &oncall.Hours{Zone: l.installation.Zone}
	f := fields{l: l, at: at, by: map[string]pair{"during": {at, n}}}
	if n.kind == mapping {
		f = l.fields(at, n, "zone", "holidays", "during")
		h.Zone = f.zone("zone", h.Zone)
		if !f.need("during", "the hours, as in [ weekdays 09:00-18:00 ]") {
			return h
		}
	}
	during := f.texts("during")
	h.During = l.spans(f.key("during"), during)
	h.Holidays = f.holidays("holidays", during, h.Zone)
	withHolidays(h.During, h.Holidays)
	return h
}
