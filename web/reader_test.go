package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"toban/internal/id"
	"toban/internal/link"
	"toban/oncall"
)

func TestALanguageIsChosenAsTheBrowserRanksIt(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "", "ja": "ja", "en-US,en;q=0.9": "en", "fr, ja;q=0.3, en;q=0.7": "en", "JA-jp": "ja", "de": "",
		"en;q=0, ja;q=0.1": "ja", "en;q=x, ja": "ja", "*": "", "en;q=0.8, ja;q=0.9": "ja",
	} {
		if got := accepted(header); got != want {
			t.Errorf("accepted(%q) = %q, want %q", header, got, want)
		}
	}
}

func FuzzOnlyPathsOfOursAreFollowed(f *testing.F) {
	for _, next := range []string{"/", "/incidents/42?x=1#y", "//evil", `/\evil`, "https://evil", "/%2f/evil", "/a\nb", "javascript:x"} {
		f.Add(next)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := local(next)
		if got != "/" && got != next {
			t.Errorf("local(%q) = %q, want it or /", next, got)
		}
		if got[0] != '/' || len(got) > 1 && (got[1] == '/' || got[1] == '\\') {
			t.Errorf("local(%q) = %q leads away", next, got)
		}
	})
}

func TestALimitIsOfOneMinuteAndOneKey(t *testing.T) {
	t.Parallel()
	l := newLimiter()
	at := time.Unix(1_800_000_000, 0)
	for i := range 4 {
		if ok, wait := l.allow("a", 3, at); ok != (i < 3) || wait > limitWindow {
			t.Errorf("try %d = %v, %s", i+1, ok, wait)
		}
	}
	if ok, _ := l.allow("b", 3, at); !ok {
		t.Error("another key is held up")
	}
	if ok, _ := l.allow("a", 3, at.Add(limitWindow)); !ok {
		t.Error("a minute later it is still held up")
	}
	for i := range limitKeys + 10 {
		l.allow(fmt.Sprint(i), 3, at.Add(limitWindow))
	}
	if len(l.n) > limitKeys {
		t.Errorf("%d keys are kept, want at most %d", len(l.n), limitKeys)
	}
}

func TestADeviceIsCalledAsPeopleCallIt(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1": "Safari · iPhone",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36":                   "Chrome · Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0":                   "Edge · Windows",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                              "Firefox · Linux",
		"curl/8": "curl/8", "": "",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("browserName(%q) = %q, want %q", agent, got, want)
		}
	}
}

func TestOnesOwnDutyIsSaidWithItsBackup(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	user := func(id oncall.UserID, name string) *oncall.User {
		return &oncall.User{ID: id, Name: name, Contacts: []oncall.ContactMethod{{Name: "phone", Method: oncall.Call, Address: "+819000000001", Verified: true}}}
	}
	dir := &oncall.Directory{
		Users: map[oncall.UserID]*oncall.User{"matsu": user("matsu", "松"), "take": user("take", "竹"), "ume": user("ume", "梅")},
		Schedules: map[oncall.ScheduleID]*oncall.Schedule{"infra": {ID: "infra", Zone: "Asia/Tokyo", Layers: []oncall.Layer{{
			Users:  []oncall.UserID{"matsu", "take"},
			Rotate: &oncall.Rotation{Every: 1, Unit: oncall.Week, From: oncall.Date{Year: 2026, Month: 11, Day: 16}, Handoff: 540},
		}}}},
		Services: []*oncall.Service{{ID: "checkout", Policy: "infra"}},
		Policies: map[oncall.PolicyID]*oncall.Policy{"infra": {
			ID: "infra", Fallback: oncall.Target{Kind: oncall.TargetUser, Name: "ume"},
			Levels: []oncall.Level{
				{Wait: 5 * time.Minute, Targets: []oncall.Target{{Kind: oncall.TargetSchedule, Name: "infra"}}},
				{Wait: 5 * time.Minute, Targets: []oncall.Target{{Kind: oncall.TargetUser, Name: "matsu"}, {Kind: oncall.TargetUser, Name: "take"}}},
			},
		}},
	}
	at := time.Date(2026, 11, 20, 20, 0, 0, 0, tokyo) // Matsu's week ends on the 23rd
	for _, tc := range []struct {
		user     oncall.UserID
		ja, en   string
		override bool
	}{
		{"matsu", "infra の当番中 · 11/23(月) 09:00 まで · 次の対応者は竹さん", "You are on call for infra until Mon 23 Nov 09:00 · backup: 竹", false},
		{"take", "いまは当番ではありません · 次は 11/23(月) 09:00 から infra", "You are not on call · next: infra from Mon 23 Nov 09:00", false},
		{"ume", "", "", false},
		{"ume", "infra の当番中 · 11/21(土) 20:00 まで · 次の対応者は松さん", "You are on call for infra until Sat 21 Nov 20:00 · backup: 松", true},
		{"", "", "", false},
	} {
		for lang, want := range map[string]string{"ja": tc.ja, "en": tc.en} {
			d := *dir
			if tc.override {
				d.Overrides = []oncall.Override{{ID: "o", Schedule: "infra", User: tc.user, From: at.Add(-time.Hour), To: at.Add(24 * time.Hour)}}
			}
			s := &request{dir: &d, lang: lang, zone: tokyo, now: at}
			s.who.User = tc.user
			if got := s.duty(); got != want {
				t.Errorf("%s in %s: got %q, want %q", tc.user, lang, got, want)
			}
		}
	}
}

func TestBadLinksShutNobodyOut(t *testing.T) {
	t.Parallel()
	a := New(Options{Links: link.NewSigner([]byte("0123456789abcdef0123456789abcdef")), External: func() string { return "http://toban.example.jp" }})
	s := &request{web: a, dir: &oncall.Directory{Users: map[oncall.UserID]*oncall.User{}}, now: now()}
	read := func(from, token string) error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/i/x", nil)
		r.RemoteAddr = from
		r.SetPathValue("token", token)
		_, err := a.readLink(r, s)
		return err
	}
	for i := range limitKeys + 10 {
		if err := read(fmt.Sprintf("10.%d.%d.%d:9", i>>16, i>>8&255, i&255), "none"); err == nil {
			t.Fatal("a link that is none is read")
		}
	}
	good := a.Links.Make(link.Link{Incident: oncall.IncidentID(id.New(id.Incident)), User: "ume", Expires: s.now.Add(time.Hour)})
	if err := read("192.0.2.7:9", good); err != nil {
		t.Errorf("a good link behind %d bad ones: %v, want it read", limitKeys, err)
	}
	s.now = s.now.Add(limitWindow)
	for i := range badLinks {
		if err := read(fmt.Sprintf("[2001:db8:0:7:%x::1]:9", i), "none"); !errors.Is(err, link.ErrInvalid) {
			t.Fatalf("bad link %d of one network: %v, want %v", i+1, err, link.ErrInvalid)
		}
	}
	if err := read("[2001:db8:0:7:ffff::1]:9", "none"); !errors.Is(err, errOften) {
		t.Errorf("one more from the same /64: %v, want %v", err, errOften)
	}
	if err := read("[2001:db8:0:8::1]:9", "none"); !errors.Is(err, link.ErrInvalid) {
		t.Errorf("one of another network: %v, want %v", err, link.ErrInvalid)
	}
}
