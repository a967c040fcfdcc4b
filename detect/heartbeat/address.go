package heartbeat

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"toban/oncall"
)

// Addresses makes the addresses of heartbeats from the installation's key. They
// are all that a sender has to know, so they are secrets; as they can be made
// again at any time, on every node, none of them is kept. The zero value makes
// none and knows none.
type Addresses struct{ key []byte }

// purpose keeps this key apart from everything else that is made of the
// installation's.
const purpose = "toban heartbeat address 1"

// NewAddresses returns the addresses of the installation with that key.
func NewAddresses(key []byte) Addresses {
	if len(key) == 0 {
		return Addresses{}
	}
	own, err := hkdf.Key(sha256.New, key, nil, purpose, sha256.Size)
	if err != nil {
		return Addresses{} // a key that is too short to be used: no address is better than one that anybody can make
	}
	return Addresses{own}
}

func (a Addresses) derive(what string) []byte {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(what))
	return mac.Sum(nil)
}

// UUID is the address of a heartbeat, as that of a random UUID: 122 bits that
// nobody can guess. It is "" without a key.
func (a Addresses) UUID(id oncall.MonitorID) string {
	if a.key == nil {
		return ""
	}
	raw := a.derive("monitor\x00" + string(id))[:16]
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80 // senders look whether it is one
	text := hex.EncodeToString(raw)
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// PingKey is the first part of the addresses that name a heartbeat by its slug.
// Who knows it can ping all of them. It is "" without a key.
func (a Addresses) PingKey() string {
	if a.key == nil {
		return ""
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(a.derive("ping key")[:16]))
}

// Path is where a heartbeat is pinged, below the external URL; "" without a key.
func (a Addresses) Path(id oncall.MonitorID) string {
	if a.key == nil {
		return ""
	}
	return prefix + a.UUID(id)
}

// SlugPath is the same by its slug; "" without a slug or a key.
func (a Addresses) SlugPath(slug string) string {
	if a.key == nil || slug == "" {
		return ""
	}
	return prefix + a.PingKey() + "/" + slug
}

// isPingKey compares without saying by its time how much of it is right.
func (a Addresses) isPingKey(text string) bool {
	return a.key != nil && subtle.ConstantTimeCompare([]byte(text), []byte(a.PingKey())) == 1
}
