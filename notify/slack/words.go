package slack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/oncall"
)

const (
	maxText    = 3900 // characters of a message's text: Slack cuts at 4,000
	maxSection = 2900 // of one section: Slack refuses more than 3,000
	maxTopic   = 250
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes text from outside plain in mrkdwn.
func escape(text string) string { return escaper.Replace(text) }

// anchor is a link with words.
func anchor(address, text string) string {
	address = strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C").Replace(address)
	return "<" + address + "|" + strings.ReplaceAll(escape(text), "|", "¦") + ">"
}

// clip cuts text to so many characters.
func clip(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}

// split joins lines to texts of at most so many characters; a line that is
// longer is cut.
func split(lines []string, longest int) (out []string) {
	length := 0
	for _, line := range lines {
		line = clip(line, longest)
		n := len([]rune(line)) + 1
		if len(out) == 0 || length+n > longest {
			out, length = append(out, line), n
			continue
		}
		out[len(out)-1] += "\n" + line
		length += n
	}
	return out
}

// clock is a time of day as each reader's own clock shows it, with ours for
// clients that can't.
func clock(t time.Time, zone *time.Location) string {
	return fmt.Sprintf("<!date^%d^{time_secs}|%s>", t.Unix(), t.In(zone).Format("15:04:05"))
}

// moment is clock with the date.
func moment(t time.Time, zone *time.Location) string {
	return fmt.Sprintf("<!date^%d^{date_num} {time_secs}|%s>", t.Unix(), t.In(zone).Format("2006-01-02 15:04:05"))
}

func languageOf(dir *oncall.Directory) string {
	if dir != nil && dir.Settings.Language != "" {
		return dir.Settings.Language
	}
	return i18n.Japanese
}

func zoneOf(dir *oncall.Directory) *time.Location {
	if dir != nil && dir.Settings.Zone != "" {
		if zone, err := time.LoadLocation(dir.Settings.Zone); err == nil {
			return zone
		}
	}
	return time.UTC
}

func (w wanted) language() string     { return languageOf(w.Directory) }
func (w wanted) zone() *time.Location { return zoneOf(w.Directory) }
func (w wanted) names() i18n.Names {
	return i18n.Names{Directory: w.Directory, Zone: w.zone()}
}

// mention is a user as the workspace knows them, else by name.
func (w wanted) mention(u oncall.UserID) string {
	if m := w.Members[u]; m != "" {
		return "<@" + m + ">"
	}
	return escape(w.names().User(i18n.In(w.language()), u))
}

// reminder says that it still fires, for how long, and who has it (R2).
func (w wanted) reminder() string {
	user := ""
	if by := w.Incident.AcknowledgedBy; by != "" {
		user = w.mention(by)
	}
	return reminder(i18n.In(w.language()), w.Now.Sub(w.Incident.TriggeredAt), user)
}

// reminder says for how long it has been firing, and who has it; "" = nobody.
func reminder(p i18n.Printer, age time.Duration, user string) string {
	minutes := strconv.Itoa(int(age / time.Minute))
	if user != "" {
		return p.Say("slack.reminder", "minutes", minutes, "user", user)
	}
	return p.Say("slack.reminder.nobody", "minutes", minutes)
}

// topic is what the head of the incident's channel says.
func (w wanted) topic() string {
	p, inc := i18n.In(w.language()), w.Incident
	since := inc.TriggeredAt.In(w.zone()).Format(p.Say("time.dated"))
	switch inc.State {
	case oncall.Resolved:
		return clip(p.Say("slack.topic.resolved", "title", escape(p.Title(inc.Title))), maxTopic)
	case oncall.Acknowledged:
		held := inc.AcknowledgedAt.In(w.zone()).Format("15:04")
		return clip(p.Say("slack.topic.held", "user", w.mention(inc.AcknowledgedBy), "held", held, "since", since, "title", escape(p.Title(inc.Title))), maxTopic)
	}
	return clip(p.Say("slack.topic.nobody", "since", since, "title", escape(p.Title(inc.Title))), maxTopic)
}

// timestamp is a time as Slack writes it.
func timestamp(t time.Time) string { return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000) }

func printer(dir *oncall.Directory) i18n.Printer { return i18n.In(languageOf(dir)) }
