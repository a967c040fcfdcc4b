package twilio

import (
	"context"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// source is where a document comes from.
type source struct {
	webhook
	inline   string
	extra    url.Values // told besides the usual
	fallback bool       // what is played when another document failed
}

// maxDocuments ends a call whose documents send it round in circles.
const maxDocuments = 200

// apology is what the real service says when a document can't be played.
const apology = "We are sorry, an application error has occurred. Goodbye."

// talk plays documents until the call is over.
func (l *leg) talk() {
	if l.params.detection != "" {
		if !l.params.async {
			if !l.detect(l.ctx) {
				return
			}
		} else {
			l.s.work.Go(func() { l.detect(l.ctx) })
		}
	}
	l.dialDigits()
	src := l.params.program
	for played := 0; l.ctx.Err() == nil; played++ {
		if played == maxDocuments {
			l.remark(Note{Code: 11215, Text: "the call was redirected too often"})
			l.end(StatusCompleted, 200)
			return
		}
		ctx, cancel := context.WithCancel(l.ctx)
		l.s.mu.Lock()
		l.interrupt = cancel
		l.s.mu.Unlock()
		next := l.play(ctx, src)
		cancel()
		l.s.mu.Lock()
		if l.swap != nil {
			next, l.swap = l.swap, nil
		}
		if next == nil {
			l.finish(StatusCompleted, 200)
		}
		l.s.mu.Unlock()
		if next == nil {
			return
		}
		src = *next
	}
}

// dialDigits sends SendDigits: half a second for w, a second for W.
func (l *leg) dialDigits() {
	for _, key := range l.params.sendDigits {
		switch key {
		case 'w':
			l.rest(l.ctx, 500*time.Millisecond)
		case 'W':
			l.rest(l.ctx, time.Second)
		}
	}
}

// play fetches and plays one document, and returns the one that follows; nil
// means that nothing does.
func (l *leg) play(ctx context.Context, src source) *source {
	doc, at, failed := l.document(ctx, src)
	if ctx.Err() != nil {
		return nil
	}
	if failed == nil {
		l.s.mu.Lock()
		for _, w := range doc.warnings {
			w.URL, w.Method = at, src.method
			l.add(w)
		}
		if !l.heard {
			l.heard = true
			close(l.hearing)
		}
		l.s.mu.Unlock()
		var next *source
		if next, failed = l.perform(ctx, doc, src.webhook, at); failed == nil {
			return next
		}
	}
	l.remark(*failed)
	if fallback := l.fallback(); fallback.url != "" && !src.fallback {
		fallback.extra = url.Values{"ErrorCode": {strconv.Itoa(failed.Code)}, "ErrorUrl": {at}}
		return &fallback
	}
	l.speak(ctx, Line{Kind: "say", Language: "en-US", Text: apology}, 0)
	return nil
}

func (l *leg) fallback() source {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.params.fallback
}

// document gets a document; at is the address it came from.
func (l *leg) document(ctx context.Context, src source) (doc document, at string, failed *Note) {
	if src.url == "" {
		doc, failed = parseTwiML([]byte(src.inline))
		return doc, "", failed
	}
	got, failed := l.ask(ctx, src)
	if failed != nil {
		return doc, got.url, failed
	}
	kind, _, err := mime.ParseMediaType(got.contentType)
	if err != nil || kind != "text/xml" && kind != "application/xml" {
		return doc, got.url, &Note{Code: 12300, Text: "Invalid Content-Type: " + got.contentType, URL: got.url, Method: src.method}
	}
	if doc, failed = parseTwiML(got.body); failed != nil {
		failed.URL, failed.Method = got.url, src.method
	}
	return doc, got.url, failed
}

// ask requests a document, with what befalls such requests.
func (l *leg) ask(ctx context.Context, src source) (reply, *Note) {
	l.s.mu.Lock()
	form := l.form(string(StatusInProgress))
	l.s.mu.Unlock()
	maps.Copy(form, src.extra)
	out := l.outgoing("voice", src.webhook, form)
	if late, ok := l.script.befalls("voice", "late"); ok && !l.rest(ctx, time.Duration(late.By)) {
		return reply{}, &Note{Code: 11200, Text: "HTTP retrieval failure: the call has ended"}
	}
	if again, ok := l.script.befalls("voice", "duplicate"); ok {
		l.s.work.Go(func() {
			if l.rest(l.s.ctx, time.Duration(again.By)) {
				_, _ = l.s.send(l.s.ctx, out) // the answer to the first one counts
			}
		})
	}
	return l.s.send(ctx, out)
}

// perform plays the verbs of a document.
func (l *leg) perform(ctx context.Context, doc document, from webhook, at string) (*source, *Note) {
	for _, v := range doc.verbs {
		if ctx.Err() != nil {
			return nil, nil
		}
		switch v.name {
		case "Say", "Play", "Pause":
			l.sound(ctx, v, false)
		case "Gather":
			result, heard := l.gather(ctx, v)
			if !heard {
				continue
			}
			next, failed := follow(v.attrs["action"], v.attrs["method"], from, at)
			if failed == nil {
				next.extra = result
			}
			return next, failed
		case "Redirect":
			return follow(v.text, v.attrs["method"], from, at)
		case "Reject":
			l.remark(Note{Code: schemaWarning, Warning: true, Text: "<Reject> is for incoming calls only"})
			return nil, nil
		case "Hangup":
			return nil, nil
		}
	}
	return nil, nil
}

// follow resolves the address of the next document; an empty one is the
// document itself.
func follow(address, method string, from webhook, at string) (*source, *Note) {
	if method == "" {
		method = http.MethodPost
	}
	if address == "" && at != "" {
		return &source{webhook: webhook{from.url, method}}, nil
	}
	base, err := url.Parse(at)
	if err == nil {
		var u *url.URL
		if u, err = base.Parse(strings.TrimSpace(address)); err == nil && isWebURL(u.String()) {
			return &source{webhook: webhook{u.String(), method}}, nil
		}
	}
	return nil, &Note{Code: 11100, Text: "Invalid URL format: " + address, URL: at}
}

// sound plays a Say, Play or Pause; true means that a key cut it short, which
// only happens when bargeIn allows it.
func (l *leg) sound(ctx context.Context, v verb, bargeIn bool) (cut bool) {
	line := Line{Kind: strings.ToLower(v.name), Text: v.text}
	var takes time.Duration
	switch v.name {
	case "Pause":
		takes = time.Duration(number(v.attrs["length"], 1)) * time.Second
	case "Play":
		takes = 5 * time.Second
		if digits := v.attrs["digits"]; digits != "" {
			line.Text, takes = digits, time.Duration(len(digits))*200*time.Millisecond
		}
	case "Say":
		line.Language, line.Voice = v.attrs["language"], v.attrs["voice"]
		if line.Language == "" {
			line.Language = "en-US"
			if polly, ok := pollyVoices[strings.TrimSuffix(strings.TrimPrefix(line.Voice, "Polly."), "-Neural")]; ok {
				line.Language = polly.language
			}
		}
		takes = v.breaks + l.s.options.Speech(line.Language, v.text)
	}
	times := number(v.attrs["loop"], 1)
	if times == 0 {
		times = 1000 // documented as the most there is
	}
	for range times {
		if cut = l.spend(ctx, line, takes, bargeIn); cut || ctx.Err() != nil {
			return cut
		}
	}
	return false
}

// speak says a line that nothing interrupts; 0 means as long as it takes.
func (l *leg) speak(ctx context.Context, line Line, takes time.Duration) {
	if takes == 0 {
		takes = l.s.options.Speech(line.Language, line.Text)
	}
	l.spend(ctx, line, takes, false)
}

// spend writes the line and lets its time pass.
func (l *leg) spend(ctx context.Context, line Line, takes time.Duration, bargeIn bool) (cut bool) {
	l.s.mu.Lock()
	if bargeIn && l.keys != "" { // pressed between two lines
		l.s.mu.Unlock()
		return true
	}
	i := l.write(line)
	l.s.mu.Unlock()
	var key <-chan struct{}
	if bargeIn {
		key = l.keyed
	}
	t := time.NewTimer(l.s.pace(max(takes, time.Millisecond)))
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-ctx.Done():
	case <-key:
		cut = true
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if i >= 0 {
		l.transcript[i].Cut = true
		l.s.touch()
	}
	return cut
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return otherwise
}
