package access

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toban/internal/peer"
	"toban/store/storetest"
)

func TestSecretsAreMaskedInTheAuditLog(t *testing.T) {
	t.Parallel()
	type nested struct {
		RoutingKey string `json:"routing_key"`
		Name       string `json:"name"`
	}
	for _, tc := range []struct {
		name string
		v    any
		want string
	}{
		{"nothing", nil, ``},
		{"a nil pointer", (*nested)(nil), ``},
		{"sorted", map[string]any{"b": 1, "a": nil}, `{"a":null,"b":1}`},
		{"a struct", nested{"abc", "x"}, `{"name":"x","routing_key":"‹secret›"}`},
		{"deep", []any{map[string]any{"x": []nested{{"abc", "x"}}}}, `[{"x":[{"name":"x","routing_key":"‹secret›"}]}]`},
		{
			"words",
			map[string]any{"token": "a", "password": "b", "Secret": "c", "KEY": "d", "botToken": "e", "client-secret": "f", "apiKey": "g", "authorization": "h", "pin": 1234},
			`{"KEY":"‹secret›","Secret":"‹secret›","apiKey":"‹secret›","authorization":"‹secret›","botToken":"‹secret›","client-secret":"‹secret›","password":"‹secret›","pin":"‹secret›","token":"‹secret›"}`,
		},
		{"several", map[string]any{"tokens": []string{"a", "b"}, "keys": map[string]string{"x": "y"}}, `{"keys":{"x":"‹secret›"},"tokens":["‹secret›","‹secret›"]}`},
		{"what is none", map[string]any{"keyboard": "a", "tokenised": "b", "monkey": "c", "secretary": "d"}, `{"keyboard":"a","monkey":"c","secretary":"d","tokenised":"b"}`},
		{"references and emptiness", map[string]any{"token": "env:SLACK", "key": "file:/x", "secret": "", "password": nil, "auth": true}, `{"auth":true,"key":"file:/x","password":null,"secret":"","token":"env:SLACK"}`},
		{"telephone numbers", map[string]any{"to": "+819000000001", "n": "+1", "text": "call +819000000001"}, `{"n":"+1","text":"call +819000000001","to":"+81 •••• 01"}`},
		{"large numbers", map[string]any{"n": int64(1) << 62}, `{"n":4611686018427387904}`},
	} {
		got, err := document(tc.v)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.name, got, err, tc.want)
		}
	}
	got, err := document(map[string]string{"a": strings.Repeat("x", maxDocument)})
	if err != nil || !strings.HasPrefix(string(got), `{"bytes":16392,"sha256":"`) || len(got) > 200 {
		t.Errorf("too long: %s, %v", got, err)
	}
	if got, err := document(map[string]string{"a": strings.Repeat("x", maxDocument-8)}); err != nil || len(got) != maxDocument {
		t.Errorf("just short enough: %d bytes, %v", len(got), err)
	}
}

func TestTheMemoryOfTriesIsBounded(t *testing.T) {
	t.Parallel()
	tries, now := newTries(1), time.Unix(1_800_000_000, 0)
	for i := range 3 * maxTried {
		if err := tries.take(fmt.Sprint(i), now); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if n := len(tries.tried); n > maxTried {
		t.Errorf("%d are remembered, want at most %d", n, maxTried)
	}
	if err := tries.take(fmt.Sprint(3*maxTried-1), now); err == nil {
		t.Error("the newest was forgotten")
	}
	if err := tries.take("later", now.Add(triesWindow)); err != nil {
		t.Error(err)
	}
	tries.give("later")
	tries.give("never taken")
	if err := tries.take("later", now.Add(triesWindow)); err != nil {
		t.Errorf("what was given back: %v", err)
	}
}

func TestTheMemoryOfSessionsIsBounded(t *testing.T) {
	t.Parallel()
	m, now := newMemory(), time.Unix(1_800_000_000, 0)
	_, round, _ := m.of("a", now)
	for i := range 2*maxRemembered + 5 {
		m.keep(fmt.Sprint(i), Principal{}, now.Add(time.Second), round)
	}
	if n := len(m.who); n > maxRemembered {
		t.Errorf("%d are remembered, want at most %d", n, maxRemembered)
	}
	if _, _, ok := m.of(fmt.Sprint(2*maxRemembered), now.Add(time.Second)); ok {
		t.Error("believed for longer than it was to be")
	}
	m.forget()
	m.keep("a", Principal{}, now.Add(time.Second), round)
	if _, _, ok := m.of("a", now); ok {
		t.Error("what was read before the change is remembered")
	}
}

func TestLoginsWaitFiveSecondsForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := New(storetest.New(t, "sqlite"), slog.New(slog.DiscardHandler), Options{Argon: ArgonParams{Memory: 64, Iterations: 1}})
		for range maxHashes {
			k.hashes <- struct{}{} // others, who take long
		}
		began := time.Now()
		for range 2 * triesOfPlace { // and what was not looked at is no try
			_, err := k.Login(t.Context(), "ume", "some password", netip.MustParseAddr("192.0.2.7"), "")
			if !errors.Is(err, ErrBusy) {
				t.Fatalf("got %v, want %v", err, ErrBusy)
			}
		}
		if got := time.Since(began); got != 2*triesOfPlace*hashWait {
			t.Errorf("waited %v, want %v each", got, hashWait)
		}
		time.AfterFunc(4*time.Second, func() { <-k.hashes })
		if _, err := k.Login(t.Context(), "ume", "some password", netip.Addr{}, ""); !errors.Is(err, ErrPassword) {
			t.Errorf("when it is free in time: %v, want %v", err, ErrPassword)
		}
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := peer.Network(netip.MustParseAddr(address)); got != want {
			t.Errorf("Network(%s) = %s, want %s", address, got, want)
		}
	}
	if got := peer.Network(netip.Addr{}); got == "" {
		t.Error("what is not known is one place")
	}
}
