package probe

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"
)

// flag is a sample that is 1 or 0.
func flag(name, help string, on bool) Sample {
	s := Sample{Name: name, Help: help}
	if on {
		s.Value = 1
	}
	return s
}

// durations are a sample for each phase named, 0 for those that did not come.
func durations(name, help string, phases []Phase, names ...string) []Sample {
	all := make([]Sample, 0, len(names))
	for _, phase := range names {
		var sum time.Duration
		for _, p := range phases {
			if p.Name == phase {
				sum += p.Duration
			}
		}
		all = append(all, Sample{Name: name, Help: help, Labels: []Label{{"phase", phase}}, Value: sum.Seconds()})
	}
	return all
}

func sortLabels(labels []Label) {
	slices.SortFunc(labels, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
}

// certificateSamples are those of certificateOf that a kind has besides the
// others: blackbox-exporter does not give all of them with every kind.
func certificateSamples(all []Sample, but ...string) []Sample {
	return slices.DeleteFunc(all, func(s Sample) bool { return slices.Contains(but, s.Name) })
}

// maxChain is how many certificates of a chain are shown.
const maxChain = 10

// chainLines are the certificates a target showed, a line each.
func chainLines(chain []*x509.Certificate) []string {
	var lines []string
	for _, c := range chain[:min(len(chain), maxChain)] {
		line := c.Subject.String() + ", issued by " + c.Issuer.String() + ", until " + moment(c.NotAfter)
		lines = append(lines, safeText([]byte(line), MaxValue))
	}
	return lines
}
