package api

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/internal/problem"
	"toban/oncall"
	"toban/store"
)

// keyHeader names a request, so that its repetition finds the first one's answer.
const keyHeader = "Idempotency-Key"

const (
	maxIdempotencyKey = 255
	// answerWithin is longer than any request may take: whoever was at one that
	// old has ended without a word, and a repetition is a new try.
	answerWithin = 90 * time.Second
	runWithin    = 60 * time.Second
	// maxReply is how long an answer may be that is kept.
	maxReply = 1 << 20
)

var (
	errKey       = &oncall.Error{Kind: oncall.Invalid, Code: "request.key", Message: "an Idempotency-Key has 1 to 255 visible characters", Field: "/" + keyHeader}
	errKeyReused = &oncall.Error{Kind: oncall.Invalid, Code: "request.key_reused", Message: "another request had this Idempotency-Key; give each one its own", Field: "/" + keyHeader}
	errUnderWay  = &oncall.Error{Kind: oncall.Conflict, Code: "request.under_way", Message: "the same request is under way; ask again as Retry-After says"}
	errTooLarge  = &oncall.Error{Kind: oncall.TooLarge, Code: "request.too_large", Message: "the body is larger than this operation takes"}
)

// once runs an operation. A request that changes something and has a key is run
// once: its repetitions, on any node and after a restart, get the first one's
// answer for a day.
func (a *API) once(w http.ResponseWriter, r *http.Request, p access.Principal, op *huma.Operation) {
	keys := r.Header.Values(keyHeader)
	if len(keys) == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead {
		a.mux.ServeHTTP(w, r)
		return
	}
	if len(keys) > 1 || !visible(keys[0]) {
		a.refuse(w, r, errKey)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) > limitOf(op) {
		a.refuse(w, r, errTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	name, seal := a.vault.names(identity(p), keys[0])
	// A client that goes away does not end what it began: its repetition is to
	// find an answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), runWithin)
	defer cancel()
	r = r.WithContext(ctx)
	var reply store.Reply
	var taken bool
	asked := fingerprint(r, body)
	err = a.o.DB.Tx(ctx, func(tx *store.Tx) (err error) {
		reply, taken, err = tx.TakeReply(ctx, name, asked, answerWithin)
		return err
	})
	switch {
	case err != nil:
		a.refuse(w, r, err)
	case taken:
		a.answer(w, r, reply, seal)
	case reply.Request != asked:
		doc := problem.Of(errKeyReused)
		doc.Status, doc.Title = http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
		problem.Send(w, r, doc)
	case reply.Status == 0:
		w.Header().Set("Retry-After", "1")
		a.refuse(w, r, errUnderWay)
	default:
		a.repeat(w, r, reply, seal)
	}
}

// answer runs the operation and keeps what it says, if that is final.
func (a *API) answer(w http.ResponseWriter, r *http.Request, reply store.Reply, seal []byte) {
	ctx := context.WithoutCancel(r.Context()) // what took too long is given back all the same
	said := &recorder{header: http.Header{}, status: http.StatusOK}
	settled := false
	settle := func(f func(*store.Tx) error) {
		settled = true
		if err := a.o.DB.Tx(ctx, f); err != nil {
			a.o.Log.WarnContext(ctx, "an answer with an idempotency key was not kept", "err", err)
		}
	}
	defer func() {
		if !settled { // the operation panicked
			settle(func(tx *store.Tx) error { return tx.DropReply(ctx, reply) })
		}
	}()
	a.mux.ServeHTTP(said, r)
	reply.Status = said.status
	if final(said.status) && said.body.Len() <= maxReply {
		reply.Body = sealed(seal, said.body.Bytes())
		settle(func(tx *store.Tx) error { return tx.KeepReply(ctx, reply) })
	} else {
		settle(func(tx *store.Tx) error { return tx.DropReply(ctx, reply) })
	}
	maps.Copy(w.Header(), said.header)
	w.WriteHeader(said.status)
	_, _ = w.Write(said.body.Bytes()) // who has gone asks again with the same key
}

// repeat gives the answer of the first time.
func (a *API) repeat(w http.ResponseWriter, r *http.Request, reply store.Reply, seal []byte) {
	body, err := opened(seal, reply.Body)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Idempotency-Replayed", "true")
	switch {
	case len(body) == 0:
	case reply.Status >= http.StatusBadRequest:
		h.Set("Content-Type", problemType)
	default:
		h.Set("Content-Type", "application/json")
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write(body)
}

// final reports whether an answer would be the same the next time. What may go
// well in a moment is tried again.
func final(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 200 && status < 300 || status >= 400 && status < 500
}

func visible(key string) bool {
	if key == "" || len(key) > maxIdempotencyKey {
		return false
	}
	for i := range len(key) {
		if key[i] < 0x21 || key[i] > 0x7e {
			return false
		}
	}
	return true
}

// fingerprint is what a request asks for.
func fingerprint(r *http.Request, body []byte) string {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// recorder holds an answer back until it is kept.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.wrote = true
	return w.body.Write(p)
}

// vault makes names and keys for what is kept of answers. An answer may hold a
// secret that is shown once: it can be read by who repeats the request, and not
// in the store.
type vault struct{ naming, sealing []byte }

func newVault(key []byte) vault {
	derive := func(purpose string) []byte {
		own, err := hkdf.Key(sha256.New, key, nil, purpose, sha256.Size)
		if err != nil { // only a length that is no constant's
			panic(err)
		}
		return own
	}
	return vault{derive("toban reply name 1"), derive("toban reply seal 1")}
}

func (v vault) names(who, key string) (name string, seal []byte) {
	mac := func(with []byte) []byte {
		m := hmac.New(sha256.New, with)
		m.Write([]byte(who))
		m.Write([]byte{0})
		m.Write([]byte(key))
		return m.Sum(nil)
	}
	return hex.EncodeToString(mac(v.naming)), mac(v.sealing)
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func sealed(key, body []byte) string {
	if len(body) == 0 {
		return ""
	}
	c, err := gcm(key)
	if err != nil { // only a key of another length
		panic(err)
	}
	nonce := make([]byte, c.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return base64.StdEncoding.EncodeToString(c.Seal(nonce, nonce, body, nil))
}

// errForeign is returned for an answer that was sealed with another key.
var errForeign = errors.New("a kept answer does not open with this installation's key")

func opened(key []byte, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errForeign
	}
	c, err := gcm(key)
	if err != nil {
		return nil, err
	}
	if len(raw) < c.NonceSize() {
		return nil, errForeign
	}
	body, err := c.Open(nil, raw[:c.NonceSize()], raw[c.NonceSize():], nil)
	if err != nil {
		return nil, errForeign
	}
	return body, nil
}
