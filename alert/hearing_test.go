package alert

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"toban/oncall"
)

func TestSilenceOfOurOwnMakingMeansNothing(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name   string
		before func(h *hearing, at time.Time) // what happens at 03:30
		quiet  time.Duration                  // from 03:30 on nothing may end for so long
	}{
		{"nothing special", func(*hearing, time.Time) {}, 0},
		{"a signal was not kept", func(h *hearing, _ time.Time) { h.miss() }, 5*time.Minute + 10*time.Second},
		{"signals were refused", func(h *hearing, at time.Time) { h.look(at, true) }, 5 * time.Minute},
		{"the process was paused", func(h *hearing, at time.Time) { h.looked = at.Add(-2 * time.Minute) }, 5*time.Minute + 10*time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var h hearing
			h.begin(start)
			at := start
			for ; at.Before(start.Add(30 * time.Minute)); at = at.Add(10 * time.Second) {
				if got, want := h.look(at, false), !at.Before(start.Add(5*time.Minute)); got != want {
					t.Fatalf("at %s: got %v, want %v", at.Sub(start), got, want)
				}
			}
			tc.before(&h, at)
			for from := at; at.Before(from.Add(time.Hour)); {
				at = at.Add(10 * time.Second)
				if got, want := h.look(at, false), !at.Before(from.Add(tc.quiet)); got != want {
					t.Fatalf("%s after it: got %v, want %v", at.Sub(from), got, want)
				}
			}
		})
	}
}

func TestOnlyWhatTobanItselfLosesMakesItDeaf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{&oncall.Error{Kind: oncall.Invalid}, false},
		{&oncall.Error{Kind: oncall.Unavailable}, true},
		{fmt.Errorf("x: %w", &oncall.Error{Kind: oncall.Unavailable}), true},
		{errors.New("disk full"), true},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
	} {
		if got := lost(tc.err); got != tc.want {
			t.Errorf("%v: got %v, want %v", tc.err, got, tc.want)
		}
	}
}
