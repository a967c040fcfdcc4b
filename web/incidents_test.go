package web_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/oncall"
	"toban/respond/respondtest"
	"toban/store"
)

func TestAQuietListSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	has(t, b.page("/"), "Nothing needs you", "There has been no incident yet.")
	b.lang = "ja"
	has(t, b.page("/"), "対応が必要な障害はありません")
	has(t, b.page("/?show=mine"), "自分のインシデントはありません")
	has(t, b.page("/?q=xyzzy"), "条件に合うインシデントはありません")
}

func TestTheListShowsWhatWaitsFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		held := h.open("checkout", "held thing", oncall.Critical)
		h.open("search", "waiting thing", oncall.Critical)
		over := h.open("search", "finished thing", oncall.Critical)
		b := h.browser("ume", access.Responder)
		b.post("/incidents/" + number(held) + "/acknowledge")
		b.post("/incidents/" + number(over) + "/resolve")
		page := b.page("/")
		inOrder(t, page, "waiting thing", "held thing", "finished thing")
		has(t, page, "Ume has it", "Resolved today", `href="/incidents/`+number(held)+`"`)
		mine := b.page("/?show=mine")
		has(t, mine, "held thing")
		hasNot(t, mine, "finished thing")
		all := b.page("/?show=all")
		inOrder(t, all, "finished thing", "waiting thing", "held thing")
		for _, tc := range []struct{ query, has, hasNot string }{
			{"service=checkout", "held thing", "waiting thing"},
			{"state=acknowledged", "held thing", "waiting thing"},
			{"q=WAIT", "waiting thing", "held thing"},
			{"show=all&state=resolved", "finished thing", "held thing"},
			{"show=all&q=%23" + number(over), "finished thing", "held thing"},
			{"urgency=high", "waiting thing", "nothing at all"},
		} {
			page := b.page("/?" + tc.query)
			has(t, page, tc.has)
			hasNot(t, page, ">"+tc.hasNot)
		}
	})
}

func inOrder(t *testing.T, page string, wants ...string) {
	t.Helper()
	at := 0
	for _, want := range wants {
		i := strings.Index(page[at:], ">"+want)
		if i < 0 {
			t.Fatalf("%q is not behind the others:\n%s", want, text(page))
		}
		at += i
	}
}

func TestAResponderSeesWhoIsBeingPagedAndUntilWhen(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	b := h.browser("ume", access.Responder)
	h.until(func() bool { return strings.Contains(b.page("/"), "paging 松") })
	has(t, b.page("/"), "again")
	b.lang = "ja"
	has(t, b.page("/"), "松さんを呼び出し中", "にもう一度")
	page := b.page("/incidents/" + number(inc))
	has(t, page, "このあとの流れ", "松さんを呼び出し中", "竹さんに電話", "だれかが対応すれば、すべて止まります。")
}

var (
	doing = regexp.MustCompile(`(?s)class="doing".*?<time class="when" datetime="([^"]+)"`)
	stair = regexp.MustCompile(`(?s)class="stair".*?<time class="step-in" datetime="([^"]+)"`)
)

// The list, the head of a page and its stair, also on the signed one, say one
// time, which is when something happens that people notice: not the end of a
// level's wait, which nobody waits for once all have failed.
func TestEveryPageSaysTheSameOfWhatComesNext(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		inc := h.open("checkout", "down", oncall.Critical)
		b := h.browser("ume", access.Responder)
		h.until(func() bool { return strings.Contains(b.page("/"), "paging 松") })
		rings := time.Now()
		said := map[string]string{}
		for name, at := range map[string]struct {
			path string
			by   *regexp.Regexp
		}{
			"list": {"/", doing}, "head": {"/incidents/" + number(inc), doing}, "stair": {"/incidents/" + number(inc), stair},
			"signed head": {"/i/" + h.token(inc.ID, "ume", zero), doing}, "signed stair": {"/i/" + h.token(inc.ID, "ume", zero), stair},
		} {
			found := at.by.FindStringSubmatch(b.page(at.path))
			if found == nil {
				t.Fatalf("the %s says no time", name)
			}
			said[name] = found[1]
		}
		for name, got := range said {
			if got != said["stair"] {
				t.Errorf("the %s says %s, the stair %s; want one truth", name, got, said["stair"])
			}
		}
		next, err := time.Parse(time.RFC3339, said["stair"])
		if err != nil || next.Sub(rings) > 26*time.Second {
			t.Errorf("next is %s, %v; want the second call as soon as the first has rung out", said["stair"], err)
		}
	})
}

