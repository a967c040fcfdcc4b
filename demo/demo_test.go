package demo

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/api"
	"toban/config"
)

func tokyo(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestTheFolderIsOneThatTobanTakesWithoutAWord(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"ja", "en"} {
		s := site{dir: t.TempDir(), lang: lang, listen: "127.0.0.1:8081", url: "http://127.0.0.1:8081", provider: "http://127.0.0.1:8080", near: netip.MustParseAddr("127.0.0.1"), monday: mondayOf(time.Now(), tokyo(t))}
		if err := s.write(); err != nil {
			t.Fatal(err)
		}
		c, problems := config.Load(s.dir)
		if c == nil || len(problems) > 0 {
			t.Errorf("%s: got problems %v, want none", lang, problems)
		}
	}
}

func TestTheFolderMayBeAnywhere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `a #b: "c" 'd'`)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := site{dir: dir, lang: "ja", listen: "[::]:8081", url: "http://[::1]:8081", provider: "http://[::1]:8080", near: netip.MustParseAddr("::1"), monday: mondayOf(time.Now(), tokyo(t))}
	if err := s.write(); err != nil {
		t.Fatal(err)
	}
	if c, problems := config.Load(dir); c == nil || len(problems) > 0 {
		t.Errorf("got problems %v, want none", problems)
	}
}

func TestTheWeekOfDutyAndTheNightAskedAbout(t *testing.T) {
	t.Parallel()
	loc := tokyo(t)
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 30, 0, 0, loc) }
	for _, tc := range []struct {
		name             string
		now              time.Time
		monday, saturday int // of November 2026
	}{
		{"on a Friday", at(20, 19), 16, 21},
		{"on a Monday before the hand-over", at(23, 8), 16, 28},
		{"on a Monday behind the hand-over", at(23, 9), 23, 28},
		{"on a Saturday before three", at(21, 2), 16, 21},
		{"on a Saturday behind three", at(21, 3), 16, 28},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := mondayOf(tc.now, loc); got.Day() != tc.monday || got.Weekday() != time.Monday {
				t.Errorf("mondayOf = %s, want the %dth", got, tc.monday)
			}
			if got := nextSaturday(tc.now, loc); got.Day() != tc.saturday || got.Hour() != 3 {
				t.Errorf("nextSaturday = %s, want the %dth at 3", got, tc.saturday)
			}
		})
	}
}

