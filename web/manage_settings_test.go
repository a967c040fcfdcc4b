package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func (d *desk) dir() (dir *oncall.Directory) {
	d.t.Helper()
	err := d.db.Read(d.t.Context(), func(tx *store.Tx) (err error) {
		dir, err = tx.Directory(d.t.Context())
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return dir
}

func (d *desk) onDuty(schedule oncall.ScheduleID, at time.Time) oncall.UserID {
	d.t.Helper()
	dir := d.dir()
	users, _ := dir.Schedules[schedule].OnDuty(dir, at)
	if len(users) == 0 {
		return ""
	}
	return users[0]
}

var inviteURL = regexp.MustCompile(`http://toban\.example\.jp/invite/([A-Za-z0-9_-]+)`)

func TestAnInvitationIsShownOnceAndCanBeWithdrawn(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		w := d.ask(access.Admin, http.MethodPost, "/settings/people", url.Values{"account": {"Sakura"}, "role": {"manager"}})
		made := inviteURL.FindStringSubmatch(w.Body.String())
		if w.Code != http.StatusOK || made == nil {
			t.Fatalf("got %d, want a page with the link:\n%s", w.Code, text(w.Body.String()))
		}
		if inv, err := d.keep.Invitation(t.Context(), made[1]); err != nil || inv.Account != "sakura" || inv.Role != access.Manager {
			t.Errorf("got %+v %v, want one for sakura as a manager", inv, err)
		}
		page := d.get(access.Admin, "/settings/people")
		wants(t, page, "まだ使われていない招待", "sakura")
		if strings.Contains(page, made[1]) {
			t.Error("the link is shown again")
		}
		d.post(access.Admin, "/settings/people/sakura/uninvite", url.Values{})
		if _, err := d.keep.Invitation(t.Context(), made[1]); err == nil {
			t.Error("the invitation is good still")
		}

		w = d.ask(access.Admin, http.MethodPost, "/settings/people", url.Values{"account": {"-no name-"}, "role": {"viewer"}})
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `value="-no name-"`) {
			t.Errorf("got %d, want the form again with what was typed", w.Code)
		}
		wants(t, w.Body.String(), "名前に使えるのは")

		w = d.ask(access.Admin, http.MethodPost, "/settings/people/ume/reset", url.Values{})
		wants(t, w.Body.String(), "ume のパスワード再設定リンク")
	})
}

func TestAnAccountIsChangedAndTheLastAdminStays(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		role := func(name string) access.Account {
			list, err := d.keep.Accounts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				if one.Name == name {
					return one
				}
			}
			return access.Account{}
		}
		d.post(access.Admin, "/settings/people/ume/role", url.Values{"role": {"manager"}})
		if got := role("ume").Role; got != access.Manager {
			t.Errorf("got %s, want manager", got)
		}
		d.post(access.Admin, "/settings/people/ume/disable", url.Values{})
		if role("ume").DisabledAt.IsZero() {
			t.Error("ume may sign in still")
		}
		wants(t, d.get(access.Admin, "/settings/people"), "停止中", "再開する")
		d.post(access.Admin, "/settings/people/ume/enable", url.Values{})
		if !role("ume").DisabledAt.IsZero() {
			t.Error("ume may not sign in")
		}

		w := d.ask(access.Admin, http.MethodPost, "/settings/people/matsu/role", url.Values{"role": {"viewer"}})
		if w.Code != http.StatusSeeOther || role("matsu").Role != access.Admin {
			t.Fatalf("got %d and %s, want the last admin to stay one", w.Code, role("matsu").Role)
		}
		said := d.ask(access.Admin, http.MethodGet, "/settings/people", nil, "Cookie", cookiesOf(w)+"; toban="+d.cookies[access.Admin])
		wants(t, said.Body.String(), "できませんでした: 最後の管理者です")
		wants(t, d.get(access.Manager, "/settings/audit?kind=account&name=ume"), "権限を変更", "アカウントを停止")
	})
}

func cookiesOf(w interface{ Result() *http.Response }) string {
	var all []string
	for _, c := range w.Result().Cookies() {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

func TestASessionEndsAtOnceAndOnlyForWhoMay(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		hash := func(account string) string {
			list, err := d.keep.Sessions(t.Context(), account)
			if err != nil || len(list) == 0 {
				t.Fatalf("sessions of %s: %v %v", account, list, err)
			}
			return list[0].Hash
		}
		wants(t, d.get(access.Viewer, "/settings/sessions"), "Firefox · Linux", "この端末", "192.0.2.1")
		if page := text(d.get(access.Viewer, "/settings/sessions?all=1")); strings.Contains(page, "matsu") {
			t.Error("a viewer sees the sessions of others")
		}
		if w := d.ask(access.Responder, http.MethodPost, "/settings/sessions/end", url.Values{"hash": {hash("guest")}}); w.Code != http.StatusForbidden {
			t.Errorf("a responder ends another's session: got %d, want 403", w.Code)
		}
		if to := d.post(access.Admin, "/settings/sessions/end", url.Values{"hash": {hash("guest")}, "all": {"1"}}); to != "/settings/sessions?all=1" {
			t.Errorf("got %s, want the list of all", to)
		}
		if w := d.ask(access.Viewer, http.MethodGet, "/oncall", nil); w.Code != http.StatusSeeOther {
			t.Errorf("an ended session: got %d, want the login", w.Code)
		}
	})
}

