package detect

import (
	"context"
	"slices"

	"toban/detect/probe"
)

// hiding is a checker whose results never show the secrets that were put into its
// module: a target may send back what it was sent, in a body, a header, a line or
// a certificate, and what a check found is for everybody who may look.
type hiding struct {
	probe.Checker
	secrets probe.Secrets
}

// Check implements probe.Checker.
func (h hiding) Check(ctx context.Context, target string) *probe.Result {
	r := h.Checker.Check(ctx, target)
	r.Message = h.secrets.Hide(r.Message)
	if e := r.Evidence; e != nil {
		e.Status, e.Body = h.secrets.Hide(e.Status), h.secrets.Hide(e.Body)
		for _, lines := range [][]string{e.Tried, e.Headers, e.Chain} {
			for i, line := range lines {
				lines[i] = h.secrets.Hide(line)
			}
		}
	}
	for i := range r.Samples {
		h.hideIn(&r.Samples[i])
	}
	return r
}

// hideIn hides secrets in labels, which samples of several checks may share.
func (h hiding) hideIn(s *probe.Sample) {
	for i, l := range s.Labels {
		if shown := h.secrets.Hide(l.Value); shown != l.Value {
			s.Labels = slices.Clone(s.Labels)
			s.Labels[i].Value = shown
		}
	}
}

// Close implements probe.Closer.
func (h hiding) Close() {
	if c, ok := h.Checker.(probe.Closer); ok {
		c.Close()
	}
}
