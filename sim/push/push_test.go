package push_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/sim/push"

	"github.com/SherClockHolmes/webpush-go"
	"github.com/golang-jwt/jwt/v5"
)

// sender is whoever sends, by the library that senders use.
type sender struct {
	t               *testing.T
	s               *push.Server
	private, public string
}

func newSender(t *testing.T, s *push.Server) *sender {
	t.Helper()
	private, public, err := webpush.GenerateVAPIDKeys()
	if err != nil {
		t.Fatal(err)
	}
	return &sender{t, s, private, public}
}

func (s *sender) device() *push.Device {
	s.t.Helper()
	d, err := s.s.NewSubscription(s.public)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// changing lets a test change the request on its way.
type changing struct {
	to     http.RoundTripper
	change func(*http.Request)
}

func (c changing) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.change != nil {
		c.change(r)
	}
	return c.to.RoundTrip(r)
}

func (s *sender) send(d *push.Device, text string, o webpush.Options, change func(*http.Request)) (int, string) {
	s.t.Helper()
	o.HTTPClient = &http.Client{Transport: changing{s.s.Transport(), change}}
	if o.Subscriber == "" {
		o.Subscriber = "ops@example.jp"
	}
	o.VAPIDPublicKey, o.VAPIDPrivateKey = s.public, s.private
	sub := d.Subscription()
	res, err := webpush.SendNotification([]byte(text), &webpush.Subscription{Endpoint: sub.Endpoint, Keys: webpush.Keys{P256dh: sub.Keys.P256dh, Auth: sub.Keys.Auth}}, &o)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestADeviceReadsWhatWasSentToIt(t *testing.T) {
	t.Parallel()
	s := newSender(t, push.New(push.Options{}))
	d := s.device()
	status, _ := s.send(d, "決済が止まっています", webpush.Options{TTL: 60, Topic: "abc-_9", Urgency: webpush.UrgencyHigh}, nil)
	inbox := d.Inbox()
	if status != http.StatusCreated || len(inbox) != 1 {
		t.Fatalf("got %d and %v, want 201 and a message", status, inbox)
	}
	got := inbox[0]
	if string(got.Body) != "決済が止まっています" || got.TTL != time.Minute || got.Topic != "abc-_9" || got.Urgency != "high" ||
		got.Audience != "https://push.example.jp" || got.Subject != "mailto:ops@example.jp" {
		t.Errorf("got %+v", got)
	}
}

func TestABrowserHandsOverWhatPagesPost(t *testing.T) {
	t.Parallel()
	d := newSender(t, push.New(push.Options{URL: "http://127.0.0.1:9/"})).device()
	var got map[string]any
	if err := json.Unmarshal(d.JSON(), &got); err != nil {
		t.Fatal(err)
	}
	keys, _ := got["keys"].(map[string]any)
	if expiration, there := got["expirationTime"]; !there || expiration != nil {
		t.Errorf("got expirationTime %v, want null", expiration)
	}
	if e, _ := got["endpoint"].(string); !strings.HasPrefix(e, "http://127.0.0.1:9/send/") {
		t.Errorf("got endpoint %q", e)
	}
	for name, want := range map[string]int{"p256dh": 65, "auth": 16} {
		text, _ := keys[name].(string)
		if raw, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(raw) != want {
			t.Errorf("got %s %q, want %d bytes", name, text, want)
		}
	}
	if _, err := push.New(push.Options{}).NewSubscription("AAAA"); err == nil {
		t.Error("a key that is none was taken")
	}
	small := push.New(push.Options{MaxDevice: 1})
	public := newSender(t, small).public
	for i := range 2 {
		if _, err := small.NewSubscription(public); (err == nil) != (i == 0) {
			t.Errorf("device %d: got %v", i, err)
		}
	}
}

func TestTheServiceIsAsStrictAsTheRealOnes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		text    string
		options webpush.Options
		change  func(*http.Request)
		want    int
	}{
		{"all is well", "a", webpush.Options{TTL: 1}, nil, 201},
		{"https as contact", "a", webpush.Options{Subscriber: "https://toban.example.jp"}, nil, 201},
		{"nothing inside", "a", webpush.Options{}, func(r *http.Request) { r.Body = http.NoBody; r.Header.Del("Content-Encoding") }, 201},
		{"no token", "a", webpush.Options{}, func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"another scheme", "a", webpush.Options{}, func(r *http.Request) { r.Header.Set("Authorization", "WebPush x.y.z") }, 401},
		{"no such contact", "a", webpush.Options{Subscriber: "mailto:ops@example.jp"}, nil, 401}, // the library adds mailto: itself
		{"no TTL", "a", webpush.Options{}, func(r *http.Request) { r.Header.Del("TTL") }, 400},
		{"negative TTL", "a", webpush.Options{TTL: -1}, nil, 400},
		{"another encoding", "a", webpush.Options{}, func(r *http.Request) { r.Header.Set("Content-Encoding", "aesgcm") }, 400},
		{"long topic", "a", webpush.Options{Topic: strings.Repeat("a", 33)}, nil, 400},
		{"topic with a point", "a", webpush.Options{Topic: "a.b"}, nil, 400},
		{"another urgency", "a", webpush.Options{}, func(r *http.Request) { r.Header.Set("Urgency", "highest") }, 400},
		{"too large", "a", webpush.Options{RecordSize: 5000}, nil, 413},
		{"no such device", "a", webpush.Options{}, func(r *http.Request) { r.URL.Path = "/send/nobody" }, 404},
		{"another path", "a", webpush.Options{}, func(r *http.Request) { r.URL.Path = "/" }, 404},
		{"GET", "a", webpush.Options{}, func(r *http.Request) { r.Method = http.MethodGet }, 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t, push.New(push.Options{}))
			d := s.device()
			if status, body := s.send(d, tc.text, tc.options, tc.change); status != tc.want {
				t.Errorf("got %d %s, want %d", status, body, tc.want)
			}
			want := 0
			if tc.want == 201 {
				want = 1
			}
			if got := len(d.Inbox()); got != want {
				t.Errorf("got %d messages, want %d", got, want)
			}
		})
	}
}

