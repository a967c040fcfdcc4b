package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
)

// minKey is how long an installation's key is at least, in bytes.
const minKey = 16

// deriveIdentity makes the P-256 key pair that toban shows to push services
// (VAPID) from the installation's key, so that all nodes have the same without
// keeping it anywhere: HKDF-SHA256 gives 48 bytes, of which the remainder by n-1,
// plus one, is the private scalar. 128 bits more than the curve's order make the
// remainder as good as evenly spread (FIPS 186-5, A.2.1). Another installation
// key is another sender, to whom no device listens.
func deriveIdentity(key []byte) (*ecdh.PrivateKey, error) {
	if len(key) < minKey {
		return nil, errors.New("push: the installation's key is too short")
	}
	raw, err := hkdf.Key(sha256.New, key, nil, "toban web push identity 1", 48)
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	order, ok := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	if !ok {
		return nil, errors.New("push: the order of P-256 can't be read")
	}
	scalar := new(big.Int).SetBytes(raw)
	scalar.Mod(scalar, order.Sub(order, big.NewInt(1)))
	scalar.Add(scalar, big.NewInt(1))
	return ecdh.P256().NewPrivateKey(scalar.FillBytes(make([]byte, 32)))
}

// safe closes what is kept of a device: whoever has the store alone can neither
// reach the device nor read what is sent to it.
type safe struct{ gcm cipher.AEAD }

func newSafe(key []byte) (*safe, error) {
	own, err := hkdf.Key(sha256.New, key, nil, "toban web push devices 1", 32)
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	return &safe{gcm}, nil
}

// close seals a field of a device: AES-256-GCM, bound to that device and field.
func (s *safe) close(id, field, text string) string {
	nonce := make([]byte, s.gcm.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return base64.RawStdEncoding.EncodeToString(s.gcm.Seal(nonce, nonce, []byte(text), []byte(id+"\x00"+field)))
}

var errSealed = errors.New("push: it was sealed with another key, or changed")

func (s *safe) open(id, field, sealed string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < s.gcm.NonceSize() {
		return "", errSealed
	}
	nonce, rest := raw[:s.gcm.NonceSize()], raw[s.gcm.NonceSize():]
	text, err := s.gcm.Open(nil, nonce, rest, []byte(id+"\x00"+field))
	if err != nil {
		return "", errSealed
	}
	return string(text), nil
}
