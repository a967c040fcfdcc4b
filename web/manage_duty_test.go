package web

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"toban/access"
	"toban/incident"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
	"toban/web/live"
)

func TestOnCallSaysWhoWhereAndWhetherTheyCanBeReached(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		now := time.Now()
		d.tx(func(tx *store.Tx) error {
			if err := tx.AddSubscription(t.Context(), store.Subscription{ID: "s", User: "ume", Agent: "Firefox"}); err != nil {
				return err
			}
			return d.delivery(tx, "dlv_1", "ume", oncall.Call, oncall.Answered, now.Add(-3*24*time.Hour))
		})
		page := d.get(access.Viewer, "/oncall")
		wants(t, page, "連絡可（電話）", "エスカレーションポリシー infra", "第1段階", "最後の連絡先", "プッシュ通知の端末 1台", "最後に電話に出たのは 3日前", "America/New_York")
	})
}

func (d *desk) tx(f func(*store.Tx) error) {
	d.t.Helper()
	if err := d.db.Tx(d.t.Context(), f); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) delivery(tx *store.Tx, id oncall.DeliveryID, user oncall.UserID, m oncall.Method, o oncall.Outcome, at time.Time) error {
	_, err := tx.InsertDelivery(d.t.Context(), store.Delivery{
		ID: id, Outbox: oncall.AttemptID("inc_1." + string(id)), Attempt: 1, User: user, Channel: m, AddressHash: "h", Provider: "twilio",
		State: store.DeliveryEnded, ClaimedAt: at, SentAt: at, EndedAt: at.Add(30 * time.Second), Outcome: o,
	})
	return err
}

func TestTheRehearsalNamesWhosePhoneRingsAndWhyOthersAreLeftOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	// A Saturday at three: nobody of the office; the week of Take.
	at := "2026-11-21T03:00"
	ask := func(path string, more url.Values) string {
		q := url.Values{"service": {"checkout"}, "at": {at}}
		maps.Copy(q, more)
		return d.get(access.Viewer, path+"?"+q.Encode())
	}
	for _, path := range []string{"/oncall", "/policies/infra"} {
		wants(t, ask(path, url.Values{"m.take": {"busy"}}), "11/21(土) 03:00", "最初に鳴るのは竹さんの電話です（+0:00）。", "当番表 office: 当番なし",
			"第1段階の当番表 officeを飛ばしました（当番なし）", "竹さん: 話し中", "最後の連絡先へ: 梅さん", "だれかが対応するまで続きます。")
		wants(t, ask(path, url.Values{"m.take": {"1 after 20s"}}), "竹さんが電話で対応を始めました")
		wants(t, ask(path, url.Values{"severity": {"warning"}}), "呼び出しを待ちます（サポート時間外）")
		wants(t, ask(path, url.Values{"urgency": {"low"}}), "呼び出しを待ちます（サポート時間外）")
	}
	wants(t, ask("/oncall", url.Values{"at": {"3 o'clock"}}), "日時を 2026-11-21T03:00 のように入れてください。")
	wants(t, ask("/oncall", url.Values{"m.take": {"sleeps"}}), "busy、no answer、rejects")
	if page := ask("/oncall", url.Values{"m.take": {"sleeps"}}); strings.Contains(page, `id="rehearsed"`) {
		t.Error("what can't be read is answered all the same")
	}
	if page := d.get(access.Viewer, "/oncall"); strings.Contains(page, `id="rehearsed"`) {
		t.Error("what was not asked is answered")
	}
}

func TestAPolicyThatNoServiceUsesCanBeRehearsed(t *testing.T) {
	t.Parallel()
	files := strings.Replace(deskFiles, "policies:\n", "policies:\n  spare:\n    levels: [ { targets: [ user: matsu ], wait: 5m } ]\n    fallback: { user: take }\n", 1)
	d := newDesk(t, storetest.New(t, "sqlite"), files)
	wants(t, d.get(access.Viewer, "/policies/spare?ask=1"), "どのサービスも使っていません", "最初に鳴るのは松さんの電話です（+0:00）。")
}

