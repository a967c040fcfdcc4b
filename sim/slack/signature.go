package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// Sign returns the X-Slack-Signature of a body that is sent at timestamp, which
// is in seconds since 1970 as the header has it.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// staleBy is how old a request with a stale timestamp claims to be: a receiver
// refuses what is older than five minutes.
const staleBy = 10 * time.Minute

// sign puts the two headers of a request to the app.
func (s *Server) sign(h http.Header, body []byte, faults callFaults) {
	at, secret := time.Now(), s.options.SigningSecret
	if faults.stale {
		at = at.Add(-staleBy)
	}
	if faults.badSignature {
		secret += "wrong"
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h.Set("X-Slack-Request-Timestamp", stamp)
	h.Set("X-Slack-Signature", Sign(secret, stamp, body))
}
