package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"toban/oncall"

	"github.com/google/go-cmp/cmp"
)

func TestADifferenceIsShownMemberByMember(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, before, after string
		want                []DiffLine
	}{
		{"made", "", `{"role":"viewer"}`, []DiffLine{{Member: "role", After: "viewer"}}},
		{"gone", `{"role":"viewer"}`, "", []DiffLine{{Member: "role", Before: "viewer"}}},
		{"the same", `{"a":1,"b":[1,2]}`, `{"b":[1,2],"a":1}`, nil},
		{"inside", `{"levels":[{"wait":1},{"wait":2}]}`, `{"levels":[{"wait":1},{"wait":3}]}`, []DiffLine{{"levels.1.wait", "2", "3"}}},
		{"longer", `{"l":["a"]}`, `{"l":["a","b"]}`, []DiffLine{{"l.1", "", "b"}}},
		{"null is nothing", `{"a":null}`, `{}`, nil},
		{"a number stays what it was", `{"n":12345678901234567890}`, `{"n":1e3}`, []DiffLine{{"n", "12345678901234567890", "1e3"}}},
		{"markup", `{"a":"<b>"}`, `{"a":true}`, []DiffLine{{"a", "<b>", "true"}}},
		{"no JSON", `oops`, `{"a":1}`, []DiffLine{{"", "oops", ""}, {"a", "", "1"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, Diff(tc.before, tc.after)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestADifferenceIsBounded(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, `"m%d":%d,`, i, i)
	}
	lines := Diff("", "{"+many.String()+`"long":"`+strings.Repeat("長", 5000)+`"}`)
	if len(lines) != mostDiff+1 || lines[mostDiff].Member != "…" {
		t.Errorf("got %d lines, want %d and an ellipsis", len(lines), mostDiff)
	}
	if n := len([]rune(Diff("", `"`+strings.Repeat("長", 5000)+`"`)[0].After)); n > longestValue {
		t.Errorf("got %d letters, want at most %d", n, longestValue)
	}
	if deep := Diff("", strings.Repeat(`[`, 500)+strings.Repeat(`]`, 500)); len(deep) != 1 {
		t.Errorf("got %d lines of what nests deep, want 1", len(deep))
	}
}

func FuzzDiff(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}]}`, `{"a":"x"}`)
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, before, after string) {
		if lines := Diff(before, after); len(lines) > mostDiff+1 {
			t.Errorf("got %d lines", len(lines))
		}
		if lines := Diff(before, before); lines != nil {
			t.Errorf("got %v for no difference", lines)
		}
	})
}

func TestABrowserIsToldInAFewWords(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                "Firefox · Linux",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19 Safari/604": "Safari · iPhone",
		"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36":              "Chrome · Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0": "Edge · Windows",
		"curl/8.14":                 "curl",
		"":                          "",
		strings.Repeat("長い名前の", 40): Short(strings.Repeat("長い名前の", 40), 60),
	} {
		if got := browser(agent); got != want {
			t.Errorf("browser(%q) = %q, want %q", agent, got, want)
		}
	}
}

func TestHoursAreSaidAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	all := [7]bool{true, true, true, true, true, true, true}
	for want, span := range map[string]oncall.Span{
		"平日 09:00–18:00":        weekday(540, 1080)[0],
		"土日、祝日 終日":              {Days: oncall.DaySet{Weekdays: [7]bool{0: true, 6: true}, Holidays: "jp"}, To: 1440},
		"毎日 22:00–06:00":        {Days: oncall.DaySet{Weekdays: all}, From: 1320, To: 360},
		"月、水 00:00–12:00":       {Days: oncall.DaySet{Weekdays: [7]bool{1: true, 3: true}}, To: 720},
		"月、火、水、木、金 09:00–24:00": {Days: oncall.DaySet{Weekdays: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}}, From: 540, To: 1440},
	} {
		if got := spanWords(reader(t, "ja", "viewer"), span); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTheCommandOfAKeyIsOneThatAShellCanRun(t *testing.T) {
	t.Parallel()
	svc := &oncall.Service{ID: "it's", Match: []oncall.Matcher{{Label: "team", Op: oncall.Equal, Value: "o'brien"}, {Label: "env", Op: oncall.Match, Value: "p.*"}}}
	made := MadeKeyOf(reader(t, "en", "viewer"), &oncall.Integration{ID: "p", Dialect: "alertmanager"}, svc, "https://toban.example.jp/x/", "KEY")
	if want := "https://toban.example.jp/x/integrations/alertmanager/KEY"; made.URL != want {
		t.Errorf("got %s, want %s", made.URL, want)
	}
	if !strings.Contains(made.Curl, `"team":"o'\''brien"`) || strings.Contains(made.Curl, "p.*") || !strings.Contains(made.Curl, `"severity":"info"`) {
		t.Errorf("got %s", made.Curl)
	}
	own := MadeKeyOf(reader(t, "en", "viewer"), &oncall.Integration{ID: "g", Dialect: "generic", Map: ".x"}, svc, "http://x", "KEY")
	if !strings.HasSuffix(own.Curl, "-d '@body.json'") {
		t.Errorf("got %s, want the sender's own body", own.Curl)
	}
}

func TestAKeyIsShownWithTheUseOfItsDialect(t *testing.T) {
	t.Parallel()
	svc := &oncall.Service{ID: "shop"}
	for dialect, want := range map[string][]string{
		"agent":        {"TOBAN_AGENT_KEY='KEY' toban agent --server 'https://toban.example.jp/x'"},
		"mackerel":     {"-H 'X-Api-Key: KEY'", "'https://toban.example.jp/x/api/v0/services/SERVICE/tsdb'", `[{\"name\": \"toban.test\", \"time\": $(date +%s)`},
		"remote_write": {"remote_write:\n  - url: https://toban.example.jp/x/prometheus/api/v1/write\n", "authorization: { credentials: KEY }"},
	} {
		for _, lang := range []string{"en", "ja"} {
			made := MadeKeyOf(reader(t, lang, "manager"), &oncall.Integration{ID: "p", Dialect: dialect}, svc, "https://toban.example.jp/x/", "KEY")
			for _, w := range want {
				if !strings.Contains(made.Curl, w) {
					t.Errorf("%s: got %s, want %s in it", dialect, made.Curl, w)
				}
			}
			if made.URL != "KEY" || made.TakesAlerts || strings.Contains(made.Curl+made.URL, "/integrations/") || strings.Contains(made.Note, "service.made") {
				t.Errorf("%s: got %+v, want the key and its own use alone", dialect, made)
			}
		}
	}
}

