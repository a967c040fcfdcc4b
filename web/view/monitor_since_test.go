package view

import (
	"strings"
	"testing"
	"time"

	"toban/detect/standing"
	"toban/internal/promapi"
	"toban/oncall"
)

func TestTheMomentBesideAStateIsSinceWhenItIsSo(t *testing.T) {
	t.Parallel()
	for _, state := range standing.States() {
		for lang, want := range map[string]string{"en": "since 19:00", "ja": "19:00 から"} {
			row := MonitorRow{ID: "m", State: state, Since: ago(62 * time.Minute), Last: ago(5 * time.Second)}
			html := htmlOf(t, MonitorNow(reader(t, lang, "viewer"), row))
			if !strings.Contains(html, ">"+want+"</time>") || !strings.Contains(html, "20:01") {
				t.Errorf("%s, %s: got %s, want %s, and the last check in its title", state, lang, html, want)
			}
		}
	}
	s := reader(t, "en", "viewer")
	for want, at := range map[string]time.Time{"since 19 Nov": ago(24 * time.Hour), "since 20 Nov 2025": ago(365 * 24 * time.Hour)} {
		if got := s.since(at); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAYoungMonitorSaysSinceWhenItIsWatched(t *testing.T) {
	t.Parallel()
	h := standing.History{Days: make([]standing.Day, standing.Days), Up: 10 * time.Minute, Since: ago(10 * time.Minute)}
	for i := range h.Days {
		h.Days[i].Date = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i+1-standing.Days)
	}
	h.Days[standing.Days-1].Up = 10 * time.Minute
	all := standings()
	all[1].Since = h.Since
	for lang, want := range map[string][]string{
		"en": {"100%", "since 19:52", "no record of that length yet", "19 Nov not yet watched", "Up 100% since Fri 20 Nov 19:52, when it began to be watched; 0 days"},
		"ja": {"100%", "19:52 から", "この長さの記録はまだありません", "11/19 監視開始前"},
	} {
		s := reader(t, lang, "viewer")
		past := map[oncall.MonitorID]standing.History{"api": h}
		page := MonitorOf(s, shop(t), MonitorFacts{Standing: all[1], Past: h})
		for name, html := range map[string]string{
			"the list": htmlOf(t, MonitorList(s, MonitorsOf(s, shop(t), MonitorFilter{}, all[1:2], all[1:2], nil, past, 1))),
			"the page": htmlOf(t, MonitorPage(s, page)),
		} {
			for _, text := range want {
				if !strings.Contains(html, text) {
					t.Errorf("%s, %s: got no %q", name, lang, text)
				}
			}
			if n := strings.Count(html, "100%"); n > 5 { // a figure, the strip, and today's bar
				t.Errorf("%s, %s: says 100%% %d times", name, lang, n)
			}
		}
	}
}

func TestTheChartsOfANewMonitorBeginWithItsFirstCheck(t *testing.T) {
	t.Parallel()
	s := reader(t, "en", "viewer")
	m := &oncall.Monitor{ID: "shop", Kind: oncall.MonitorHTTP, Every: 15 * time.Second}
	v := LatencyOf(m, "/monitors/shop", "6h").Begun(ago(10*time.Minute), s.Now)
	if got := v.From(s.Now); !got.Equal(ago(10*time.Minute)) || v.Step > 5*time.Second {
		t.Errorf("asks from %s, every %s", got, v.Step)
	}
	at := func(ago ...time.Duration) (all []promapi.Point) {
		for _, d := range ago {
			all = append(all, promapi.Point{At: s.Now.Add(-d), Value: .1})
		}
		return all
	}
	answer := func(points []promapi.Point) promapi.Answer {
		return promapi.Answer{Series: []promapi.Series{{Labels: map[string]string{"quantile": "p50", "phase": "connect"}, Points: points}}}
	}
	var several []time.Duration
	for d := 9 * time.Minute; d >= 0; d -= 5 * time.Second {
		several = append(several, d)
	}
	v.Fill(s, answer(at(several...)), answer(at(0)), answer(at(several...)))
	html := htmlOf(t, LatencyChart(s, v))
	for _, want := range []string{"the charts begin with its first check, Fri 20 Nov 19:53", "Response time, since Fri 20 Nov 19:53", "range=15m"} {
		if !strings.Contains(html, want) {
			t.Errorf("got no %q", want)
		}
	}
	if strings.Contains(html, "no data") {
		t.Error("there is a gap where nobody watched yet")
	}
	if got := v.Lasts(s.Now); got != 30*time.Second {
		t.Errorf("is drawn again after %s", got)
	}

	young := LatencyOf(m, "/monitors/shop", "").Begun(ago(2*time.Second), s.Now)
	young.Fill(s, answer(at(time.Second)), answer(at(0)), answer(at(time.Second)))
	html = htmlOf(t, LatencyChart(s, young))
	if !strings.Contains(html, "<circle") || !strings.Contains(html, `class="area area-1"`) {
		t.Errorf("one check alone can't be seen: %s", html)
	}
	if strings.Contains(htmlOf(t, LatencyChart(s, young)), "no data") {
		t.Error("the first seconds are most of them a gap")
	}
	if got := young.Lasts(s.Now); got > 5*time.Second {
		t.Errorf("the first minute is drawn again after %s", got)
	}
	if old := LatencyOf(m, "/m", "").Begun(ago(2*time.Hour), s.Now); !old.Since.IsZero() || !old.From(s.Now).Equal(ago(time.Hour)) {
		t.Errorf("that of two hours begins %s", old.From(s.Now))
	}
}

func TestAFailureThatIsNotKeptYetIsNotDenied(t *testing.T) {
	t.Parallel()
	s, all := reader(t, "en", "viewer"), standings()
	failing := all[1] // in doubt
	fine := failing
	fine.Doubt, fine.Reason = false, ""
	for want, of := range map[string]standing.Standing{"What came back appears here in a moment.": failing, "No failure is on record.": fine} {
		html := htmlOf(t, MonitorFailures(s, MonitorOf(s, shop(t), MonitorFacts{Standing: of})))
		if !strings.Contains(html, want) {
			t.Errorf("got %s, want %q", html, want)
		}
	}
	if got := quorumWords(s, &oncall.Monitor{}, []MonitorPlace{{State: standing.Up}, {Muted: true}}); !strings.HasSuffix(got, "With a say now: 1; of these, finding it down: 0.") {
		t.Errorf("got %q", got)
	}
}
