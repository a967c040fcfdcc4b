package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"toban/oncall"
)

var (
	durationShape = regexp.MustCompile(`^([0-9]{1,9}(ms|[smhdw]))+$`)
	durationPart  = regexp.MustCompile(`([0-9]+)(ms|[smhdw])`)
)

// maxDuration bounds every duration of the folder.
const maxDuration = 10 * 365 * 24 * time.Hour

// parseDuration reads 90s, 10m, 2h, 7d, 1w, and several of them in a row.
func parseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if !durationShape.MatchString(text) {
		return 0, fmt.Errorf("%s is no duration; write it as in 90s, 10m, 2h, 7d, 1w", quote(text))
	}
	units := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
	var sum time.Duration
	for _, part := range durationPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(part[1])
		unit := units[part[2]]
		if err != nil || time.Duration(n) > (maxDuration-sum)/unit {
			return 0, fmt.Errorf("%s is longer than ten years", quote(text))
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}

var clockShape = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})$`)

// parseClock reads a time of day from 00:00 to 24:00.
func parseClock(text string) (oncall.Clock, error) {
	m := clockShape.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%s is no time of day; write it as in 09:00", quote(text))
	}
	hour, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi(m[2])
	if c := hour*60 + minute; minute < 60 && c <= 24*60 {
		return oncall.Clock(c), nil
	}
	return 0, fmt.Errorf("%s is no time of day; they go from 00:00 to 24:00", quote(text))
}

func parseDate(text string) (oncall.Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return oncall.Date{}, fmt.Errorf("%s is no day; write it as in 2026-11-23", quote(text))
	}
	return oncall.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}, nil
}

// money is an amount in millionths of a currency.
type money struct {
	micros   int64
	currency string
}

var moneyShape = regexp.MustCompile(`^([¥￥$€£]|[A-Z]{3} ?)?([0-9]{1,9}(?:\.[0-9]{1,6})?)(円| ?[A-Z]{3})?$`)

// parseMoney reads 1000円, ¥1000, $5, $0.0085, 5 EUR.
func parseMoney(text string) (money, error) {
	bad := fmt.Errorf("%s is no amount of money; write it as in 1000円, $5, 5 EUR", quote(text))
	m := moneyShape.FindStringSubmatch(text)
	if m == nil || (m[1] == "") == (m[3] == "") {
		return money{}, bad
	}
	amount, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return money{}, bad
	}
	symbols := map[string]string{"円": "JPY", "¥": "JPY", "￥": "JPY", "$": "USD", "€": "EUR", "£": "GBP"}
	currency := strings.TrimSpace(m[1] + m[3])
	if name, ok := symbols[currency]; ok {
		currency = name
	}
	return money{micros: int64(math.Round(amount * 1e6)), currency: currency}, nil
}

// money reads an amount; all amounts of the folder are of one currency, because
// a cap can't add up two.
func (f fields) money(key string) int64 {
	n, ok := f.scalar(key)
	if !ok {
		return 0
	}
	m, err := parseMoney(n.text)
	if err != nil {
		f.l.errorf(n, "%s: %v", key, err)
		return 0
	}
	if was := f.l.currency; was != nil && was.text != m.currency {
		f.l.errorf(n, "%s is in %s, but the amount at %s is in %s; one folder has one currency", key, m.currency, was.place(), was.text)
		return 0
	}
	if f.l.currency == nil {
		f.l.currency = &node{file: n.file, line: n.line, column: n.column, text: m.currency}
	}
	return m.micros
}

// percent reads 80% or 0.8 as 0.8.
func (f fields) percent(key string, without float64) float64 {
	n, ok := f.scalar(key)
	if !ok {
		return without
	}
	text, isPercent := strings.CutSuffix(n.text, "%")
	v, err := strconv.ParseFloat(text, 64)
	if isPercent {
		v /= 100
	}
	if err != nil || !(v > 0) || v > 1 {
		f.l.errorf(n, "%s is a part of the cap as in 80%%, not %s", key, quote(n.text))
		return without
	}
	return v
}

// parseEvery reads how long a turn is: 12h, 1d, 2w, 1 month.
func parseEvery(text string) (every int, unit oncall.Unit, err error) {
	m := everyShape.FindStringSubmatch(text)
	if m == nil {
		return 0, "", errors.New("a turn is a number of hours, days, weeks or months, as in 12h, 1d, 2w, 1 month")
	}
	every, err = strconv.Atoi(m[1])
	if err != nil || every < 1 || every > 1000 {
		return 0, "", errors.New("a turn is 1 to 1,000 hours, days, weeks or months long")
	}
	switch m[2][0] {
	case 'h':
		return every, oncall.Hour, nil
	case 'd':
		return every, oncall.Day, nil
	case 'w':
		return every, oncall.Week, nil
	}
	return every, oncall.Month, nil
}

var everyShape = regexp.MustCompile(`^([0-9]{1,4}) ?(h|hours?|d|days?|w|weeks?|months?)$`)

// name says whether a name can be one: it becomes an id, part of URLs and of
// what people type.
func (l *loader) name(n *node) bool {
	if oncall.IsName(n.text) {
		return true
	}
	l.errorf(n, "%s can't be a name: letters, digits, . _ and -, at most 63, beginning with a letter or digit", quote(n.text))
	return false
}
