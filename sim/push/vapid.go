package push

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
	"time"
)

// claims are what the sender's token says (RFC 8292).
type claims struct {
	Audience string   `json:"aud"`
	Expires  *float64 `json:"exp"`
	Subject  string   `json:"sub"`
}

// admit checks who sends: Authorization: vapid t=<ES256 token>, k=<public key>.
// status is zero when it is the sender that the device subscribed to.
func (s *Server) admit(header string, serverKey []byte, now time.Time) (c claims, status int, text string) {
	token, key, ok := credentials(header)
	if !ok {
		return c, http.StatusUnauthorized, "the header Authorization is not of the form: vapid t=…, k=…"
	}
	c, why := verify(token, key)
	switch {
	case why != "":
		return c, http.StatusUnauthorized, why
	case c.Audience != origin(s.o.URL):
		return c, http.StatusUnauthorized, "aud is not this service's origin"
	case c.Expires == nil:
		return c, http.StatusUnauthorized, "exp is missing"
	case *c.Expires <= float64(now.Unix()):
		return c, http.StatusUnauthorized, "the token has expired"
	case *c.Expires > float64(now.Add(24*time.Hour).Unix()):
		return c, http.StatusUnauthorized, "exp is more than 24 hours ahead"
	case !contact(c.Subject):
		return c, http.StatusUnauthorized, "sub is no mailto: or https: address"
	case !bytes.Equal(key, serverKey):
		return c, http.StatusForbidden, "the device has subscribed to another sender"
	}
	return c, 0, ""
}

func credentials(header string) (token string, key []byte, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "vapid") {
		return "", nil, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			token = value
		case "k":
			decoded, err := base64.RawURLEncoding.DecodeString(value)
			if err != nil {
				return "", nil, false
			}
			key = decoded
		}
	}
	return token, key, token != "" && len(key) == 65
}

// verify checks a token's signature; why is "" when it is good.
func verify(token string, key []byte) (c claims, why string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, "the token is no JWT"
	}
	var raw [3][]byte
	for i, part := range parts {
		decoded, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return c, "the token is no JWT"
		}
		raw[i] = decoded
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if json.Unmarshal(raw[0], &header) != nil || header.Algorithm != "ES256" {
		return c, "the token's algorithm is not ES256"
	}
	if json.Unmarshal(raw[1], &c) != nil {
		return claims{}, "the token's claims can't be read"
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), key)
	if err != nil {
		return claims{}, "k is no point of P-256"
	}
	if len(raw[2]) != 64 {
		return claims{}, "the signature is wrong"
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) {
		return claims{}, "the signature is wrong"
	}
	return c, ""
}

// contact reports whether a service could write to sub. Apple's refuses others.
func contact(sub string) bool {
	if address, ok := strings.CutPrefix(sub, "mailto:"); ok {
		parsed, err := mail.ParseAddress(address)
		return err == nil && parsed.Address == address
	}
	u, err := url.Parse(sub)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
