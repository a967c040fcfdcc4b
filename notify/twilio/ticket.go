package twilio

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"

	"toban/internal/id"
	"toban/oncall"
)

// A callback address carries a ticket: which delivery it is about, until when
// it is listened to, and our own signature over both. It stands beside the
// provider's signature, so that somebody who has only the account's token
// can't speak for a delivery.

func (v *Voice) ticket(d oncall.DeliveryID, expires time.Time) url.Values {
	e := strconv.FormatInt(expires.Unix(), 10)
	return url.Values{"d": {string(d)}, "e": {e}, "t": {v.seal(string(d), e)}}
}

func (v *Voice) seal(d, expires string) string {
	mac := hmac.New(sha256.New, v.c.Key)
	mac.Write([]byte("twilio callback\x00" + v.c.Name + "\x00" + d + "\x00" + expires))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// admit reads a ticket; ok is false when it is not ours or has expired.
func (v *Voice) admit(q url.Values, now time.Time) (d oncall.DeliveryID, expires time.Time, ok bool) {
	text, e := q.Get("d"), q.Get("e")
	if subtle.ConstantTimeCompare([]byte(v.seal(text, e)), []byte(q.Get("t"))) != 1 {
		return "", expires, false
	}
	seconds, err := strconv.ParseInt(e, 10, 64)
	if err != nil {
		return "", expires, false
	}
	if _, err := id.Parse(id.Delivery, text); err != nil {
		return "", expires, false
	}
	expires = time.Unix(seconds, 0)
	return oncall.DeliveryID(text), expires, now.Before(expires)
}
