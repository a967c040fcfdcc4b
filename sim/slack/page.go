package slack

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed chat.html
var chatHTML string

// newPage reads the templates; they are part of the program, so they parse.
func (s *Server) newPage() *template.Template {
	return template.Must(template.New("chat").Funcs(template.FuncMap{
		"clock": func(t time.Time) string { return t.In(s.options.Zone).Format("15:04:05") },
		"day":   func(t time.Time) string { return t.In(s.options.Zone).Format("2006-01-02 15:04:05") },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	}).Parse(chatHTML))
}

// page answers GET /sim/slack/.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := s.drawing().ExecuteTemplate(&b, "page", s.view(s.asked(r))); err != nil {
		http.Error(w, "the page can't be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'")
	_, _ = w.Write(b.Bytes()) // the browser went away: nothing is left to do
}

const maxStreams = 64

// live answers GET /sim/slack/live: an event with the drawn chat at every
// change, and a comment every 15 s.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.streams >= maxStreams || s.closed {
		s.mu.Unlock()
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	s.streams++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.streams--
		s.mu.Unlock()
	}()
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // a stream outlives a server's time-out, where there is one
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	a, tmpl := s.asked(r), s.drawing()
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	sent := ""
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		var b bytes.Buffer
		if err := tmpl.ExecuteTemplate(&b, "chat", s.view(a)); err != nil {
			return
		}
		if drawn := b.String(); drawn != sent {
			sent = drawn
			if _, err := fmt.Fprintf(w, "event: patch\ndata: %s\n\n", strings.ReplaceAll(drawn, "\n", "\ndata: ")); err != nil || out.Flush() != nil {
				return
			}
		}
		for waiting := true; waiting; {
			select {
			case <-changed:
				waiting = false
			case <-alive.C:
				if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil || out.Flush() != nil {
					return
				}
			case <-r.Context().Done():
				return
			case <-s.ctx.Done():
				return
			}
		}
		// A storm of changes is drawn ten times a second, not each.
		if !rest(r.Context(), 100*time.Millisecond) {
			return
		}
	}
}

// clickForm presses a button of the page. That the app did not answer is no
// error of this request: the page says it below the message.
func (s *Server) clickForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if _, err := s.interact(r.PostFormValue("channel"), r.PostFormValue("ts"), r.PostFormValue("action"), r.PostFormValue("as"), r.PostFormValue("value")); err != nil {
		s.back(w, r, http.StatusConflict, err.Error())
		return
	}
	s.back(w, r, 0, "")
}

// postForm posts what was typed.
func (s *Server) postForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if _, err := s.Post(r.PostFormValue("as"), r.PostFormValue("channel"), r.PostFormValue("text")); err != nil {
		s.back(w, r, http.StatusConflict, err.Error())
		return
	}
	s.back(w, r, 0, "")
}

// back shows the page again, which says what is the case; a script gets a
// status and words.
func (s *Server) back(w http.ResponseWriter, r *http.Request, status int, problem string) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		if status != 0 {
			http.Error(w, problem, status)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	q := url.Values{}
	for _, name := range []string{"channel", "as", "lang", "embed"} {
		if v := r.PostFormValue(name); v != "" {
			q.Set(name, v)
		}
	}
	w.Header().Set("Location", "./?"+q.Encode()) // relative: the server may be mounted anywhere
	w.WriteHeader(http.StatusSeeOther)
}