func TestWhoCanBeReachedIsSaidByTheirContacts(t *testing.T) {
	t.Parallel()
	s := reader(t, "en", "viewer")
	call, mail := oncall.ContactMethod{Method: oncall.Call, Verified: true}, oncall.ContactMethod{Method: oncall.Email, Verified: true}
	for _, tc := range []struct {
		user        *oncall.User
		state, text string
	}{
		{&oncall.User{Contacts: []oncall.ContactMethod{call, mail, call}}, "ok", "reachable (phone call, e-mail)"},
		{&oncall.User{Contacts: []oncall.ContactMethod{mail}}, "warn", "no phone call (e-mail)"},
		{&oncall.User{Contacts: []oncall.ContactMethod{{Method: oncall.Call}}}, "crit", "no verified contact method"},
		{&oncall.User{}, "crit", "no contact method"},
		{nil, "crit", "unknown user"},
	} {
		if got := reachable(s, tc.user); got.State != tc.state || got.Text != tc.text {
			t.Errorf("got %s %q, want %s %q", got.State, got.Text, tc.state, tc.text)
		}
	}
}

func TestALocalClockIsSaidOnlyWhereItDiffers(t *testing.T) {
	t.Parallel()
	s, dir := reader(t, "en", "viewer"), shop(t)
	if clock, zone := clockOf(s, dir, dir.Users["take"]); clock != "06:02" || zone != "America/New_York" {
		t.Errorf("got %s %s, want 06:02 in New York", clock, zone)
	}
	if clock, _ := clockOf(s, dir, dir.Users["matsu"]); clock != "" {
		t.Errorf("got %s, want nothing: it is the reader's own", clock)
	}
	if clock, _ := clockOf(s, dir, nil); clock != "" {
		t.Errorf("got %s for nobody", clock)
	}
}

func TestAProviderIsAsGoodAsTheLastThingHeardOfIt(t *testing.T) {
	t.Parallel()
	now := evening()
	for want, p := range map[string]ProviderRow{
		"none": {}, "ok": {LastSent: now, LastError: now.Add(-time.Second)}, "crit": {LastSent: now.Add(-time.Second), LastError: now},
	} {
		if got := p.state(); got != want {
			t.Errorf("%+v: got %s, want %s", p, got, want)
		}
	}
}
