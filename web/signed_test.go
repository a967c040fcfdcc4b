package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"toban/access"
	"toban/config"
	"toban/oncall"
	"toban/store"
	"toban/web/static"
)

func TestR19_TheLinkTakesTheIncidentInTheNameOfItsUser(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		inc := h.open("checkout", "決済が止まっています", oncall.Critical)
		path := "/i/" + h.token(inc.ID, "ume", zero)
		b := h.browser("", "")
		b.at = h.public.URL
		b.lang = "ja" // but Ume reads English
		page := b.page(path)
		has(t, page, `lang="en"`, "決済が止まっています", "What happens next", "Acknowledge", "Escalate now", "Sent to Ume")
		got := b.do(http.MethodPost, path+"/acknowledge", map[string][]string{}, "Sec-Fetch-Site", "cross-site") // a link is its own permission
		if got.status != http.StatusSeeOther || got.header.Get("Location") != path {
			t.Fatalf("POST = %d to %q", got.status, got.header.Get("Location"))
		}
		has(t, b.page(path), "You have it", "is yours", `href="http://toban.example.jp/incidents/`+number(inc)+`"`)
		if is := h.incident(inc.ID); is.AcknowledgedBy != "ume" || is.State != oncall.Acknowledged {
			t.Errorf("it is %s by %q, want acknowledged by ume", is.State, is.AcknowledgedBy)
		}
		b.post(path + "/escalate")
		if is := h.incident(inc.ID); is.State != oncall.Triggered {
			t.Errorf("after escalating it is %s, want triggered", is.State)
		}
	})
}

func TestR19_LookingChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("search", "down", oncall.Info)
	path := "/i/" + h.token(inc.ID, "ume", zero)
	b := h.browser("", "")
	h.until(func() bool { return h.row(inc.ID).Response.Round > 0 })
	before := h.incident(inc.ID).Entries
	for _, p := range []string{path, path + "/acknowledge", path + "/escalate", path + "?acknowledge=1"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := b.do(method, p, nil, "Purpose", "prefetch")
			if got.status != http.StatusOK && got.status != http.StatusSeeOther {
				t.Errorf("%s %s = %d", method, p, got.status)
			}
		}
	}
	is := h.incident(inc.ID)
	if is.State != oncall.Triggered || is.Entries != before {
		t.Errorf("after looking it is %s with %d lines, want triggered with %d", is.State, is.Entries, before)
	}
}

func (h *house) row(id oncall.IncidentID) (row *store.ResponseRow) {
	h.t.Helper()
	err := h.db.Read(h.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Responses(h.t.Context(), []oncall.IncidentID{id})
		row = rows[id]
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return row
}

func TestAChannelsLinkAsksWhoItIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("search", "down", oncall.Critical)
	h.until(func() bool { return len(h.row(inc.ID).Response.Pages) > 0 })
	path := "/i/" + h.token(inc.ID, "", zero)
	b := h.browser("", "")
	page := b.page(path)
	has(t, page, "Who are you?")
	inOrder(t, page, "Choose your name", "Ume", "松") // Ume is being paged
	for _, who := range []string{"", "nobody", "../x"} {
		if got := b.post(path+"/act", "act", "acknowledge", "who", who); got.status != http.StatusBadRequest || !strings.Contains(got.body, "Choose your name first") {
			t.Errorf("as %q = %d, want 400", who, got.status)
		}
	}
	b.post(path+"/act", "act", "acknowledge", "who", "take")
	if got := h.incident(inc.ID).AcknowledgedBy; got != "take" {
		t.Errorf("held by %q, want take", got)
	}
	has(t, b.page(path), "竹 has it")
	if got := b.post(path+"/act", "act", "resolve", "who", "take"); got.status != http.StatusNotFound {
		t.Errorf("resolving by a link = %d, want 404", got.status)
	}
}

func TestALinkThatHoldsNoMoreSaysSo(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	b := h.browser("", "")
	old := "/i/" + h.token(inc.ID, "ume", time.Now().Add(-time.Minute))
	good := "/i/" + h.token(inc.ID, "ume", zero)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		old: {http.StatusGone, "This link has expired"}, "/i/nonsense": {http.StatusNotFound, "This link does not work"},
		good[:len(good)-2]: {http.StatusNotFound, "link.invalid"}, "/i/" + strings.Repeat("A", 5000): {http.StatusNotFound, "link.invalid"},
	} {
		got := b.get(path)
		if got.status != want.status {
			t.Errorf("GET %.40s = %d, want %d", path, got.status, want.status)
		}
		has(t, got.body, want.says)
		hasNot(t, got.body, "down<")
		if got := b.post(path + "/acknowledge"); got.status != want.status {
			t.Errorf("POST %.40s = %d, want %d", path, got.status, want.status)
		}
		if got := b.get(path, "Accept", "application/json"); got.status != http.StatusUnauthorized || !strings.Contains(got.body, `"code":"link.`) {
			t.Errorf("for a script %.40s = %d %s, want 401 with the code", path, got.status, got.body)
		}
	}
	if got := h.incident(inc.ID).State; got != oncall.Triggered {
		t.Errorf("it is %s, want triggered", got)
	}
}