func TestAHundredOpenIncidentsAreReachedPageByPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const many = 120
		want := map[string]bool{}
		for i := range many {
			inc := h.open("search", fmt.Sprintf("thing %d", i), oncall.Info)
			want[number(inc)] = true
			if i%2 == 0 {
				if _, err := h.life.Acknowledge(t.Context(), inc.ID, "ume", "cli"); err != nil {
					t.Fatal(err)
				}
			}
		}
		b := h.browser("ume", access.Viewer)
		for _, show := range []string{"/", "/?show=all", "/?show=all&q=thing"} {
			seen := map[string]int{}
			path := show
			for range 10 {
				page := b.page(path)
				for _, m := range regexp.MustCompile(`class="inc-title" href="/incidents/(\d+)"`).FindAllStringSubmatch(page, -1) {
					seen[m[1]]++
				}
				next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page)
				if next == nil {
					break
				}
				path = strings.ReplaceAll(next[1], "&amp;", "&")
			}
			for n := range want {
				if seen[n] != 1 {
					t.Fatalf("%s: #%s was seen %d times, want once", show, n, seen[n])
				}
			}
		}
		if got := b.get("/?cursor=nonsense"); got.status != http.StatusBadRequest || !strings.Contains(got.body, "request.cursor") {
			t.Errorf("a cursor of one's own = %d, want 400", got.status)
		}
	})
}

func TestPickedIncidentsAreTakenTogether(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser("ume", access.Responder)
		one, two := h.open("checkout", "one", oncall.Critical), h.open("search", "two", oncall.Critical)
		over := h.open("search", "three", oncall.Critical)
		b.post("/incidents/" + number(over) + "/resolve")
		got := b.post("/incidents/act", "act", "acknowledge", "n", number(one), "n", number(two), "n", number(over), "back", "/?show=mine")
		if got.status != http.StatusSeeOther || got.header.Get("Location") != "/?show=mine" {
			t.Fatalf("= %d to %q", got.status, got.header.Get("Location"))
		}
		has(t, b.page("/?show=mine"), "2 done; 1 were over or taken already", ">one", ">two")
		for _, inc := range []*oncall.Incident{one, two} {
			if got := h.incident(inc.ID); got.AcknowledgedBy != "ume" {
				t.Errorf("#%d is held by %q, want ume", inc.Number, got.AcknowledgedBy)
			}
		}
		b.post("/incidents/act", "act", "resolve", "n", number(one), "n", number(two))
		has(t, b.page("/"), "2 resolved.")
		b.post("/incidents/act", "act", "resolve")
		has(t, b.page("/"), "No incident was picked")
		hasNot(t, b.page("/"), "No incident was picked") // said once
	})
}

func TestR17_AnIncidentIsCreatedByHandOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	page := b.page("/incidents/new?service=search")
	has(t, page, "Whom it calls now", "The first phone that rings is that of")
	key := regexp.MustCompile(`name="key" value="([^"]+)"`).FindStringSubmatch(page)[1]
	got := b.post("/incidents", "service", "search", "title", " ", "severity", "warning", "key", key)
	has(t, got.body, "Say what is wrong")
	first := b.post("/incidents", "service", "search", "title", "手で作った", "severity", "warning", "key", key)
	again := b.post("/incidents", "service", "search", "title", "手で作った", "severity", "warning", "key", key)
	if first.status != http.StatusSeeOther || first.header.Get("Location") != again.header.Get("Location") {
		t.Errorf("sent twice it leads to %q and %q, want one incident", first.header.Get("Location"), again.header.Get("Location"))
	}
	has(t, b.page(first.header.Get("Location")), "手で作った", "is created")
	has(t, b.post("/incidents", "service", "nosuch", "title", "x").body, "There is no such service")
}

func TestR16_R18_ALateActionSaysSo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ume, take := h.browser("ume", access.Responder), h.browser("take", access.Responder)
		inc := h.open("checkout", "down", oncall.Critical)
		path := "/incidents/" + number(inc)
		take.post(path + "/acknowledge")
		ume.post(path + "/acknowledge")
		has(t, ume.page(path), "竹 has #"+number(inc)+" already")
		ume.post("/incidents/act", "act", "acknowledge", "n", number(inc))
		has(t, ume.page("/"), "0 done; 1 were over or taken already")
		ume.post(path + "/renew")
		has(t, ume.page(path), "竹 is still on it")
		take.post(path + "/resolve")
		has(t, take.page(path), "is resolved.", path+"/reopen")
		ume.post(path + "/acknowledge")
		has(t, ume.page(path), "was resolved already")
		ume.post(path + "/resolve")
		has(t, ume.page(path), "was resolved already")
		if got := ume.post(path + "/escalate"); got.status != http.StatusConflict {
			t.Errorf("escalating what is over = %d, want 409", got.status)
		}
		ume.post(path + "/reopen")
		if got := h.incident(inc.ID).State; got != oncall.Triggered {
			t.Errorf("after undoing it is %s, want triggered", got)
		}
	})
}

