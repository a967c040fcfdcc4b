package demo

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
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
	step := func(in float64, kind, user, outcome string) api.Step {
		return api.Step{In: in, Kind: kind, Text: "foretold", Data: api.Data{User: user, Outcome: outcome}}
	}
	entry := func(in float64, kind, user, outcome string) api.Entry {
		return api.Entry{At: start.Add(time.Duration(in * float64(time.Second))), Kind: kind, Text: "happened", Data: api.Data{User: user, Outcome: outcome}}
	}
	forecast := []api.Step{
		step(0, "triggered", "", ""), step(0, "level", "", ""), step(0, "contact", "matsu", ""), step(0.3, "outcome", "matsu", "busy"),
		step(0.3, "contact", "take", ""), step(8.3, "outcome", "take", "no_answer"), step(8.3, "contact", "ume", ""), step(16.3, "outcome", "ume", "no_answer"),
	}
	got := compare(forecast, []api.Entry{
		entry(0, "triggered", "", ""), entry(0, "contact", "matsu", ""), entry(0.4, "outcome", "matsu", "busy"), entry(0.4, "delivery", "", ""),
		entry(0.4, "contact", "take", ""), entry(11, "outcome", "take", "no_answer"), entry(11, "contact", "ume", ""),
		entry(15, "acknowledged", "", ""), entry(15, "told", "", ""),
	})
	want := []Pair{
		{Foretold: 0, Happened: 0, Text: "happened"},
		{Foretold: 0.3, Happened: 0.4, Text: "happened"},
		{Foretold: 0.3, Happened: 0.4, Text: "happened"},
		{Foretold: 8.3, Happened: 11, Text: "happened", Surprise: true}, // later than foretold
		{Foretold: 8.3, Happened: 11, Text: "happened", Surprise: true},
		{Foretold: -1, Happened: 15, Text: "happened", Reader: true},
		{Foretold: -1, Happened: 15, Text: "happened"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	missing := compare(forecast[:4], []api.Entry{entry(0, "triggered", "", "")})
	if len(missing) != 2 || !missing[0].Surprise || missing[0].Happened != -1 {
		t.Errorf("what did not happen: got %+v, want both lines marked", missing)
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