func TestTheTokenMustBeTheSendersOwnAndOfToday(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := func(k *ecdsa.PrivateKey) string {
		raw, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	now := time.Now()
	good := jwt.MapClaims{"aud": "https://push.example.jp", "exp": now.Add(time.Hour).Unix(), "sub": "mailto:ops@example.jp"}
	with := func(name string, value any) jwt.MapClaims {
		changed := maps.Clone(good)
		changed[name] = value
		if value == nil {
			delete(changed, name)
		}
		return changed
	}
	for _, tc := range []struct {
		name   string
		method jwt.SigningMethod
		key    any
		says   *ecdsa.PrivateKey // k
		claims jwt.MapClaims
		want   int
	}{
		{"good", jwt.SigningMethodES256, key, key, good, 201},
		{"another audience", jwt.SigningMethodES256, key, key, with("aud", "https://push.example.com"), 401},
		{"expired", jwt.SigningMethodES256, key, key, with("exp", now.Add(-time.Second).Unix()), 401},
		{"without an end", jwt.SigningMethodES256, key, key, with("exp", nil), 401},
		{"for two days", jwt.SigningMethodES256, key, key, with("exp", now.Add(48*time.Hour).Unix()), 401},
		{"no contact", jwt.SigningMethodES256, key, key, with("sub", nil), 401},
		{"signed by another", jwt.SigningMethodES256, other, key, good, 401},
		{"not signed", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, key, good, 401},
		{"another sender", jwt.SigningMethodES256, other, other, good, 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := push.New(push.Options{})
			d, err := s.NewSubscription(public(key))
			if err != nil {
				t.Fatal(err)
			}
			token, err := jwt.NewWithClaims(tc.method, tc.claims).SignedString(tc.key)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Subscription().Endpoint, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("TTL", "0")
			r.Header.Set("Authorization", "vapid t="+token+", k="+public(tc.says))
			res, err := s.Transport().RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tc.want {
				t.Errorf("got %d, want %d", res.StatusCode, tc.want)
			}
		})
	}
}

func TestAWaitingMessageIsReplacedByItsTopicAndEndsWithItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSender(t, push.New(push.Options{}))
		d := s.device()
		d.Offline()
		for _, each := range []struct {
			text, topic string
			ttl         int
		}{{"first of 1", "one", 3600}, {"of 2", "two", 3600}, {"short", "three", 60}, {"now or never", "", 0}, {"last of 1", "one", 3600}} {
			if status, _ := s.send(d, each.text, webpush.Options{TTL: each.ttl, Topic: each.topic}, nil); status != 201 {
				t.Fatalf("%s: got %d", each.text, status)
			}
		}
		time.Sleep(10 * time.Minute)
		d.Online()
		var got []string
		for _, m := range d.Inbox() {
			got = append(got, string(m.Body))
		}
		if strings.Join(got, ", ") != "of 2, last of 1" {
			t.Errorf("got %q, want what was neither replaced nor too old", got)
		}
	})
}

func TestTheServiceMisbehavesByScript(t *testing.T) {
	t.Parallel()
	s := newSender(t, push.New(push.Options{}))
	d := s.device()
	s.s.Fault(push.Fault{Status: 429, RetryAfter: "7"}, push.Fault{Status: 503})
	for _, want := range []int{429, 503, 201} {
		if status, _ := s.send(d, "a", webpush.Options{}, nil); status != want {
			t.Errorf("got %d, want %d", status, want)
		}
	}
	d.Unsubscribe()
	if status, _ := s.send(d, "a", webpush.Options{}, nil); status != http.StatusGone {
		t.Errorf("got %d, want 410", status)
	}
	if s.s.Asked() != 4 || len(d.Inbox()) != 1 {
		t.Errorf("got %d requests and %d messages, want 4 and 1", s.s.Asked(), len(d.Inbox()))
	}
}

func TestTheServiceIsSlowOrGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSender(t, push.New(push.Options{}))
		d := s.device()
		s.s.Fault(push.Fault{Slow: time.Minute})
		began := time.Now()
		if status, _ := s.send(d, "a", webpush.Options{}, nil); status != 201 || time.Since(began) != time.Minute {
			t.Errorf("got %d after %v, want 201 after a minute", status, time.Since(began))
		}
		s.s.Fault(push.Fault{Drop: true})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Subscription().Endpoint, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.s.Transport().RoundTrip(r); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want the connection cut", err)
		}
	})
}

func TestWhatADeviceCannotReadIsCounted(t *testing.T) {
	t.Parallel()
	s := newSender(t, push.New(push.Options{}))
	d := s.device()
	for _, body := range []string{"short", strings.Repeat("x", 200)} {
		status, _ := s.send(d, "a", webpush.Options{}, func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		})
		if status != http.StatusCreated {
			t.Errorf("got %d, want 201: a service can't look inside", status)
		}
	}
	if d.Unreadable() != 2 || len(d.Inbox()) != 0 {
		t.Errorf("got %d unreadable and %d read, want 2 and 0", d.Unreadable(), len(d.Inbox()))
	}
}
