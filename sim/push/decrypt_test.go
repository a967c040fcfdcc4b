package push

import (
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"testing"
)

func unbase(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The message of RFC 8291, section 5.
const (
	rfcKey     = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	rfcAuth    = "BTBZMqHH6r4Tts7J_aSIgg"
	rfcMessage = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_" +
		"yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)

func TestTheMessageOfRFC8291IsRead(t *testing.T) {
	t.Parallel()
	key, err := ecdh.P256().NewPrivateKey(unbase(t, rfcKey))
	if err != nil {
		t.Fatal(err)
	}
	got, err := decrypt(unbase(t, rfcMessage), key, unbase(t, rfcAuth))
	if err != nil || string(got) != "When I grow up, I want to be a watermelon" {
		t.Errorf("got %q %v", got, err)
	}
}

func TestAMessageThatWasChangedIsNotRead(t *testing.T) {
	t.Parallel()
	key, err := ecdh.P256().NewPrivateKey(unbase(t, rfcKey))
	if err != nil {
		t.Fatal(err)
	}
	message, auth := unbase(t, rfcMessage), unbase(t, rfcAuth)
	for i := range message {
		changed := append([]byte(nil), message...)
		changed[i] ^= 0x80
		if got, err := decrypt(changed, key, auth); err == nil && (i < 16 || i > 19) { // a larger record size says the same
			t.Errorf("byte %d: got %q, want an error", i, got)
		}
		if _, err := decrypt(message[:i], key, auth); err == nil {
			t.Errorf("cut at %d: got no error", i)
		}
	}
	small := append([]byte(nil), message...)
	copy(small[16:20], []byte{0, 0, 0, 20})
	if _, err := decrypt(small, key, auth); !errors.Is(err, errHeader) {
		t.Errorf("more than a record: got %v, want %v", err, errHeader)
	}
}
