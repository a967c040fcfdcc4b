package browser_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func contains(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// quote is text as a script has it.
func quote(text string) string { return strconv.Quote(text) }

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// soon waits until something is the case that no page shows.
func (b *tab) soon(what string, met func() bool) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !met() {
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatalf("after %s still not: %s\n%s", patience, what, b.seen())
		}
	}
}

// tapped presses a button of a page without scripts, and waits for the page that
// follows, if one does.
func (b *tab) tapped(selector string) {
	b.t.Helper()
	b.do(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Tap(chromedp.CSS(selector)))
}
