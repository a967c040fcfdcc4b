package slack

import (
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// writer turns the service's markup into HTML for one reader. It only ever
// writes text that is escaped, and elements of its own.
type writer struct {
	language string
	zone     *time.Location
	name     func(id string) string // of a user, a channel or a group
	*looks
}

// html is mrkdwn as HTML.
func (w writer) html(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "```") {
		if i%2 == 1 {
			b.WriteString("<pre>" + escape(strings.Trim(part, "\n")) + "</pre>")
			continue
		}
		w.lines(&b, part)
	}
	return template.HTML(b.String()) //nolint:gosec // every text in it went through escape
}

// plain is text without markup, but with emoji.
func (w writer) plain(text string) template.HTML {
	return template.HTML(w.emoji.Replace(escape(text))) //nolint:gosec // escaped
}

func (w writer) lines(b *strings.Builder, text string) {
	quoted := false
	for i, line := range strings.Split(strings.Trim(text, "\n"), "\n") {
		isQuote := false
		for _, mark := range []string{"&gt;", ">"} {
			if rest, ok := strings.CutPrefix(line, mark); ok && !isQuote {
				line, isQuote = strings.TrimPrefix(rest, " "), true
			}
		}
		switch {
		case isQuote && !quoted:
			b.WriteString("<blockquote>")
		case !isQuote && quoted:
			b.WriteString("</blockquote>")
		case i > 0:
			b.WriteString("<br>")
		}
		quoted = isQuote
		w.line(b, line)
	}
	if quoted {
		b.WriteString("</blockquote>")
	}
}

// line writes code and what stands between angle brackets as it is, and marks
// the rest. What is written already is kept aside meanwhile, so that no mark
// reaches into an address.
func (w writer) line(b *strings.Builder, line string) {
	var aside []string
	keep := func(html string) string {
		aside = append(aside, html)
		return fmt.Sprintf("\x00%d\x00", len(aside)-1)
	}
	var text strings.Builder
	line = strings.ReplaceAll(line, "\x00", "")
	for line != "" {
		at, link := strings.IndexAny(line, "`<"), findLink(line)
		if link.at >= 0 && (at < 0 || link.at < at) {
			text.WriteString(escape(line[:link.at]) + keep(w.angle(link.text)))
			line = line[link.at+len(link.text):]
			continue
		}
		if at < 0 {
			break
		}
		closing := map[byte]string{'`': "`", '<': ">"}[line[at]]
		inside, after, closed := strings.Cut(line[at+1:], closing)
		text.WriteString(escape(line[:at]))
		switch {
		case !closed || inside == "":
			text.WriteString(escape(line[at : at+1]))
			after = line[at+1:]
		case closing == "`":
			text.WriteString(keep("<code>" + escape(inside) + "</code>"))
		default:
			text.WriteString(keep(w.angle(inside)))
		}
		line = after
	}
	text.WriteString(escape(line))
	html := w.marked(text.String())
	for i, kept := range aside {
		html = strings.Replace(html, fmt.Sprintf("\x00%d\x00", i), kept, 1)
	}
	b.WriteString(html)
}

// bareLink is an address that stands in a text without brackets.
type bareLink struct {
	at   int // -1 for none
	text string
}

func findLink(line string) bareLink {
	at := strings.Index(line, "https://")
	if other := strings.Index(line, "http://"); at < 0 || other >= 0 && other < at {
		at = other
	}
	if at < 0 {
		return bareLink{at: -1}
	}
	text := line[at:]
	if end := strings.IndexAny(text, " \t\u3000`<>|\"、。，」）"); end >= 0 {
		text = text[:end]
	}
	return bareLink{at, strings.TrimRight(text, ".,;:!?)*_~")}
}

// angle is what <…> stands for.
func (w writer) angle(inside string) string {
	target, label, labelled := strings.Cut(inside, "|")
	mention := func(text string) string { return `<span class="mention">` + escape(text) + `</span>` }
	switch {
	case strings.HasPrefix(target, "@"):
		return mention("@" + w.name(target[1:]))
	case strings.HasPrefix(target, "#"):
		return mention("#" + w.name(target[1:]))
	case strings.HasPrefix(target, "!subteam^"):
		return mention("@" + w.name(strings.TrimPrefix(target, "!subteam^")))
	case strings.HasPrefix(target, "!date^"):
		return w.date(target, label)
	case strings.HasPrefix(target, "!"):
		return mention("@" + strings.TrimPrefix(target, "!"))
	case isLink(target) || strings.HasPrefix(target, "mailto:"):
		if !labelled {
			label = target
		}
		return `<a href="` + escape(target) + `" target="_blank" rel="noopener noreferrer">` + escape(label) + `</a>`
	default:
		return escape("<" + inside + ">")
	}
}

