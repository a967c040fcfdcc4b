package push_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"toban/internal/link"
	"toban/notify"
	"toban/notify/push"
	"toban/oncall"
	simpush "toban/sim/push"
	"toban/store"
	"toban/store/storetest"

	"github.com/google/go-cmp/cmp"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// bundle is a channel, the push service behind it and what was logged.
type bundle struct {
	t       *testing.T
	db      *store.DB
	channel *push.Channel
	sim     *simpush.Server
	log     *bytes.Buffer
}

func setup(t *testing.T, db *store.DB, change func(*push.Config)) *bundle {
	t.Helper()
	b := &bundle{t: t, db: db, sim: simpush.New(simpush.Options{}), log: &bytes.Buffer{}}
	c := push.Config{
		DB: db, Key: key, Subject: "mailto:ops@example.jp", Base: func() string { return "https://toban.example.jp/x" },
		Transport: b.sim.Transport(), Log: slog.New(slog.NewTextHandler(b.log, nil)),
	}
	if change != nil {
		change(&c)
	}
	var err error
	if b.channel, err = push.New(c); err != nil {
		t.Fatal(err)
	}
	return b
}

// device subscribes a browser of user.
func (b *bundle) device(user oncall.UserID) *simpush.Device {
	b.t.Helper()
	d, err := b.sim.NewSubscription(b.channel.PublicKey())
	if err != nil {
		b.t.Fatal(err)
	}
	s := d.Subscription()
	if _, err := b.channel.Devices().Add(b.t.Context(), user, push.Subscription{Endpoint: s.Endpoint, P256dh: s.Keys.P256dh, Auth: s.Keys.Auth, Agent: "Firefox"}); err != nil {
		b.t.Fatal(err)
	}
	return d
}

func (b *bundle) known(user oncall.UserID) []push.Device {
	b.t.Helper()
	list, err := b.channel.Devices().List(b.t.Context(), user)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// notice is what sw.js reads.
type notice struct {
	Title, Body, Lang, State, Tag, URL string
	Number, At                         int64
	Urgent                             bool
	Actions                            []struct{ Action, Title string }
	Ack                                *struct{ URL, Token string }
	Words                              *struct{ Done, Failed string }
}

func read(t *testing.T, m simpush.Message) (n notice) {
	t.Helper()
	if err := json.Unmarshal(m.Body, &n); err != nil {
		t.Fatalf("%s: %v", m.Body, err)
	}
	return n
}

const incident = "inc_01jz8k2v3w9y7x5q4r6s1t0abc"

func message(change func(*notify.Incident)) notify.Message {
	inc := notify.Incident{
		ID: incident, Number: 42, Title: "接続できません", State: oncall.Triggered, Severity: oncall.Critical, Urgency: oncall.High,
		TriggeredAt: time.Date(2026, 11, 20, 18, 2, 10, 0, time.UTC), Service: "checkout", ServiceName: "決済", Reading: "けっさい",
	}
	if change != nil {
		change(&inc)
	}
	return notify.Message{Delivery: "dlv_1", Method: oncall.Push, To: "push", User: "ume", Language: "ja", Incidents: []notify.Incident{inc}}
}

func (b *bundle) send(m notify.Message) *notify.Failure {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.channel.Provider().Timeout)
	defer cancel()
	r, err := b.channel.Send(ctx, m)
	if err == nil {
		if want := (notify.Receipt{ProviderID: string(m.Delivery), Outcome: oncall.Sent}); r != want {
			b.t.Errorf("got %+v, want %+v", r, want)
		}
		return nil
	}
	var f *notify.Failure
	if !errors.As(err, &f) {
		b.t.Fatalf("got %v, want a failure with its class", err)
	}
	return f
}

func TestEveryDeviceOfTheUserIsToldAndNobodyElses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := setup(t, db, nil)
		phone, laptop, other := b.device("ume"), b.device("ume"), b.device("take")
		if f := b.send(message(nil)); f != nil {
			t.Fatal(f)
		}
		for name, d := range map[string]*simpush.Device{"phone": phone, "laptop": laptop} {
			inbox := d.Inbox()
			if len(inbox) != 1 {
				t.Fatalf("%s: got %d messages, want 1", name, len(inbox))
			}
			m := inbox[0]
			if m.Urgency != "high" || m.TTL != 4*time.Hour || m.Subject != "mailto:ops@example.jp" || len(m.Topic) != 32 {
				t.Errorf("%s: got %+v", name, m)
			}
		}
		if len(other.Inbox()) != 0 || other.Unreadable() != 0 {
			t.Error("somebody else was told")
		}
		for _, d := range b.known("ume") {
			if d.UsedAt.IsZero() || d.Service != "push.example.jp" || d.Agent != "Firefox" {
				t.Errorf("got %+v, want a device that has been used", d)
			}
		}
	})
}

