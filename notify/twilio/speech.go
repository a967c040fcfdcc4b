package twilio

import (
	"embed"
	"encoding/xml"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
	"unicode/utf8"

	"toban/i18n"
	"toban/notify"
	"toban/oncall"
)

//go:embed templates/*.tmpl
var templates embed.FS

// longest is how long the words of a call may take (R22).
const longest = 12 * time.Second

// voice is who speaks a language.
type voice struct{ language, name string }

func voiceOf(language string) voice {
	if language == i18n.Japanese {
		return voice{"ja-JP", "Polly.Takumi-Neural"}
	}
	return voice{"en-US", "Polly.Joanna-Neural"}
}

// speech turns what is to be told into words and documents. What is said is in
// the templates; here is only what goes into them.
type speech struct {
	frame *template.Template
	words map[string]*template.Template
}

func newSpeech() (*speech, error) {
	s := &speech{words: map[string]*template.Template{}}
	var err error
	if s.frame, err = template.New("twiml").Funcs(template.FuncMap{"xml": escape}).ParseFS(templates, "templates/twiml.tmpl"); err != nil {
		return nil, err
	}
	for _, t := range s.frame.Templates() {
		if t.Tree != nil {
			escapeAll(t.Root)
		}
	}
	for _, language := range i18n.Languages() {
		if s.words[language], err = template.ParseFS(templates, "templates/"+language+".tmpl"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// escapeAll makes every value that the document's templates print XML text, so
// that none can be forgotten.
func escapeAll(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				escapeAll(child)
			}
		}
	case *parse.ActionNode:
		n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
			NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{parse.NewIdentifier("xml").SetPos(n.Pos)},
		})
	case *parse.IfNode:
		escapeAll(n.List)
		escapeAll(n.ElseList)
	case *parse.RangeNode:
		escapeAll(n.List)
		escapeAll(n.ElseList)
	case *parse.WithNode:
		escapeAll(n.List)
		escapeAll(n.ElseList)
	}
}

func escape(value any) (string, error) {
	var b strings.Builder
	err := xml.EscapeText(&b, []byte(fmt.Sprint(value)))
	return b.String(), err
}

// document is what the frame's templates know.
type document struct {
	Language, Voice string
	Action          string
	First, Words    string
}

// ask is a document that reads the words twice and listens for a key all the
// while and 8 s longer (R21). first is said once before.
func (s *speech) ask(language, action, first, words string) ([]byte, error) {
	return s.render("ask", language, document{Action: action, First: first, Words: words})
}

// end is a document that says its words and hangs up.
func (s *speech) end(language, words string) ([]byte, error) {
	return s.render("end", language, document{Words: words})
}

