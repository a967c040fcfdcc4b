package push_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"toban/notify/push"
	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

func TestASubscriptionIsReadAsHostile(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	d, err := b.sim.NewSubscription(b.channel.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	s := d.Subscription()
	good := push.Subscription{Endpoint: s.Endpoint, P256dh: s.Keys.P256dh, Auth: s.Keys.Auth, Agent: "Firefox"}
	for _, tc := range []struct {
		name   string
		change func(*push.Subscription)
		field  string
	}{
		{"as it should be", func(*push.Subscription) {}, ""},
		{"with padding", func(s *push.Subscription) { s.Auth += "==" }, ""},
		{"no endpoint", func(s *push.Subscription) { s.Endpoint = "" }, "/endpoint"},
		{"http", func(s *push.Subscription) { s.Endpoint = "http://push.example.jp/a" }, "/endpoint"},
		{"a file", func(s *push.Subscription) { s.Endpoint = "file:///etc/passwd" }, "/endpoint"},
		{"with a password", func(s *push.Subscription) { s.Endpoint = "https://a:b@push.example.jp/a" }, "/endpoint"},
		{"with a fragment", func(s *push.Subscription) { s.Endpoint += "#a" }, "/endpoint"},
		{"too long", func(s *push.Subscription) { s.Endpoint += strings.Repeat("a", 3000) }, "/endpoint"},
		{"loopback", func(s *push.Subscription) { s.Endpoint = "https://127.0.0.1/a" }, "/endpoint"},
		{"loopback by name", func(s *push.Subscription) { s.Endpoint = "https://localhost:8443/a" }, "/endpoint"},
		{"the metadata of a cloud", func(s *push.Subscription) { s.Endpoint = "https://169.254.169.254/latest" }, "/endpoint"},
		{"a private network", func(s *push.Subscription) { s.Endpoint = "https://10.0.0.1/a" }, "/endpoint"},
		{"IPv6 loopback", func(s *push.Subscription) { s.Endpoint = "https://[::1]/a" }, "/endpoint"},
		{"IPv4 in IPv6", func(s *push.Subscription) { s.Endpoint = "https://[::ffff:10.0.0.1]/a" }, "/endpoint"},
		{"the machine next door", func(s *push.Subscription) { s.Endpoint = "https://printer.local/a" }, "/endpoint"},
		{"no key", func(s *push.Subscription) { s.P256dh = "" }, "/keys/p256dh"},
		{"a key that is no point", func(s *push.Subscription) {
			s.P256dh = base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...))
		}, "/keys/p256dh"},
		{"an endless key", func(s *push.Subscription) { s.P256dh = strings.Repeat("A", 1<<20) }, "/keys/p256dh"},
		{"no secret", func(s *push.Subscription) { s.Auth = "" }, "/keys/auth"},
		{"a short secret", func(s *push.Subscription) { s.Auth = "AAAA" }, "/keys/auth"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := good
			tc.change(&s)
			_, err := b.channel.Devices().Add(t.Context(), "ume", s)
			if tc.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := errors.AsType[*oncall.Error](err)
			if !ok || e.Code != "device.invalid" || e.Field != tc.field || e.Kind != oncall.Invalid {
				t.Errorf("got %v, want device.invalid at %s", err, tc.field)
			}
			if strings.Contains(e.Message, "169.254") || len(s.Endpoint) > 20 && strings.Contains(e.Message, s.Endpoint) {
				t.Errorf("the message repeats the endpoint: %s", e.Message)
			}
		})
	}
}

func TestWhatIsKeptOfADeviceIsSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := setup(t, db, nil)
		s := b.device("ume").Subscription()
		var rows []store.Subscription
		err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
			rows, err = tx.Subscriptions(t.Context(), "ume")
			return err
		})
		if err != nil || len(rows) != 1 {
			t.Fatalf("got %v %v, want a row", rows, err)
		}
		text := fmt.Sprintf("%+v", rows[0])
		for _, secret := range []string{"push.example.jp", s.Endpoint, s.Keys.Auth, s.Keys.P256dh} {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in the store: %s", secret, text)
			}
		}
		// A row that was moved onto another can't be opened.
		rows[0].Endpoint, rows[0].P256dh = rows[0].P256dh, rows[0].Endpoint
		if err := db.Tx(t.Context(), func(tx *store.Tx) error { return tx.AddSubscription(t.Context(), rows[0]) }); err != nil {
			t.Fatal(err)
		}
		if f := b.send(message(nil)); f == nil || f.Code != "device_key" {
			t.Errorf("got %v, want device_key", f)
		}
		if list := b.known("ume"); len(list) != 0 {
			t.Errorf("got %v, want it left out of the list", list)
		}
	})
}

func TestADeviceIsForgottenByItsUserAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.New(t, "sqlite"), nil)
	phone, laptop := b.device("ume"), b.device("ume")
	devices := b.channel.Devices()
	if err := devices.Unsubscribe(t.Context(), "take", phone.Subscription().Endpoint); err != nil {
		t.Fatal(err)
	}
	if got := len(b.known("ume")); got != 2 {
		t.Fatalf("got %d devices, want 2: somebody else has no say", got)
	}
	if err := devices.Unsubscribe(t.Context(), "ume", phone.Subscription().Endpoint); err != nil {
		t.Fatal(err)
	}
	left := b.known("ume")
	if len(left) != 1 {
		t.Fatalf("got %v, want 1", left)
	}
	if f := b.send(message(nil)); f != nil || len(phone.Inbox()) != 0 || len(laptop.Inbox()) != 1 {
		t.Errorf("got %v, want the laptop told alone", f)
	}
	if err := devices.Remove(t.Context(), "ume", left[0].ID); err != nil {
		t.Fatal(err)
	}
	if got := len(b.known("ume")); got != 0 {
		t.Errorf("got %d devices, want none", got)
	}
}

func TestAllNodesAreTheSameSender(t *testing.T) {
	t.Parallel()
	db := storetest.New(t, "sqlite")
	public := func(key string) string {
		d, err := push.NewDevices(db, []byte(key), false)
		if err != nil {
			t.Fatal(err)
		}
		return d.PublicKey()
	}
	one := public(string(key))
	if two := public(string(key)); one != two {
		t.Errorf("got %s and %s from one key", one, two)
	}
	if other := public("another key of thirty-two bytes!"); other == one {
		t.Error("another installation is the same sender")
	}
	// Devices have subscribed to it: it must not change with a new version.
	if want := "BA3qS_pJHtYnwa72CQJbeudHP3N_F7vrx-Dtr0XvFXaZro3O9e-AhfUxzronYwN03IQH0DNbuXiKqRttVu2Z_Ro"; one != want {
		t.Errorf("got %s, want %s", one, want)
	}
}
