package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// TokenPrefix begins every token, so that scanners of source code find those
// that were left there.
const TokenPrefix = "tbn_"

const (
	secretBytes  = 20
	secretDigits = "abcdefghijklmnopqrstuvwxyz234567"
	secretLength = secretBytes * 8 / 5
)

// newSecret returns 160 random bits that survive being typed, spoken and put in
// a URL.
func newSecret() string {
	var raw [secretBytes]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base32.NewEncoding(secretDigits).EncodeToString(raw[:])
}

// digest is what is kept of a secret; ok is false for what newSecret can't have
// made, which is not worth a look into the store.
func digest(secret string) (hash string, ok bool) {
	if len(secret) != secretLength || strings.Trim(secret, secretDigits) != "" {
		return "", false
	}
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:]), true
}
