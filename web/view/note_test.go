package view

import (
	"strings"
	"testing"
)

func TestWhatASenderSaysIsALinkOnlyWhereItIsAnAddressOfTheWeb(t *testing.T) {
	t.Parallel()
	for text, link := range map[string]bool{
		"https://prom.example.jp/graph?g0.expr=up+%3D%3D+0&g0.tab=1": true,
		"http://prom-1:9090/graph":                                   true,
		"javascript:alert(1)":                                        false,
		"data:text/html,x":                                           false,
		"//example.jp/x":                                             false,
		"https://user:secret@example.jp/":                            false,
		"https:///nowhere":                                           false,
		"see https://example.jp":                                     false,
		"https://example.jp/\nx":                                     false,
		"disk is full":                                               false,
		"https://example.jp/" + strings.Repeat("x", 4<<10):           false,
	} {
		html := htmlOf(t, noteValue(text))
		if got := strings.Contains(html, "<a "); got != link {
			t.Errorf("%.60q: got %s", text, html)
		}
		if link && !strings.Contains(html, `rel="noopener noreferrer nofollow"`) {
			t.Errorf("%q: it tells where it was followed: %s", text, html)
		}
	}
}
