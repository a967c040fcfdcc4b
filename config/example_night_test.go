package config

import (
	"testing"
	"testing/fstest"
	"time"

	"toban/oncall"
)

func TestOfWhatInitWritesAWarningWaitsForTheMorning(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ja"} {
		files := fstest.MapFS{}
		for name, body := range Example(lang) {
			files[name] = &fstest.MapFile{Data: body}
		}
		c, problems := LoadFS(files)
		if c == nil {
			t.Fatalf("in %q: %v", lang, problems)
		}
		dir, err := c.Directory()
		if err != nil {
			t.Fatal(err)
		}
		night := time.Date(2026, 11, 23, 18, 2, 0, 0, time.UTC) // no office hour in Tokyo or in London
		for _, s := range dir.Services {
			for severity, urgency := range map[oncall.Severity]oncall.Urgency{oncall.Warning: oncall.Low, oncall.Info: oncall.Low, oncall.Critical: oncall.High} {
				if got := s.UrgencyOf(severity); got != urgency {
					t.Errorf("in %q %s: got %s for %s, want %s", lang, s.ID, got, severity, urgency)
				}
			}
			if s.SupportHours == nil || !s.SupportHours.Next(night).After(night) {
				t.Errorf("in %q: a warning of %s is told at night", lang, s.ID)
			}
		}
	}
}