func TestEveryActionOfThePageWorks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser("ume", access.Manager)
		inc := h.open("checkout", "down", oncall.Critical)
		path := "/incidents/" + number(inc)
		for _, step := range []struct {
			verb  string
			form  []string
			says  string
			state oncall.State
		}{
			{"acknowledge", nil, "is yours", oncall.Acknowledged},
			{"renew", nil, "still yours", oncall.Acknowledged},
			{"snooze", []string{"minutes", "60"}, "is snoozed until", oncall.Acknowledged},
			{"snooze", []string{"until", time.Now().Add(48 * time.Hour).Format("2006-01-02T15:04")}, "is snoozed until", oncall.Acknowledged},
			{"note", []string{"text", "first line\r\nsecond line"}, "The note is on the timeline", oncall.Acknowledged},
			{"responders", []string{"user", "take"}, "竹 is asked to help", oncall.Acknowledged},
			{"escalate", nil, "the next level is being paged", oncall.Triggered},
			{"reassign", []string{"user", "matsu"}, "is handed to 松", oncall.Triggered},
			{"policy", []string{"policy", "night"}, "is answered by the other policy", oncall.Triggered},
			{"resolve", nil, "is resolved", oncall.Resolved},
		} {
			got := b.post(path+"/"+step.verb, step.form...)
			if got.status != http.StatusSeeOther || got.header.Get("Location") != path {
				t.Fatalf("%s = %d to %q\n%s", step.verb, got.status, got.header.Get("Location"), text(got.body))
			}
			has(t, b.page(path), step.says)
			if is := h.incident(inc.ID).State; is != step.state {
				t.Errorf("after %s it is %s, want %s", step.verb, is, step.state)
			}
		}
		page := b.page(path)
		has(t, page, "first line\nsecond line", "Summary", "Until it was over", "Reopen")
		hasNot(t, page, `action="`+path+`/acknowledge"`)
	})
}

func TestWhatWasTypedComesBackWithAnError(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Manager)
	inc := h.open("checkout", "down", oncall.Critical)
	path := "/incidents/" + number(inc)
	for _, tc := range []struct {
		verb string
		form []string
		says string
	}{
		{"snooze", []string{"until", "2020-01-01T00:00"}, "between now and 30 days"},
		{"snooze", []string{"until", "soon"}, "between now and 30 days"},
		{"note", []string{"text", "   "}, "A note needs at least one character"},
		{"reassign", []string{"user", "nobody"}, "There is no such user"},
		{"responders", nil, "There is no such user"},
		{"policy", []string{"policy", "nosuch"}, "There is no such policy"},
	} {
		got := b.post(path+"/"+tc.verb, tc.form...)
		if got.status != http.StatusBadRequest {
			t.Errorf("%s %v = %d, want 400", tc.verb, tc.form, got.status)
		}
		has(t, got.body, tc.says, `aria-invalid="true"`)
	}
	has(t, b.post(path+"/snooze", "until", "2020-01-01T00:00").body, `value="2020-01-01T00:00"`)
	has(t, b.post(path+"/note", "text", strings.Repeat("長", 3000)).body, "長長長")
	for _, path := range []string{"/incidents/99999", "/incidents/inc_x", "/incidents/" + strings.Repeat("9", 40), path + "/nosuch"} {
		if got := b.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s = %d, want 404", path, got.status)
		}
	}
}

func TestAnAccountWithoutAUserSaysInWhoseName(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("root.admin", access.Admin)
	inc := h.open("checkout", "down", oncall.Critical)
	path := "/incidents/" + number(inc)
	has(t, b.page(path), "In whose name?")
	for _, verb := range []string{"acknowledge", "resolve", "escalate", "note", "reassign"} {
		if got := b.post(path+"/"+verb, "text", "x", "user", "ume"); got.status != http.StatusBadRequest || !strings.Contains(got.body, "actor.unknown") {
			t.Errorf("%s as nobody = %d, want 400", verb, got.status)
		}
	}
	if got := b.post(path+"/act", "act", "acknowledge", "who", "nobody"); got.status != http.StatusBadRequest {
		t.Errorf("acknowledging as somebody unknown = %d, want 400", got.status)
	}
	b.post(path+"/act", "act", "acknowledge", "who", "take")
	if got := h.incident(inc.ID).AcknowledgedBy; got != "take" {
		t.Errorf("held by %q, want take", got)
	}
	b.post(path+"/note", "text", "called the provider", "who", "take")
	has(t, b.page(path), "竹 wrote")
	b.post(path+"/act", "act", "resolve", "who", "take")
	b.post(path+"/act", "act", "reopen", "who", "take")
	if got := h.incident(inc.ID).State; got != oncall.Triggered {
		t.Errorf("after resolving and reopening it is %s, want triggered", got)
	}
}

