package twilio

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

//go:embed phones.html
var phonesHTML string

// newPage reads the templates; they are part of the program, so they parse.
func (s *Server) newPage() *template.Template {
	return template.Must(template.New("phones").Funcs(template.FuncMap{
		"clock":  func(t time.Time) string { return t.In(s.options.Zone).Format("15:04:05") },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"lineOf": func(v phoneView, l Line) lineView { return lineView{v.Words, l} },
		"button": func(v phoneView, name string, on bool) buttonView { return buttonView{v, name, on} },
		"langOf": func(code string) string { l, _, _ := strings.Cut(code, "-"); return l },
	}).Parse(phonesHTML))
}

// pageView is what the templates are given.
type pageView struct {
	Language string
	Words    map[string]string
	Phones   []phoneView
	Embed    bool   // within another page: the phones alone, the quiet ones small
	Only     string // the one phone that was asked for; "" = all
	Query    string // of the stream, so that it draws the same
}

type phoneView struct {
	PhoneState
	Words   map[string]string
	Lang    string
	Embed   bool
	Only    string
	Ringing bool
	Talking bool
	Keys    []string
	History []Call
}

type lineView struct {
	Words map[string]string
	Line  Line
}

type buttonView struct {
	phoneView
	Name string // answer, decline, hangup
	On   bool
}

var keypad = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"}

// ID is the phone's element on the page.
func (v phoneView) ID() string { return "phone-" + strings.TrimPrefix(v.Number, "+") }

// State is the phone's state in words.
func (v phoneView) State() string {
	switch {
	case v.Ringing:
		return v.Words["ringing"]
	case v.Talking:
		return v.Words["talking"]
	default:
		return v.Words["idle"]
	}
}

// End is how a call ended, in words.
func (v phoneView) End(c Call) string {
	if word, ok := v.Words["end."+string(c.Status)]; ok {
		return word
	}
	return string(c.Status)
}

// view is what r asks for: all phones, or ?only=+819000000001; ?embed=1 for the
// inside of another page.
func (s *Server) view(r *http.Request) pageView {
	language, only := languageOf(r), r.URL.Query().Get("only")
	v := pageView{Language: language, Words: words[language], Embed: r.URL.Query().Has("embed"), Only: only}
	q := url.Values{"lang": {language}}
	if only != "" {
		q.Set("only", only)
	}
	if v.Embed {
		q.Set("embed", "1")
	}
	v.Query = q.Encode()
	for _, p := range s.Phones() {
		if only != "" && p.Number != only {
			continue
		}
		v.Phones = append(v.Phones, phoneView{
			PhoneState: p, Words: v.Words, Lang: language, Embed: v.Embed, Only: only, Keys: keypad, History: p.history,
			Ringing: p.Live != nil && p.Live.Status == StatusRinging,
			Talking: p.Live != nil && p.Live.Status == StatusInProgress,
		})
	}
	return v
}

// page answers GET /sim/phones.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := s.newPage().ExecuteTemplate(&b, "page", s.view(r)); err != nil {
		http.Error(w, "the page can't be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'")
	_, _ = w.Write(b.Bytes()) // the browser went away: nothing is left to do
}

const maxStreams = 64

// live answers GET /sim/twilio/live: an event with the phones' HTML at every
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
	tmpl := s.newPage()
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		var b bytes.Buffer
		if err := tmpl.ExecuteTemplate(&b, "phones", s.view(r)); err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "event: patch\ndata: %s\n\n", strings.ReplaceAll(b.String(), "\n", "\ndata: ")); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
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

// languageOf is ja or en: as asked for by ?lang, else the browser's first.
func languageOf(r *http.Request) string {
	if asked := r.URL.Query().Get("lang"); words[asked] != nil {
		return asked
	}
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "ja") {
		return "ja"
	}
	return "en"
}
