package view

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestRelativeSaysHowFarAwayAMomentIs(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tc := range []struct {
		d      time.Duration
		ja, en string
	}{
		{0, "たった今", "just now"},
		{-4 * time.Second, "たった今", "just now"},
		{-5 * time.Second, "5秒前", "5 s ago"},
		{-59*time.Second - 999*time.Millisecond, "59秒前", "59 s ago"},
		{-time.Minute, "1分前", "1 min ago"},
		{-time.Hour + time.Second, "59分前", "59 min ago"},
		{-time.Hour, "1時間前", "1 h ago"},
		{-47 * time.Hour, "47時間前", "47 h ago"},
		{-6 * day, "6日前", "6 d ago"},
		{time.Millisecond, "1秒後", "in 1 s"},
		{59 * time.Second, "59秒後", "in 59 s"},
		{59*time.Second + time.Millisecond, "1分00秒後", "in 1:00"},
		{192 * time.Second, "3分12秒後", "in 3:12"},
		{5*time.Hour + 12*time.Minute, "5時間12分後", "in 5 h 12 min"},
		{2*day + 3*time.Hour, "2日と3時間後", "in 2 d 3 h"},
	} {
		if got := Relative("ja", tc.d); got != tc.ja {
			t.Errorf("ja %v: got %q, want %q", tc.d, got, tc.ja)
		}
		if got := Relative("en", tc.d); got != tc.en {
			t.Errorf("en %v: got %q, want %q", tc.d, got, tc.en)
		}
	}
}

func TestAbsoluteNamesTheZoneWhereItsClockDiffers(t *testing.T) {
	t.Parallel()
	tokyo, seoul, york := zone(t, "Asia/Tokyo"), zone(t, "Asia/Seoul"), zone(t, "America/New_York")
	at := time.Date(2026, 11, 20, 15, 4, 0, 0, tokyo)
	for _, tc := range []struct {
		name, lang   string
		zone, viewer *time.Location
		want         string
	}{
		{"one's own", "ja", tokyo, tokyo, "11/20(金) 15:04"},
		{"one's own", "en", tokyo, tokyo, "Fri 20 Nov 15:04"},
		{"another zone with the same clock", "en", seoul, tokyo, "Fri 20 Nov 15:04"},
		{"another clock", "ja", york, tokyo, "11/20(金) 01:04 EST"},
		{"another clock", "en", tokyo, york, "Fri 20 Nov 15:04 JST"},
		{"no viewer", "en", york, nil, "Fri 20 Nov 01:04"},
	} {
		if got := Absolute(tc.lang, at, tc.zone, tc.viewer); got != tc.want {
			t.Errorf("%s, %s: got %q, want %q", tc.name, tc.lang, got, tc.want)
		}
	}
	s := Shell{Lang: "en", Now: at, Zone: tokyo}
	if got, want := s.when(at.AddDate(-1, 0, 0)), "Thu 20 Nov 2025 15:04"; got != want {
		t.Errorf("last year: got %q, want %q", got, want)
	}
}

func TestSpanSaysALength(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		12 * time.Second: "12 s", 3 * time.Minute: "3 min", 192 * time.Second: "3 min 12 s",
		5 * time.Hour: "5 h", 5*time.Hour + 2*time.Minute: "5 h 2 min", 50 * time.Hour: "2 d",
	} {
		if got := Span("en", d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestNamesAreCutBetweenLettersAsPeopleSeeThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "?", " matsu": "M", "松さん": "松", "👩‍🚒 Ann": "👩‍🚒", "が": "が"} {
		if got := initial(text); got != want {
			t.Errorf("initial of %q: got %q, want %q", text, got, want)
		}
	}
	if got, want := Short("決済が応答しません", 4), "決済が…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Short("👩‍🚒👩‍🚒", 2), "👩‍🚒👩‍🚒"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAStepOnAnotherDaySaysWhichOne(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := evening() // Friday, 20:02 in Tokyo
	var steps []StairStep
	for _, after := range []time.Duration{time.Minute, 2 * time.Hour, 4 * time.Hour, 5 * time.Hour, 2 * day, 60 * day} {
		steps = append(steps, StairStep{At: now.Add(after), Sentence: "x"})
	}
	steps = slices.Insert(steps, 4, StairStep{Sentence: "at no time"})
	of := regexp.MustCompile(`<span class="step-at muted">(.*?)</span>\s*</span>\s*<span class="step-text">`)
	for lang, want := range map[string][]string{
		"ja": {"20:03:00", "22:02:00", "11/21(土) 00:02:00", "01:02:00", "11/22(日) 20:02:00", "2027/1/19(火) 20:02:00"},
		"en": {"20:03:00", "22:02:00", "Sat 21 Nov 00:02:00", "01:02:00", "Sun 22 Nov 20:02:00", "Tue 19 Jan 2027 20:02:00"},
	} {
		var got []string
		for _, found := range of.FindAllStringSubmatch(htmlOf(t, Stair(reader(t, lang, "viewer"), steps)), -1) {
			got = append(got, strings.Join(strings.Fields(tag.ReplaceAllString(found[1], " ")), " "))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", lang, diff)
		}
	}
	if html := htmlOf(t, Stair(reader(t, "ja", "viewer"), steps[4:])); strings.Count(html, "step-day") != 2 {
		t.Errorf("behind a step at no time: %s", html)
	}
}
