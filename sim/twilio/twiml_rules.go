package twilio

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// reader turns elements into verbs and collects what is wrong with them.
type reader struct {
	verbs    []verb
	warnings []Note
}

// check is what an attribute may say, and the code for when it says otherwise.
type check struct {
	code int
	ok   func(string) bool
}

var (
	anything = func(string) bool { return true }
	isMethod = oneOf("GET", "POST")
	isBool   = oneOf("true", "false")
)

const schemaWarning = 12200

// verbRules are the verbs this simulator plays, with their attributes.
var verbRules = map[string]map[string]check{
	"Say": {
		"voice":    {13511, anything}, // looked at together with language
		"language": {13512, isLanguage},
		"loop":     {13510, whole(0, 1000)},
	},
	"Play": {
		"loop":   {13410, whole(0, 1000)},
		"digits": {schemaWarning, func(v string) bool { return v != "" && strings.Trim(v, "0123456789*#wW") == "" }},
	},
	"Pause": {"length": {13910, whole(1, maxTalk)}},
	"Gather": {
		"input":                       {schemaWarning, oneOf("dtmf", "speech", "dtmf speech", "speech dtmf")},
		"action":                      {schemaWarning, anything},
		"method":                      {13312, isMethod},
		"timeout":                     {13313, func(v string) bool { return v == "auto" || whole(1, 600)(v) }},
		"numDigits":                   {13314, whole(1, 1000)},
		"finishOnKey":                 {13310, func(v string) bool { return len(v) <= 1 && strings.Trim(v, "0123456789*#") == "" }},
		"actionOnEmptyResult":         {schemaWarning, isBool},
		"speechTimeout":               {schemaWarning, func(v string) bool { return v == "auto" || whole(1, 600)(v) }},
		"speechModel":                 {schemaWarning, anything},
		"hints":                       {schemaWarning, anything},
		"language":                    {schemaWarning, isLanguage},
		"profanityFilter":             {schemaWarning, isBool},
		"partialResultCallback":       {schemaWarning, anything},
		"partialResultCallbackMethod": {schemaWarning, isMethod},
		"bargeIn":                     {schemaWarning, isBool},
		"enhanced":                    {schemaWarning, isBool},
		"debug":                       {schemaWarning, isBool},
	},
	"Redirect": {"method": {13710, isMethod}},
	"Hangup":   {},
	"Reject":   {"reason": {schemaWarning, oneOf("busy", "rejected")}},
}

// otherVerbs are TwiML, and are not played here.
var otherVerbs = []string{
	"Dial", "Record", "Enqueue", "Leave", "Sms", "Message", "Connect", "Start", "Stop", "Pay", "Prompt", "Refer", "Queue", "Echo",
}

func (r *reader) warn(code int, format string, args ...any) {
	if len(r.warnings) < maxNotes {
		r.warnings = append(r.warnings, Note{Code: code, Warning: true, Text: fmt.Sprintf(format, args...)})
	}
}

// top reads a verb of the Response. What is not understood is left out.
func (r *reader) top(e element) {
	if e.isText() {
		if strings.TrimSpace(e.text) != "" {
			r.warn(schemaWarning, "Schema validation warning: text outside of a verb")
		}
		return
	}
	if n := len(r.verbs); n > 0 && (r.verbs[n-1].name == "Redirect" || r.verbs[n-1].name == "Hangup") {
		r.warn(schemaWarning, "Schema validation warning: <%s> after <%s> is never reached", e.name, r.verbs[n-1].name)
		return
	}
	switch _, known := verbRules[e.name]; {
	case slices.Contains(otherVerbs, e.name):
		r.warn(schemaWarning, "<%s> is TwiML, but this simulator does not play it", e.name)
	case !known:
		r.warn(schemaWarning, "Schema validation warning: there is no verb <%s>", e.name)
	default:
		if v, ok := r.verb(e); ok {
			r.verbs = append(r.verbs, v)
		}
	}
}