func TestR19_AMessageCarriesTheLinkThatTakesTheIncident(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	d := b.device("ume")
	if f := b.send(message(nil)); f != nil {
		t.Fatal(f)
	}
	n := read(t, d.Inbox()[0])
	if n.Ack == nil {
		t.Fatalf("got %+v, want a way to acknowledge", n)
	}
	if want := "https://toban.example.jp/x" + link.Path(n.Ack.Token); n.URL != want {
		t.Errorf("got URL %q, want %q", n.URL, want)
	}
	if want := strings.TrimPrefix(link.AcknowledgePath(n.Ack.Token), "/"); n.Ack.URL != want {
		t.Errorf("got %q, want %q: a worker speaks to its own origin only", n.Ack.URL, want)
	}
	now := time.Now()
	got, err := link.NewSigner(key).Read(n.Ack.Token, now)
	if err != nil || got.Incident != incident || got.User != "ume" {
		t.Fatalf("got %+v %v, want the incident and whom it was sent to", got, err)
	}
	if left := got.Expires.Sub(now); left < link.Lifetime-time.Minute || left > link.Lifetime {
		t.Errorf("the link holds for %v, want %v", left, link.Lifetime)
	}
}

func TestWithoutAnExternalURLLinksAreRelativeToTheApp(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), func(c *push.Config) { c.Base, c.Subject = nil, "" })
	d := b.device("ume")
	if f := b.send(message(nil)); f != nil {
		t.Fatal(f)
	}
	n, m := read(t, d.Inbox()[0]), d.Inbox()[0]
	if want := "." + link.Path(n.Ack.Token); n.URL != want || m.Subject != "mailto:toban@localhost" {
		t.Errorf("got %q from %q, want %q", n.URL, m.Subject, want)
	}
}

func TestR15_WhatIsSaidFollowsTheIncidentInTheUsersLanguage(t *testing.T) {
	t.Parallel()
	taken := func(by oncall.UserID, name string) func(*notify.Incident) {
		return func(i *notify.Incident) { i.State, i.Holder, i.HolderName = oncall.Acknowledged, by, name }
	}
	for _, tc := range []struct {
		name, language string
		change         func(*notify.Incident)
		title, body    string
		button, done   string
		urgency        string
		ttl            time.Duration
	}{
		{"triggered", "ja", nil, "決済: 緊急", "#42 接続できません", "対応する", "#42 の対応を始めました", "high", 4 * time.Hour},
		{"triggered", "en", nil, "決済: critical", "#42 接続できません", "Acknowledge", "You have #42", "high", 4 * time.Hour},
		{"quietly", "ja", func(i *notify.Incident) { i.Urgency, i.Severity = oncall.Low, oncall.Warning }, "決済: 警告", "#42 接続できません", "対応する", "#42 の対応を始めました", "normal", 24 * time.Hour},
		{"taken", "ja", taken("matsu", "松"), "対応中: 松さん", "#42 決済: 接続できません", "", "", "normal", 24 * time.Hour},
		{"taken", "en", taken("matsu", "Matsu"), "Matsu has it", "#42 決済: 接続できません", "", "", "normal", 24 * time.Hour},
		{"taken by nobody known", "en", taken("matsu", ""), "matsu has it", "#42 決済: 接続できません", "", "", "normal", 24 * time.Hour},
		{"R16 asked", "ja", taken("ume", "梅"), "まだ対応中ですか", "返事がないと、もう一度呼び出します。#42 決済: 接続できません", "対応を続ける", "#42 の対応を続けます", "high", 4 * time.Hour},
		{"R16 asked", "en", taken("ume", "Ume"), "Still on it?", "Without an answer you will be paged again. #42 決済: 接続できません", "Still on it", "You still have #42", "high", 4 * time.Hour},
		{"healed", "ja", func(i *notify.Incident) { i.State = oncall.Resolved }, "解決しました", "#42 決済: 接続できません", "", "", "normal", 24 * time.Hour},
		{"healed", "en", func(i *notify.Incident) { i.State = oncall.Resolved }, "Resolved", "#42 決済: 接続できません", "", "", "normal", 24 * time.Hour},
	} {
		t.Run(tc.name+" "+tc.language, func(t *testing.T) {
			t.Parallel()
			b := setup(t, storetest.New(t, "sqlite"), nil)
			d := b.device("ume")
			m := message(tc.change)
			m.Language = tc.language
			if f := b.send(m); f != nil {
				t.Fatal(f)
			}
			got, n := d.Inbox()[0], read(t, d.Inbox()[0])
			if n.Title != tc.title || n.Body != tc.body || n.Lang != tc.language {
				t.Errorf("got %s: %q, %q, want %q, %q", n.Lang, n.Title, n.Body, tc.title, tc.body)
			}
			if got.Urgency != tc.urgency || got.TTL != tc.ttl || n.Urgent != (tc.urgency == "high") {
				t.Errorf("got %s, %v, urgent %v, want %s, %v", got.Urgency, got.TTL, n.Urgent, tc.urgency, tc.ttl)
			}
			if n.Tag != "incident-42" || n.Number != 42 || n.At != 1795197730000 || n.State != string(m.Incidents[0].State) || !strings.HasPrefix(n.URL, "https://toban.example.jp/x/i/") {
				t.Errorf("got %+v", n)
			}
			switch {
			case tc.button == "" && (len(n.Actions) > 0 || n.Ack != nil || n.Words != nil):
				t.Errorf("got a button %v, want none", n.Actions)
			case tc.button != "" && (len(n.Actions) != 1 || n.Actions[0].Title != tc.button || n.Actions[0].Action != "acknowledge" || n.Ack == nil || n.Words.Done != tc.done):
				t.Errorf("got %v %v, want the button %q that says %q", n.Actions, n.Words, tc.button, tc.done)
			}
		})
	}
}