func TestTheWorkerBehindANotificationTakesItByJSON(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	token := h.token(inc.ID, "ume", zero)
	b := h.browser("", "")
	ask := func() (state struct {
		Number                          int64
		State, Holder, Done, Text, Code string
		Mine                            bool
	}, status int,
	) {
		got := b.do(http.MethodPost, "/i/"+token+"/acknowledge", map[string][]string{"token": {token}, "via": {"push"}}, "Accept", "application/json")
		if err := json.Unmarshal([]byte(got.body), &state); err != nil {
			t.Fatalf("%s: %v", got.body, err)
		}
		return state, got.status
	}
	state, status := ask()
	if status != http.StatusOK || state.State != "acknowledged" || state.Done != "acknowledge" || !state.Mine || state.Number != inc.Number || state.Text == "" {
		t.Errorf("got %d %+v", status, state)
	}
	second := h.browser("", "").do(http.MethodPost, "/i/"+h.token(inc.ID, "take", zero)+"/acknowledge", map[string][]string{}, "Accept", "application/json")
	if !strings.Contains(second.body, `"done":"taken"`) || !strings.Contains(second.body, "already") {
		t.Errorf("R18: the second one's link says %s, want who has it already", second.body)
	}
	if _, err := h.life.Resolve(t.Context(), inc.ID, "take", "cli"); err != nil {
		t.Fatal(err)
	}
	if state, status = ask(); status != http.StatusOK || state.Done != "late" || state.State != "resolved" {
		t.Errorf("late: got %d %+v", status, state)
	}
	has(t, h.browser("ume", access.Viewer).page("/incidents/"+number(inc)), "push message")
}

func TestALinkIsNotUsedWithoutEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", "down", oncall.Critical)
	b := h.browser("", "")
	path := "/i/" + h.token(inc.ID, "ume", zero)
	status := 0
	for range 40 {
		if status = b.post(path + "/acknowledge").status; status == http.StatusTooManyRequests {
			break
		}
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("after 40 times in a moment = %d, want 429", status)
	}
	for range 80 {
		status = b.get("/i/guess").status
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("after 80 guesses = %d, want 429", status)
	}
	if got := b.get(path).status; got != http.StatusOK {
		t.Errorf("looking is refused too: %d", got)
	}
}

func TestThePublicListenerHasNothingButLinks(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	b := h.browser("ume", access.Admin)
	b.at = h.public.URL
	for _, path := range []string{"/", "/incidents", "/incidents/1", "/login", "/me", "/settings", "/live", "/setup/x"} {
		if got := b.get(path); got.status != http.StatusNotFound {
			t.Errorf("GET %s on the public listener = %d, want 404", path, got.status)
		}
	}
}

// What a telephone loads for a signed link, packed: the page, its style and its
// scripts.
func TestTheSignedPageIsLight(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "")
	inc := h.open("checkout", strings.Repeat("とても長い件名です。", 20), oncall.Critical)
	h.until(func() bool { return len(h.row(inc.ID).Response.Pages) > 0 })
	b := h.browser("", "")
	total := 0
	load := func(path string) string {
		got := b.get(path, "Accept-Encoding", "gzip")
		if got.status != http.StatusOK {
			t.Fatalf("%s = %d", path, got.status)
		}
		total += len(got.body)
		t.Logf("%6d %s", len(got.body), path)
		return got.body
	}
	load("/i/" + h.token(inc.ID, "matsu", zero))
	for _, name := range []string{"css/app.css", "icons/mark.svg", "js/app.js", "js/time.js", "js/forms.js", "js/live.js", "js/patch.js", "js/words.js"} {
		load(static.Base("") + "/" + name)
	}
	if const30k := 30 << 10; total > const30k {
		t.Errorf("together %d bytes, want at most %d", total, const30k)
	}
}

func TestR19_OnThePublicListenerALinkLeadsToNothingThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "sqlite", "/inside")
	c, problems := config.LoadFS(fstest.MapFS{"toban.yaml": {Data: []byte(strings.Replace(folder, "external_url:", `public: { listen: "127.0.0.1:8443", url: "https://page.example.jp/out" }, external_url:`, 1))}})
	if c == nil {
		t.Fatalf("configuration: %v", problems)
	}
	err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
		_, _, err := config.Apply(t.Context(), tx, c.Objects())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	inc := h.open("checkout", "down", oncall.Critical)
	b := h.browser("", "")
	b.at = h.public.URL + "/inside"
	for _, token := range []string{h.token(inc.ID, "", zero), "none"} {
		page := b.get("/i/" + token).body
		for _, m := range regexp.MustCompile(`(?:href|src|action|data-live)="([^"#]+)"`).FindAllStringSubmatch(page, -1) {
			path := m[1]
			rest, outside := strings.CutPrefix(path, "/out")
			switch {
			case strings.HasPrefix(path, "http://toban.example.jp/inside/"):
			case outside && (strings.HasPrefix(rest, "/i/") || strings.HasPrefix(rest, "/static/")):
			default:
				t.Errorf("the page of a link leads to %s, which is not on the public listener", path)
			}
		}
	}
	path := "/i/" + h.token(inc.ID, "", zero)
	if got := b.post(path+"/look", "language", "ja", "back", path); got.status != http.StatusSeeOther || got.header.Get("Location") != "/out"+path {
		t.Errorf("choosing a language = %d to %q, want back to the page", got.status, got.header.Get("Location"))
	}
	has(t, b.get(path).body, `lang="ja"`, "どなた")
}
