package browser_test

import (
	"testing"
	"time"
)

// Scripts are blocked, or did not load on a slow line: forms do everything.
func TestEverythingWorksWithoutScripts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	inc := h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	other := h.incident("app", "critical", "アプリが応答しません", "checkout")
	h.owner()
	b := open(t, h.toban.URL, phone())
	b.speak("ja")
	b.unscripted()

	b.visit("/login")
	b.fill(`input[name="account"]`, "ume")
	b.fill(`input[name="password"]`, password)
	b.tapped(`main form button.button-primary`)
	b.until(`location.pathname === "/" && document.querySelectorAll(".inc-triggered").length === 2`)
	if eval[bool](b, `document.documentElement.classList.contains("scripted")`) {
		t.Fatal("scripts run")
	}
	b.shoot("noscript-list.ja.light.390")
	b.tapped(`#inc-` + inc.ID + ` form button`)
	b.until(`document.querySelector(".inc-acknowledged .inc-title")?.textContent.includes("注文データベース")`)
	b.says("対応") // what was done is said on the page that comes back

	b.visit(pathOf(inc))
	b.fill(`.note-form textarea`, "ネットワークを調べています")
	b.tapped(`.note-form button[type="submit"]`)
	b.says("梅さんのメモ")
	b.tapped(`#actions > .act:first-child > button, #actions > .act:first-child > form > button`)
	b.until(`document.querySelector(".inc-top-resolved") || document.querySelector(":popover-open")`)
	if eval[bool](b, `Boolean(document.querySelector(":popover-open"))`) {
		b.shoot("noscript-ask.ja.light.390")
		b.tapped(`:popover-open form button[type="submit"]`)
	}
	b.until(`document.querySelector(".inc-top-resolved")`)
	if state, _ := h.state(inc); state != "resolved" {
		t.Errorf("the incident is %s, want resolved", state)
	}

	b.visit("/schedules/infra/override")
	b.set(`select[name="user"]`, "take")
	b.set(`input[name="from"]`, clock(time.Hour))
	b.set(`input[name="to"]`, clock(3*time.Hour))
	b.fill(`input[name="reason"]`, "歯医者")
	b.tapped(`main form button[type="submit"]`)
	b.until(`document.querySelector("#preview form")`)
	b.tapped(`#preview form button[type="submit"]`)
	b.until(`location.pathname === "/schedules/infra"`)
	b.says("歯医者")

	b.visit(h.signed(other, "matsu", time.Now().Add(time.Hour)))
	b.tapped(`.signed-acts button.button-primary`)
	b.says("松さんが対応中")
	if state, holder := h.state(other); state != "acknowledged" || holder != "matsu" {
		t.Errorf("the other incident is %s by %q, want acknowledged by matsu", state, holder)
	}
}
