package web

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/config/edit"
	"toban/detect"
	"toban/detect/heartbeat"
	"toban/detect/standing"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// watchFiles are monitors beside Maneki Shop.
const watchFiles = deskFiles + `
monitors:
  filed: { http: "https://shop.example.jp/health", service: checkout, headers: { X-Key: "env:KEY" } }
  nightly: { name: 夜間バックアップ, heartbeat: { period: 1h }, severity: warning }
  disk: { promql: "disk_free < 5", severity: warning }
`

// watch is a desk that watches; checks are made by hand alone.
type watch struct {
	*desk
	monitors *detect.Monitors
	beats    *heartbeat.Listener
}

func newWatch(t testing.TB, db *store.DB, files string) *watch {
	t.Helper()
	d := &watch{desk: newDesk(t, db, files)}
	log := slog.New(slog.DiscardHandler)
	resolve := func(string) (string, error) { return "secret-of-the-header", nil }
	d.monitors = detect.New(detect.Options{DB: db, Resolve: resolve, Log: log})
	d.beats = heartbeat.New(heartbeat.Options{DB: db, Key: []byte("0123456789abcdef0123456789abcdef"), Log: log})
	if err := d.monitors.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.beats.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.web.Monitors = standing.New(standing.Options{DB: db, Probes: d.monitors, Heartbeats: d.beats, Evaluations: func(context.Context) (map[oncall.MonitorID]standing.Evaluation, bool) {
		return map[oncall.MonitorID]standing.Evaluation{"disk": {At: time.Now()}}, true
	}})
	d.web.Edit = edit.New(edit.Options{DB: db, Log: log, Watches: d.monitors.Watchable})
	return d
}

func target(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Seen", "<b>yes</b>")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTheFirstMonitorTakesOneField(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newWatch(t, db, deskFiles)
		wants(t, d.get(access.Manager, "/monitors"), "まだ何も監視していません", "監視を始める")
		wants(t, d.get(access.Viewer, "/monitors"), "マネージャーにお願いしてください")
		at := d.post(access.Manager, "/monitors", url.Values{"target": {target(t, 200, "ok")}, "private": {"on"}})
		if at != "/monitors/127.0.0.1" {
			t.Fatalf("it leads to %s", at)
		}
		wants(t, d.get(access.Manager, at), "127.0.0.1", "15秒", "続けて 2 回", "private: true", "その他")
		wants(t, d.get(access.Viewer, "/monitors"), "不明", "127.0.0.1")
		again := d.post(access.Manager, "/monitors", url.Values{"target": {target(t, 200, "ok")}, "private": {"on"}})
		if again != "/monitors/127.0.0.1-2" {
			t.Errorf("the second of that host is %s, want a name of its own", again)
		}
	})
}

func TestWhatFailsAtTheFirstTryIsWatchedOnlyAfterAQuestion(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), deskFiles)
	typed := target(t, 500, "<b>no</b>")
	form := url.Values{"target": {typed}, "kind": {"http"}, "private": {"on"}}
	asked := func(form url.Values) {
		t.Helper()
		w := d.ask(access.Manager, http.MethodPost, "/monitors", form)
		page := w.Body.String()
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(page, `name="anyway"`) || !strings.Contains(page, "&lt;b&gt;no") || !strings.Contains(page, `value="`+form.Get("target")) {
			t.Errorf("got %d, want the question with what came back and what was typed:\n%.1500s", w.Code, text(page))
		}
		wants(t, d.get(access.Manager, "/monitors"), "まだ何も監視していません")
	}
	asked(form)
	form.Set("anyway", "http "+target(t, 500, "another"))
	asked(form) // that was another one
	form.Set("anyway", "http "+typed)
	if at := d.post(access.Manager, "/monitors", form); at != "/monitors/127.0.0.1" {
		t.Errorf("it leads to %s, want the monitor", at)
	}
}

