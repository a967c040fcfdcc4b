package view

import (
	"regexp"
	"strings"
	"sync"

	"toban/i18n"
)

// wrongForm is a sentence about a monitor's text whose values a reader wants in
// his own language: they are the groups of its form, by name.
type wrongForm struct {
	key  string
	form *regexp.Regexp
}

// wrongForms are what is said most about the text of a monitor. What is in none
// of them is shown as it is said, in English.
var wrongForms = sync.OnceValue(func() []wrongForm {
	form := regexp.MustCompile
	const hint = `(?:; (?P<hint>did you mean .+\?|known are .+))?$` // how a sentence ends that knows better words
	return []wrongForm{
		{"unknown", form(`^unknown key "(?P<key>[^"]*)"` + hint)},
		{"missing", form(`^(?P<key>\S+) is missing: `)},
		{"kind", form(`^this has to be (?P<want>.+), not (?P<got>.+)$`)},
		{"choice", form(`^(?P<key>\S+) is one of (?P<words>.+), not "(?P<got>[^"]*)"$`)},
		{"number", form(`^(?P<key>\S+) is a number from (?P<least>\S+) to (?P<most>\S+), not "(?P<got>[^"]*)"$`)},
		{"span", form(`^(?P<key>\S+) is from (?P<least>\S+) to (?P<most>\S+), not (?P<got>\S+)$`)},
		{"duration", form(`^(?P<key>every|timeout|grace|period|missing|down_after|up_after): .+$`)},
		{"twice", form(`^(?:location |label |header )?"?(?P<key>[^" ]+)"? is there twice`)},
		{"bool", form(`^(?P<key>\S+) is true or false, not "(?P<got>[^"]*)"$`)},
		{"name", form(`^"(?P<got>[^"]*)" can't be a name: letters, digits`)},
		{"url", form(`^(?P<key>\S+) has to be a URL as in (?P<example>\S+)$`)},
		{"target", form(`^"(?P<got>[^"]*)" can't be (?:the name of a host|asked|a name in DNS)`)},
		{"timeout", form(`^timeout is (?P<got>\S+), but a check has to be over before the next one: less than every, which is (?P<every>\S+)$`)},
		{"threshold", form(`^(?P<key>\S+) is a time or a number of results in a row, as in 45s or 3x, not "(?P<got>[^"]*)"$`)},
		{"none", form(`^monitor "[^"]*" says nothing to watch: add http: https://…, or one of (?P<words>.+)$`)},
		{"two", form(`^a monitor watches one thing: (?P<first>\S+) is written already, at .+; give (?P<second>\S+) a monitor of its own$`)},
		{"private", form(`^(?P<host>\S+) is an address of a private network, which is not asked unless the monitor says private: true$`)},
		{"port", form(`^"(?P<got>[^"]*)" is no port: `)},
		{"status", form(`^a status is written as .+, not "(?P<got>[^"]*)"$`)},
		{"refer", form(`^there is no (?P<kind>service|location|module) named "(?P<got>[^"]*)"` + hint)},
		{"promql", form(`this is no condition in PromQL: (?P<why>.+)$`)},
		{"noport", form(`^(?P<key>\S+) needs a port, as in (?P<example>.+)$`)},
	}
})

// ProblemOf is what is wrong at a line of a monitor's text, in the reader's
// language; message is what the reader of the text said of it.
func ProblemOf(s Shell, line int, message string) MonitorProblem {
	p := MonitorProblem{Line: line, Text: message}
	if i18n.In(s.Lang).Language() == i18n.English {
		return p
	}
	for _, one := range wrongForms() {
		found := one.form.FindStringSubmatch(message)
		if found == nil {
			continue
		}
		places, end := []string{}, ""
		for i, name := range one.form.SubexpNames() {
			switch {
			case name == "hint" && found[i] != "":
				end = hintWords(s, found[i])
			case name != "" && name != "hint":
				places = append(places, name, found[i])
			}
		}
		p.Text = s.T("monitor.wrong."+one.key, places...) + end
		return p
	}
	p.Text, p.English = s.T("monitor.wrong.other"), message
	return p
}

// hintWords says which words would have been known.
func hintWords(s Shell, text string) string {
	if word, ok := strings.CutPrefix(text, "did you mean "); ok {
		return s.T("monitor.wrong.meant", "word", strings.TrimSuffix(word, "?"))
	}
	return s.T("monitor.wrong.known", "words", strings.TrimPrefix(text, "known are "))
}
