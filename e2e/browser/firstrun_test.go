package browser_test

import (
	"context"
	"testing"
	"time"
)

// From the link that the first start prints to a phone that has rung: what
// somebody does on the first evening.
func TestTheSetUpLinkLeadsToAFirstRunListWhoseTicksAreTests(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	b := open(t, h.toban.URL, phone())
	b.speak("ja")
	b.visit(h.setUp())
	b.ready()
	b.sound()
	b.shoot("setup.ja.light.390")
	b.set(`select[name="person"]`, "ume")
	b.fill(`input[name="password"]`, password)
	b.fill(`input[name="again"]`, password)
	b.click(`main form button[type="submit"]`)
	b.until(`location.pathname === "/welcome"`)
	b.ready()
	b.sound()
	b.shoot("welcome-first.ja.light.390")

	open := `document.querySelectorAll(".welcome-done").length`
	before := eval[int](b, open)
	b.click(`#step-phone form button[type="submit"]`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ume := h.phones.Phone(number(3))
	if _, err := ume.Ring(ctx); err != nil {
		t.Fatalf("the phone did not ring: %v\n%s", err, b.seen())
	}
	if err := ume.Answer(); err != nil {
		t.Fatal(err)
	}
	b.soon("toban listens to the keys", func() bool { call, _ := ume.Live(); return call.Listening })
	if err := ume.Press("1"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"drill", "phone", "provider"} {
		b.until(`document.querySelector("#step-` + step + `.welcome-done") || (document.readyState === "complete" && location.reload(), false)`)
	}
	if after := eval[int](b, open); after < before+3 { // the phone, the provider, the drill
		t.Errorf("%d steps are done, want three more than %d\n%s", after, before, b.seen())
	}
	b.sound()
	b.shoot("welcome-drilled.ja.light.390")

	b.visit("/")
	b.ready()
	if got := eval[int](b, `document.querySelectorAll(".inc-triggered").length`); got != 0 {
		t.Errorf("%d incidents are open after the drill, want none", got)
	}
	for _, other := range []*person{h.stranger()} { // the link holds once
		if got := other.post(h.setUp(), "account", "take", "password", password, "again", password); got.status != 409 {
			t.Errorf("the used link answers %d, want 409", got.status)
		}
	}
}

func TestAQuietInstallationSaysThatNothingNeedsAnybody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	b := h.owner().at(t, phone())
	b.speak("ja")
	b.visit("/")
	b.says("対応が必要な障害はありません")
	b.sound()
	b.shoot("quiet.ja.light.390")

	inc := h.incident("db", "critical", "応答がありません", "checkout") // and it becomes true without a reload
	b.until(`document.querySelector(".inc-triggered")`)
	if got := eval[bool](b, `document.querySelector(".incs-none").checkVisibility()`); got {
		t.Error("the friendly words stand beside an open incident")
	}
	h.event("db", "resolve", "critical", inc.Title, nil)
	b.within(20*time.Second, `document.querySelector(".inc-resolved") && document.querySelector(".incs-none").checkVisibility()`)
}