func TestWhatIsWrongIsSaidAtItsField(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), watchFiles)
	for _, tc := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/monitors", url.Values{"target": {""}}, "http:// または https:// で始まる URL"},
		{"/monitors", url.Values{"target": {"ftp://shop.example.jp"}}, "http:// または https:// で始まる URL"},
		{"/monitors", url.Values{"target": {"shop.example.jp"}, "kind": {"tcp"}}, "ホスト名とポート"},
		{"/monitors", url.Values{"target": {"a b"}, "kind": {"ping"}}, "ホスト名を"},
		{"/monitors", url.Values{"target": {"x"}, "kind": {"promql"}}, "YAML で書いてください"},
		{"/monitors", url.Values{"target": {"https://shop.example.jp/" + strings.Repeat("x", 100<<10)}}, "長すぎます"},
		{"/monitors", url.Values{"target": {"http://shop.example.jp:99999/"}}, "http:// または https:// で始まる URL"},
		{"/monitors", url.Values{"target": {"shop.example.jp:99999"}, "kind": {"tcp"}}, "ホスト名とポート"},
		{"/monitors", url.Values{"target": {".."}, "kind": {"dns"}}, "ホスト名を"},
		{"/monitors", url.Values{"target": {"http://169.254.169.254/latest"}, "private": {"on"}}, "この宛先は監視できません"},
		{"/monitors", url.Values{"target": {strings.Repeat("a", 64) + ".example.jp"}, "kind": {"ping"}}, "ホスト名を"},
		{"/monitors", url.Values{"target": {"http://10.0.0.1/"}}, "プライベートアドレスです"},
		{"/monitors/new", url.Values{"name": {""}, "yaml": {"http: https://a.example.jp"}}, "キーを入れてください"},
		{"/monitors/new", url.Values{"name": {"filed"}, "yaml": {"http: https://a.example.jp"}}, "すでにあります"},
		{"/monitors/new", url.Values{"name": {"a"}, "yaml": {"http: https://a.example.jp\nevry: 5s"}}, "2 行目: 「evry」というキーはありません。「every」のことですか。"},
		{"/monitors/new", url.Values{"name": {"a"}, "yaml": {"http: [\n"}}, "行目:"},
		{"/monitors/new", url.Values{"name": {"a"}, "yaml": {strings.Repeat("x", 70<<10)}}, "64 KiB までです"},
		{"/monitors/new", url.Values{"name": {"a"}, "yaml": {"http: https://a.example.jp\nheaders: { X-Key: 'env:OTHER' }"}}, "refers to env:OTHER"},
		{"/monitors/new", url.Values{"name": {"a/b"}, "yaml": {"http: https://a.example.jp"}}, "「a/b」は名前に使えません"},
	} {
		w := d.ask(access.Manager, http.MethodPost, tc.path, tc.form)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(text(w.Body.String()), tc.want) {
			t.Errorf("%s %.60v: got %d, want 422 with %q:\n%.600s", tc.path, tc.form, w.Code, tc.want, text(w.Body.String()))
		}
		for name, values := range tc.form {
			if v := values[0]; name != "private" && v != "" && len(v) < 100 && !strings.Contains(w.Body.String(), strings.Split(v, "\n")[0]) {
				t.Errorf("%s: what was typed as %s is gone: %s", tc.path, name, v)
			}
		}
	}
}

func TestACheckByHandSaysWhatCameBackAndNoSecret(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), deskFiles+`
monitors:
  shop: { http: "`+target(t, 503, "<h1>gone</h1>")+`", private: true, headers: { X-Key: "env:KEY" } }
`)
	const at = "/monitors/shop"
	w := d.ask(access.Responder, http.MethodPost, at+"/check", url.Values{})
	page := w.Body.String()
	wants(t, page, "今のチェックの結果", "失敗", "ステータスは 503 Service Unavailable でした（期待: 2xx）", "503 Service Unavailable", "<h1>gone</h1>", "X-Seen: <b>yes</b>", "接続")
	for _, secret := range []string{"secret-of-the-header", "<h1>gone", "<b>yes"} {
		if strings.Contains(page, secret) {
			t.Errorf("the page has %q in it", secret)
		}
	}
	if w := d.ask(access.Viewer, http.MethodPost, at+"/check", url.Values{}); w.Code != http.StatusForbidden {
		t.Errorf("a check by a viewer: got %d, want 403", w.Code)
	}
}

