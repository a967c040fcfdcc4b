// Package saying puts what monitors find into sentences: the titles and summaries
// of their alerts in the language and zone of the installation, and what pages show
// of them in those of the reader. A title says what holds as long as the alert
// does; values that move are in the summary. It decides nothing of what is wrong.
package saying

import (
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
)

// Words are a language to say things in, and the zone of their times. The zero
// value says them in English, and times as they were written.
type Words struct {
	Language string
	Zone     *time.Location
}

// Of are the words of an installation.
func Of(s oncall.Settings) Words { return Words{Language: s.Language, Zone: s.Location()} }

// Say is the text of a key below monitor.
func (w Words) Say(key string, places ...string) string {
	return i18n.In(w.Language).Say("monitor."+key, places...)
}

// Reason says a reason; one that is not known is said as it is.
func (w Words) Reason(reason string) string {
	if reason == "" {
		return ""
	}
	return i18n.In(w.Language).Or(reason, "monitor.reason."+reason)
}

// Why says why a check failed, with the values of what it said; what has none that
// are known is said by its reason alone.
func (w Words) Why(reason, message string) string {
	if one, values := find(reason, message); one != nil {
		return w.Say("why."+one.key, w.places(values)...)
	}
	return w.Reason(reason)
}

// Title is that of the alert about a monitor of that name.
func (w Words) Title(name, reason, message string) string {
	p := i18n.In(w.Language)
	if one, values := find(reason, message); one != nil && one.title != "" {
		return p.Say("monitor.alert."+one.title, append(w.places(values), "name", name)...)
	}
	if key := "monitor.alert." + reason; p.Has(key) {
		return p.Say(key, "name", name)
	}
	return name + ": " + message
}

// Summary is the sentence below that title: what came back and what was wanted.
// What the language has no sentence for is added as the check said it.
func (w Words) Summary(reason, message string) string {
	p := i18n.In(w.Language)
	one, values := find(reason, message)
	switch {
	case one != nil && one.said != "":
		return p.Say("monitor.said."+one.said, w.places(values)...)
	case p.Language() == i18n.English && one != nil:
		return strings.Replace(message, values["time"], w.time(values["time"]), 1)
	case p.Language() == i18n.English:
		return message
	case one != nil:
		return w.Why(reason, message)
	case message == "" || message == reason:
		return w.Reason(reason)
	case !p.Has("monitor.reason." + reason):
		return message
	}
	return p.Say("monitor.said.why", "said", w.Reason(reason), "why", message)
}

// At is a time as the zone has it.
func (w Words) At(t time.Time) string {
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04 MST")
}

// Span is a duration in at most two units.
func (w Words) Span(d time.Duration) string {
	const day = 24 * time.Hour
	say := func(key string, n, m time.Duration) string {
		return i18n.In(w.Language).Say("span."+key, "n", strconv.Itoa(int(n)), "m", strconv.Itoa(int(m)))
	}
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return say("s", d/time.Second, 0)
	case d < time.Hour && d%time.Minute == 0:
		return say("min", d/time.Minute, 0)
	case d < time.Hour:
		return say("ms", d/time.Minute, d%time.Minute/time.Second)
	case d >= 2*day && d%day == 0:
		return say("d", d/day, 0)
	case d%time.Hour < time.Minute:
		return say("h", d/time.Hour, 0)
	}
	return say("hm", d/time.Hour, d%time.Hour/time.Minute)
}

// written is how checks write times.
const written = "2006-01-02 15:04 UTC"

// places are values as Say takes them, with their times in the zone.
func (w Words) places(values map[string]string) (places []string) {
	for name, value := range values {
		if name == "time" {
			value = w.time(value)
		}
		places = append(places, name, value)
	}
	return places
}

// time is a time that a check has written, in the zone.
func (w Words) time(text string) string {
	t, err := time.Parse(written, text)
	if err != nil || w.Zone == nil {
		return text
	}
	return w.At(t)
}

// find is the sentence of a check that message is, and its values.
func find(reason, message string) (*sentence, map[string]string) {
	for _, one := range sentences() {
		if string(one.reason) != reason {
			continue
		}
		found := one.form.FindStringSubmatch(message)
		if found == nil {
			continue
		}
		values := map[string]string{}
		for i, name := range one.form.SubexpNames() {
			if name != "" {
				values[name] = strings.TrimSpace(found[i])
			}
		}
		return &one, values
	}
	return nil, nil
}
