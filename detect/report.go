package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"toban/detect/probe"
	"toban/oncall"
)

// MaxReport is how long a report may be, in bytes.
const MaxReport = 6 << 10

// Limits of what a report from elsewhere says, in bytes and numbers; longer texts
// are cut.
const (
	maxReportText  = 512
	maxReportBody  = 2 << 10
	maxReportLines = 40
	maxReportNames = 20
	maxPhases      = 20
	maxReportTook  = 24 * time.Hour
)

// report is what there is to say of a check besides whether the target is up, as
// it goes from place to place.
type report struct {
	Took        int64              `json:"took"`               // microseconds
	Question    string             `json:"question,omitempty"` // see Question; "" = whoever asked does not tell
	Reason      probe.Reason       `json:"reason,omitempty"`
	Message     string             `json:"message,omitempty"`
	Phases      []reportPhase      `json:"phases,omitempty"`
	Certificate *probe.Certificate `json:"certificate,omitempty"`
	Evidence    *probe.Evidence    `json:"evidence,omitempty"`
}

type reportPhase struct {
	Name string `json:"name"`
	Took int64  `json:"took"` // microseconds
}

// Question is a short name of what a monitor asks, another one for another target
// or another way to ask it. Whoever asks from elsewhere says it with the answer, so
// that the answer of an old target is not taken for one of the new.
func Question(m *oncall.Monitor) string {
	body, _ := json.Marshal([]any{m.Kind, m.Target, m.Module, m.Private}) // texts can't fail
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}

// EncodeReport is what a result says besides whether the target is up, in at most
// MaxReport bytes of JSON: of long evidence its beginning. question is what was
// asked, of Question.
func EncodeReport(r *probe.Result, question string) string {
	out := report{Took: r.Duration.Microseconds(), Question: question, Reason: r.Reason, Message: r.Message, Certificate: r.Certificate}
	for _, p := range r.Phases {
		out.Phases = append(out.Phases, reportPhase{p.Name, p.Duration.Microseconds()})
	}
	if !r.Up {
		out.Evidence = r.Evidence
	}
	text, ok := out.encode()
	for _, most := range []struct{ lines, line, body, names int }{{20, 300, 2 << 10, 10}, {10, 200, 1 << 10, 3}, {4, 120, 256, 1}} {
		if ok {
			return text
		}
		out.cut(most.lines, most.line, most.body, most.names)
		text, ok = out.encode()
	}
	if ok {
		return text
	}
	least := report{Took: out.Took, Question: question, Reason: out.Reason, Message: cut(out.Message, maxReportText)}
	text, _ = least.encode()
	return text
}

func (r *report) encode() (text string, short bool) {
	body, err := json.Marshal(r)
	return string(body), err == nil && len(body) <= MaxReport
}

// DecodeReport is the result of a check that has ended at that time, with what a
// report says of it; "" says nothing. What comes from elsewhere is cut and made
// safe to show. The error says that it is no report.
func DecodeReport(text string, up bool, at time.Time) (*probe.Result, error) {
	r, _, err := decodeReport(text, up, at)
	return r, err
}

// decodeReport is DecodeReport with what was asked, "" where that is not told.
func decodeReport(text string, up bool, at time.Time) (r *probe.Result, question string, err error) {
	in := report{}
	if len(text) > MaxReport {
		return nil, "", errors.New("the report of a result is too long")
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &in); err != nil {
			return nil, "", errors.New("the report of a result can't be read")
		}
	} else if !up {
		in.Reason, in.Message = probe.ReasonAnswer, "the probe failed; what came back was not told"
	}
	in.cut(maxReportLines, maxReportText, maxReportBody, maxReportNames)
	took := min(max(time.Duration(in.Took), 0), maxReportTook/time.Microsecond) * time.Microsecond
	r = &probe.Result{Up: up, Start: at.Add(-took), Duration: took, Certificate: in.Certificate}
	for _, p := range in.Phases {
		r.Phases = append(r.Phases, probe.Phase{Name: p.Name, Duration: min(max(time.Duration(p.Took), 0), maxReportTook/time.Microsecond) * time.Microsecond})
	}
	if up {
		return r, in.Question, nil
	}
	r.Reason, r.Message, r.Evidence = in.Reason, in.Message, in.Evidence
	if strings.ContainsFunc(string(r.Reason), func(c rune) bool { return c < 'a' || c > 'z' }) || r.Reason == "" || len(r.Reason) > 32 {
		r.Reason = probe.ReasonAnswer
	}
	if r.Message == "" {
		r.Message = string(r.Reason)
	}
	return r, in.Question, nil
}

// cut makes the texts of a report safe to show, and keeps the first of many. What
// it points to may be in use elsewhere and stays as it is.
func (r *report) cut(lines, line, body, names int) {
	r.Message = cut(r.Message, maxReportText)
	r.Phases = r.Phases[:min(len(r.Phases), maxPhases)]
	for i := range r.Phases {
		r.Phases[i].Name = cut(r.Phases[i].Name, 32)
	}
	if r.Certificate != nil {
		c := *r.Certificate
		c.Names = cutAll(c.Names, names, line)
		for _, text := range []*string{&c.Issuer, &c.SHA256, &c.Version, &c.Cipher} {
			*text = cut(*text, line)
		}
		r.Certificate = &c
	}
	if r.Evidence != nil {
		e := *r.Evidence
		e.Tried, e.Headers, e.Chain = cutAll(e.Tried, lines, line), cutAll(e.Headers, lines, line), cutAll(e.Chain, min(lines, 10), line)
		e.Status, e.Body = cut(e.Status, line), cut(e.Body, body)
		e.BodySize = max(e.BodySize, 0)
		r.Evidence = &e
	}
}

func cutAll(all []string, most, limit int) []string {
	all = slices.Clone(all[:min(len(all), most)])
	for i := range all {
		all[i] = cut(all[i], limit)
	}
	return all
}

// cut is text in at most limit bytes of UTF-8 without control characters.
func cut(text string, limit int) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t':
			return c
		case c == utf8.RuneError, unicode.IsControl(c), unicode.Is(unicode.Cf, c):
			return '·'
		}
		return c
	}, text)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") // a letter that is cut in two goes
	}
	return text
}