func TestAMonitorIsPausedChangedAndDeletedAndAllIsAudited(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := newWatch(t, db, deskFiles)
		body := "name: 店\nhttp: https://shop.example.jp\nevery: 1m\n"
		at := d.post(access.Manager, "/monitors/new", url.Values{"name": {"shop"}, "yaml": {body}})
		d.post(access.Manager, at+"/pause", url.Values{})
		wants(t, d.get(access.Manager, at), "休止中", "再開", "paused: true")
		d.post(access.Manager, at+"/resume", url.Values{})
		if page := d.get(access.Manager, at); strings.Contains(text(page), "paused") {
			t.Error("it is still paused")
		}
		d.post(access.Manager, at+"/edit", url.Values{"yaml": {"http: https://shop.example.jp/other\r\n"}})
		wants(t, d.get(access.Manager, at), "https://shop.example.jp/other")
		wants(t, d.get(access.Manager, at+"/edit"), "http: https://shop.example.jp/other")
		if to := d.post(access.Manager, at+"/delete", url.Values{}); to != "/monitors" {
			t.Errorf("a deleted monitor leads to %s", to)
		}
		if w := d.ask(access.Manager, http.MethodGet, at, nil); w.Code != http.StatusNotFound {
			t.Errorf("a deleted monitor: got %d, want 404", w.Code)
		}
		wants(t, d.get(access.Admin, "/settings/audit"), "監視項目を追加", "監視項目を変更", "監視項目を削除")
	})
}

func TestWhatAFileManagesIsReadOnlyAndSaysWhere(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), watchFiles)
	page := d.get(access.Admin, "/monitors/filed")
	wants(t, page, "shop.yaml:", "https://shop.example.jp/health", "env:KEY")
	for _, way := range []string{"/edit", "/delete", "/pause"} {
		if strings.Contains(page, "/monitors/filed"+way) {
			t.Errorf("the page offers %s of what a file manages", way)
		}
		form := url.Values{"yaml": {"http: https://other.example.jp"}}
		if w := d.ask(access.Admin, http.MethodPost, "/monitors/filed"+way, form); w.Code != http.StatusConflict {
			t.Errorf("%s: got %d, want 409\n%.300s", way, w.Code, text(w.Body.String()))
		}
	}
}

func TestTheAddressOfAHeartbeatIsForManagers(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), watchFiles)
	path := d.beats.Addresses().Path("nightly")
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("412 files"))
	w := httptest.NewRecorder()
	d.beats.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("the ping: got %d %s", w.Code, w.Body)
	}
	page := d.get(access.Manager, "/monitors/nightly")
	wants(t, page, "正常", "http://toban.example.jp"+path, "412 files", "次の予定", "最後の報告")
	for _, role := range []access.Role{access.Viewer, access.Responder} {
		if page := d.get(role, "/monitors/nightly"); strings.Contains(page, path) {
			t.Errorf("%s sees the address", role)
		}
	}
}

func TestEveryPageOfMonitorsIsDrawnInBothLanguagesFromHereAlone(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), watchFiles)
	for _, path := range []string{"/monitors", "/monitors?state=up&kind=promql&q=disk&service=checkout&page=3", "/monitors/new", "/monitors/filed", "/monitors/nightly", "/monitors/disk"} {
		for _, lang := range []string{"ja", "en"} {
			page := d.get(access.Admin, path, "Accept-Language", lang)
			if found := elsewhere.FindString(page); found != "" {
				t.Errorf("%s: loads from another host: %s", path, found)
			}
			if found := inline.FindString(page); found != "" {
				t.Errorf("%s: has what the policy forbids: %s", path, found)
			}
		}
	}
	if w := d.ask(access.Viewer, http.MethodGet, "/monitors/nothing", nil); w.Code != http.StatusNotFound {
		t.Errorf("a monitor that is none: got %d, want 404", w.Code)
	}
}

