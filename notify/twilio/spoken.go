package twilio

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"toban/i18n"
	"toban/notify"
	"toban/oncall"
)

// severity is the word for it, as people say it.
func severity(language string, s oncall.Severity) string {
	word := i18n.In(language).Say("severity." + string(s))
	if language == i18n.Japanese {
		return word
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

const mostServices = 2

// services names the services that are told of, by their readings, each once.
func services(language string, incidents []notify.Incident) string {
	var names []string
	seen := map[oncall.ServiceID]bool{}
	more := 0
	for _, inc := range incidents {
		switch {
		case seen[inc.Service]:
		case len(names) == mostServices:
			more++
		default:
			names = append(names, spokenText(language, i18n.Sayable(language, inc.Reading, inc.ServiceName, string(inc.Service)), everything))
		}
		seen[inc.Service] = true
	}
	if language == i18n.Japanese {
		text := strings.Join(names, "、")
		if more > 0 {
			text += "など"
		}
		return text
	}
	if more > 0 {
		return strings.Join(names, ", ") + " and others"
	}
	return strings.Join(names, " and ")
}

// spokenTime is a time of day as it is said, with its day when that is not
// today: 午前3時2分, 3:02 a.m.
func spokenTime(language string, t, now time.Time) string {
	days := int(midnight(now).Sub(midnight(t)).Round(24*time.Hour) / (24 * time.Hour))
	if language == i18n.Japanese {
		half, hour := "午前", t.Hour()
		if hour >= 12 {
			half, hour = "午後", hour-12
		}
		text := fmt.Sprintf("%s%d時", half, hour)
		if t.Minute() > 0 {
			text += fmt.Sprintf("%d分", t.Minute())
		}
		switch {
		case days == 1:
			return "昨日の" + text
		case days != 0:
			return fmt.Sprintf("%d月%d日の%s", t.Month(), t.Day(), text)
		}
		return text
	}
	half, hour := "a.m.", t.Hour()
	if hour >= 12 {
		half, hour = "p.m.", hour-12
	}
	if hour == 0 {
		hour = 12
	}
	text := fmt.Sprintf("%d:%02d %s", hour, t.Minute(), half)
	switch {
	case days == 1:
		return text + " yesterday"
	case days != 0:
		return t.Format("2 January, ") + text
	}
	return text
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

var (
	address  = regexp.MustCompile(`(?i)\b(?:https?|tcp|grpc)://([^/\s?#:)）]+)[^\s、。「」)）]*`)
	hostLike = regexp.MustCompile(`[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)+(?::[0-9]+)?`)
	camel    = regexp.MustCompile(`([a-z])([A-Z])`)
	mixed    = regexp.MustCompile(`([A-Za-z])([0-9])`)
	figures  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	// aside is an address in brackets, which nobody can write down while it is said.
	aside = regexp.MustCompile(`(?i)\s*[(（]\s*(?:[a-z]+://[^\s)）]+|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?|\[?[0-9a-f]*:[0-9a-f:.]+\]?(?::[0-9]+)?|[a-z0-9-]+(?:\.[a-z0-9-]+)*:[0-9]+)\s*[)）]`)
	// whole is a URL, or the number of a host, with what goes before and follows.
	whole = regexp.MustCompile(`(?i)(?:\b(?:at|by|for|from|in|of|on|to)\s+)?\b(?:(?:https?|tcp|grpc)://[^\s、。「」)）]+|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]+)?)\s*(?:[がは]\s*|(\p{Hiragana}))?`)
	// subject is a name with dots of which something is said, such as that of a metric.
	subject = regexp.MustCompile(`[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_*-]+)+(?:\s*[がは]\s*|\s+is\s+)`)
)

// detail is how much is said of the addresses in a text.
type detail int

const (
	everything  detail = iota
	firstNames         // of a host name the first part
	noAddresses        // and of a URL or a number nothing, where the sentence does without
)

// spokenText makes a sender's text fit for a voice: host names get their dots
// and hyphens as words, joined words are parted, and what can't be said is left
// out, as are addresses in brackets and all of a URL but its host.
func spokenText(language, text string, of detail) string {
	text = aside.ReplaceAllString(text, "")
	if of == noAddresses {
		if without := withoutAddresses(text); without != "" {
			text = without
		}
	}
	text = address.ReplaceAllString(text, "$1")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), strings.ContainsRune("|<>[]{}*#`\"~^=\\", r):
			return ' '
		case unicode.IsControl(r), r == unicode.ReplacementChar, unicode.Is(unicode.So, r):
			return -1
		}
		return r
	}, text)
	text = hostLike.ReplaceAllStringFunc(text, func(host string) string {
		if figures.MatchString(host) {
			return host
		}
		return spokenHost(language, host, of != everything)
	})
	text = camel.ReplaceAllString(text, "$1 $2")
	return strings.TrimRight(strings.Join(strings.Fields(text), " "), "。.!！ ")
}

// withoutAddresses leaves out the addresses of a text and what it is about where
// that is a name with dots; "" where nothing else is in it.
func withoutAddresses(text string) string {
	text = whole.ReplaceAllStringFunc(text, func(host string) string {
		found := whole.FindStringSubmatch(host)
		if found[1] != "" {
			return host
		}
		return " "
	})
	text = subject.ReplaceAllString(text, " ")
	text = strings.Join(strings.Fields(text), " ")
	return strings.Trim(text, " :：、,-")
}

// spokenHost says a host name so that it can be written down.
func spokenHost(language, host string, short bool) string {
	dot, hyphen, port := " dot ", " dash ", " port "
	if language == i18n.Japanese {
		dot, hyphen, port = " ドット ", " ハイフン ", " ポート "
	}
	if short && strings.IndexFunc(host, unicode.IsLetter) >= 0 {
		host, _, _ = strings.Cut(host, ".")
	}
	host = mixed.ReplaceAllString(host, "$1 $2")
	return strings.NewReplacer(".", dot, "-", hyphen, "_", " ", ":", port).Replace(host)
}
