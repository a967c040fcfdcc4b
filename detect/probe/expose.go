package probe

import (
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Metrics are all samples of the result: whether the target is up, how long the
// probe took, and what its kind measures.
func (r *Result) Metrics() iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		if !yield(flag("probe_success", "Displays whether or not the probe was a success", r.Up)) ||
			!yield(Sample{Name: "probe_duration_seconds", Help: "Returns how long the probe took to complete in seconds", Value: r.Duration.Seconds()}) {
			return
		}
		for _, s := range r.Samples {
			if !yield(s) {
				return
			}
		}
	}
}

// WriteMetrics writes the metrics of a result and further samples as Prometheus
// reads them (text format 0.0.4), as blackbox-exporter does: all are gauges,
// sorted by name and labels.
func WriteMetrics(w io.Writer, r *Result, further ...Sample) error {
	all := append(slices.Collect(r.Metrics()), further...)
	slices.SortStableFunc(all, func(a, b Sample) int {
		if by := strings.Compare(a.Name, b.Name); by != 0 {
			return by
		}
		return slices.CompareFunc(a.Labels, b.Labels, func(x, y Label) int { return strings.Compare(x.Value, y.Value) })
	})
	var b []byte
	name := ""
	for _, s := range all {
		if s.Name != name {
			name = s.Name
			b = append(b, "# HELP "+name+" "+escapes.Replace(s.Help)+"\n# TYPE "+name+" gauge\n"...)
		}
		b = AppendSample(b, s)
	}
	_, err := w.Write(b)
	return err
}

// AppendSample appends one line of the text format.
func AppendSample(b []byte, s Sample) []byte {
	b = append(b, s.Name...)
	for i, l := range s.Labels {
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = append(append(b, l.Name...), `="`...)
		if strings.ContainsAny(l.Value, "\\\n\"") {
			b = append(b, strings.ReplaceAll(escapes.Replace(l.Value), `"`, `\"`)...)
		} else {
			b = append(b, l.Value...)
		}
		b = append(b, '"')
	}
	if len(s.Labels) > 0 {
		b = append(b, '}')
	}
	b = strconv.AppendFloat(append(b, ' '), s.Value, 'g', -1, 64)
	return append(b, '\n')
}

var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
