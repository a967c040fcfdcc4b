package probe

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

type evidenceWanted struct{}

// WithEvidence asks for the evidence of checks that find their target up, too.
func WithEvidence(ctx context.Context) context.Context {
	return context.WithValue(ctx, evidenceWanted{}, true)
}

func wantsEvidence(ctx context.Context) bool {
	wanted, _ := ctx.Value(evidenceWanted{}).(bool)
	return wanted
}

// maxTried is how many lines of what was tried are kept: the first ones.
const maxTried = 40

// trial is one check in the making: what it has found up to now. It belongs to
// one goroutine.
type trial struct {
	result *Result
	tried  []string
}

func begin() *trial {
	return &trial{result: &Result{Start: time.Now(), Phases: make([]Phase, 0, 4), Samples: make([]Sample, 0, 8)}}
}

// try records what was tried and what became of it, in a line.
func (t *trial) try(parts ...string) {
	if len(t.tried) < maxTried {
		t.tried = append(t.tried, safeText([]byte(strings.Join(parts, "")), MaxValue))
	}
}

// phase records how long a part took, and begins the next one.
func (t *trial) phase(name string, took time.Duration) {
	t.result.Phases = append(t.result.Phases, Phase{Name: name, Duration: took})
}

func (t *trial) sample(all ...Sample) { t.result.Samples = append(t.result.Samples, all...) }

// fail says why the target is not up. The first reason stays.
func (t *trial) fail(reason Reason, message string) {
	if t.result.Reason == "" {
		t.result.Reason, t.result.Message = reason, message
	}
}

// failed is fail for an error.
func (t *trial) failed(err error) {
	reason, message := reasonOf(err)
	t.try(message)
	t.fail(reason, message)
}

// up reports whether nothing has failed until now.
func (t *trial) up() bool { return t.result.Reason == "" }

// kept reports whether the evidence will be looked at.
func (t *trial) kept(ctx context.Context) bool { return !t.up() || wantsEvidence(ctx) }

// end closes the trial: the target is up if nothing has failed. Evidence is
// what there is besides the lines of what was tried, or nil.
func (t *trial) end(ctx context.Context, evidence *Evidence) *Result {
	r := t.result
	r.Duration = time.Since(r.Start)
	r.Up = t.up()
	if r.Reason == ReasonTimeout && errors.Is(ctx.Err(), context.Canceled) {
		r.Message = stopped
	}
	if !t.kept(ctx) {
		return r
	}
	if evidence == nil {
		evidence = &Evidence{}
	}
	evidence.Tried = append(t.tried, evidence.Tried...)
	r.Evidence = evidence
	return r
}

// safeText makes bytes from outside fit to be shown, in at most limit bytes:
// UTF-8, with line ends and tabs and without any other control or invisible
// formatting character.
func safeText(from []byte, limit int) string {
	if plain(from, limit) {
		return string(from)
	}
	var b strings.Builder
	for len(from) > 0 {
		r, size := utf8.DecodeRune(from)
		from = from[size:]
		switch {
		case r == '\n', r == '\t':
		case r == '\r' && len(from) > 0 && from[0] == '\n':
			continue
		case r == utf8.RuneError && size <= 1, unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			r = '·'
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain reports whether text can be shown as it is.
func plain(text []byte, limit int) bool {
	if len(text) > limit {
		return false
	}
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
