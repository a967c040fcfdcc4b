package oncall

import (
	"slices"
	"sync"
	"time"
)

// Holiday is a public holiday and its name in the language of its country.
type Holiday struct {
	Date Date
	Name string
}

// Japan is the country code of the holidays that are known so far.
const Japan = "jp"

// KnowsHolidays reports whether the holidays of that country can be computed.
func KnowsHolidays(country string) bool { return country == Japan }

// Holidays returns the public holidays of a country in a year by date, nil for
// a country that is not known. Japan's are computed for 2007 to 2150.
func Holidays(country string, year int) []Holiday {
	if country != Japan || year < firstHolidays || year > lastHolidays {
		return nil
	}
	return japanese(year)
}

// The years for which Japan's holidays are computed: since the law's last
// change of substitute holidays, as long as the formula for equinoxes holds.
const (
	firstHolidays = 2007
	lastHolidays  = 2150
)

// japan is a bit for each day since the first of firstHolidays, computed when
// the first schedule asks.
var japan = sync.OnceValue(func() []uint64 {
	from := Date{Year: firstHolidays, Month: time.January, Day: 1}.days()
	to := Date{Year: lastHolidays + 1, Month: time.January, Day: 1}.days()
	bits := make([]uint64, (to-from+63)/64)
	for year := firstHolidays; year <= lastHolidays; year++ {
		for _, h := range japanese(year) {
			day := h.Date.days() - from
			bits[day/64] |= 1 << (day % 64)
		}
	}
	return bits
})

func isHoliday(country string, day int64) bool {
	if country != Japan {
		return false
	}
	day -= daysTo2007
	bits := japan()
	return day >= 0 && day < int64(len(bits))*64 && bits[day/64]&(1<<(day%64)) != 0
}

const daysTo2007 = 13514 // Date{2007, time.January, 1}.days()

// japanese computes Japan's holidays by the Act on National Holidays (国民の祝日
// に関する法律, 1948, as changed up to 2018 and with the special acts for 2019 to
// 2021).
func japanese(year int) []Holiday {
	national := map[int64]string{}
	on := func(m time.Month, day int, name string) {
		national[Date{Year: year, Month: m, Day: day}.days()] = name
	}
	monday := func(m time.Month, nth int, name string) {
		first := Date{Year: year, Month: m, Day: 1}
		on(m, 1+int(floorMod(int64(time.Monday)-int64(first.Weekday()), 7))+7*(nth-1), name)
	}

	on(time.January, 1, "元日")
	monday(time.January, 2, "成人の日")
	on(time.February, 11, "建国記念の日")
	switch {
	case year >= 2020:
		on(time.February, 23, "天皇誕生日")
	case year <= 2018:
		on(time.December, 23, "天皇誕生日")
	}
	on(time.March, vernalEquinox(year), "春分の日")
	on(time.April, 29, "昭和の日")
	on(time.May, 3, "憲法記念日")
	on(time.May, 4, "みどりの日")
	on(time.May, 5, "こどもの日")
	sports := "スポーツの日"
	if year < 2020 {
		sports = "体育の日"
	}
	switch year { // moved around the Olympic Games
	case 2020:
		on(time.July, 23, "海の日")
		on(time.July, 24, sports)
		on(time.August, 10, "山の日")
	case 2021:
		on(time.July, 22, "海の日")
		on(time.July, 23, sports)
		on(time.August, 8, "山の日")
	default:
		monday(time.July, 3, "海の日")
		monday(time.October, 2, sports)
		if year >= 2016 {
			on(time.August, 11, "山の日")
		}
	}
	monday(time.September, 3, "敬老の日")
	on(time.September, autumnalEquinox(year), "秋分の日")
	on(time.November, 3, "文化の日")
	on(time.November, 23, "勤労感謝の日")
	if year == 2019 {
		on(time.May, 1, "休日（祝日扱い）") // the accession
		on(time.October, 22, "休日（祝日扱い）")
	}
	return withDaysOff(national)
}

// withDaysOff adds what article 3 makes of the national holidays: the next day
// that is none, for each that falls on a Sunday (振替休日), and the day between
// two of them (国民の休日).
func withDaysOff(national map[int64]string) []Holiday {
	var all []Holiday
	for day, name := range national {
		all = append(all, Holiday{Date: dateOf(day), Name: name})
		if weekday(day) == time.Sunday {
			next := day + 1
			for national[next] != "" {
				next++
			}
			all = append(all, Holiday{Date: dateOf(next), Name: "振替休日"})
		}
		if between := day + 1; national[between] == "" && national[between+1] != "" &&
			weekday(day) != time.Sunday { // after a Sunday it is the substitute already
			all = append(all, Holiday{Date: dateOf(between), Name: "国民の休日"})
		}
	}
	slices.SortFunc(all, func(a, b Holiday) int { return int(a.Date.days() - b.Date.days()) })
	return all
}

// vernalEquinox returns the day in March of the sun's passage as Japan's
// almanac counts it. The formula (海上保安庁水路部, 暦計算研究会編「新こよみ便利帳」) holds from
// 1980 to 2150; the days are official when they are published on the first
// weekday of February of the year before.
func vernalEquinox(year int) int {
	if year >= 2100 {
		return equinox(year, 21_851_000)
	}
	return equinox(year, 20_843_100)
}

// autumnalEquinox returns the day in September, as vernalEquinox.
func autumnalEquinox(year int) int {
	if year >= 2100 {
		return equinox(year, 24_248_800)
	}
	return equinox(year, 23_248_800)
}

// equinox computes in millionths of a day, so that no rounding decides.
func equinox(year, base int) int {
	return (base+242_194*(year-1980))/1_000_000 - (year-1980)/4
}