func TestTheLatestWordReplacesTheOneThatStillWaits(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	d := b.device("ume")
	d.Offline()
	for _, state := range []oncall.State{oncall.Triggered, oncall.Acknowledged, oncall.Resolved} {
		if f := b.send(message(func(i *notify.Incident) { i.State, i.Holder = state, "matsu" })); f != nil {
			t.Fatal(f)
		}
	}
	if f := b.send(message(func(i *notify.Incident) { i.ID, i.Number = "inc_01jz8k2v3w9y7x5q4r6s1t0abd", 43 })); f != nil {
		t.Fatal(f)
	}
	d.Online()
	var got []string
	for _, m := range d.Inbox() {
		n := read(t, m)
		got = append(got, fmt.Sprint(n.Number, " ", n.State))
	}
	if diff := cmp.Diff([]string{"42 resolved", "43 triggered"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAStormIsToldInAFewNotifications(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	d := b.device("ume")
	m := message(nil)
	for i := range 20 {
		inc := m.Incidents[0]
		inc.Number = int64(43 + i)
		inc.ID = oncall.IncidentID(fmt.Sprintf("inc_01jz8k2v3w9y7x5q4r6s1t0a%02d", i))
		m.Incidents = append(m.Incidents, inc)
	}
	if f := b.send(m); f != nil {
		t.Fatal(f)
	}
	inbox := d.Inbox()
	if len(inbox) != 8 {
		t.Fatalf("got %d notifications, want 8", len(inbox))
	}
	if n := read(t, inbox[7]); n.Body != "#49 接続できません（ほか13件）" {
		t.Errorf("got %q", n.Body)
	}
}

func TestR25_ARefusalSaysWhatHelps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fault simpush.Fault
		want  notify.Class
		code  string
		after time.Duration
		left  int
	}{
		{"gone", simpush.Fault{Status: 410}, notify.BadAddress, "no_device", 0, 0},
		{"unknown", simpush.Fault{Status: 404}, notify.BadAddress, "no_device", 0, 0},
		{"429 that says when", simpush.Fault{Status: 429, RetryAfter: "7"}, notify.Throttled, "http429", 7 * time.Second, 1},
		{"429 that does not", simpush.Fault{Status: 429}, notify.Throttled, "http429", 30 * time.Second, 1},
		{"429 that exaggerates", simpush.Fault{Status: 429, RetryAfter: "9999999"}, notify.Throttled, "http429", 24 * time.Hour, 1},
		{"429 of the past", simpush.Fault{Status: 429, RetryAfter: "Mon, 02 Jan 2006 15:04:05 GMT"}, notify.Throttled, "http429", 0, 1},
		{"400", simpush.Fault{Status: 400}, notify.BadConfig, "http400", 0, 1},
		{"401", simpush.Fault{Status: 401}, notify.BadConfig, "http401", 0, 1},
		{"403", simpush.Fault{Status: 403}, notify.BadConfig, "http403", 0, 1},
		{"413", simpush.Fault{Status: 413}, notify.BadConfig, "http413", 0, 1},
		{"a redirect", simpush.Fault{Status: 302}, notify.BadConfig, "http302", 0, 1},
		{"500", simpush.Fault{Status: 500}, notify.Transient, "http500", 0, 1},
		{"503", simpush.Fault{Status: 503}, notify.Transient, "http503", 0, 1},
		{"cut off", simpush.Fault{Drop: true}, notify.Transient, "cut", 0, 1},
		{"too slow", simpush.Fault{Slow: time.Minute}, notify.Transient, "cut", 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, storetest.New(t, "sqlite"), func(c *push.Config) { c.Timeout = 300 * time.Millisecond })
			d := b.device("ume")
			b.sim.Fault(tc.fault)
			f := b.send(message(nil))
			if f == nil || f.Class != tc.want || f.Code != tc.code || f.After != tc.after {
				t.Fatalf("got %v, want %s %s after %v", f, tc.want, tc.code, tc.after)
			}
			if got := len(b.known("ume")); got != tc.left {
				t.Errorf("got %d devices, want %d", got, tc.left)
			}
			s := d.Subscription()
			for _, secret := range []string{s.Endpoint, strings.TrimPrefix(s.Endpoint, "https://push.example.jp/send/"), s.Keys.Auth, s.Keys.P256dh} {
				if strings.Contains(f.Error(), secret) || strings.Contains(b.log.String(), secret) {
					t.Errorf("a secret of the device is told: %v\n%s", f, b.log)
				}
			}
			if tc.left == 0 {
				return
			}
			if f := b.send(message(nil)); f != nil {
				t.Errorf("the next try: got %v, want it sent", f)
			}
		})
	}
}

