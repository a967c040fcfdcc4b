// Package push_test tries push messages in a real browser: what sw.js shows, and
// what its button does.
package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"toban/internal/link"
	"toban/notify"
	"toban/notify/push"
	"toban/oncall"
	simpush "toban/sim/push"
	"toban/store/storetest"
	"toban/web/static"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

const incident = "inc_01jz8k2v3w9y7x5q4r6s1t0abc"

// installation is this installation's key.
func installation() []byte { return []byte("0123456789abcdef0123456789abcdef") }

// pager sends by the real channel to a simulated device, and says what the
// device has read last.
func pager(t *testing.T) func(change func(*notify.Incident)) string {
	t.Helper()
	service := simpush.New(simpush.Options{})
	channel, err := push.New(push.Config{DB: storetest.New(t, "sqlite"), Key: installation(), Subject: "ops@example.jp", Transport: service.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	d, err := service.NewSubscription(channel.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	s := d.Subscription()
	if _, err := channel.Devices().Add(t.Context(), "ume", push.Subscription{Endpoint: s.Endpoint, P256dh: s.Keys.P256dh, Auth: s.Keys.Auth}); err != nil {
		t.Fatal(err)
	}
	return func(change func(*notify.Incident)) string {
		t.Helper()
		inc := notify.Incident{ID: incident, Number: 42, Title: "接続できません", State: oncall.Triggered, Severity: oncall.Critical, Urgency: oncall.High, ServiceName: "決済"}
		if change != nil {
			change(&inc)
		}
		if _, err := channel.Send(t.Context(), notify.Message{Delivery: "dlv_1", Method: oncall.Push, User: "ume", Language: "ja", Incidents: []notify.Incident{inc}}); err != nil {
			t.Fatal(err)
		}
		inbox := d.Inbox()
		return string(inbox[len(inbox)-1].Body)
	}
}

// site is what the worker needs of the pages, below a prefix.
type site struct {
	*httptest.Server
	acknowledged chan url.Values
	quicker      atomic.Bool // somebody else was
}

const prefix = "/x"

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{acknowledged: make(chan url.Values, 10)}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", static.Handler())
	mux.Handle("GET /sw.js", static.File("js/sw.js"))
	mux.HandleFunc("GET /offline", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(static.Offline(prefix, r.URL.Query().Get("lang")))
	})
	mux.HandleFunc("GET /manifest.webmanifest", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/manifest+json")
		_, _ = w.Write(static.Manifest(prefix, "ja"))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self'")
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="ja" data-base="%s"><head><link rel="manifest" href="%s/manifest.webmanifest">
			<script type="module" src="%s/js/app.js"></script></head><body>
			<div data-module="push" data-key="BA3qS_pJHtYnwa72CQJbeudHP3N_F7vrx-Dtr0XvFXaZro3O9e-AhfUxzronYwN03IQH0DNbuXiKqRttVu2Z_Ro" data-url="%s/me/devices"
				data-on="on" data-off="off" data-blocked="blocked" data-unsupported="unsupported" data-failed="failed" data-install="install">
				<p data-state></p><button data-use hidden>use</button><button data-stop hidden>stop</button></div></body></html>`,
			prefix, prefix, static.Base(prefix), prefix)
	})
	mux.HandleFunc("POST /i/{token}/acknowledge", func(w http.ResponseWriter, r *http.Request) {
		l, err := link.NewSigner(installation()).Read(r.PathValue("token"), time.Now())
		if err != nil || l.Incident != incident || r.ParseForm() != nil || len(r.Cookies()) > 0 {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		s.acknowledged <- r.PostForm
		if s.quicker.Load() {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"state": "acknowledged", "text": "松さんが対応中です (%s)"}`, r.Header.Get("Accept-Language"))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	s.Server = httptest.NewServer(http.StripPrefix(prefix, mux))
	t.Cleanup(s.Close)
	return s
}

// chromium is the browser's program.
func chromium(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("these tests receive push messages in Chromium, and it is not on this machine: run `make test` or tools/servers.sh, or apt-get install chromium")
	}
	return program
}

