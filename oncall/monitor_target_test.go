package oncall

import "testing"

func TestWhatIsShownOfATargetHasNoSecretInIt(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"https://shop.example.jp/health":                     "https://shop.example.jp/health",
		"shop.example.jp:443":                                "shop.example.jp:443",
		"[2001:db8::1]:25":                                   "[2001:db8::1]:25",
		"https://shop.example.jp/a@b":                        "https://shop.example.jp/a@b",
		"http://sato:hunter2@shop.example.jp/x":              "http://shop.example.jp/x",
		"sato:hunter2@shop.example.jp":                       "shop.example.jp",
		"http://sato:hunt@er2@shop.example.jp":               "http://shop.example.jp",
		"https://shop.example.jp/?token=hunter2&page=2#to=3": "https://shop.example.jp/?token=…&page=…",
		"https://shop.example.jp/?hunter2":                   "https://shop.example.jp/?…",
		"https://shop.example.jp?a=http://b:c@d":             "https://shop.example.jp?a=…",
		"https://shop.example.jp/?":                          "https://shop.example.jp/",
		"":                                                   "",
	} {
		m := Monitor{Target: target}
		if got := m.ShownTarget(); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	for target, want := range map[string]bool{
		"http://a:b@c": true, "a:b@c": true, "a@c/x": true, "HTTP://a@c": true, "http://c/a@b": false, "http://c?a@b": false, "c": false, "socks5://a:b@c:1080": true,
	} {
		if got := HasUser(target); got != want {
			t.Errorf("%s: got %t, want %t", target, got, want)
		}
	}
	m := Monitor{Target: "https://shop.example.jp/?token=hunter2&page=2", Written: `{"http":"https://shop.example.jp/?token=hunter2&page=2","every":"1m"}`}
	if got, want := m.ShownWritten(), `{"http":"https://shop.example.jp/?token=…&page=…","every":"1m"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
