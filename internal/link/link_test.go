package link_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"toban/internal/id"
	"toban/internal/link"
	"toban/oncall"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	key    = []byte("0123456789abcdef0123456789abcdef")
	signer = link.NewSigner(key)
	now    = time.Date(2026, 11, 20, 18, 2, 10, 0, time.UTC)
)

func TestR19_ALinkSaysWhatWasPutIntoItUntilItExpires(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		link link.Link
	}{
		{"an incident and a user", link.Link{Incident: "inc_01jz8k2v3w9y7x5q4r6s1t0abc", User: "matsu"}},
		{"the least id", link.Link{Incident: "inc_00000000000000000000000000", User: "u"}},
		{"the greatest id", link.Link{Incident: "inc_7zzzzzzzzzzzzzzzzzzzzzzzzz", User: "take"}},
		{"a channel", link.Link{Incident: "inc_01jz8k2v3w9y7x5q4r6s1t0abc"}},
		{"another name", link.Link{Incident: "inc_42", User: "梅"}},
		{"no incident at all", link.Link{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.link.Expires = now.Add(link.Lifetime)
			token := signer.Make(tc.link)
			for _, at := range []time.Time{now, now.Add(link.Lifetime - time.Second)} {
				got, err := signer.Read(token, at)
				if err != nil {
					t.Fatalf("at %s: %v", at, err)
				}
				if diff := cmp.Diff(tc.link, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			if _, err := signer.Read(token, now.Add(link.Lifetime)); !errors.Is(err, link.ErrExpired) {
				t.Errorf("after a day: got %v, want %v", err, link.ErrExpired)
			}
			if url.PathEscape(token) != token {
				t.Errorf("%q must be escaped in a URL", token)
			}
		})
	}
}

func TestALinkFitsIntoAnSMS(t *testing.T) {
	t.Parallel()
	token := signer.Make(link.Link{Incident: oncall.IncidentID(id.New(id.Incident)), User: "matsumoto.taro", Expires: now})
	if len(token) > 70 {
		t.Errorf("got %d characters, want at most 70", len(token))
	}
	if got := link.Path(token); got != "/i/"+token {
		t.Errorf("got %q", got)
	}
	if got := link.AcknowledgePath(token); got != "/i/"+token+"/acknowledge" {
		t.Errorf("got %q", got)
	}
}

func TestR19_AChangedLinkIsInvalid(t *testing.T) {
	t.Parallel()
	token := signer.Make(link.Link{Incident: "inc_01jz8k2v3w9y7x5q4r6s1t0abc", User: "matsu", Expires: now.Add(time.Hour)})
	bad := map[string]string{
		"empty": "", "cut": token[:len(token)-1], "longer": token + "A", "a line break": token[:20] + "\n" + token[20:],
		"padded": token + "=", "not base64": strings.Repeat("!", 60), "too long": strings.Repeat("A", 1<<20), "too short": "dQ",
	}
	for i := range token { // every character counts
		other := byte('A')
		if token[i] == other {
			other = 'B'
		}
		bad["changed at "+string(rune('0'+i%10))+token[i:]] = token[:i] + string(other) + token[i+1:]
	}
	for name, token := range bad {
		if l, err := signer.Read(token, now); !errors.Is(err, link.ErrInvalid) || l != (link.Link{}) {
			t.Errorf("%s: got %v %v, want %v", name, l, err, link.ErrInvalid)
		}
	}
}

func TestALinkOfAnotherInstallationIsInvalid(t *testing.T) {
	t.Parallel()
	other := link.NewSigner([]byte("another key of thirty-two bytes!"))
	token := other.Make(link.Link{Incident: "inc_1", Expires: now.Add(time.Hour)})
	if _, err := signer.Read(token, now); !errors.Is(err, link.ErrInvalid) {
		t.Errorf("got %v, want %v", err, link.ErrInvalid)
	}
}

func TestTheInstallationKeyItselfSignsNoLinks(t *testing.T) {
	t.Parallel()
	token := signer.Make(link.Link{Incident: "inc_1", Expires: now.Add(time.Hour)})
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(raw[:len(raw)-16])
	forged := base64.RawURLEncoding.EncodeToString(append(raw[:len(raw)-16:len(raw)-16], mac.Sum(nil)[:16]...))
	if _, err := signer.Read(forged, now); !errors.Is(err, link.ErrInvalid) {
		t.Errorf("got %v, want %v", err, link.ErrInvalid)
	}
}

func TestWithoutAKeyThereAreNoLinks(t *testing.T) {
	t.Parallel()
	for _, s := range []link.Signer{{}, link.NewSigner(nil)} {
		if token := s.Make(link.Link{Incident: "inc_1", Expires: now}); token != "" {
			t.Errorf("got %q, want none", token)
		}
		if _, err := s.Read(signer.Make(link.Link{Incident: "inc_1", Expires: now.Add(1)}), now); !errors.Is(err, link.ErrInvalid) {
			t.Errorf("got %v, want %v", err, link.ErrInvalid)
		}
	}
}

func TestWhatCannotBeSaidMakesNoLink(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]link.Link{
		"no expiry":          {Incident: "inc_1"},
		"too far ahead":      {Incident: "inc_1", Expires: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)},
		"an endless user":    {Incident: "inc_1", User: oncall.UserID(strings.Repeat("u", 256)), Expires: now},
		"an endless id":      {Incident: oncall.IncidentID(strings.Repeat("i", 256)), Expires: now},
		"before there was 0": {Incident: "inc_1", Expires: time.Unix(-1, 0)},
	} {
		if token := signer.Make(l); token != "" {
			t.Errorf("%s: got %q, want none", name, token)
		}
	}
}

func TestEveryLinkIsReadAsItWasMade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		incident := rapid.StringN(0, 60, 80).Draw(t, "incident")
		if rapid.Bool().Draw(t, "usual") {
			incident = id.At(id.Incident, time.UnixMilli(rapid.Int64Range(0, 1<<48-1).Draw(t, "made")))
		}
		want := link.Link{
			Incident: oncall.IncidentID(incident), User: oncall.UserID(rapid.StringN(0, 60, 80).Draw(t, "user")),
			Expires: time.Unix(rapid.Int64Range(1, 1<<32-1).Draw(t, "expires"), 0).UTC(),
		}
		got, err := signer.Read(signer.Make(want), want.Expires.Add(-time.Second))
		if err != nil || got != want {
			t.Fatalf("got %+v %v, want %+v", got, err, want)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, l := range []link.Link{
		{Incident: "inc_01jz8k2v3w9y7x5q4r6s1t0abc", User: "matsu", Expires: now.Add(time.Hour)},
		{Incident: "inc_42", Expires: now.Add(time.Hour)},
		{},
	} {
		f.Add(signer.Make(l))
	}
	f.Add("dAAAAAAA")
	f.Add("====")
	f.Fuzz(func(t *testing.T, token string) {
		l, err := signer.Read(token, now)
		switch {
		case err == nil: // only what we made is read, and it has one spelling
			if again := signer.Make(l); again != token {
				t.Errorf("%q is read as %+v, whose token is %q", token, l, again)
			}
		case !errors.Is(err, link.ErrInvalid) && !errors.Is(err, link.ErrExpired):
			t.Errorf("got %v", err)
		}
	})
}
