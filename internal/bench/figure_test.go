package bench

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentileIsTheNearestRankOfAllSamples(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100-i) * time.Millisecond // not sorted
	}
	for _, tc := range []struct {
		name    string
		samples []time.Duration
		share   float64
		want    time.Duration
	}{
		{"half of a hundred", hundred, 0.5, 50 * time.Millisecond},
		{"99 of a hundred", hundred, 0.99, 99 * time.Millisecond},
		{"all of a hundred", hundred, 1, 100 * time.Millisecond},
		{"99 % of two is the slower one", []time.Duration{9, 1}, 0.99, 9},
		{"one sample", []time.Duration{7}, 0.5, 7},
		{"none", nil, 0.99, 0},
	} {
		if got := percentile(append([]time.Duration{}, tc.samples...), tc.share); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestTheMedianOfRunsIsTakenByName(t *testing.T) {
	t.Parallel()
	got := medians([][]Figure{
		{{"a.rate", 10, "1/s"}, {"a.p99", 5, "ms"}},
		{{"a.rate", 30, "1/s"}, {"a.p99", 1, "ms"}},
		{{"a.rate", 20, "1/s"}, {"a.p99", 3, "ms"}},
	})
	if diff := cmp.Diff([]Figure{{"a.rate", 20, "1/s"}, {"a.p99", 3, "ms"}}, got); diff != "" {
		t.Errorf("medians (-want +got):\n%s", diff)
	}
}

func TestAFigureIsALineOfNameValueUnit(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]Figure{
		"intake.sqlite.c64.rate 12346 1/s": {"intake.sqlite.c64.rate", 12345.678, "1/s"},
		"call.sqlite.idle.p50 1.23 ms":     {"call.sqlite.idle.p50", 1.2345, "ms"},
		"start.ready 123.5 ms":             {"start.ready", 123.456, "ms"},
	} {
		if got := f.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
