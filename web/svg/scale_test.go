package svg

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnAxisHasRoundNumbers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		low, high float64
		unit      Unit
		want      []string
	}{
		{"from zero", 3, 97, Number, []string{"0", "20", "40", "60", "80", "100"}},
		{"a small change of much", 1000, 1003, Number, []string{"1.000k", "1.001k", "1.002k", "1.003k"}},
		{"below zero", -5, 5, Number, []string{"-6", "-4", "-2", "0", "2", "4", "6"}},
		{"milliseconds", 0.01, 0.42, Seconds, []string{"0 s", "100 ms", "200 ms", "300 ms", "400 ms", "500 ms"}},
		{"minutes", 0, 1200, Seconds, []string{"0 s", "5 min", "10 min", "15 min", "20 min"}},
		{"bytes", 0, 3 << 20, Bytes, []string{"0 B", "1 MiB", "2 MiB", "3 MiB"}},
		{"percent", 0, 1, Ratio, []string{"0 %", "20 %", "40 %", "60 %", "80 %", "100 %"}},
		{"always zero", 0, 0, Number, []string{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"nothing", 1, 0, Number, []string{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
	} {
		d := &drawing{Chart: Chart{Unit: tc.unit}}
		d.y = values(tc.low, tc.high, tc.unit, 5)
		var got []string
		for _, v := range d.y.ticks {
			got = append(got, d.tick(v))
		}
		if tc.want[0] == "0.0" {
			tc.want[0] = "0" // none is none
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestTheAxisOfTimeHasTheRoundTimesOfTheReadersClock(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 10, day, hour, minute, 0, 0, berlin) }
	for _, tc := range []struct {
		name     string
		from, to time.Time
		want     []string
	}{
		{"an hour", at(20, 14, 7), at(20, 15, 7), []string{"14:15", "14:30", "14:45", "15:00"}},
		{"a day, in which clocks were put back", at(24, 18, 0), at(25, 18, 0), []string{"18:00", "00:00", "06:00", "12:00", "18:00"}},
		{"a week", at(20, 10, 0), at(27, 10, 0), []string{"00:00", "00:00", "00:00"}},
	} {
		ticks, _ := moments(tc.from, tc.to, berlin, 5)
		var got []string
		for _, tick := range ticks {
			got = append(got, tick.Format("15:04"))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	if ticks, _ := moments(at(1, 0, 0), at(1, 0, 0).AddDate(30, 0, 0), berlin, 5); len(ticks) > 400 {
		t.Errorf("got %d lines, want a bound", len(ticks))
	}
}

func TestValuesAreSaidShortly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		v    float64
		unit Unit
		want string
	}{
		{0, Number, "0"},
		{1234, Number, "1.23k"},
		{-0.5, Number, "-0.5"},
		{3.1000001, Number, "3.1"},
		{1e15, Number, "1000T"},
		{0.1234, Seconds, "123 ms"},
		{90, Seconds, "90 s"},
		{150, Seconds, "2.5 min"},
		{0.0000004, Seconds, "0.4 µs"},
		{400000, Seconds, "4.63 d"},
		{1536, Bytes, "1.5 KiB"},
		{0.999, Ratio, "99.9 %"},
		{0.00002, Number, "2e-05"},
	} {
		if got := tc.unit.Say(tc.v); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.v, got, tc.want)
		}
	}
}