func TestOnlyAManagerActsInTheNameOfAnother(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	path := "/incidents/" + number(inc)
	for name, code := range map[string]string{"guest": "actor.denied", "ume": "actor.denied"} {
		b := h.browser(name, access.Responder)
		for _, ask := range [][]string{{"/act", "act", "acknowledge"}, {"/acknowledge"}, {"/resolve"}, {"/note", "text", "x"}} {
			got := b.post(path+ask[0], append(ask[1:], "who", "matsu")...)
			if got.status != http.StatusForbidden || !strings.Contains(got.body, code) {
				t.Errorf("%s as %s in the name of matsu = %d, want 403", ask[0], name, got.status)
			}
		}
	}
	guest := h.browser("guest2", access.Responder)
	if got := guest.post(path + "/resolve"); got.status != http.StatusBadRequest || !strings.Contains(got.body, "actor.unknown") {
		t.Errorf("resolving as an account that is no user = %d, want 400", got.status)
	}
	if got := guest.post("/incidents/act", "act", "resolve", "n", number(inc)); got.status != http.StatusBadRequest {
		t.Errorf("resolving many as an account that is no user = %d, want 400", got.status)
	}
	page := guest.page(path)
	has(t, page, "can’t act on incidents")
	hasNot(t, page, `action="`+path)
	hasNot(t, guest.page("/"), `name="act"`)
	if got := h.incident(inc.ID); got.State != oncall.Triggered || got.AcknowledgedBy != "" {
		t.Errorf("the incident is %s, held by %q, want it untouched", got.State, got.AcknowledgedBy)
	}
	mia := h.browser("take", access.Manager)
	mia.post(path+"/acknowledge", "who", "matsu")
	if got := h.incident(inc.ID).AcknowledgedBy; got != "matsu" {
		t.Errorf("held by %q, want matsu", got)
	}
}

func TestOneOfManyThatCantBeDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	first, over, last := h.open("checkout", "a", oncall.Critical), h.open("checkout", "b", oncall.Critical), h.open("checkout", "c", oncall.Critical)
	b.post("/incidents/" + number(over) + "/resolve")
	b.page("/")
	got := b.post("/incidents/act", "act", "acknowledge", "n", number(first), "n", "99999", "n", number(over), "n", number(last))
	if got.status != http.StatusSeeOther {
		t.Fatalf("acting on many = %d, want 303\n%s", got.status, text(got.body))
	}
	has(t, b.page("/"), "2 done. 1 could not be changed; 1 were over or taken already.")
	for _, inc := range []*oncall.Incident{first, last} {
		if got := h.incident(inc.ID).AcknowledgedBy; got != "ume" {
			t.Errorf("#%d is held by %q, want ume", inc.Number, got)
		}
	}
}

func TestWhatAUserIsAskedToHelpWithIsTheirs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Responder)
	inc, other := h.open("checkout", "help wanted", oncall.Critical), h.open("checkout", "of another", oncall.Critical)
	for _, one := range []*oncall.Incident{inc, other} {
		if _, err := h.life.Acknowledge(t.Context(), one.ID, "take", "cli"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.life.AddResponder(t.Context(), inc.ID, []oncall.UserID{"ume"}, "take", "cli"); err != nil {
		t.Fatal(err)
	}
	h.until(func() bool { return strings.Contains(b.page("/?show=mine"), "help wanted") })
	hasNot(t, b.page("/?show=mine"), "of another")
}

func TestTheWayOfACallIsShownStepByStep(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	h.script = func(store.OutboxRow) respondtest.Answer {
		return respondtest.Answer{Outcome: oncall.Busy, After: 10 * time.Millisecond}
	}
	b := h.browser("ume", access.Viewer)
	inc := h.open("checkout", "down", oncall.Critical)
	path := "/incidents/" + number(inc)
	h.until(func() bool { return strings.Contains(b.page(path), "busy") })
	page := b.page(path)
	has(t, page, "Calls and messages", "queued", "busy", "delivery events")
	hasNot(t, page, "+8190")
	hasNot(t, page, `action="`+path)
	if got := b.post(path + "/acknowledge"); got.status != http.StatusForbidden {
		t.Errorf("a viewer acknowledges: %d, want 403", got.status)
	}
	has(t, b.post(path+"/acknowledge").body, "You may not see this page", "Responder")
}

// until waits for what the house does by itself.
func (h *house) until(ready func() bool) {
	h.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !ready() {
		select {
		case <-tick.C:
		case <-late:
			h.t.Fatal("it did not happen within 20 s")
		}
	}
}