func TestEachTickOfTheFirstRunIsATestThatRan(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(t *testing.T, d *desk) {
		wants(t, d.get(access.Responder, "/welcome"), "1 / 6", "模擬の電話にかけて確かめます。", "連携の鍵が必要です。", "2件のサービスすべてで")

		now := time.Now()
		d.tx(func(tx *store.Tx) error {
			return d.delivery(tx, "dlv_1", "ume", oncall.Call, oncall.Busy, now.Add(-time.Hour))
		})
		wants(t, d.get(access.Responder, "/welcome"), "最後の電話はつながりませんでした（話し中）。")

		d.tx(func(tx *store.Tx) error {
			if err := d.delivery(tx, "dlv_2", "ume", oncall.Call, oncall.Answered, now.Add(-time.Minute)); err != nil {
				return err
			}
			s := oncall.Signal{ID: "sig_1", Integration: "shop", Service: "checkout", Key: "k", Action: oncall.Trigger, Severity: oncall.Info, ReceivedAt: now}
			if _, err := tx.InsertSignal(t.Context(), s, "inc_1"); err != nil {
				return err
			}
			return nil
		})
		d.chat("staging")
		wants(t, d.get(access.Responder, "/welcome"), "4 / 6", "チャットは模擬のものです。") // that of a rehearsal is none
		d.chat(oncall.Production)
		wants(t, d.get(access.Responder, "/welcome"), "5 / 6", "あなたの電話につながりました。", "連携 shop からアラートが届きました。", "模擬のチャットに投稿できました。")

		d.post(access.Responder, "/welcome/drill", url.Values{})
		wants(t, d.get(access.Responder, "/welcome"), "呼び出し中です。電話に出て 1 を押してください。")
		if to := d.post(access.Responder, "/welcome/later", url.Values{}); to != "/" {
			t.Errorf("got %s, want the incidents", to)
		}
	})
}

// chat makes an incident of a stage about which something was posted.
func (d *desk) chat(stage oncall.Stage) {
	d.t.Helper()
	inc, err := d.web.Life.Create(d.t.Context(), incident.ByHand{Service: "checkout", Title: "t", Severity: oncall.Info, Stage: stage, By: "take"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.tx(func(tx *store.Tx) error {
		return tx.SaveChat(d.t.Context(), &store.Chat{Ref: string(inc.ID), State: []byte(`{"team":{"ts":"1.2","at":"2026-11-20T09:00:00Z"}}`)})
	})
}

// With simulators nothing may sound as if it were real, and what rings has to be
// found; where they are not shown, no link leads to them.
func TestTheFirstRunSaysWhatIsSimulatedAndWhereItIs(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	const here = "127.0.0.1:40000"
	near := func(headers ...string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://toban.example.jp/welcome", nil)
		r.RemoteAddr = here
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		r.AddCookie(&http.Cookie{Name: "toban", Value: d.cookies[access.Manager]})
		w := httptest.NewRecorder()
		d.h.ServeHTTP(w, r)
		return w.Body.String()
	}
	page := near("Accept-Language", "en")
	wants(t, page, "a call to your simulated phone", "no real phone rings", "The chat is simulated", "the phones are simulated")
	for _, want := range []string{`href="/sim/phones"`, `href="/sim/slack"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s on the first-run list", want)
		}
	}
	if strings.Contains(page, "real call") || strings.Contains(page, "SLACK_TOKEN") {
		t.Errorf("got %s, want nothing that sounds real", text(page))
	}
	for _, far := range []string{near("X-Forwarded-For", "192.0.2.9"), d.get(access.Manager, "/welcome")} {
		if strings.Contains(far, `href="/sim/`) {
			t.Error("a browser elsewhere is led to what it may not see")
		}
		wants(t, far, "/sim/phones")
	}

	live := newDesk(t, storetest.New(t, "sqlite"), strings.Replace(deskFiles, "providers: simulated", "providers: live", 1))
	live.chat("staging")
	page = live.get(access.Manager, "/welcome", "Accept-Language", "en")
	wants(t, page, "It is tried with a real call.", "To use Slack, add it")
	if strings.Contains(page, "/sim/") || strings.Contains(page, "in the team") {
		t.Errorf("got %s, want no simulators and no tick by a rehearsal", text(page))
	}
}

func TestSomebodyWhoIsNobodyInTheFolderIsToldHowToMendIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	if err := d.keep.SetRole(t.Context(), access.Principal{Account: "matsu", Role: access.Admin}, "guest", access.Responder); err != nil {
		t.Fatal(err)
	}
	secret, err := d.keep.Login(t.Context(), "guest", "correct horse battery", netip.MustParseAddr("192.0.2.1"), "test")
	if err != nil {
		t.Fatal(err)
	}
	d.cookies[access.Viewer] = secret
	wants(t, d.get(access.Viewer, "/welcome"), "設定に guest という人がいません。", "users: guest:")
}

