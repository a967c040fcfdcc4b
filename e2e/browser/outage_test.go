package browser_test

import (
	"fmt"
	"testing"
	"time"
)

// A page that was left open while toban was killed says so, and then has
// everything that happened meanwhile, without being loaded again.
func TestAPageThatLostToban(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, lang, theme, stale string
		screen                   size
	}{
		{"ja 390", "ja", "light", "から更新が止まっています", phone()},
		{"en 1280", "en", "dark", "not live since", desktop()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, small)
			first := h.incident("first", "critical", "first is down", "checkout")
			b := h.owner().at(t, tc.screen)
			b.speak(tc.lang)
			b.darken(tc.theme)
			b.visit("/")
			b.ready()
			b.until(`document.getElementById("live")?.hidden === false`)
			eval[bool](b, `window.mark = true`)
			b.expect("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")

			h.toban.Kill()
			b.until(`!document.getElementById("stale").hidden`)
			if got := eval[string](b, `document.getElementById("stale").textContent`); !contains(got, tc.stale) {
				t.Errorf("got %q, want %q in it", got, tc.stale)
			}
			b.sound()
			b.shoot(fmt.Sprintf("stale.%s.%s.%s", tc.lang, tc.theme, tc.screen.name))

			h.toban.Start()
			h.incident("second", "critical", "second is down", "checkout")
			h.event("first", "resolve", "critical", first.Title, nil)
			b.within(25*time.Second, `document.getElementById("stale").hidden`)
			b.until(`[...document.querySelectorAll(".inc-title")].some((el) => el.textContent.includes("second is down"))`)
			b.until(`document.querySelector(".inc-resolved")?.textContent.includes("first is down")`)
			if !eval[bool](b, `window.mark === true`) {
				t.Error("the page was loaded again")
			}
		})
	}
}