func (s *speech) render(name, language string, d document) ([]byte, error) {
	v := voiceOf(language)
	d.Language, d.Voice = v.language, v.name
	var b strings.Builder
	if err := s.frame.ExecuteTemplate(&b, name, d); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// line says one of the language's texts.
func (s *speech) line(language, name string, data any) string {
	words, ok := s.words[language]
	if !ok {
		words = s.words[i18n.English]
	}
	var b strings.Builder
	if err := words.ExecuteTemplate(&b, name, data); err != nil {
		return "" // the templates are part of the program; a test says all of them
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "..", ".") // 3:02 a.m. at the end of a sentence
}

// alarm is what the words of an alarm know.
type alarm struct {
	Severity, Service, Since, What string
	Count                          int
}

// alarm says who is speaking, what is wrong, since when, and the keys, in at
// most 12 s: when it would take longer, what happened is told in fewer words.
func (s *speech) alarm(c notify.Call) string {
	worst, first := c.Incidents[0].Severity, c.Incidents[0]
	for _, inc := range c.Incidents[1:] {
		worst = worst.Worse(inc.Severity)
		if inc.TriggeredAt.Before(first.TriggeredAt) {
			first = inc
		}
	}
	a := alarm{
		Severity: severity(c.Language, worst),
		Service:  services(c.Language, c.Incidents),
		Since:    spokenTime(c.Language, first.TriggeredAt.In(c.Zone), c.Now.In(c.Zone)),
		Count:    len(c.Incidents),
	}
	if len(c.Incidents) > 1 {
		return s.fit(c.Language, "alarms", a)
	}
	title := i18n.In(c.Language).Title(first.Title)
	for _, detail := range []detail{everything, firstNames, noAddresses} {
		a.What = spokenText(c.Language, title, detail)
		if spoken(c.Language, s.line(c.Language, "alarm", a)) <= longest {
			break
		}
	}
	return s.fit(c.Language, "alarm", a)
}

// fit cuts what happened, then the services, until the words are short enough. The
// keys are always said.
func (s *speech) fit(language, name string, a alarm) string {
	const fewest = 8 // letters that a service keeps
	for {
		words := s.line(language, name, a)
		over := letters(language, spoken(language, words)-longest)
		service := utf8.RuneCountInString(a.Service)
		switch {
		case over <= 0:
			return words
		case a.What != "":
			a.What = shorten(a.What, max(utf8.RuneCountInString(a.What)-over, 0))
		case service > fewest:
			short := shorten(a.Service, max(service-over, fewest))
			if short == "" || short == a.Service { // one long word
				short = string([]rune(a.Service)[:max(service-over, fewest)])
			}
			a.Service = short
		default:
			return words
		}
	}
}

// letter is about what a calm voice takes for one letter.
func letter(language string) time.Duration {
	if language == i18n.Japanese {
		return 140 * time.Millisecond
	}
	return 70 * time.Millisecond
}

// spoken is how long words take to say.
func spoken(language, words string) time.Duration {
	return time.Duration(utf8.RuneCountInString(words)) * letter(language)
}

// letters is how many letters take that long to say, rounded up.
func letters(language string, d time.Duration) int {
	return int((d + letter(language) - 1) / letter(language))
}

// answer is what is said back after a key, with the incident's number (R21).
func (s *speech) answer(c notify.Call, said notify.Said) string {
	switch said.Kind {
	case notify.SaidAcknowledged, notify.SaidDeclined, notify.SaidResolved:
		return s.line(c.Language, string(said.Kind), map[string]string{"Numbers": s.numbers(c.Language, said.Incidents)})
	case notify.SaidLate:
		return s.standing(c, said.Incidents)
	}
	return s.line(c.Language, "nothing", nil)
}

// over is what is said when everything has moved on before the phone was
// answered.
func (s *speech) over(c notify.Call) string {
	var all []notify.SaidIncident
	for _, inc := range c.Over {
		all = append(all, notify.SaidIncident{Number: inc.Number, Service: inc.Service, State: inc.State, Holder: inc.Holder})
	}
	return s.standing(c, all)
}

const mostStandings = 3

// standing says who has each, or that it has healed.
func (s *speech) standing(c notify.Call, incidents []notify.SaidIncident) string {
	var parts []string
	for _, inc := range incidents {
		data := map[string]any{"Number": inc.Number, "Holder": c.Called(inc.Holder)}
		switch inc.State {
		case oncall.Acknowledged:
			if inc.Holder == "" { // by a sender, which has no name to say
				parts = append(parts, s.line(c.Language, "held", data))
				break
			}
			parts = append(parts, s.line(c.Language, "taken", data))
		case oncall.Resolved:
			parts = append(parts, s.line(c.Language, "healed", data))
		}
		if len(parts) == mostStandings {
			break
		}
	}
	if len(parts) == 0 {
		return s.line(c.Language, "nothing", nil)
	}
	if c.Language == i18n.Japanese {
		return strings.Join(parts, "")
	}
	return strings.Join(parts, " ")
}

func (s *speech) numbers(language string, incidents []notify.SaidIncident) string {
	name := "number"
	if len(incidents) > 1 {
		name = "numbers"
	}
	var first int64
	if len(incidents) > 0 {
		first = incidents[0].Number
	}
	return s.line(language, name, map[string]any{"First": first, "Count": len(incidents)})
}
