package browser_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestR19_TwoTapsFromTheLinkStopTheCalls(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	inc := h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	matsu := h.phones.Phone(number(1))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := matsu.Ring(ctx); err != nil {
		t.Fatal(err)
	}

	b := open(t, h.toban.URL, phone()) // nobody is signed in
	b.speak("ja")
	b.visit(h.signed(inc, "matsu", time.Now().Add(time.Hour))) // the first tap: the link in the message
	b.ready()
	if state, _ := h.state(inc); state != "triggered" {
		t.Fatalf("looking at the link made it %s", state)
	}
	b.sound()
	b.shoot("signed-before.ja.light.390")
	b.click(`.signed-acts button.button-primary`) // the second
	pressed := time.Now()
	if _, err := matsu.Ended(ctx, 1); err != nil {
		t.Fatalf("the phone still rings: %v", err)
	}
	if took := time.Since(pressed); took > 2*time.Second {
		t.Errorf("the phone was hung up after %s, want within a second", took)
	}
	b.says("松さんが対応中")
	b.until(`document.querySelector(".signed-yours")`)
	if state, holder := h.state(inc); state != "acknowledged" || holder != "matsu" {
		t.Errorf("the incident is %s by %q, want acknowledged by matsu", state, holder)
	}
	if got := len(h.phones.Phone(number(2)).Calls()); got != 0 {
		t.Errorf("Take was called %d times, want not at all", got)
	}
	b.sound()
	b.shoot("signed-after.ja.light.390")
}

// The link in a channel is everybody's, so it asks who it is.
func TestR19_TheLinkInTheChannelAsksWhoItIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, maneki)
	inc := h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	link := ""
	b := open(t, h.toban.URL, phone())
	b.speak("en")
	b.soon("a signed link in the channel", func() bool {
		for _, m := range h.chat.Timeline("C0ALERTS") {
			if found := regexp.MustCompile(`/i/[A-Za-z0-9_-]{30,}`).FindString(toJSON(t, m)); found != "" {
				link = found
			}
		}
		return link != ""
	})
	b.visit(link)
	b.ready()
	b.click(`button[value="acknowledge"]`) // without a name nothing is sent
	if state, _ := h.state(inc); state != "triggered" {
		t.Fatalf("nobody made it %s", state)
	}
	b.set(`select[name="who"]`, "take")
	b.click(`button[value="acknowledge"]`)
	b.says("竹 has it")
	if state, holder := h.state(inc); state != "acknowledged" || holder != "take" {
		t.Errorf("the incident is %s by %q, want acknowledged by take", state, holder)
	}
}

func TestR19_TheSignedPageIsLight(t *testing.T) {
	t.Parallel()
	h := newHouse(t, small)
	inc := h.incident("db", "critical", "注文データベースに接続できません", "checkout")
	b := open(t, h.toban.URL, phone())
	b.speak("ja")
	b.visit(h.signed(inc, "matsu", time.Now().Add(time.Hour)))
	b.ready()
	weight := eval[int](b, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
		.reduce((sum, e) => sum + e.transferSize, 0)`)
	names := eval[string](b, `performance.getEntriesByType("resource").map((e) => new URL(e.name).pathname.split("/").slice(3).join("/") + " " + e.transferSize).join(", ")`)
	const most = 30 << 10
	if weight <= 0 || weight > most {
		t.Errorf("the signed page weighs %d bytes, want at most %d: %s", weight, most, names)
	}
	t.Logf("the signed page weighs %d bytes: %s", weight, names)
	if strings.Contains(names, "palette") || strings.Contains(names, "keys") {
		t.Errorf("it loads what it does not need: %s", names)
	}
}
