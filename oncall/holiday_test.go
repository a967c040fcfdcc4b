package oncall

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// As published by the Cabinet Office for each year.
func TestR35_JapansHolidaysAreThoseOfTheOfficialList(t *testing.T) {
	t.Parallel()
	for year, want := range map[int]string{
		2015: "1/1 1/12 2/11 3/21 4/29 5/3 5/4 5/5 5/6 7/20 9/21 9/22 9/23 10/12 11/3 11/23 12/23",
		2016: "1/1 1/11 2/11 3/20 3/21 4/29 5/3 5/4 5/5 7/18 8/11 9/19 9/22 10/10 11/3 11/23 12/23",
		2017: "1/1 1/2 1/9 2/11 3/20 4/29 5/3 5/4 5/5 7/17 8/11 9/18 9/23 10/9 11/3 11/23 12/23",
		2018: "1/1 1/8 2/11 2/12 3/21 4/29 4/30 5/3 5/4 5/5 7/16 8/11 9/17 9/23 9/24 10/8 11/3 11/23 12/23 12/24",
		2019: "1/1 1/14 2/11 3/21 4/29 4/30 5/1 5/2 5/3 5/4 5/5 5/6 7/15 8/11 8/12 9/16 9/23 10/14 10/22 11/3 11/4 11/23",
		2020: "1/1 1/13 2/11 2/23 2/24 3/20 4/29 5/3 5/4 5/5 5/6 7/23 7/24 8/10 9/21 9/22 11/3 11/23",
		2021: "1/1 1/11 2/11 2/23 3/20 4/29 5/3 5/4 5/5 7/22 7/23 8/8 8/9 9/20 9/23 11/3 11/23",
		2022: "1/1 1/10 2/11 2/23 3/21 4/29 5/3 5/4 5/5 7/18 8/11 9/19 9/23 10/10 11/3 11/23",
		2023: "1/1 1/2 1/9 2/11 2/23 3/21 4/29 5/3 5/4 5/5 7/17 8/11 9/18 9/23 10/9 11/3 11/23",
		2024: "1/1 1/8 2/11 2/12 2/23 3/20 4/29 5/3 5/4 5/5 5/6 7/15 8/11 8/12 9/16 9/22 9/23 10/14 11/3 11/4 11/23",
		2025: "1/1 1/13 2/11 2/23 2/24 3/20 4/29 5/3 5/4 5/5 5/6 7/21 8/11 9/15 9/23 10/13 11/3 11/23 11/24",
		2026: "1/1 1/12 2/11 2/23 3/20 4/29 5/3 5/4 5/5 5/6 7/20 8/11 9/21 9/22 9/23 10/12 11/3 11/23",
		2027: "1/1 1/11 2/11 2/23 3/21 3/22 4/29 5/3 5/4 5/5 7/19 8/11 9/20 9/23 10/11 11/3 11/23",
	} {
		t.Run(fmt.Sprint(year), func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range Holidays(Japan, year) {
				got = append(got, fmt.Sprintf("%d/%d", h.Date.Month, h.Date.Day))
			}
			if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
				t.Errorf("holidays of %d (-want +got):\n%s", year, diff)
			}
		})
	}
}

func TestR35_HolidaysAreNamedAfterTheLaw(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		date Date
		want string
	}{
		{Date{2026, time.May, 6}, "振替休日"},
		{Date{2026, time.September, 22}, "国民の休日"},
		{Date{2019, time.April, 30}, "国民の休日"},
		{Date{2019, time.October, 14}, "体育の日"},
		{Date{2020, time.July, 24}, "スポーツの日"},
		{Date{2026, time.February, 24}, ""},
	} {
		got := ""
		for _, h := range Holidays(Japan, tc.date.Year) {
			if h.Date == tc.date {
				got = h.Name
			}
		}
		if got != tc.want {
			t.Errorf("%s is %q, want %q", tc.date, got, tc.want)
		}
		if in := isHoliday(Japan, tc.date.days()); in != (tc.want != "") {
			t.Errorf("isHoliday(%s) = %t", tc.date, in)
		}
	}
}

func TestHolidaysOutsideTheKnownYearsAndCountriesAreNone(t *testing.T) {
	t.Parallel()
	if got := (Date{2007, time.January, 1}).days(); got != daysTo2007 {
		t.Fatalf("the table begins on day %d, want %d", got, daysTo2007)
	}
	for _, d := range []Date{{2006, time.December, 31}, {2006, time.January, 1}, {2151, time.January, 1}, {-4, time.March, 1}, {9999, time.May, 3}} {
		if isHoliday(Japan, d.days()) {
			t.Errorf("%s is a holiday", d)
		}
	}
	if !isHoliday(Japan, Date{2150, time.November, 23}.days()) {
		t.Error("2150-11-23 is no holiday")
	}
	if isHoliday("xx", Date{2026, time.January, 1}.days()) || isHoliday("", Date{2026, time.January, 1}.days()) || KnowsHolidays("xx") {
		t.Error("a country that is not known has holidays")
	}
	if got := Holidays("xx", 2026); got != nil {
		t.Errorf("holidays of xx = %v", got)
	}
}
