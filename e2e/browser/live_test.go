package browser_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"toban/access"
)

// stamp makes the page write down when an element appears, by the clock that
// the server has as well.
const stamp = `(() => {
	window.appeared = {};
	new MutationObserver(() => {
		for (const el of document.querySelectorAll(".inc-title")) appeared[el.textContent.trim()] ??= Date.now();
	}).observe(document.body, { childList: true, subtree: true, characterData: true });
	return true;
})()`

func TestWhatIsCommittedIsOnThePageWithinHalfASecond(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	b := h.owner().at(t, desktop())
	b.speak("en")
	b.visit("/")
	b.ready()
	b.until(`document.getElementById("live")?.hidden === false`)
	eval[bool](b, stamp)
	var delays []time.Duration
	for i := range 20 {
		title := fmt.Sprintf("check %d fails", i)
		inc := h.incident(fmt.Sprintf("check-%d", i), "critical", title, "checkout")
		b.until(fmt.Sprintf(`appeared[%q]`, title))
		seen := time.UnixMilli(eval[int64](b, fmt.Sprintf(`appeared[%q]`, title)))
		delays = append(delays, seen.Sub(inc.TriggeredAt)) // from the transaction's own time: a little more than from its commit
	}
	slices.Sort(delays)
	half, most := delays[len(delays)/2], delays[len(delays)-1]
	t.Logf("from the transaction to the page: p50 %s, p95 %s, most %s", half, delays[len(delays)*19/20], most)
	if half > 500*time.Millisecond {
		t.Errorf("half of the changes took longer than %s, want 500ms at most", half)
	}
}

func TestTwoPeopleSeeEachOthersChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	inc := h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	take := h.member("take", access.Responder)
	ours, theirs := h.owner().at(t, desktop()), take.at(t, phone())
	ours.speak("ja")
	theirs.speak("ja")
	ours.visit("/")
	theirs.visit("/")
	for _, b := range []*tab{ours, theirs} {
		b.ready()
		b.until(`document.getElementById("live")?.hidden === false`)
		eval[bool](b, `window.mark = true`)
	}
	ours.click(`.inc-triggered [data-key="a"]`)
	for _, b := range []*tab{ours, theirs} {
		b.until(`document.querySelector(".inc-group-acknowledged .inc-doing")?.textContent.includes("梅さんが対応中")`)
		b.until(`document.querySelectorAll(".inc-group-triggered .inc").length === 0`)
	}
	if !eval[bool](theirs, `window.mark === true`) {
		t.Error("the other page was loaded again")
	}

	theirs.visit(pathOf(inc))
	theirs.ready()
	ours.visit(pathOf(inc))
	ours.ready()
	ours.until(`document.getElementById("live")?.hidden === false`)
	theirs.fill(`.note-form textarea`, "索引を作り直しています")
	theirs.click(`.note-form button[type="submit"]`)
	ours.says("竹さんのメモ")
	ours.says("索引を作り直しています")
	ours.sound()
}
