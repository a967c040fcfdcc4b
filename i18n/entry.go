package i18n

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"toban/oncall"
)

// EntrySentence says a line of the timeline in one sentence, without its time.
// Every kind has a text in every language; what a kind leaves open is left out
// of the sentence.
func EntrySentence(language string, e oncall.Entry, n Names) string {
	p, d := In(language), e.Data
	key := "entry." + string(e.Kind)
	places := []string{
		"title", p.Title(d.Title),
		"severity", word(p, "severity.", string(d.Severity)),
		"urgency", word(p, "urgency.", string(d.Urgency)),
		"service", n.Service(d.Service),
		"count", strconv.FormatInt(d.Count, 10),
		"round", strconv.Itoa(d.Round),
		"user", n.User(p, d.User),
		"users", n.Users(p, d.Users),
		"actor", n.Actor(p, e.Actor),
		"target", n.Target(p, d.Target),
		"level", level(p, d.Level),
		"method", word(p, "method.", string(d.Method)),
		"outcome", word(p, "outcome.", string(d.Outcome)),
		"policy", n.Policy(d.Policy),
		"why", why(p, d.Why),
		"contact", d.Contact,
		"text", word(p, "text.", d.Text),
		"via", word(p, "via.", d.Via),
	}
	until := ""
	if d.Until != nil {
		until = n.Clock(p, *d.Until, e.At)
	}
	places = append(places, "until", until)
	input := ""
	if d.Input != nil {
		input = word(p, "input.", string(d.Input.Kind))
	}
	places = append(places, "input", input)
	key = variant(p, key, e)
	sentence := p.Or(string(e.Kind), key, places...)
	if strings.HasPrefix(p.Say(key), "{method}") { // names are left as they are
		sentence = capital(sentence)
	}
	if e.Kind == oncall.EntryContact && d.Nth > 1 {
		sentence += p.Say("nth", "n", ordinal(p, d.Nth))
	}
	return sentence
}

// capital makes the first letter one; Japanese has none to change.
func capital(sentence string) string {
	first, size := utf8.DecodeRuneInString(sentence)
	return string(unicode.ToUpper(first)) + sentence[size:]
}

// variant picks the form of a sentence that needs no more than the entry has.
func variant(p Printer, key string, e oncall.Entry) string {
	d := e.Data
	for _, v := range []struct {
		suffix string
		holds  bool
	}{
		{".pager", d.Target != nil && d.Target.Kind == oncall.TargetPager || d.Method == oncall.Events},
		{".plain", e.Actor == "" && d.User == "" && len(d.Users) == 0 && d.Target == nil},
		{".users", len(d.Users) > 0},
		{".via", d.Via != ""},
		{".until", d.Until != nil},
		{".contact", d.Contact != ""},
		{".policy", d.Policy != ""},
		{".why", d.Why != ""},
		{".text", d.Text != ""},
		{".first", d.First != ""},
		{".self", e.Actor == ""},
	} {
		if v.holds && p.Has(key+v.suffix) {
			return key + v.suffix
		}
	}
	return key
}

// word says a code that has a text; what has none stands for itself.
func word(p Printer, prefix, code string) string {
	if code == "" {
		return ""
	}
	return p.Or(code, prefix+code)
}

// why says a reason, which may be the outcome of the last attempt.
func why(p Printer, code string) string {
	if !p.Has("why." + code) {
		return word(p, "outcome.", code)
	}
	return p.Say("why." + code)
}

// level says which rung, in its short form; 0 is that of somebody asked to help.
func level(p Printer, n int) string {
	switch {
	case n > 0:
		return p.Say("level.n", "n", strconv.Itoa(n))
	case n == oncall.AtFallback:
		return p.Say("level.fallback")
	case n == oncall.AtFirst:
		return p.Say("level.first")
	}
	return p.Say("level.none")
}

func ordinal(p Printer, n int) string {
	if p.Language() != English {
		return strconv.Itoa(n)
	}
	suffix := "th"
	if n%100/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
