package demo

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"toban/api"
	"toban/i18n"
	"toban/web/view"
)

// guideView is what the page is drawn from.
type guideView struct {
	view.Shell
	Facts
	Names    map[string]string // what people are called, by id
	Forecast Forecast
	Happened []view.TimelineLine
	Pairs    []Pair
	Reach    string
	Data     string // language of the people and of what toban writes
}

// Tell is a text in which the people may be named.
func (v guideView) Tell(key string, places ...string) string {
	return v.T(key, append(places, named(v.Language(), v.Data)...)...)
}

// where is the key of how far anything of the demo goes.
func (v guideView) where() string {
	if v.Reach != "" {
		return "demo.where.network"
	}
	return "demo.where.machine"
}

// handsetView is one telephone on a telephone.
type handsetView struct {
	view.Shell
	Name, Src string
	Yours     bool
	names     []string
}

// part is what the stream sends again when it is different.
type part struct {
	ID   string
	Draw templ.Component
}

func (v guideView) parts() []part {
	return []part{
		{"g-forecast-when", forecastWhen(v)},
		{"g-break", breakPart(v)},
		{"g-now", nowPart(v)},
		{"g-plug", plugPart(v)},
		{"g-press", pressPart(v)},
		{"g-rooms", roomsPart(v)},
		{"g-repair", repairPart(v)},
		{"g-compare", comparePart(v)},
		{"g-again", againPart(v)},
	}
}

func (p *page) view(lang string) guideView {
	f, _ := p.guide.facts()
	v := guideView{Shell: p.shell(lang, "demo.title"), Facts: f, Names: map[string]string{}, Reach: p.reach, Data: p.lang}
	for _, who := range people {
		v.Names[who.id] = i18n.In(lang).Say("name.user", "name", who.name(p.lang))
		v.Room.Topic = strings.ReplaceAll(v.Room.Topic, "<@"+who.member+">", v.Names[who.id])
	}
	for _, e := range f.entries[lang] {
		if tellable(e.Kind) {
			v.Happened = append(v.Happened, view.TimelineLine{
				ID: "g-line-" + strconv.FormatInt(e.Seq, 10), Seq: e.Seq, At: e.At, Icon: iconOf(e.Kind, e.Data.Method), Sentence: e.Text, Human: byReader(e) || e.Kind == "resolved",
			})
		}
	}
	if f.Phase == Taken || f.Phase >= Repaired && f.Incident != nil {
		v.Pairs = compare(f.forecast[lang], f.entries[lang])
	}
	return v
}

// Countdown is how many seconds are left until the shop breaks by itself; 0 =
// it does not.
func (v guideView) Countdown() int {
	if v.Auto.IsZero() {
		return 0
	}
	return max(1, int(v.Auto.Sub(v.Now).Round(time.Second)/time.Second))
}

// Holder is who has it, as people say it.
func (v guideView) Holder() string {
	if v.Incident == nil || v.Incident.AcknowledgedBy == "" {
		return ""
	}
	return v.Names[v.Incident.AcknowledgedBy]
}

// waits reports whether nobody's telephone is busy with the incident and
// something follows by itself, such as the next round.
func (v guideView) waits() bool {
	return v.Ringing == "" && v.Talking == "" && v.Incident != nil && v.Incident.NextAt != nil
}

// Gone is how long toban was away when its plug was pulled.
func (v guideView) Gone() string { return since(v.Language(), v.Plug.Pulled, v.Plug.Back) }

// Number is the incident's, as people say it.
func (v guideView) Number() string {
	if v.Incident == nil {
		return ""
	}
	return "#" + strconv.FormatInt(v.Incident.Number, 10)
}

// Tally says how often each telephone was called.
func (v guideView) Tally() (all []string) {
	for _, who := range people {
		all = append(all, v.T("demo.plug.calls", "user", v.Names[who.id], "n", strconv.Itoa(v.Calls[who.id])))
	}
	return all
}

// maxStair is how many steps of a forecast are shown: a night repeats itself.
const maxStair = 8

// stair draws a forecast: whom it reaches, why them, and what comes of it.
func stair(steps []api.Step, from time.Time, why func(api.Step) string) (out []view.StairStep) {
	for _, s := range steps {
		switch s.Kind {
		case "triggered", "outcome", "unreached": // what follows says as much
			continue
		}
		if !tellable(s.Kind) {
			continue
		}
		step := view.StairStep{At: s.At, In: "+" + clock(s.At.Sub(from)), Icon: iconOf(s.Kind, s.Data.Method), Kind: stepOf(s.Kind), Sentence: s.Text}
		if s.Kind == "contact" {
			step.Why = why(s)
		}
		if out = append(out, step); len(out) == maxStair {
			break
		}
	}
	return out
}

// clock is a length of time as a stop watch shows it.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	two := func(n int) string {
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
		return strconv.Itoa(n)
	}
	return strconv.Itoa(s/60) + ":" + two(s%60)
}

func stepOf(kind string) string {
	switch kind {
	case "contact":
		return "call"
	case "outcome", "unreached":
		return "wait"
	case "acknowledged":
		return "taken"
	case "resolved":
		return "done"
	}
	return kind
}

func iconOf(kind, method string) string {
	switch {
	case method == "slack":
		return "chat"
	case kind == "contact", kind == "outcome":
		return "phone"
	case kind == "triggered", kind == "unreached":
		return "alert"
	case kind == "acknowledged", kind == "resolved":
		return "check"
	}
	return "info"
}

// maxLines is how much of what happened is read at once.
const maxLines = 8

// newest are the lines from one place to another, counted from the newest, which
// is read first.
func newest(lines []view.TimelineLine, from, to int) []view.TimelineLine {
	out := slices.Clone(lines)
	slices.Reverse(out)
	return out[min(from, len(out)):min(to, len(out))]
}

// shownPairs is how much of the comparison is read at once, mostPairs how much
// there is of it at all: who lets it ring for an hour has a long one.
const (
	shownPairs = 12
	mostPairs  = 100
)

// firstPairs and laterPairs are the comparison in two parts.
func (v guideView) firstPairs() []Pair { return v.Pairs[:min(shownPairs, len(v.Pairs))] }

func (v guideView) laterPairs() []Pair {
	return v.Pairs[min(shownPairs, len(v.Pairs)):min(mostPairs, len(v.Pairs))]
}

// instead says what was foretold in place of the outcome that came.
func (v guideView) instead(p Pair) string {
	return v.T("demo.compare.instead", "outcome", i18n.In(v.Language()).Or(p.Instead, "outcome."+p.Instead))
}

// shifted says by how much an earlier surprise has moved a line.
func (v guideView) shifted(p Pair) string {
	if p.Shift < 0 {
		return v.T("demo.compare.earlier", "n", seconds(v.Language(), -p.Shift))
	}
	return v.T("demo.compare.later", "n", seconds(v.Language(), p.Shift))
}

// foreign reports whether the page is in another language than what toban
// writes.
func (v guideView) foreign() bool { return v.Language() != v.Data }

// Resolver is who said that it is over; "" = it healed, or is not over.
func (v guideView) Resolver() string {
	for _, e := range v.entries[v.Language()] {
		if e.Kind == "resolved" && e.Actor != "" {
			if name, ok := v.Names[e.Actor]; ok {
				return name
			}
			return e.Actor
		}
	}
	return ""
}

// room is the page of a channel of the chat, read by the reader.
func room(v guideView, name string) templ.SafeURL {
	return templ.SafeURL("/sim/slack/?" + url.Values{"embed": {"1"}, "lang": {v.Language()}, "channel": {name}, "as": {people[you].member}}.Encode())
}
