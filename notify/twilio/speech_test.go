package twilio

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toban/notify"
	"toban/oncall"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the goldens anew")

func tokyo(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mustSpeech(t testing.TB) *speech {
	t.Helper()
	s, err := newSpeech()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// night is 3:02 in Tokyo on 21 November 2026.
var night = time.Date(2026, 11, 20, 18, 2, 10, 0, time.UTC)

func checkout() notify.Incident {
	return notify.Incident{
		ID: "inc_1", Number: 42, Title: "InstanceDown: db-03.tokyo.example.jp:9100 <timeout & retry>", State: oncall.Triggered,
		Severity: oncall.Critical, TriggeredAt: night, Service: "checkout", ServiceName: "決済", Reading: "けっさい",
	}
}

func search() notify.Incident {
	i := checkout()
	i.ID, i.Number, i.Service, i.ServiceName, i.Reading, i.Severity = "inc_2", 43, "search", "検索", "けんさく", oncall.Failure
	return i
}

func TestR22_TheDocumentsOfACall(t *testing.T) {
	t.Parallel()
	s := mustSpeech(t)
	const action = "https://toban.example.jp/ops/callbacks/twilio/gather?d=dlv_1&e=1&t=x"
	for _, language := range []string{"ja", "en"} {
		call := notify.Call{Language: language, Zone: tokyo(t), Now: night.Add(10 * time.Second), Incidents: []notify.Incident{checkout()}}
		many := call
		many.Incidents = []notify.Incident{call.Incidents[0], search(), search()}
		taken := notify.SaidIncident{Number: 42, State: oncall.Acknowledged, Holder: "take"}
		for name, make := range map[string]func() ([]byte, error){
			"alarm":  func() ([]byte, error) { return s.ask(language, action, "", s.alarm(call)) },
			"alarms": func() ([]byte, error) { return s.ask(language, action, "", s.alarm(many)) },
			"invalid": func() ([]byte, error) {
				return s.ask(language, action, s.line(language, "invalid", nil), s.alarm(call))
			},
			"goodbye": func() ([]byte, error) { return s.end(language, s.line(language, "goodbye", nil)) },
			"acknowledged": func() ([]byte, error) {
				return s.end(language, s.answer(call, notify.Said{Kind: notify.SaidAcknowledged, Incidents: []notify.SaidIncident{taken}}))
			},
			"late": func() ([]byte, error) {
				return s.end(language, s.answer(call, notify.Said{Kind: notify.SaidLate, Incidents: []notify.SaidIncident{taken, {Number: 43, State: oncall.Resolved}}}))
			},
		} {
			got, err := make()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, language+"_"+name+".xml", got)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil { // a golden
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
	}
}

func TestR22_TimesAreSaidAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	zone := tokyo(t)
	now := time.Date(2026, 11, 21, 12, 30, 0, 0, zone)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	for _, tc := range []struct {
		at     time.Time
		ja, en string
	}{
		{at(21, 3, 2), "午前3時2分", "3:02 a.m."},
		{at(21, 0, 5), "午前0時5分", "12:05 a.m."},
		{at(21, 12, 0), "午後0時", "12:00 p.m."},
		{at(21, 23, 59), "午後11時59分", "11:59 p.m."},
		{at(20, 23, 59), "昨日の午後11時59分", "11:59 p.m. yesterday"},
		{at(19, 9, 0), "11月19日の午前9時", "19 November, 9:00 a.m."},
	} {
		if got := spokenTime("ja", tc.at, now); got != tc.ja {
			t.Errorf("got %q, want %q", got, tc.ja)
		}
		if got := spokenTime("en", tc.at, now); got != tc.en {
			t.Errorf("got %q, want %q", got, tc.en)
		}
	}
}

func TestR22_HostNamesAreSpokenSoThatTheyCanBeWrittenDown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, ja, en, short string }{
		{"db-03.tokyo.example.jp is down", "db ハイフン 03 ドット tokyo ドット example ドット jp is down", "db dash 03 dot tokyo dot example dot jp is down", "db dash 03 is down"},
		{"InstanceDown web01.example.jp:9100", "Instance Down web 01 ドット example ドット jp ポート 9100", "Instance Down web 01 dot example dot jp port 9100", "Instance Down web 01"},
		{"https://shop.example.jp/health?x=1 が応答しません。", "shop ドット example ドット jp が応答しません", "shop dot example dot jp が応答しません", "shop が応答しません"},
		{"エラー率 7.2% (api_error_rate)", "エラー率 7.2% (api error rate)", "エラー率 7.2% (api error rate)", "エラー率 7.2% (api error rate)"},
		{"🚨 disk <90% full>\x00\n", "disk 90% full", "disk 90% full", "disk 90% full"},
		{"サーバーdb-1が停止", "サーバーdb ハイフン 1が停止", "サーバーdb dash 1が停止", "サーバーdb dash 1が停止"},
	} {
		if got := spokenText("ja", tc.text, everything); got != tc.ja {
			t.Errorf("ja: got %q, want %q", got, tc.ja)
		}
		if got := spokenText("en", tc.text, everything); got != tc.en {
			t.Errorf("en: got %q, want %q", got, tc.en)
		}
		if got := spokenText("en", tc.text, firstNames); got != tc.short {
			t.Errorf("short: got %q, want %q", got, tc.short)
		}
	}
}

func TestR22_WordsTakeAtMostTwelveSecondsAndAreAlwaysXML(t *testing.T) {
	t.Parallel()
	s := mustSpeech(t)
	zone := tokyo(t)
	rapid.Check(t, func(t *rapid.T) {
		language := rapid.SampledFrom([]string{"ja", "en"}).Draw(t, "language")
		n := rapid.IntRange(1, 60).Draw(t, "n")
		call := notify.Call{Language: language, Zone: zone, Now: night.Add(time.Duration(rapid.IntRange(0, 72).Draw(t, "hours")) * time.Hour)}
		for range n {
			call.Incidents = append(call.Incidents, notify.Incident{
				Title: rapid.String().Draw(t, "title"), Reading: rapid.StringN(0, 40, -1).Draw(t, "reading"),
				Service: oncall.ServiceID(rapid.StringN(0, 3, -1).Draw(t, "service")), TriggeredAt: night,
				Severity: rapid.SampledFrom([]oncall.Severity{oncall.Critical, oncall.Failure, oncall.Warning, oncall.Info}).Draw(t, "severity"),
			})
		}
		words := s.alarm(call)
		if took := spoken(language, words); took > longest {
			t.Fatalf("%q takes %v, want at most %v", words, took, longest)
		}
		doc, err := s.ask(language, "https://x.example.jp/?a=1&b=2", words, words)
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(strings.NewReader(string(doc)))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, doc)
			}
		}
	})
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	t.Parallel()
	s := mustSpeech(t)
	names := map[string]bool{}
	for _, words := range s.words {
		for _, each := range words.Templates() {
			names[each.Name()] = true
		}
	}
	for language := range s.words {
		for name := range names {
			if strings.HasSuffix(name, ".tmpl") {
				continue
			}
			data := map[string]any{
				"Severity": "s", "Service": "s", "Since": "s", "What": "w", "Count": 2, "Number": 1, "Numbers": "1", "First": 1, "Holder": "h",
			}
			if got := s.line(language, name, data); got == "" || strings.Contains(got, "no value") {
				t.Errorf("%s %s: got %q", language, name, got)
			}
		}
	}
}
