package slack

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// result is what a method answers, with "ok".
type result map[string]any

func fine(r result) result {
	if r == nil {
		r = result{}
	}
	r["ok"] = true
	return r
}

func refuse(code string) result { return result{"ok": false, "error": code} }

// refuseBecause names what is wrong, as invalid_blocks and invalid_arguments do.
func refuseBecause(code string, messages ...string) result {
	r := refuse(code)
	r["response_metadata"] = map[string]any{"messages": messages}
	return r
}

func missing(name string) result {
	return refuseBecause("invalid_arguments", "[ERROR] missing required field: "+name)
}

// code is the error of a refusal, or empty.
func (r result) code() string {
	code, _ := r["error"].(string)
	return code
}

// warn adds a warning to an answer.
func (r result) warn(code string) {
	r["warning"] = code
	meta, _ := r["response_metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		r["response_metadata"] = meta
	}
	meta["warnings"] = []string{code}
}

// cursor tells where the next page begins; empty on the last.
func (r result) cursor(next string) result {
	r["response_metadata"] = map[string]any{"next_cursor": next}
	return r
}

// answer is what goes over the wire.
type answer struct {
	status     int
	body       result
	html       string // instead of body: what a broken front end says
	retryAfter int    // seconds
	drop       bool   // cut the connection instead
}

func (a answer) write(w http.ResponseWriter) {
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	if a.html != "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.html)) // the client went away: nothing is left to do
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

// tooMany is the answer to who asks too fast.
func tooMany(seconds int) answer {
	return answer{status: http.StatusTooManyRequests, body: refuse("ratelimited"), retryAfter: max(1, seconds)}
}