// verb reads a known verb; false when it can't be played.
func (r *reader) verb(e element) (verb, bool) {
	v := verb{name: e.name, attrs: r.attributes(e, verbRules[e.name])}
	if e.name == "Gather" {
		for _, child := range e.children {
			r.nested(&v, child)
		}
		return v, true
	}
	ssml := e.name == "Say"
	r.flatten(&v, e, ssml)
	v.text = fold(v.text)
	switch e.name {
	case "Say":
		return v, r.say(v)
	case "Play":
		if v.text == "" && v.attrs["digits"] == "" {
			r.warn(schemaWarning, "Schema validation warning: <Play> without a URL")
			return v, false
		}
	case "Redirect":
		if v.text == "" {
			r.warn(schemaWarning, "Schema validation warning: <Redirect> without a URL")
			return v, false
		}
	default:
		if v.text != "" {
			r.warn(schemaWarning, "Schema validation warning: <%s> with content", e.name)
		}
	}
	return v, true
}

func (r *reader) nested(gather *verb, e element) {
	switch {
	case e.isText():
		if strings.TrimSpace(e.text) != "" {
			r.warn(schemaWarning, "Schema validation warning: text inside of <Gather>")
		}
	case e.name != "Say" && e.name != "Play" && e.name != "Pause":
		r.warn(13320, "Gather: Invalid nested verb <%s>", e.name)
	default:
		if v, ok := r.verb(e); ok {
			gather.children = append(gather.children, v)
		}
	}
}

// attributes returns the valid ones.
func (r *reader) attributes(e element, rules map[string]check) map[string]string {
	attrs := make(map[string]string, len(e.attrs))
	for _, a := range e.attrs {
		name := qualified(a.Name)
		switch c, known := rules[name]; {
		case !known:
			r.warn(schemaWarning, "Schema validation warning: <%s> has no attribute %s", e.name, name)
		case !c.ok(a.Value):
			r.warn(c.code, "%s: Invalid %s value %q", e.name, name, a.Value)
		default:
			attrs[name] = a.Value
		}
	}
	return attrs
}

// ssmlTags are the markup that a Say may hold.
var ssmlTags = []string{"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}

// flatten gathers the text below e as it is heard.
func (r *reader) flatten(v *verb, e element, ssml bool) {
	for _, child := range e.children {
		switch {
		case child.isText():
			v.text += child.text
		case !ssml || !slices.Contains(ssmlTags, child.name):
			r.warn(schemaWarning, "Schema validation warning: <%s> inside of <%s>", child.name, v.name)
		case child.name == "break":
			pause, err := time.ParseDuration(child.attr("time"))
			if child.attr("time") == "" {
				pause, err = 500*time.Millisecond, nil
			}
			if err != nil || pause < 0 || pause > 10*time.Second {
				r.warn(schemaWarning, "Schema validation warning: <break time=%q>", child.attr("time"))
				continue
			}
			v.breaks += pause
			v.text += " "
		case child.name == "sub" && child.attr("alias") != "":
			v.text += child.attr("alias")
		default:
			r.flatten(v, child, ssml)
		}
	}
	if v.name == "Say" && len(e.attrs)+len(e.children) > 0 && hasMarkup(e) && !speaksMarkup(v.attrs["voice"]) {
		r.warn(schemaWarning, "Schema validation warning: the voice %q does not understand markup", v.attrs["voice"])
	}
}

func hasMarkup(e element) bool {
	return e.name == "Say" && slices.ContainsFunc(e.children, func(c element) bool { return !c.isText() })
}

const maxSay = 4096

// say checks what will be spoken; a voice that is not known is replaced by the
// default one, as the real service does.
func (r *reader) say(v verb) bool {
	if v.text == "" || utf8.RuneCountInString(v.text) > maxSay {
		r.warn(13520, "Say: Invalid text: it is empty or longer than %d characters", maxSay)
		return false
	}
	switch fit := voiceFits(v.attrs["voice"], v.attrs["language"]); fit {
	case unknownVoice:
		r.warn(13511, "Say: Invalid voice value %q", v.attrs["voice"])
		delete(v.attrs, "voice")
	case otherLanguage:
		r.warn(13512, "Say: the voice %q does not speak %q", v.attrs["voice"], v.attrs["language"])
	}
	return true
}

func oneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func whole(from, to int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && n >= from && n <= to
	}
}
