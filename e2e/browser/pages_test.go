package browser_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"toban/access"
)

// look is a page of the matrix.
type look struct{ name, path string }

// looks are all pages of the shop for who may see everything.
func (s *shop) looks() []look {
	return []look{
		{"incidents", "/"},
		{"incidents-mine", "/?show=mine"},
		{"incidents-all", "/?show=all"},
		{"incidents-narrow", "/?show=all&service=checkout&state=acknowledged"},
		{"incidents-none", "/?show=all&q=nothing-is-called-so"},
		{"incident-new", "/incidents/new"},
		{"incident-paging", pathOf(s.paging)},
		{"incident-held", pathOf(s.held)},
		{"incident-long", pathOf(s.long)},
		{"incident-low", pathOf(s.low)},
		{"incident-over", pathOf(s.over)},
		{"oncall", "/oncall"},
		{"oncall-asked", "/oncall?ask=1&service=checkout&severity=critical&m.matsu=busy"},
		{"paging", "/oncall/page?user=take"},
		{"monitors", "/monitors"},
		{"monitor-new", "/monitors/new"},
		{"explore", "/explore"},
		{"policies", "/policies"},
		{"policy", "/policies/infra"},
		{"policy-asked", "/policies/infra?ask=1&service=checkout&at=2026-12-05T03:00"},
		{"schedules", "/schedules"},
		{"schedule", "/schedules/infra"},
		{"schedule-gaps", "/schedules/office"},
		{"override", "/schedules/infra/override"},
		{"override-asked", "/schedules/infra/override?user=take&from=2026-12-05T00:00&to=2026-12-06T00:00&reason=結婚式"},
		{"override-wrong", "/schedules/infra/override?user=take&from=2026-12-06T00:00&to=2026-12-05T00:00"},
		{"services", "/services"},
		{"service", "/services/checkout"},
		{"service-long", "/services/search"},
		{"settings", "/settings"},
		{"people", "/settings/people"},
		{"sessions", "/settings/sessions"},
		{"tokens", "/settings/tokens"},
		{"audit", "/settings/audit"},
		{"about", "/settings/about"},
		{"welcome", "/welcome"},
		{"me", "/me"},
		{"not-found", "/incidents/999999"},
		{"nowhere", "/nowhere"},
	}
}

// strangers are the pages for who has no session.
func (s *shop) strangers() []look {
	return []look{
		{"login", "/login"},
		{"signed", s.signed(s.paging, "matsu", time.Now().Add(time.Hour))},
		{"signed-held", s.signed(s.held, "ume", time.Now().Add(time.Hour))},
		{"signed-over", s.signed(s.over, "ume", time.Now().Add(time.Hour))},
		{"signed-channel", s.signed(s.long, "", time.Now().Add(time.Hour))},
		{"signed-expired", s.signed(s.paging, "matsu", time.Now().Add(-time.Minute))},
		{"signed-none", "/i/none"},
		{"setup-used", s.setUp()},
	}
}

func TestEveryPageIsSoundInBothLanguagesThemesAndSizes(t *testing.T) {
	t.Parallel()
	idle(t) // the turns are those of its parts
	s := newShop(t)
	s.member("matsu", access.Responder)
	owner := s.owner()
	for _, lang := range []string{"ja", "en"} {
		for _, screen := range []size{phone(), desktop()} {
			t.Run(lang+" "+screen.name, func(t *testing.T) {
				t.Parallel()
				for _, who := range []struct {
					*person
					pages []look
				}{{owner, s.looks()}, {s.stranger(), s.strangers()}} {
					b := who.at(t, screen)
					b.speak(lang)
					for _, l := range who.pages {
						b.look(l)
					}
					b.end()
				}
			})
		}
	}
}

// look opens a page, looks whether it is sound, and keeps its pictures in both
// themes.
func (b *tab) look(l look) {
	b.t.Helper()
	for _, said := range []string{"no", "-expired", "-none", "-wrong", "-used"} {
		if strings.HasPrefix(l.name, said) || strings.HasSuffix(l.name, said) {
			b.expect("401", "404", "409", "410", "422") // the page says it, and so does the browser
		}
	}
	b.visit(l.path)
	b.ready()
	if got := eval[string](b, `document.documentElement.lang`); got != b.lang {
		b.t.Errorf("%s is in %q, want %q", l.path, got, b.lang)
	}
	b.sound()
	for _, theme := range []string{"light", "dark"} {
		b.darken(theme)
		b.until(`(getComputedStyle(document.documentElement).backgroundColor === "rgb(17, 20, 17)") === ` + strconv.FormatBool(theme == "dark"))
		b.shoot(fmt.Sprintf("%s.%s.%s.%s", l.name, b.lang, theme, b.size.name))
	}
}

// ready waits until the page's scripts have run.
func (b *tab) ready() {
	b.t.Helper()
	b.until(`document.readyState === "complete" && document.documentElement.classList.contains("scripted")`)
}

func TestThePageOfTheAPILoadsFromHereAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	b := h.owner().at(t, desktop())
	b.visit("/docs/api")
	b.until(`document.querySelectorAll(".opblock").length > 10`)
	b.shoot("docs-api.en.light.1280")
}

func TestThePagesOfTheSimulatorsAreSound(t *testing.T) {
	t.Parallel()
	h := newHouse(t, maneki)
	h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	for _, lang := range []string{"ja", "en"} {
		for _, screen := range []size{phone(), desktop()} {
			b := open(t, h.sims, screen)
			b.lang = lang
			b.may(h.toban.URL)
			for _, l := range []look{{"phones", "/sim/phones?lang=" + lang}, {"chat", "/sim/slack/?channel=C0ALERTS&lang=" + lang}} {
				b.visit(l.path)
				b.until(`document.querySelector(".phone, .message")`)
				if got := eval[string](b, `document.documentElement.lang`); got != lang {
					t.Errorf("%s is in %q, want %q", l.path, got, lang)
				}
				b.sound()
				for _, theme := range []string{"light", "dark"} {
					b.darken(theme)
					b.shoot(fmt.Sprintf("sim-%s.%s.%s.%s", l.name, lang, theme, screen.name))
				}
			}
			b.end()
		}
	}
}
