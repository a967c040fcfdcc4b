package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"toban/web/view"
)

// note is what is said once on the next page. It travels in a cookie that lives
// for as long as a redirect takes.
type note struct {
	Kind   string   `json:"k"` // "ok", "info", "warn"
	Key    string   `json:"t"` // of a text below "flash."
	Places []string `json:"p,omitempty"`
	Undo   string   `json:"u,omitempty"` // path that takes it back
}

const (
	cookieFlash = "toban_flash"
	flashLife   = time.Minute
	maxFlash    = 1500 // bytes: a cookie has room for no more
)

// say shows a text on the page that the reader comes to next.
func (s *request) say(w http.ResponseWriter, n note) {
	body, err := json.Marshal(n)
	if err != nil || len(body) > maxFlash {
		return // it was done; saying so is not worth an error
	}
	s.web.setCookie(w, cookieFlash, base64.RawURLEncoding.EncodeToString(body), flashLife)
}

// takeFlash returns what is to be said, once; nil for nothing.
func (a *Web) takeFlash(w http.ResponseWriter, r *http.Request) *note {
	value := cookie(r, cookieFlash)
	if value == "" {
		return nil
	}
	a.setCookie(w, cookieFlash, "", -1)
	var n note
	body, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || json.Unmarshal(body, &n) != nil || !strings.HasPrefix(n.Key, "flash.") {
		return nil
	}
	return &n
}

// flash is what is to be said, in words.
func (s *request) flash() *view.Flash {
	n := s.note
	if n == nil {
		return nil
	}
	f := &view.Flash{Kind: n.Kind, Text: s.t(n.Key, n.Places...)}
	if n.Undo != "" && local(n.Undo) == n.Undo {
		f.Undo = &view.Action{Label: s.t("act.undo"), Path: n.Undo, Icon: "undo"}
	}
	return f
}
