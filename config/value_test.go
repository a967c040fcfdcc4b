package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/internal/nearest"
	"toban/oncall"
)

func TestDurationsAreWrittenWithTheirUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "10m": 10 * time.Minute, "2h": 2 * time.Hour, "7d": 7 * 24 * time.Hour, "1w": 7 * 24 * time.Hour,
		"1h30m": 90 * time.Minute, "0s": 0, "0": 0, "250ms": 250 * time.Millisecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10", "-1s", "1.5h", "10 m", "10min", "m", "1y", "999999999w", "999999999h999999999h", strings.Repeat("9", 30) + "s"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %s, want an error", text, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Second: "1s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 2 * time.Hour: "2h", 7 * 24 * time.Hour: "7d"} {
		if got := spell(d); got != want {
			t.Errorf("spell(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestMoneyHasACurrency(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money{
		"1000円": {1000e6, "JPY"}, "¥1000": {1000e6, "JPY"}, "$5": {5e6, "USD"}, "$0.0085": {8500, "USD"}, "5 EUR": {5e6, "EUR"}, "EUR 5": {5e6, "EUR"}, "12.5円": {12.5e6, "JPY"},
	} {
		if got, err := parseMoney(text); err != nil || got != want {
			t.Errorf("parseMoney(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1000", "円", "$", "$5円", "-5円", "1,000円", "$1.2345678", "5 euro", "1e9円"} {
		if got, err := parseMoney(text); err == nil {
			t.Errorf("parseMoney(%q) = %v, want an error", text, got)
		}
	}
}

func days(numbers ...time.Weekday) (d oncall.DaySet) {
	for _, n := range numbers {
		d.Weekdays[n] = true
	}
	return d
}

func TestSpansAreDaysAndTimes(t *testing.T) {
	t.Parallel()
	work := days(1, 2, 3, 4, 5)
	weekdays := work
	weekdays.Working = true
	for text, want := range map[string]oncall.Span{
		"weekdays 18:00-24:00":    {Days: weekdays, From: 18 * 60, To: 24 * 60},
		"Mon-Fri 09:00 - 18:00":   {Days: work, From: 9 * 60, To: 18 * 60},
		"weekends":                {Days: days(0, 6), To: 24 * 60},
		"Sat, Sun 8:30-12:00":     {Days: days(0, 6), From: 8*60 + 30, To: 12 * 60},
		"Fri-Mon":                 {Days: days(5, 6, 0, 1), To: 24 * 60},
		"wednesday":               {Days: days(3), To: 24 * 60},
		"22:00-06:00":             {Days: days(0, 1, 2, 3, 4, 5, 6), From: 22 * 60, To: 6 * 60},
		"daily 00:00-24:00":       {Days: days(0, 1, 2, 3, 4, 5, 6), To: 24 * 60},
		"holidays jp":             {Days: oncall.DaySet{Holidays: "jp"}, To: 24 * 60},
		"holidays jp 09:00–18:00": {Days: oncall.DaySet{Holidays: "jp"}, From: 9 * 60, To: 18 * 60},
	} {
		got, err := parseSpan(text)
		if err != nil {
			t.Errorf("parseSpan(%q): %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parseSpan(%q) (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"workdays", "09:00", "Mon 09:00", "Mon 09:00-", "24:01-25:00", "09:60-10:00", "Mon,,Tue", "Mon-", "weekdays,Sat", "weekdays 9-18"} {
		if got, err := parseSpan(text); err == nil {
			t.Errorf("parseSpan(%q) = %v, want an error", text, got)
		}
	}
}

func TestTheNearestWordIsTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	known := []string{"policy", "match", "urgency", "support_hours", "infra"}
	for word, want := range map[string]string{"polcy": "policy", "Policy": "policy", "infar": "infra", "supporthours": "support_hours", "x": "", "nothing": "", "": ""} {
		if got := nearest.Word(word, known); got != want {
			t.Errorf("nearest.Word(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestWhoseHolidaysWeekdaysLeavesOut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, schedule, want string }{
		{"Tokyo's are Japan's", "zone: Asia/Tokyo, layers: { users: ann }", "jp"},
		{"unless it says none", "zone: Asia/Tokyo, holidays: none, layers: { users: ann }", ""},
		{"elsewhere none", "zone: Europe/Berlin, layers: { users: ann }", ""},
		{"those that a span names", "zone: UTC, layers: { users: ann, during: [ holidays jp ] }", "jp"},
		{"as written", "zone: UTC, holidays: jp, layers: { users: ann, during: holidays }", "jp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := directory(t, minimal+"schedules: { s: { "+tc.schedule+" } }\n")
			if got := d.Schedules["s"].Holidays; got != tc.want {
				t.Errorf("holidays = %q, want %q", got, tc.want)
			}
			for _, span := range d.Schedules["s"].Layers[0].During {
				if span.Days.Holidays != "jp" {
					t.Errorf("the span's holidays = %q, want jp", span.Days.Holidays)
				}
			}
		})
	}
}

func TestASecretIsNeverShown(t *testing.T) {
	t.Parallel()
	s := Secret{ref: "env:TOKEN"}
	clear := Secret{plain: "AC0123"}
	for _, shown := range []string{fmt.Sprint(s, clear), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, clear, clear), fmt.Sprintf("%#v", Twilio{Token: s, Account: clear}), s.LogValue().String()} {
		if strings.Contains(shown, "TOKEN") || strings.Contains(shown, "AC0123") || !strings.Contains(shown, masked) {
			t.Errorf("shown as %s", shown)
		}
	}
	if raw, err := s.MarshalText(); err != nil || string(raw) != masked {
		t.Errorf("MarshalText = %s, %v", raw, err)
	}
}

func TestASecretIsResolvedFromWhereItIsReferredTo(t *testing.T) {
	t.Parallel()
	getenv := func(name string) string { return map[string]string{"TOKEN": "value"}[name] }
	readFile := func(path string) ([]byte, error) {
		switch path {
		case "/run/token":
			return []byte("from a file\r\n"), nil
		case "/run/empty":
			return []byte("\n"), nil
		}
		return nil, fs.ErrNotExist
	}
	for _, tc := range []struct {
		s         Secret
		want, err string
	}{
		{Secret{ref: "env:TOKEN"}, "value", ""},
		{Secret{ref: "file:/run/token"}, "from a file", ""},
		{Secret{plain: "AC0"}, "AC0", ""},
		{Secret{ref: "env:OTHER"}, "", "OTHER is not set"},
		{Secret{ref: "file:/run/empty"}, "", "is empty"},
		{Secret{ref: "file:/run/none"}, "", "file:/run/none"},
		{Secret{ref: "store:X"}, "", "can't be read yet"},
	} {
		got, err := tc.s.ResolveWith(getenv, readFile)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("Resolve(%s) = %q, %v, want %q, %s", tc.s.ref, got, err, tc.want, tc.err)
		}
	}
	pipe := t.TempDir() + "/pipe"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Secret{ref: "file:" + pipe}).Resolve(getenv); err == nil || !strings.Contains(err.Error(), "no file") {
		t.Errorf("got %v, want that a pipe is no file, at once", err)
	}
	if _, err := (Secret{ref: "file:" + t.TempDir() + "/none"}).Resolve(getenv); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v, want that the file does not exist", err)
	}
}

func TestIntegrationKeysAreResolvedAndNeverShort(t *testing.T) {
	t.Parallel()
	c, problems := LoadFS(one(minimal + "integrations: { a: { dialect: generic }, b: { dialect: generic, key: env:KEY } }\n"))
	if c == nil {
		t.Fatal(lines(problems))
	}
	getenv := func(value string) func(string) string { return func(string) string { return value } }
	got, err := c.KeyPresets(getenv("0123456789abcdef"))
	if diff := cmp.Diff([]KeyPreset{{Integration: "b", Key: "0123456789abcdef"}}, got); diff != "" || err != nil {
		t.Errorf("presets, %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "short"} {
		if _, err := c.KeyPresets(getenv(bad)); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("err = %v, want one that does not show the key", err)
		}
	}
}