func TestWhatCameOtherwiseIsMarkedAndWhatPeopleDecidedIsNot(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	step := func(in float64, kind, user, outcome string, nth int) api.Step {
		return api.Step{In: in, Kind: kind, Text: "foretold", Data: api.Data{User: user, Outcome: outcome, Nth: nth}}
	}
	entry := func(in float64, kind, user, outcome string, nth int) api.Entry {
		return api.Entry{At: start.Add(time.Duration(in * float64(time.Second))), Kind: kind, Text: kind + " " + user, Data: api.Data{User: user, Outcome: outcome, Nth: nth}}
	}
	// As step 1 has it: nobody answers.
	forecast := []api.Step{
		step(0, "triggered", "", "", 0), step(0, "level", "", "", 0),
		step(0, "contact", "matsu", "", 1), step(8, "outcome", "matsu", "no_answer", 1), step(8, "contact", "matsu", "", 2), step(16, "outcome", "matsu", "no_answer", 2),
		step(16, "unreached", "matsu", "", 0), step(16, "contact", "take", "", 1), step(24, "outcome", "take", "no_answer", 1),
		step(24, "contact", "take", "", 2), step(32, "outcome", "take", "no_answer", 2), step(32, "contact", "ume", "", 1), step(40, "outcome", "ume", "no_answer", 1),
	}
	begun := []api.Entry{
		entry(0, "triggered", "", "", 0), entry(0, "contact", "matsu", "", 1), entry(0.5, "outcome", "matsu", "busy", 1), entry(0.5, "delivery", "", "", 0),
		entry(0.5, "unreached", "matsu", "", 0), entry(0.5, "contact", "take", "", 1),
	}
	told := []Pair{
		{Foretold: 0, Happened: 0, Text: "contact matsu"},
		{Foretold: 8, Happened: 0.5, Text: "outcome matsu", Surprise: true, Instead: "no_answer"}, // and its reason
		{Foretold: 16, Happened: 0.5, Text: "contact take", Shift: -15.5},
	}
	person := entry(31, "resolved", "", "", 0)
	person.Actor = "ume"
	for _, tc := range []struct {
		name string
		then []api.Entry
		want []Pair
	}{
		{"as foretold, and taken", []api.Entry{
			entry(8.5, "outcome", "take", "no_answer", 1), entry(8.5, "contact", "take", "", 2), entry(14, "acknowledged", "ume", "", 0), entry(14, "told", "", "", 0),
		}, []Pair{
			{Foretold: 24, Happened: 8.5, Text: "outcome take"},
			{Foretold: 24, Happened: 8.5, Text: "contact take"},
			{Foretold: -1, Happened: 14, Text: "acknowledged ume", Reader: true},
			{Foretold: -1, Happened: 14, Text: "told "},
		}},
		{"late by a pulled plug, said once", []api.Entry{
			entry(12, "outcome", "take", "no_answer", 1), entry(12, "contact", "take", "", 2), entry(20, "outcome", "take", "no_answer", 2),
		}, []Pair{
			{Foretold: 24, Happened: 12, Text: "outcome take", Surprise: true},
			{Foretold: 24, Happened: 12, Text: "contact take"},
			{Foretold: 32, Happened: 20, Text: "outcome take"},
		}},
		{"repaired before anybody took it", []api.Entry{entry(3, "resolved", "", "", 0)}, []Pair{{Foretold: -1, Happened: 3, Text: "resolved "}}},
		{"resolved by hand", []api.Entry{person}, []Pair{{Foretold: -1, Happened: 31, Text: "resolved ", Reader: true}}},
		{"somebody who was not foretold", []api.Entry{entry(2, "contact", "boss", "", 1)}, []Pair{{Foretold: -1, Happened: 2, Text: "contact boss", Surprise: true}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := compare(forecast, slices.Concat(begun, tc.then))
			if diff := cmp.Diff(slices.Concat(told, tc.want), got); diff != "" {
				t.Errorf("pairs (-want +got):\n%s", diff)
			}
		})
	}
	if got := compare(nil, begun); slices.ContainsFunc(got, func(p Pair) bool { return p.Surprise }) {
		t.Errorf("without a forecast: got %+v, want nothing marked", got)
	}
}

func TestATakenPortIsPassedOver(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	next, err := listen("127.0.0.1", port(taken))
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if port(next) <= port(taken) {
		t.Errorf("got port %d, want one behind the taken %d", port(next), port(taken))
	}
}

func TestTheCodeForATelephoneIsDrawnInTheTerminal(t *testing.T) {
	t.Parallel()
	if code := terminalCode("http://192.0.2.7:8080/phone/ume"); strings.Count(code, "\n") < 10 {
		t.Errorf("got %q, want a square of blocks", code)
	}
	if got := reachable("127.0.0.1"); got != "127.0.0.1" {
		t.Errorf("reachable(127.0.0.1) = %s", got)
	}
}

func TestAHostThatCannotBeListenedOnIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	began := time.Now()
	l, err := listen("192.0.2.77", 8080) // of nobody (RFC 5737)
	if err == nil {
		l.Close()
		t.Fatal("got a listener, want an error")
	}
	if strings.Contains(err.Error(), "no port is free") || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %v, want what is wrong with the address", err, time.Since(began))
	}
}

func TestTheAddressesOfTheDemoFitTheHost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ host, near, url string }{
		{"127.0.0.1", "127.0.0.1", "http://127.0.0.1:8080"},
		{"0.0.0.0", "127.0.0.1", "http://127.0.0.1:8080"},
		{"::", "127.0.0.1", "http://127.0.0.1:8080"},
		{"::1", "::1", "http://[::1]:8080"},
		{"192.0.2.7", "192.0.2.7", "http://192.0.2.7:8080"},
	} {
		if got := near(tc.host); got != tc.near || address(got, 8080) != tc.url {
			t.Errorf("near(%s) = %s at %s, want %s at %s", tc.host, got, address(got, 8080), tc.near, tc.url)
		}
	}
	l, err := listen("localhost", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !isLoopback(host(l)) {
		t.Errorf("localhost is %s, want a loopback address", host(l))
	}
}
