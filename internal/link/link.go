// Package link makes and reads the signed links that stand in every message
// (R19): whoever holds one can see one incident, take it and escalate it for a
// day, without a login.
//
// A link says which incident it is about, whom it was sent to and until when it
// holds, and carries our signature over that. Nothing of it is kept: every node
// with the installation's key can read it. It says who may act, never what is
// done: acting is a POST, so that a preview or a virus scanner takes nothing.
package link

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"toban/internal/id"
	"toban/oncall"
)

// Lifetime is how long a link that is made now is to hold.
const Lifetime = 24 * time.Hour

// Link is what a signed link says.
type Link struct {
	Incident oncall.IncidentID
	User     oncall.UserID // whom it was sent to; "" = a channel, where many read it
	Expires  time.Time     // cut to the second
}

// ErrInvalid is returned for a token that this installation has not made.
var ErrInvalid = &oncall.Error{Kind: oncall.Unauthenticated, Code: "link.invalid", Message: "this link is not complete or was not made here"}

// ErrExpired is returned for a token whose time is over.
var ErrExpired = &oncall.Error{Kind: oncall.Unauthenticated, Code: "link.expired", Message: "this link held for a day and has expired"}

// Signer makes and reads links. Make it with NewSigner: the zero value makes
// none and reads none.
type Signer struct{ key []byte }

// purpose keeps this key apart from everything else that is made of the
// installation's. Links of another form get another number.
const purpose = "toban signed link 1"

// NewSigner returns the signer of the installation with that key. Without a key
// it is the zero Signer.
func NewSigner(key []byte) Signer {
	if len(key) == 0 {
		return Signer{}
	}
	own, err := hkdf.Key(sha256.New, key, nil, purpose, sha256.Size)
	if err != nil {
		return Signer{} // a key that is too short to be used: no link is better than one that anybody can make
	}
	return Signer{own}
}

// A token is base64url of: one byte that says how the incident is written, the
// expiry in seconds (4 bytes), the incident (16 bytes, or a length and its
// text), the user to the end, and the signature. It is short because it is also
// sent by SMS.
const (
	asULID    = 'u'
	asText    = 't'
	sealed    = 16 // bytes of the signature: 128 bits
	maxToken  = 512
	maxText   = 255
	headBytes = 5
)

// Make returns the token of l. It is "" when there is no key, or when l has an
// id that is no id of toban's: too long, or an expiry outside of 1970–2106.
func (s Signer) Make(l Link) string {
	seconds := l.Expires.Unix()
	if s.key == nil || len(l.Incident) > maxText || len(l.User) > maxText || seconds != int64(uint32(seconds)) {
		return ""
	}
	body := make([]byte, 0, headBytes+1+len(l.Incident)+len(l.User)+sealed)
	packed, ok := pack(l.Incident)
	if ok {
		body = append(body, asULID)
	} else {
		body = append(body, asText)
	}
	body = binary.BigEndian.AppendUint32(body, uint32(seconds))
	if ok {
		body = append(body, packed[:]...)
	} else {
		body = append(body, byte(len(l.Incident)))
		body = append(body, l.Incident...)
	}
	body = append(body, l.User...)
	return encoding.EncodeToString(append(body, s.seal(body)...))
}

// Read returns what a token says, or fails with ErrInvalid or ErrExpired. It
// holds until the instant Expires, which is excluded.
func (s Signer) Read(token string, now time.Time) (Link, error) {
	if s.key == nil || len(token) > maxToken {
		return Link{}, ErrInvalid
	}
	raw, err := encoding.DecodeString(token)
	// Go passes over line breaks in base64; a link has one spelling only.
	if err != nil || len(raw) < headBytes+sealed || encoding.EncodedLen(len(raw)) != len(token) {
		return Link{}, ErrInvalid
	}
	body, seal := raw[:len(raw)-sealed], raw[len(raw)-sealed:]
	if subtle.ConstantTimeCompare(seal, s.seal(body)) != 1 {
		return Link{}, ErrInvalid
	}
	l := Link{Expires: time.Unix(int64(binary.BigEndian.Uint32(body[1:])), 0).UTC()}
	rest := body[headBytes:]
	switch {
	case body[0] == asULID && len(rest) >= 16:
		l.Incident, rest = unpack([16]byte(rest)), rest[16:]
	case body[0] == asText && len(rest) > 0 && len(rest) > int(rest[0]):
		n := 1 + int(rest[0])
		l.Incident, rest = oncall.IncidentID(rest[1:n]), rest[n:]
	default:
		return Link{}, ErrInvalid
	}
	l.User = oncall.UserID(rest)
	if !now.Before(l.Expires) {
		return Link{}, ErrExpired
	}
	return l, nil
}

var encoding = base64.RawURLEncoding.Strict()

func (s Signer) seal(body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(body)
	return mac.Sum(nil)[:sealed]
}

// Path is where the incident's page of a token is, below the external URL.
func Path(token string) string { return "/i/" + token }

// AcknowledgePath takes a POST that acknowledges the incident of a token.
func AcknowledgePath(token string) string { return Path(token) + "/acknowledge" }

const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

const prefix = id.Incident + "_"

// pack writes the name of an incident in 16 bytes; ok is false for a name that
// toban does not give.
func pack(incident oncall.IncidentID) (packed [16]byte, ok bool) {
	if _, err := id.Parse(id.Incident, string(incident)); err != nil {
		return packed, false
	}
	var high, low uint64
	for _, c := range []byte(incident[len(prefix):]) {
		high = high<<5 | low>>59
		low = low<<5 | uint64(strings.IndexByte(crockford, c))
	}
	binary.BigEndian.PutUint64(packed[:8], high)
	binary.BigEndian.PutUint64(packed[8:], low)
	return packed, true
}

func unpack(packed [16]byte) oncall.IncidentID {
	high, low := binary.BigEndian.Uint64(packed[:8]), binary.BigEndian.Uint64(packed[8:])
	var text [26]byte
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = crockford[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	return oncall.IncidentID(prefix + string(text[:]))
}
