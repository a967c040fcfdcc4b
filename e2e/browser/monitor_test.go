package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"toban/access"
)

// shopFront is a target whose state a test decides.
func shopFront(t *testing.T) (address string, breakIt func(bool)) {
	t.Helper()
	var broken atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, "the till is closed")
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, broken.Store
}

// From an installation that watches nothing to a first monitor, with the result.
func TestTheFirstMonitorIsThereWithinTwentySeconds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	address, _ := shopFront(t)
	b := h.owner().at(t, phone())
	b.speak("ja")
	b.visit("/monitors")
	b.ready()
	b.sound()
	b.shoot("monitors-empty.ja.light.390")
	began := time.Now()
	b.fill(`input[name="target"]`, address)
	b.click(`.mon-quick .fold > summary`)
	b.click(`input[name="private"]`)
	b.click(`.mon-quick button[type="submit"]`)
	b.until(`location.pathname.startsWith("/monitors/127.0.0.1")`)
	b.ready()
	b.says("応答しました")
	b.until(`document.querySelector(".mon-state-up")`)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the first monitor took %s, want 20s", took)
	}
	b.sound()
	b.shoot("monitor-first.ja.light.390")
	if eval[bool](b, `document.body.innerText.includes("使っていません")`) {
		t.Error("the page says that there is no Prometheus while one is starting")
	}
	eval[bool](b, `window.mark = true`)
	b.until(`!document.querySelector("#latency").textContent.includes("起動しています")`)
	b.until(`document.querySelector("#latency svg.chart")`)
	if !eval[bool](b, `window.mark === true`) {
		t.Error("the chart came with a page that was loaded anew")
	}
	b.shoot("monitor-drawn.ja.light.390")
	b.visit("/monitors")
	b.ready()
	b.until(`document.querySelector(".mon-row .chip-ok")`)
	b.sound()
	b.shoot("monitors-first.ja.light.390")
}

func TestATargetThatGoesDownIsSeenWithoutReloading(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	address, breakIt := shopFront(t)
	h.owner().post("/monitors/new", "name", "till", "yaml", "http: "+address+"\nprivate: true\nevery: 1s\ndown_after: 2s\nservice: checkout\n")
	list, one := h.owner().at(t, desktop()), h.member("take", access.Responder).at(t, desktop())
	list.speak("en")
	one.speak("en")
	list.visit("/monitors")
	one.visit("/monitors/till")
	for _, b := range []*tab{list, one} {
		b.ready()
		b.until(`document.getElementById("live")?.hidden === false`)
		eval[bool](b, `window.mark = true`)
	}
	list.until(`document.querySelector("#mon-till .chip-ok")`)
	one.until(`document.querySelector(".mon-state-up")`)
	breakIt(true)
	list.until(`document.querySelector("#mon-till .chip-crit")`)
	one.until(`document.querySelector(".mon-state-down")`)
	one.until(`document.querySelector("#monitor-failures details")`)
	one.click(`#monitor-failures details > summary`)
	one.says("503")
	one.click(`button[type="submit"].button-primary`)
	one.until(`document.querySelector("#made")`)
	one.says("Failure")
	breakIt(false)
	list.until(`document.querySelector("#mon-till .chip-ok")`)
	one.until(`document.querySelector(".mon-state-up")`)
	for _, b := range []*tab{list, one} {
		if !eval[bool](b, `window.mark === true`) {
			t.Error("the page was loaded anew")
		}
		b.sound()
	}
	one.shoot("monitor.en.light.1280")
	list.darken("dark")
	list.visit("/monitors")
	list.ready()
	list.sound()
	list.shoot("monitors.en.dark.1280")
}