func TestEveryRouteOfMonitorsIsRefusedToALowerRole(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), watchFiles)
	below := map[access.Role]access.Role{access.Responder: access.Viewer, access.Manager: access.Responder}
	for _, e := range new(Web).monitorRoutes() {
		path := strings.ReplaceAll(e.pattern, "{id}", "filed")
		var form url.Values
		if e.method == http.MethodPost {
			form = url.Values{"target": {"https://x.example.jp"}, "yaml": {"http: https://x.example.jp"}}
		}
		if w := d.ask("", e.method, path, form); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/login") {
			t.Errorf("%s %s without a session: got %d, want the login", e.method, path, w.Code)
		}
		if lower, ok := below[e.role]; ok {
			if w := d.ask(lower, e.method, path, form); w.Code != http.StatusForbidden {
				t.Errorf("%s %s as %s: got %d, want 403", e.method, path, lower, w.Code)
			}
		}
	}
}

func TestTheFirstRunListTicksTheFirstMonitorThatHasAResult(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), deskFiles)
	wants(t, d.get(access.Manager, "/welcome"), "最初の監視項目", "URL をひとつ入れるだけ", "/ 7")
	wants(t, d.get(access.Responder, "/welcome"), "監視項目の追加はマネージャーに")
	d.post(access.Manager, "/monitors/new", url.Values{"name": {"nightly"}, "yaml": {"heartbeat: { period: 1h }"}})
	wants(t, d.get(access.Manager, "/welcome"), "最初の結果を待っています")
	if err := d.beats.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	d.beats.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, d.beats.Addresses().Path("nightly"), nil))
	wants(t, d.get(access.Manager, "/welcome"), "「nightly」のチェックの結果が届いています")
}

// many are a thousand monitors with ninety days each.
func many(t testing.TB, d *watch) {
	t.Helper()
	ctx := d.context()
	today := store.DayOf(time.Now(), time.UTC)
	err := d.db.Tx(ctx, func(tx *store.Tx) error {
		for n := range 1000 {
			id := "shop-" + strconv.Itoa(n)
			body, err := json.Marshal(oncall.Monitor{
				ID: oncall.MonitorID(id), Name: id, Kind: oncall.MonitorHTTP, Target: "https://" + id + ".example.jp/", Every: time.Minute, Timeout: time.Second,
				Severity: oncall.Critical, Module: `{"prober":"http"}`, Written: `{"http":"https://x.example.jp"}`,
			})
			if err != nil {
				return err
			}
			if err := tx.PutObject(ctx, store.Object{Kind: store.ObjectMonitor, Name: id, Body: body}); err != nil {
				return err
			}
			days := make([]store.MonitorDay, 0, standing.Days)
			for back := range int64(standing.Days) {
				days = append(days, store.MonitorDay{Monitor: oncall.MonitorID(id), Day: today - back, Up: 23 * time.Hour, Down: time.Hour, Checks: 1440})
			}
			if err := tx.AddMonitorDays(ctx, days); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = d.monitors.Follow(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAThousandMonitorsComeInPagesOfBoundedSize(t *testing.T) {
	t.Parallel()
	d := newWatch(t, storetest.New(t, "sqlite"), deskFiles)
	many(t, d)
	page := d.get(access.Viewer, "/monitors")
	wants(t, page, "不明 99+", "1000", "20 ページ中 1 ページ目")
	if got := strings.Count(page, `class="mon-row`); got != 50 {
		t.Errorf("a page has %d rows, want 50", got)
	}
	const heaviest = 640 << 10 // 50 strips of 90 bars, each with its words
	if len(page) > heaviest {
		t.Errorf("a page weighs %d bytes, want at most %d", len(page), heaviest)
	}
	wants(t, d.get(access.Viewer, "/monitors?q=shop-777"), "shop-777")
}

// How long such a page takes: the design wants a p99 of 50 ms.
func BenchmarkMonitorsPage(b *testing.B) {
	d := newWatch(b, storetest.New(b, "sqlite"), deskFiles)
	many(b, d)
	var times []time.Duration
	for b.Loop() {
		began := time.Now()
		d.get(access.Viewer, "/monitors?page=7")
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99_ms")
}