// open starts a browser on the site's page, in which notifications are allowed
// or not, and waits until the page says how it stands.
func (s *site) open(t *testing.T, allowed browser.PermissionSetting) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-background-networking", true),
	))
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until the browser has gone
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: allowed, Origin: s.URL,
	})
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Navigate(s.URL+prefix+"/"), chromedp.WaitVisible(chromedp.CSS(`[data-now]`)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// evaluate returns what a script gives, or its promise.
func evaluate[T any](ctx context.Context, t *testing.T, script string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return value
}

// worker is the page's service worker, running, and what is needed to hand it a
// message.
func (s *site) worker(ctx context.Context, t *testing.T) (worker context.Context, registration serviceworker.RegistrationID) {
	t.Helper()
	versions := chromedp.Events(ctx, serviceworker.WorkerVersionUpdated)
	if _, err := chromedp.Call(ctx, serviceworker.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	evaluate[bool](ctx, t, `navigator.serviceWorker.ready.then(() => true)`)
	registration = activated(t, versions)
	targets, err := chromedp.Targets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range targets {
		if each.Type == "service_worker" {
			worker, cancel := chromedp.NewContext(ctx, chromedp.WithTargetID(each.TargetID))
			t.Cleanup(cancel)
			return worker, registration
		}
	}
	t.Fatalf("got %v, want a worker among them", targets)
	return nil, ""
}

func activated(t *testing.T, versions iter.Seq2[serviceworker.EventWorkerVersionUpdated, error]) serviceworker.RegistrationID {
	t.Helper()
	for e, err := range versions {
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range e.Versions {
			if v.Status == serviceworker.VersionStatusActivated {
				return v.RegistrationID
			}
		}
	}
	t.Fatal("no worker has started")
	return ""
}

// shown is a notification that the browser took from the worker.
type shown struct {
	Title, Body, Tag, Lang string
	Require                bool `json:"requireInteraction"`
	Renotify, Silent       bool
	Icon, Badge            string
	Actions                []struct{ Action, Title string }
}

// watch keeps what the worker shows. The browser's own list is of no use: asking
// for it while something is being shown makes a headless one forget that.
func watch(worker context.Context, t *testing.T) {
	t.Helper()
	evaluate[bool](worker, t, `(() => {
		const real = ServiceWorkerRegistration.prototype.showNotification;
		self.said = [];
		ServiceWorkerRegistration.prototype.showNotification = async function (title, options) {
			await real.call(this, title, options);
			self.said.push({ ...options, title, data: undefined, timestamp: undefined });
		};
		return true;
	})()`)
}

// next waits for the n-th notification.
func next(worker context.Context, t *testing.T, n int) shown {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if list := evaluate[[]shown](worker, t, `self.said`); len(list) >= n {
			return list[n-1]
		}
		select {
		case <-tick.C:
		case <-worker.Done():
			t.Fatalf("notification %d was not shown", n)
		}
	}
}

// The message is made, encrypted and read by the real ways; only the push service
// is a simulator, and the browser's own connection to it.
func TestR19_TheIncidentIsTakenFromTheNotification(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := s.open(t, browser.PermissionSettingGranted)
	worker, registration := s.worker(ctx, t)

	watch(worker, t)
	send := pager(t)
	deliver := func(body string) {
		t.Helper()
		_, err := chromedp.Call(ctx, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{Origin: s.URL, RegistrationID: registration, Data: body})
		if err != nil {
			t.Fatal(err)
		}
	}
	press := func(body string) {
		t.Helper()
		evaluate[bool](worker, t, fmt.Sprintf(`pressed("acknowledge", %s).then(() => true)`, body))
	}

	body := send(nil)
	deliver(body)
	got := next(worker, t, 1)
	for _, picture := range []string{got.Icon, got.Badge} {
		if !strings.HasPrefix(picture, "data:image/png;base64,") { // it must not wait for the line
			t.Errorf("got the picture %.40q, want one that is kept", picture)
		}
	}
	got.Icon, got.Badge = "", ""
	button := []struct{ Action, Title string }{{"acknowledge", "対応する"}}
	want := shown{Title: "決済: 緊急", Body: "#42 接続できません", Tag: "incident-42", Lang: "ja", Require: true, Renotify: true, Actions: button}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	press(body)
	select {
	case form := <-s.acknowledged:
		if form.Get("via") != "push" || !strings.Contains(body, form.Get("token")) {
			t.Errorf("got %v, want the token of the message", form)
		}
	case <-ctx.Done():
		t.Fatal("nothing was acknowledged")
	}
	if got := next(worker, t, 2); got.Title != "#42 の対応を始めました" || got.Tag != "incident-42" || len(got.Actions) != 0 || got.Require || got.Renotify {
		t.Errorf("got %+v, want the answer in its place, without a button", got)
	}

	// Somebody else takes it: the same notification says so, and quietly.
	deliver(send(func(i *notify.Incident) { i.State, i.Holder, i.HolderName = oncall.Acknowledged, "matsu", "松" }))
	if got := next(worker, t, 3); got.Title != "対応中: 松さん" || got.Tag != "incident-42" || !got.Silent || len(got.Actions) != 0 {
		t.Errorf("got %+v, want who has it", got)
	}

	s.quicker.Store(true)
	press(body)
	if got := next(worker, t, 4); got.Title != "松さんが対応中です (ja)" || len(got.Actions) != 0 {
		t.Errorf("got %+v, want what the page says", got)
	}

	// What does not get through stays, with its button.
	var forged map[string]any
	if err := json.Unmarshal([]byte(body), &forged); err != nil {
		t.Fatal(err)
	}
	forged["ack"] = map[string]string{"url": "i/forged/acknowledge", "token": "forged"}
	changed, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	press(string(changed))
	if got := next(worker, t, 5); !strings.HasPrefix(got.Title, "#42 を更新できませんでした") || len(got.Actions) != 1 || !got.Require {
		t.Errorf("got %+v, want that it failed", got)
	}

	// A browser blocks a sender whose message shows nothing.
	for i, odd := range []string{"", "no JSON", "null", `{"title":3}`} {
		deliver(odd)
		if got := next(worker, t, 6+i); got.Title != "toban" {
			t.Errorf("%q: got %+v, want a notification all the same", odd, got)
		}
	}
}

func TestADeviceThatIsOfflineSaysSinceWhen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := s.open(t, browser.PermissionSettingGranted)
	s.worker(ctx, t)
	if err := chromedp.Do(ctx, chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS(`[data-now]`))); err != nil {
		t.Fatal(err)
	}
	s.CloseClientConnections()
	s.Close()
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+prefix+"/incidents/42")); err != nil {
		t.Fatal(err)
	}
	page := evaluate[string](ctx, t, `document.querySelector("main").innerText`)
	if !strings.Contains(page, "オフラインです") || !strings.Contains(page, "最後につながったのは ") || strings.Contains(page, "%SEEN%") || strings.Contains(page, "– です") {
		t.Errorf("got %q", page)
	}
	if family := evaluate[string](ctx, t, `getComputedStyle(document.body).fontFamily`); !strings.Contains(family, "Noto Sans JP") {
		t.Errorf("got the font %q, want the styles of the pages", family)
	}
}

func TestADeviceIsAskedOnlyAfterAPress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		allowed browser.PermissionSetting
		state   string
		use     bool
	}{
		{"not asked yet", browser.PermissionSettingPrompt, "off", true},
		{"allowed", browser.PermissionSettingGranted, "off", true},
		{"refused", browser.PermissionSettingDenied, "blocked", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := newSite(t).open(t, tc.allowed)
			state := evaluate[string](ctx, t, `document.querySelector("[data-state]").innerText`)
			permission := evaluate[string](ctx, t, `Notification.permission`)
			hidden := evaluate[[]bool](ctx, t, `[...document.querySelectorAll("button")].map((b) => b.hidden)`)
			if state != tc.state || hidden[0] == tc.use || !hidden[1] {
				t.Errorf("got %q, buttons hidden %v, permission %s, want %q", state, hidden, permission, tc.state)
			}
		})
	}
}