func TestWhatIsLiveIsDrawnAsThePageDrawsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	for _, tc := range []struct {
		path, name, ref string
		parts           int
	}{
		{"/oncall", "oncall", "", 2},
		{"/welcome", "welcome", "", 2},
		{"/services/checkout", "service", "checkout", 2},
		{"/schedules", "schedules", "", 1},
		{"/schedules/infra", "schedule", "infra", 4},
	} {
		s, page := d.request(), d.get(access.Responder, tc.path)
		for now().Truncate(time.Minute) != s.now.Truncate(time.Minute) { // another minute may say other hours
			s, page = d.request(), d.get(access.Responder, tc.path)
		}
		if !strings.Contains(page, `data-live="/live?`) || !strings.Contains(page, "view="+tc.name) {
			t.Errorf("%s is not live", tc.path)
		}
		parts, err := d.web.manageParts(t.Context(), s, tc.name, tc.ref)
		if strings.HasPrefix(tc.name, "schedule") {
			parts, err = d.web.scheduleParts(t.Context(), s, oncall.ScheduleID(tc.ref), readSpan("", ""))
		}
		if err != nil || len(parts) != tc.parts {
			t.Fatalf("%s: got %d parts and %v, want %d", tc.path, len(parts), err, tc.parts)
		}
		for i, part := range parts {
			var b strings.Builder
			if err := part.Render(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			if moving := regexp.MustCompile(`<time class="when"[^>]*>[^<]*</time>`); !strings.Contains(moving.ReplaceAllString(page, ""), moving.ReplaceAllString(b.String(), "")) {
				t.Errorf("%s: part %d is none of the page's:\n%s", tc.path, i, b.String())
			}
		}
	}
	for _, none := range []string{"service", "elsewhere"} {
		if parts, err := d.web.manageParts(t.Context(), &request{web: d.web, dir: d.dir(), zone: time.UTC}, none, "none"); err != nil || parts != nil {
			t.Errorf("%s: got %v %v, want nothing", none, parts, err)
		}
	}
}

func TestAnIncidentRedrawsNoSchedule(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.New(t, "sqlite"), deskFiles)
	s := d.request()
	for _, q := range []url.Values{{"view": {"schedules"}}, {"view": {"schedule"}, "ref": {"infra"}}} {
		var v live.View
		d.web.scheduleView(&v, s, q)
		for _, step := range []struct {
			topic string
			whole bool
		}{{store.TopicIncidents, true}, {store.TopicIncidents, false}, {store.TopicIncident, false}, {store.TopicDirectory, true}} {
			got, err := v.Render(t.Context(), []store.Change{{Topic: step.topic}})
			if err != nil || len(got) != 1 {
				t.Fatalf("%v: got %d patches and %v, want one", q, len(got), err)
			}
			if whole := strings.Contains(got[0].HTML, `id="schedule`); whole != step.whole || !strings.Contains(got[0].HTML, `id="counts"`) {
				t.Errorf("%v behind a change of %s: schedules are drawn: %v, want %v, and the counts always", q, step.topic, whole, step.whole)
			}
		}
	}
}

// request is somebody who looks at a page.
func (d *desk) request() *request {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://toban.example.jp/live", nil)
	r.Header.Set("Accept-Language", "ja")
	r.AddCookie(&http.Cookie{Name: "toban", Value: d.cookies[access.Responder]})
	s, err := d.web.enter(httptest.NewRecorder(), r, false)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}