var tokenShown = regexp.MustCompile(`tbn_[A-Za-z0-9]+`)

func TestATokenIsShownOnceAndRevoked(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		w := d.ask(access.Responder, http.MethodPost, "/settings/tokens", url.Values{"name": {"夜間バッチ"}, "role": {"viewer"}, "expires": {"30"}})
		secret := tokenShown.FindString(w.Body.String())
		if w.Code != http.StatusOK || secret == "" {
			t.Fatalf("got %d, want a page with the token:\n%s", w.Code, text(w.Body.String()))
		}
		page := d.get(access.Responder, "/settings/tokens")
		wants(t, page, "夜間バッチ", "未使用")
		if p, err := d.keep.Token(t.Context(), secret); err != nil || p.Role != access.Viewer {
			t.Errorf("got %+v %v, want a viewer", p, err)
		}
		if strings.Contains(page, secret) {
			t.Error("the token is shown again")
		}
		list, err := d.keep.Tokens(t.Context(), "ume")
		if err != nil || len(list) != 1 {
			t.Fatalf("got %v %v, want one token", list, err)
		}
		if left := time.Until(list[0].ExpiresAt); left < 29*24*time.Hour || left > 31*24*time.Hour {
			t.Errorf("it lasts %s, want 30 days", left)
		}
		if w := d.ask(access.Manager, http.MethodPost, "/settings/tokens/revoke", url.Values{"hash": {list[0].Hash}}); w.Code != http.StatusForbidden {
			t.Errorf("another's token: got %d, want 403", w.Code)
		}
		d.post(access.Responder, "/settings/tokens/revoke", url.Values{"hash": {list[0].Hash}})
		if _, err := d.keep.Token(t.Context(), secret); err == nil {
			t.Error("the token works still")
		}

		for name, form := range map[string]url.Values{
			"a higher role": {"name": {"x"}, "role": {"admin"}, "expires": {"30"}},
			"no name":       {"name": {""}, "role": {"viewer"}, "expires": {"30"}},
			"odd expiry":    {"name": {"x"}, "role": {"viewer"}, "expires": {"-1"}},
			"no role":       {"name": {"x"}, "role": {"king"}, "expires": {""}},
		} {
			if w := d.ask(access.Responder, http.MethodPost, "/settings/tokens", form); w.Code == http.StatusOK || tokenShown.MatchString(w.Body.String()) {
				t.Errorf("%s: got %d, want it refused", name, w.Code)
			}
		}
	})
}

func TestTheAuditLogIsCutIntoPagesAndNarrowed(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		ctx := access.With(t.Context(), access.Principal{Account: "take", Role: access.Manager, Via: access.ViaAPI})
		err := d.db.Tx(ctx, func(tx *store.Tx) error {
			for range 60 {
				if err := access.Record(ctx, tx, "created", "thing", "one", nil, map[string]string{"color": "red"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		first := d.get(access.Manager, "/settings/audit?kind=thing&actor=take")
		next := regexp.MustCompile(`href="(/settings/audit\?[^"]*before=[^"]*)"`).FindStringSubmatch(first)
		if next == nil || strings.Count(first, "thing created") != 50 {
			t.Fatalf("got %d lines and next %v, want 50 and a next page", strings.Count(first, "thing created"), next)
		}
		wants(t, first, "竹さん API thing created one", "color", "red")
		second := d.get(access.Manager, strings.ReplaceAll(next[1], "&amp;", "&"))
		if n := strings.Count(second, "thing created"); n != 10 || strings.Contains(second, "before=") {
			t.Errorf("got %d lines, want the last 10 and no next page", n)
		}
		wants(t, d.get(access.Manager, "/settings/audit?kind=thing&actor=matsu"), "あてはまる変更はありません")
	})
}

func TestAboutSaysWhatRunsAndHowTheProvidersDo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	wants(t, d.get(access.Viewer, "/settings/about"), "1.2.3", "SQLite", "twilio", "第1版", "に起動してからの数です。")
}

func TestSettingsOfferOnlyWhatTheRoleMayOpen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	for role, want := range map[access.Role][]string{
		access.Viewer:    {"/settings/sessions", "/docs/api", "/settings/about"},
		access.Responder: {"/settings/tokens", "/settings/sessions", "/welcome", "/docs/api", "/settings/about"},
		access.Manager:   {"/settings/tokens", "/settings/sessions", "/settings/audit", "/welcome", "/docs/api", "/settings/about"},
		access.Admin:     {"/settings/people", "/settings/tokens", "/settings/sessions", "/settings/audit", "/welcome", "/docs/api", "/settings/about"},
	} {
		page := d.get(role, "/settings")
		for _, path := range []string{"/settings/people", "/settings/tokens", "/settings/sessions", "/settings/audit", "/welcome", "/docs/api", "/settings/about"} {
			offered, may := strings.Contains(page, `class="row-title" href="`+path+`"`), strings.Contains(strings.Join(want, " ")+" ", path+" ")
			if offered != may {
				t.Errorf("%s: %s offered is %v, want %v", role, path, offered, may)
			}
			if may && path != "/docs/api" { // which the API serves
				d.get(role, path)
			}
		}
	}
}
