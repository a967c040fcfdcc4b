package oncall

import (
	"fmt"
	"strings"
	"time"
)

// reactions are the words in which people say how somebody meets a call.
var reactions = map[string]Reaction{
	"busy": {Outcome: Busy}, "no answer": {Outcome: NoAnswer}, "rejects": {Outcome: Rejected}, "rejected": {Outcome: Rejected},
	"voicemail": {Outcome: NoInput}, "no key": {Outcome: NoInput}, "no input": {Outcome: NoInput}, "undeliverable": {Outcome: Undeliverable},
	"acknowledges": {Key: "1"}, "acknowledge": {Key: "1"}, "declines": {Key: "2"}, "resolves": {Key: "9"},
	"1": {Key: "1"}, "2": {Key: "2"}, "9": {Key: "9"},
}

// ParseReaction reads "busy", "no answer", "voicemail", "rejects", "1", "2" or
// "9", each with an optional time behind it: "1 after 20s". Underscores count
// as spaces.
func ParseReaction(text string) (Reaction, error) {
	words, after, timed := strings.Cut(strings.ReplaceAll(strings.TrimSpace(text), "_", " "), " after ")
	r, ok := reactions[strings.TrimSpace(words)]
	if !ok {
		return Reaction{}, &Error{
			Kind: Invalid, Code: "forecast.reaction", Field: "/given",
			Message: fmt.Sprintf("%q is no way to meet a call: busy, no answer, rejects, voicemail, undeliverable, 1, 2 or 9, such as \"1 after 20s\"", text),
		}
	}
	if timed {
		d, err := time.ParseDuration(strings.TrimSpace(after))
		if err != nil || d < 0 || d > time.Hour {
			return Reaction{}, &Error{Kind: Invalid, Code: "forecast.reaction", Field: "/given", Message: fmt.Sprintf("%q is no time between 0s and 1h", after)}
		}
		r.After = d
	}
	return r, nil
}

// ParseReactions reads several, one behind the other, between commas.
func ParseReactions(text string) (all []Reaction, err error) {
	for one := range strings.SplitSeq(text, ",") {
		r, err := ParseReaction(one)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
