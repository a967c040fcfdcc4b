package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// milliseconds is how figures give times.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// String is the figure as one line: name, value, unit.
func (f Figure) String() string {
	digits := 0
	switch size := math.Abs(f.Value); {
	case size < 10:
		digits = 2
	case size < 1000:
		digits = 1
	}
	return fmt.Sprintf("%s %s %s", f.Name, strconv.FormatFloat(f.Value, 'f', digits, 64), f.Unit)
}

// percentile returns the value that a share of the samples does not exceed
// (nearest rank, from all samples). The samples are sorted by it.
func percentile(samples []time.Duration, share float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	rank := int(math.Ceil(share * float64(len(samples))))
	return samples[min(max(rank, 1), len(samples))-1]
}

// medians folds the figures of several runs into one of each name, in the order
// in which the first run has them.
func medians(runs [][]Figure) []Figure {
	var out []Figure
	values := map[string][]float64{}
	for _, run := range runs {
		for _, f := range run {
			if values[f.Name] == nil {
				out = append(out, f)
			}
			values[f.Name] = append(values[f.Name], f.Value)
		}
	}
	for i, f := range out {
		all := values[f.Name]
		slices.Sort(all)
		out[i].Value = all[len(all)/2]
	}
	return out
}