func TestR25_OneDeviceThatTookItIsEnough(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	old, kept := b.device("ume"), b.device("ume")
	old.Unsubscribe()
	if f := b.send(message(nil)); f != nil {
		t.Fatal(f)
	}
	if got := len(b.known("ume")); got != 1 || len(kept.Inbox()) != 1 {
		t.Errorf("got %d devices and %d messages, want the one that is left, told", got, len(kept.Inbox()))
	}
	kept.Unsubscribe()
	if f := b.send(message(nil)); f == nil || f.Class != notify.BadAddress || f.Code != "no_device" {
		t.Errorf("got %v, want no_device", f)
	}
	asked := b.sim.Asked()
	if f := b.send(message(nil)); f == nil || f.Code != "no_device" || b.sim.Asked() != asked {
		t.Errorf("got %v after %d more requests, want no_device without asking", f, b.sim.Asked()-asked)
	}
}

func TestOfSeveralFailuresTheOneThatARepetitionHelpsIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	for range 3 {
		b.device("ume")
	}
	b.sim.Fault(simpush.Fault{Status: 403}, simpush.Fault{Status: 429}, simpush.Fault{Status: 503})
	if f := b.send(message(nil)); f == nil || f.Class != notify.Transient {
		t.Errorf("got %v, want %s", f, notify.Transient)
	}
	b.sim.Fault(simpush.Fault{Status: 403}, simpush.Fault{Status: 429}, simpush.Fault{Status: 410})
	if f := b.send(message(nil)); f == nil || f.Class != notify.Throttled {
		t.Errorf("got %v, want %s", f, notify.Throttled)
	}
	if got := len(b.known("ume")); got != 2 {
		t.Errorf("got %d devices, want 2", got)
	}
}

