package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/store"
	"toban/store/storetest"
)

// managePages are all pages around duty and administration.
func managePages() []string {
	return []string{
		"/oncall", "/oncall?service=checkout&severity=warning&urgency=low", "/policies", "/policies/infra?ask=1", "/schedules",
		"/schedules/infra", "/schedules/infra?view=2weeks", "/schedules/infra?view=month&from=2026-12-01", "/schedules/infra/override",
		"/services", "/services/checkout", "/services/other", "/settings", "/settings/people", "/settings/sessions", "/settings/sessions?all=1",
		"/settings/tokens", "/settings/tokens?all=1", "/settings/audit", "/settings/about", "/welcome",
	}
}

var (
	// bare are keys of texts that have no text.
	bare = regexp.MustCompile(`(?:^|\s)(?:oncall|policy|schedule|override|service|settings|people|sessions|tokens|audit|about|welcome|rehearse|span|role|level)\.[a-z0-9_.]+(?:\s|$)`)
	// elsewhere are addresses that a browser would load.
	elsewhere = regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`)
	inline    = regexp.MustCompile(`<script>|<style|\sstyle="|\son[a-z]+="`)
)

func TestEveryPageIsDrawnInBothLanguagesFromHereAlone(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		for _, path := range managePages() {
			for _, lang := range []string{"ja", "en"} {
				page := d.get(access.Admin, path, "Accept-Language", lang)
				if !strings.Contains(page, `<html lang="`+lang+`"`) {
					t.Errorf("%s is not in %s", path, lang)
				}
				if found := bare.FindString(text(page)); found != "" {
					t.Errorf("%s %s: no text for%s", lang, path, found)
				}
				if found := elsewhere.FindString(page); found != "" {
					t.Errorf("%s: loads from another host: %s", path, found)
				}
				if found := inline.FindString(page); found != "" {
					t.Errorf("%s: has what the policy forbids: %s", path, found)
				}
				const heaviest = 128 << 10 // a month, four times: as a grid, lanes, a table and an agenda
				if len(page) > heaviest {
					t.Errorf("%s weighs %d bytes, want at most %d", path, len(page), heaviest)
				}
			}
		}
	})
}

func TestEveryPageSaysWhatToDoWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), "")
	for path, want := range map[string]string{
		"/oncall": "当番表がまだありません", "/policies": "エスカレーションポリシーがまだありません", "/schedules": "当番表がまだありません",
		"/services": "サービスがまだありません", "/settings/tokens": "トークンはまだありません", "/settings/audit?kind=nothing": "あてはまる変更はありません",
		"/welcome": "設定に matsu という人がいません",
	} {
		wants(t, d.get(access.Admin, path), want)
	}
}

func TestEveryRouteIsRefusedToALowerRole(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	path := strings.NewReplacer("{id}", "infra", "{override}", "ovr_1", "{account}", "take", "{act}", "disable").Replace
	below := map[access.Role]access.Role{access.Responder: access.Viewer, access.Manager: access.Responder, access.Admin: access.Manager}
	for _, e := range new(Web).manageRoutes() {
		var form url.Values
		if e.method == http.MethodPost {
			form = url.Values{}
		}
		if e.role == open {
			t.Errorf("%s %s is open to anybody", e.method, e.pattern)
		}
		w := d.ask("", e.method, path(e.pattern), form)
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/login?next=") {
			t.Errorf("%s %s without a session: got %d %s, want the login", e.method, e.pattern, w.Code, w.Header().Get("Location"))
		}
		if lower, ok := below[e.role]; ok {
			if w := d.ask(lower, e.method, path(e.pattern), form); w.Code != http.StatusForbidden {
				t.Errorf("%s %s as %s: got %d, want 403", e.method, e.pattern, lower, w.Code)
			}
		}
	}
}

func TestNoFormIsTakenFromAnotherSite(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	for _, e := range new(Web).manageRoutes() {
		if e.method != http.MethodPost {
			continue
		}
		path := strings.NewReplacer("{id}", "infra", "{override}", "ovr_1", "{account}", "take", "{act}", "disable").Replace(e.pattern)
		if w := d.ask(access.Admin, http.MethodPost, path, url.Values{}, "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("%s from another site: got %d, want 403", path, w.Code)
		}
	}
}

func TestWhatDoesNotExistIsNotFound(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	for _, path := range []string{"/policies/none", "/schedules/none", "/services/none", "/schedules/none/override", "/policies/%00", "/services/a%2Fb"} {
		if w := d.ask(access.Admin, http.MethodGet, path, nil); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: got %d, want 404", path, w.Code)
		}
	}
	for _, path := range []string{"/schedules/infra/overrides/ovr_none/delete", "/services/none/keys", "/settings/people/take/none"} {
		if w := d.ask(access.Admin, http.MethodPost, path, url.Values{}); w.Code != http.StatusNotFound {
			t.Errorf("POST %s: got %d, want 404", path, w.Code)
		}
	}
}

func TestAnOddAddressGivesAPageAndNoFailure(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	long := strings.Repeat("あ", 3000)
	for _, path := range []string{
		"/schedules/infra?from=9999-12-31&view=month", "/schedules/infra?from=0001-01-01", "/schedules/infra?from=x&view=y",
		"/oncall?service=none&severity=none&urgency=none&at=never", "/oncall?service=checkout&m.matsu=" + url.QueryEscape(long),
		"/oncall?service=checkout&at=2199-12-31T23:59", "/settings/audit?before=" + url.QueryEscape(long) + "&kind=%ff%00",
		"/settings/sessions?all=1&account=%00",
	} {
		d.get(access.Admin, path)
	}
}

func TestAnOverrideIsPreviewedSavedAndTakenBack(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		tokyo := zoneOf(t, "Asia/Tokyo")
		day := time.Now().In(tokyo).AddDate(0, 0, 10)
		from := time.Date(day.Year(), day.Month(), day.Day(), 20, 0, 0, 0, tokyo)
		form := url.Values{"user": {"ume"}, "from": {from.Format("2006-01-02T15:04")}, "to": {from.Add(4 * time.Hour).Format("2006-01-02T15:04")}, "reason": {"夜勤の交代"}}

		page := d.get(access.Responder, "/schedules/infra/override?"+form.Encode())
		wants(t, page, "保存するとこう変わります", "梅さん: +1シフト（4時間）", "ほかの人は変わりません。")
		if who := d.onDuty("infra", from); who == "ume" {
			t.Fatal("the preview has changed who is on duty")
		}

		to := d.post(access.Responder, "/schedules/infra/overrides", form)
		if !strings.HasPrefix(to, "/schedules/infra?from=") {
			t.Errorf("got %s, want the schedule", to)
		}
		if who := d.onDuty("infra", from.Add(time.Hour)); who != "ume" {
			t.Errorf("got %q on duty, want ume", who)
		}
		wants(t, d.get(access.Viewer, "/schedules/infra"), "夜勤の交代")
		wants(t, d.get(access.Manager, "/settings/audit?kind=override"), "梅さん 画面 代行を登録 infra · 梅さん", "夜勤の交代")

		id := d.dir().Overrides[0].ID
		d.post(access.Responder, "/schedules/infra/overrides/"+id+"/delete", url.Values{})
		if n := len(d.dir().Overrides); n != 0 {
			t.Errorf("got %d overrides, want none", n)
		}
		wants(t, d.get(access.Manager, "/settings/audit?kind=override"), "代行を取り消し")
	})
}

func TestAWrongOverrideKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	for _, tc := range []struct {
		name string
		form url.Values
		want string
	}{
		{"ends before it begins", url.Values{"user": {"ume"}, "from": {"2031-01-02T03:00"}, "to": {"2031-01-01T03:00"}, "reason": {"typed"}}, "終了は開始より後"},
		{"no time", url.Values{"user": {"ume"}, "from": {"soon"}, "to": {"2031-01-01T03:00"}, "reason": {"typed"}}, "日時を入れてください"},
		{"nobody", url.Values{"user": {"none"}, "from": {"2031-01-01T03:00"}, "to": {"2031-01-02T03:00"}, "reason": {"typed"}}, "代わる人を選んでください"},
	} {
		w := d.ask(access.Responder, http.MethodPost, "/schedules/infra/overrides", tc.form)
		if w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d, want 422", tc.name, w.Code)
		}
		wants(t, w.Body.String(), tc.want)
		for _, name := range []string{"from", "to", "reason"} {
			if !strings.Contains(w.Body.String(), `value="`+tc.form.Get(name)+`"`) {
				t.Errorf("%s: %s is gone", tc.name, name)
			}
		}
	}
	if n := len(d.dir().Overrides); n != 0 {
		t.Errorf("got %d overrides, want none", n)
	}
}

var secretURL = regexp.MustCompile(`http://toban\.example\.jp/integrations/generic/([A-Z2-7]+)`)

func TestAKeyIsShownOnceAndRevoked(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		w := d.ask(access.Manager, http.MethodPost, "/services/checkout/keys", url.Values{"integration": {"shop"}})
		made := secretURL.FindStringSubmatch(w.Body.String())
		if w.Code != http.StatusOK || made == nil {
			t.Fatalf("got %d, want a page with the key:\n%s", w.Code, text(w.Body.String()))
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control: got %q, want no-store", got)
		}
		wants(t, w.Body.String(), "curl -sS '"+made[0]+"'", `"service":"checkout"`)

		// Low urgency waits for the support hours, in which Ume has the duty.
		wants(t, w.Body.String(), "梅さん（電話）を呼び出します。電話は模擬のものです。")

		page := d.get(access.Manager, "/services/checkout")
		if strings.Contains(page, made[1]) {
			t.Error("the key is shown again")
		}
		keys := d.keys("shop")
		if len(keys) != 1 || !strings.Contains(page, keys[0].Hash[:12]) {
			t.Fatalf("got %v, want the key's hash on the page", keys)
		}
		if strings.Contains(d.get(access.Viewer, "/services/checkout"), "鍵を作る") {
			t.Error("a viewer is offered to make keys")
		}
		d.post(access.Manager, "/services/checkout/keys/revoke", url.Values{"integration": {"shop"}, "hash": {keys[0].Hash}})
		if keys = d.keys("shop"); keys[0].RevokedAt.IsZero() {
			t.Error("the key is valid still")
		}
		wants(t, d.get(access.Manager, "/settings/audit?kind=integration_key"), "連携の鍵を作成", "連携の鍵を無効化")

		// An integration of another service is none of this one's.
		if w := d.ask(access.Manager, http.MethodPost, "/services/other/keys", url.Values{"integration": {"shop"}}); w.Code != http.StatusNotFound {
			t.Errorf("got %d, want 404", w.Code)
		}
	})
}

func (d *desk) keys(integration string) (keys []store.Key) {
	d.t.Helper()
	err := d.db.Read(d.t.Context(), func(tx *store.Tx) (err error) {
		keys, err = tx.Keys(d.t.Context(), integration)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return keys
}
