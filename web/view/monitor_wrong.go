package view

import (
	"regexp"
	"strings"

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
func wrongForms() []wrongForm {
	return []wrongForm{
		{"unknown", unknownKeyForm},
		{"missing", missingForm},
		{"kind", kindForm},
		{"choice", choiceForm},
		{"number", numberForm},
		{"span", spanForm},
		{"duration", durationForm},
		{"twice", twiceForm},
		{"bool", boolForm},
		{"name", nameForm},
		{"url", urlForm},
		{"target", targetForm},
		{"timeout", timeoutForm},
		{"threshold", thresholdForm},
		{"none", noneForm},
		{"two", twoForm},
		{"private", privateForm},
		{"port", portForm},
		{"status", statusCodeForm},
		{"refer", referForm},
		{"promql", promqlForm},
		{"noport", noPortForm},
	}
}

// hint is how a sentence ends that knows better words.
const hint = `(?:; (?P<hint>did you mean .+\?|known are .+))?$`

var (
	unknownKeyForm = regexp.MustCompile(`^unknown key "(?P<key>[^"]*)"` + hint)
	missingForm    = regexp.MustCompile(`^(?P<key>\S+) is missing: `)
	kindForm       = regexp.MustCompile(`^this has to be (?P<want>.+), not (?P<got>.+)$`)
	choiceForm     = regexp.MustCompile(`^(?P<key>\S+) is one of (?P<words>.+), not "(?P<got>[^"]*)"$`)
	numberForm     = regexp.MustCompile(`^(?P<key>\S+) is a number from (?P<least>\S+) to (?P<most>\S+), not "(?P<got>[^"]*)"$`)
	spanForm       = regexp.MustCompile(`^(?P<key>\S+) is from (?P<least>\S+) to (?P<most>\S+), not (?P<got>\S+)$`)
	durationForm   = regexp.MustCompile(`^(?P<key>every|timeout|grace|period|missing|down_after|up_after): .+$`)
	twiceForm      = regexp.MustCompile(`^(?:location |label |header )?"?(?P<key>[^" ]+)"? is there twice`)
	boolForm       = regexp.MustCompile(`^(?P<key>\S+) is true or false, not "(?P<got>[^"]*)"$`)
	nameForm       = regexp.MustCompile(`^"(?P<got>[^"]*)" can't be a name: letters, digits`)
	urlForm        = regexp.MustCompile(`^(?P<key>\S+) has to be a URL as in (?P<example>\S+)$`)
	targetForm     = regexp.MustCompile(`^"(?P<got>[^"]*)" can't be (?:the name of a host|asked|a name in DNS)`)
	timeoutForm    = regexp.MustCompile(`^timeout is (?P<got>\S+), but a check has to be over before the next one: less than every, which is (?P<every>\S+)$`)
	thresholdForm  = regexp.MustCompile(`^(?P<key>\S+) is a time or a number of results in a row, as in 45s or 3x, not "(?P<got>[^"]*)"$`)
	noneForm       = regexp.MustCompile(`^monitor "[^"]*" says nothing to watch: add http: https://…, or one of (?P<words>.+)$`)
	twoForm        = regexp.MustCompile(`^a monitor watches one thing: (?P<first>\S+) is written already, at .+; give (?P<second>\S+) a monitor of its own$`)
	privateForm    = regexp.MustCompile(`^(?P<host>\S+) is an address of a private network, which is not asked unless the monitor says private: true$`)
	portForm       = regexp.MustCompile(`^"(?P<got>[^"]*)" is no port: `)
	statusCodeForm = regexp.MustCompile(`^a status is written as .+, not "(?P<got>[^"]*)"$`)
	referForm      = regexp.MustCompile(`^there is no (?P<kind>service|location|module) named "(?P<got>[^"]*)"` + hint)
	noPortForm     = regexp.MustCompile(`^(?P<key>\S+) needs a port, as in (?P<example>.+)$`)
	promqlForm     = regexp.MustCompile(`this is no condition in PromQL: (?P<why>.+)$`)
)

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