func TestAnyTextFitsIntoAMessage(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"long":       strings.Repeat("止", 5000),
		"emoji":      strings.Repeat("👩‍👩‍👧‍👦", 500),
		"accents":    "a" + strings.Repeat("\u0301", 4000),
		"controls":   strings.Repeat("\x01", 3000),
		"lines":      "a\n\n\tb",
		"not UTF-8":  "a\xff\xfeb",
		"quotes":     strings.Repeat(`"\<>&`, 1000),
		"separators": strings.Repeat("\u2028", 2000),
		"empty":      "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, storetest.New(t, "sqlite"), nil)
			d := b.device("ume")
			m := message(func(i *notify.Incident) { i.Title, i.ServiceName, i.HolderName = text, text, text })
			if f := b.send(m); f != nil {
				t.Fatal(f)
			}
			n := read(t, d.Inbox()[0])
			if strings.ContainsAny(n.Title+n.Body, "\n\t\r") || len(n.Body) > 800 || len(n.Title) > 300 {
				t.Errorf("got %q", n.Body)
			}
			if name == "emoji" && !strings.HasSuffix(n.Body, "👦…") {
				t.Errorf("a character is cut in two: %q", n.Body)
			}
		})
	}
}

func TestAnEmptyMessageIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	b.device("ume")
	m := message(nil)
	m.Incidents = nil
	if f := b.send(m); f == nil || f.Class != notify.BadConfig {
		t.Errorf("got %v, want %s", f, notify.BadConfig)
	}
}

func TestASampleReachesTheDevice(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	var f *notify.Failure
	if err := b.channel.Try(t.Context(), "ume"); !errors.As(err, &f) || f.Code != "no_device" {
		t.Errorf("got %v, want no_device", err)
	}
	d := b.device("ume")
	if err := b.channel.Try(t.Context(), "ume"); err != nil {
		t.Fatal(err)
	}
	if n := read(t, d.Inbox()[0]); n.Title != "この端末に届きます" || n.URL != "https://toban.example.jp/x/" || n.Ack != nil {
		t.Errorf("got %+v", n)
	}
}

func TestTheSubjectIsSomethingAServiceCanWriteTo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ subject, base, want string }{
		{"ops@example.jp", "", "mailto:ops@example.jp"},
		{"mailto:ops@example.jp", "https://toban.example.jp", "mailto:ops@example.jp"},
		{"https://example.jp/contact", "", "https://example.jp/contact"},
		{"", "https://toban.example.jp/x", "https://toban.example.jp"},
		{"", "http://toban.example.jp:8080/x", "mailto:toban@toban.example.jp"},
		{"", "http://[::1]:8080", "mailto:toban@localhost"},
	} {
		b := setup(t, storetest.New(t, "sqlite"), func(c *push.Config) { c.Subject, c.Base = tc.subject, func() string { return tc.base } })
		d := b.device("ume")
		if f := b.send(message(nil)); f != nil {
			t.Fatal(f)
		}
		if got := d.Inbox()[0].Subject; got != tc.want {
			t.Errorf("%+v: got %q", tc, got)
		}
	}
	for _, bad := range []string{"ops", "http://example.jp", "a b@example.jp", "@example.jp", "Ops <ops@example.jp>", "https://"} {
		if _, err := push.New(push.Config{DB: storetest.New(t, "sqlite"), Key: key, Subject: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestAChannelNeedsAStoreAndAKey(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	for name, c := range map[string]push.Config{"no store": {Key: key}, "no key": {DB: db}, "short key": {DB: db, Key: []byte("short")}} {
		if _, err := push.New(c); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// The transport that is used when none is given is the one that guards.
func TestAPrivateAddressIsNotAsked(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	open, err := push.NewDevices(db, key, true) // so that the device gets into the store at all
	if err != nil {
		t.Fatal(err)
	}
	sim := simpush.New(simpush.Options{URL: "https://127.0.0.1:1"})
	d, err := sim.NewSubscription(open.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	s := d.Subscription()
	if _, err := open.Add(t.Context(), "ume", push.Subscription{Endpoint: s.Endpoint, P256dh: s.Keys.P256dh, Auth: s.Keys.Auth}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		allow bool
		code  string
	}{{false, "private_address"}, {true, "dial"}} {
		b := setup(t, db, func(c *push.Config) { c.Transport, c.AllowPrivate = http.RoundTripper(nil), tc.allow })
		if f := b.send(message(nil)); f == nil || f.Code != tc.code {
			t.Errorf("allowed %v: got %v, want %s", tc.allow, f, tc.code)
		}
	}
}