// date is <!date^seconds^format^link|fallback> in the reader's zone.
func (w writer) date(target, fallback string) string {
	parts := strings.Split(target, "^")
	if len(parts) < 3 {
		return escape(fallback)
	}
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return escape(fallback)
	}
	at := time.Unix(seconds, 0).In(w.zone)
	ja := w.language == "ja"
	pick := func(english, japanese string) string {
		if ja {
			return at.Format(japanese)
		}
		return at.Format(english)
	}
	short := pick("2 Jan 2006", "2006年1月2日")
	text := strings.NewReplacer(
		"{date_num}", at.Format("2006-01-02"), "{date_slash}", at.Format("2006/01/02"),
		"{date_short_pretty}", short, "{date_short}", short,
		"{date_long_pretty}", pick("Monday, 2 January 2006", "2006年1月2日"), "{date_long}", pick("Monday, 2 January 2006", "2006年1月2日"),
		"{date_pretty}", pick("2 January 2006", "2006年1月2日"), "{date}", pick("2 January 2006", "2006年1月2日"),
		"{time_secs}", at.Format("15:04:05"), "{time}", at.Format("15:04"), "{ago}", at.Format("2006-01-02 15:04"),
	).Replace(parts[2])
	return `<time datetime="` + at.UTC().Format(time.RFC3339) + `">` + escape(text) + `</time>`
}

// escape writes text into HTML. The service's own escapes are undone before:
// its texts have &amp;, &lt; and &gt; for the three letters.
func escape(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "&lt;", "<"), "&gt;", ">")
	return template.HTMLEscapeString(strings.ReplaceAll(text, "&amp;", "&"))
}

// mark is a sign around words and the element it means.
type mark struct {
	find    *regexp.Regexp
	element string
}

// looks is what every writer needs and what is dear to make.
type looks struct {
	marks []mark
	emoji *strings.Replacer
}

// newLooks knows *bold*, _italic_ and ~struck~. A sign counts between a space
// or an edge and a letter, as in the service.
func newLooks() *looks {
	out := &looks{emoji: emoji()}
	for _, m := range []struct{ sign, element string }{{`\*`, "strong"}, {`_`, "em"}, {`~`, "s"}} {
		out.marks = append(out.marks, mark{regexp.MustCompile(
			`(^|[\s(>])` + m.sign + `([^\s` + m.sign + `](?:[^` + m.sign + `]*[^\s` + m.sign + `])?)` + m.sign + `($|[\s).,:;!?<])`), m.element})
	}
	return out
}

func (w writer) marked(html string) string {
	for _, m := range w.marks {
		html = m.find.ReplaceAllString(html, "$1<"+m.element+">$2</"+m.element+">$3")
	}
	return w.emoji.Replace(html)
}

// emoji are the few that alerts are made of; the others keep their name.
func emoji() *strings.Replacer {
	return strings.NewReplacer(
		":rotating_light:", "🚨", ":fire:", "🔥", ":white_check_mark:", "✅", ":heavy_check_mark:", "✔️", ":warning:", "⚠️", ":eyes:", "👀",
		":bell:", "🔔", ":no_bell:", "🔕", ":phone:", "☎️", ":telephone_receiver:", "📞", ":hourglass:", "⌛", ":alarm_clock:", "⏰", ":link:", "🔗",
		":red_circle:", "🔴", ":large_yellow_circle:", "🟡", ":large_green_circle:", "🟢", ":mute:", "🔇", ":zzz:", "💤", ":repeat:", "🔁",
		":+1:", "👍", ":wave:", "👋", ":memo:", "📝", ":tada:", "🎉", ":information_source:", "ℹ️", ":arrow_up:", "⬆️", ":calendar:", "📅",
	)
}
