package oncall

import (
	"strings"
	"testing"
)

func TestWhatCanBePostedCanBeWatchedByTheSameName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"orders.failed": true, "a": true, "A-b_c.9": true, "": false, "a b": false, "注文": false, "a/b": false, strings.Repeat("a", 255): true, strings.Repeat("a", 256): false} {
		if got := IsMetricName(name); got != want {
			t.Errorf("%.20q: got %t, want %t", name, got, want)
		}
		if got := IsMetricPattern(name); got != want {
			t.Errorf("%.20q to watch: got %t, want %t as it can be posted", name, got, want)
		}
	}
	for name, want := range map[string]bool{"orders.*": true, "*": true, "*.p99": true, "or*.x": false, "**": false} {
		if got := IsMetricPattern(name); got != want || IsMetricName(name) {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
	for name, want := range map[string]bool{"shop": true, "s1": true, "s": false, "-shop": false, "_x": false, "my shop": false, "shop.web": false, strings.Repeat("a", 63): true, strings.Repeat("a", 64): false} {
		if got := IsMetricService(name); got != want {
			t.Errorf("service %.20q: got %t, want %t", name, got, want)
		}
	}
}
