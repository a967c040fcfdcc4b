package view

import (
	"strings"
	"testing"
	"time"
)

func TestTheStripOfTheWeekSaysEachDayInWordsToo(t *testing.T) {
	t.Parallel()
	var week []DayCount
	for i, n := range []int{0, 1, 9, 10, 100, 0, 3} {
		week = append(week, DayCount{Day: evening().AddDate(0, 0, i-6), N: n, More: n == 100})
	}
	page := IncidentsPage{Segment: "open", Services: 1, Last: evening().Add(-6 * 24 * time.Hour), Week: week}
	for lang, wants := range map[string][]string{
		"ja": {"対応が必要な障害はありません", "6日前", `class="week-day week-none" title="11/14(土): 0件"`, `class="week-day week-some" title="11/16(月): 9件"`, `class="week-day week-many" title="11/17(火): 10件"`, "11/18(水): 99+件", "この7日間のインシデントは123件以上"},
		"en": {"Nothing needs you", "6 d ago", `title="Sat 14 Nov, incidents: 0"`, "Incidents in the last 7 days: 123 or more"},
	} {
		html := htmlOf(t, IncidentsNone(reader(t, lang, "viewer"), page))
		for _, want := range wants {
			if !strings.Contains(html, want) {
				t.Errorf("%s: the strip does not say %q:\n%s", lang, want, html)
			}
		}
	}
	page.Last = time.Time{}
	if html := htmlOf(t, IncidentsNone(reader(t, "en", "viewer"), page)); strings.Contains(html, "week-day") {
		t.Error("a strip is drawn though there never was an incident")
	}
}
