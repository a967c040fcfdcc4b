package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

func TestEverythingOfANightIsDoneByTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	h.owner()
	h.incident("one", "critical", "one is down", "checkout")
	two := h.incident("two", "critical", "two is down", "checkout")
	b := open(t, h.toban.URL, desktop())
	b.speak("en")
	b.visit("/")
	b.until(`location.pathname === "/login"`)
	b.ready()
	b.until(`document.activeElement.name === "account"`) // ready to type
	b.press("ume" + kb.Tab)
	b.until(`document.activeElement.name === "password"`)
	b.press(password + kb.Enter)
	b.until(`location.pathname === "/" && document.querySelectorAll(".inc-triggered").length === 2`)
	b.ready()
	b.until(`document.querySelector("[data-help]")?.hidden === false`)

	at := `document.querySelector("[data-at] .inc-title")?.textContent.trim()`
	b.press("j")
	b.until(at + ` === "two is down"`)
	b.press("j")
	b.until(at + ` === "one is down"`)
	b.press("k")
	b.until(at + ` === "two is down"`)
	b.press("?")
	b.until(`document.getElementById("keys").open`)
	b.sound()
	b.shoot("keys.en.light.1280")
	b.press(kb.Escape)
	b.until(`!document.getElementById("keys").open`)

	b.press("a")
	b.until(`document.querySelector(".inc-group-acknowledged .inc-title")?.textContent.trim() === "two is down"`)
	if state, holder := h.state(two); state != "acknowledged" || holder != "ume" {
		t.Errorf("after a the incident is %s by %q, want acknowledged by ume", state, holder)
	}
	b.until(at + ` === "two is down"`) // it is still the one that is looked at
	b.press(kb.Enter)
	b.until(`location.pathname === ` + quote(pathOf(two)))
	b.ready()
	b.until(`document.querySelector("[data-help]")?.hidden === false`)
	b.press("r")
	b.until(`document.querySelector(".inc-top-resolved") || document.querySelector(":popover-open")`)
	if eval[bool](b, `Boolean(document.querySelector(":popover-open"))`) { // it asks first: the second button says yes
		b.press(kb.Tab)
		b.press(kb.Enter)
	}
	b.until(`document.querySelector(".inc-top-resolved")`)
	b.press("gi")
	b.until(`location.pathname === "/"`)
	b.ready()
	b.until(`document.querySelector("[data-help]")?.hidden === false`)
	b.press("/")
	b.until(`document.activeElement.matches("[data-search]")`)
	b.press("one" + kb.Enter)
	b.until(`location.search.includes("q=one")`)
}

// Whatever can be done can be reached with the Tab key, and is seen when it is.
func TestTheTabKeyReachesEveryControlAndShowsWhereItIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	inc := h.incident("one", "critical", "one is down", "checkout")
	b := h.owner().at(t, desktop())
	b.speak("en")
	for _, path := range []string{"/", pathOf(inc), "/oncall", "/schedules/infra", "/me"} {
		for again := 0; ; again++ {
			b.visit(path)
			b.ready()
			if b.tabbed(path) {
				break
			}
			if again == 10 {
				t.Fatalf("%s never stays as it is for long enough", path)
			}
		}
	}
}

// tabbed goes through a page with the Tab key. It reports false where something
// that it had not come to was replaced meanwhile: what is live is drawn anew.
func (b *tab) tabbed(path string) bool {
	b.t.Helper()
	wanted := eval[[]string](b, `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
		.filter((el) => el.checkVisibility({ checkVisibilityCSS: true }) && !el.disabled && el.tabIndex >= 0 && !(el.type === "radio"))
		.map((el, n) => el.dataset.nth = String(n))`)
	reached := map[string]bool{}
	for range len(wanted) + 25 { // a field of time has several stops
		b.press(kb.Tab)
		stop := eval[struct {
			Nth  string `json:"nth"`
			Seen bool   `json:"seen"`
			What string `json:"what"`
		}](b, `(() => {
			const el = document.activeElement, style = getComputedStyle(el);
			const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== "none";
			const own = el.matches("body, .skip, input[type=datetime-local]"); // whose mark is elsewhere, or the browser's
			return { nth: el.dataset.nth ?? "", seen: ring || own, what: el.outerHTML.slice(0, 120) };
		})()`)
		if !stop.Seen {
			b.t.Errorf("%s: the focus is not seen on %s", path, stop.What)
		}
		reached[stop.Nth] = true
	}
	whole := true
	for _, nth := range wanted {
		if reached[nth] {
			continue
		}
		what := eval[string](b, `document.querySelector('[data-nth="`+nth+`"]')?.outerHTML.slice(0, 160) ?? ""`)
		if what == "" {
			whole = false
		} else {
			b.t.Errorf("%s: the Tab key does not reach %s", path, what)
		}
	}
	return whole
}
