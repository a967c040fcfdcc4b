package twilio

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Call is what has happened to a call so far.
type Call struct {
	SID        string        `json:"sid"`
	To         string        `json:"to"`
	From       string        `json:"from"`
	URL        string        `json:"url,omitempty"` // of its TwiML, as it was asked for
	Status     Status        `json:"status"`
	Arrived    time.Time     `json:"arrived"`         // of the request
	Dialed     time.Time     `json:"dialed,omitzero"` // left the queue
	Rung       time.Time     `json:"rung,omitzero"`   // the phone began to ring
	Answered   time.Time     `json:"answered,omitzero"`
	Ended      time.Time     `json:"ended,omitzero"`
	QueueTime  time.Duration `json:"queue_time_ns,omitempty"`
	SIP        int           `json:"sip,omitempty"` // response code of its end
	AnsweredBy string        `json:"answered_by,omitempty"`
	Engaged    bool          `json:"engaged,omitempty"`   // busy, because this phone had another call
	Listening  bool          `json:"listening,omitempty"` // keys are heard
	Transcript []Line        `json:"transcript,omitempty"`
	Notes      []Note        `json:"notes,omitempty"`
}

// Line is something that was said, played or pressed.
type Line struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"` // say, play, pause, key, machine (what a voicemail says)
	Language string    `json:"language,omitempty"`
	Voice    string    `json:"voice,omitempty"`
	Text     string    `json:"text,omitempty"`
	Cut      bool      `json:"cut,omitempty"`     // a key or the end came before the last word
	Unheard  bool      `json:"unheard,omitempty"` // a key that no Gather listened to
}

// Note is a problem that the provider tells of a call, with its code.
type Note struct {
	At      time.Time `json:"at"`
	CallSID string    `json:"call_sid"`
	Code    int       `json:"code"`
	Warning bool      `json:"warning,omitempty"` // the call went on
	Text    string    `json:"text"`
	URL     string    `json:"url,omitempty"` // of the request that was the cause
	Method  string    `json:"method,omitempty"`
}

func (n Note) String() string { return fmt.Sprintf("%d %s", n.Code, n.Text) }

// Said is all that was spoken to the phone, a line each.
func (c Call) Said() string {
	var said []string
	for _, l := range c.Transcript {
		if l.Kind == "say" {
			said = append(said, l.Text)
		}
	}
	return strings.Join(said, "\n")
}

// Keys are all keys that were pressed and heard.
func (c Call) Keys() string {
	var keys strings.Builder
	for _, l := range c.Transcript {
		if l.Kind == "key" && !l.Unheard {
			keys.WriteString(l.Text)
		}
	}
	return keys.String()
}

// Calls returns all calls, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Call, len(s.legs))
	for i, l := range s.legs {
		out[i] = l.call()
	}
	return out
}

// Notes returns every problem of every call, in the order of the calls: an
// honest client of the provider has none.
func (s *Server) Notes() []Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Note
	for _, l := range s.legs {
		out = append(out, l.notes...)
	}
	return out
}

// call is the leg as a value. s.mu is held.
func (l *leg) call() Call {
	return Call{
		SID: l.sid, To: l.params.to, From: l.params.from, URL: l.params.program.url, Status: l.status,
		Arrived: l.created, Dialed: l.dialed, Rung: l.rung, Answered: l.answered, Ended: l.ended,
		QueueTime: l.slot.Sub(l.created), SIP: l.sip, AnsweredBy: l.answeredBy,
		Engaged: l.engaged, Listening: l.listening && l.status == StatusInProgress,
		Transcript: slices.Clone(l.transcript), Notes: slices.Clone(l.notes),
	}
}

const (
	maxLines = 500
	maxNotes = 100
)

// write adds a line and returns its index, or -1 when there are too many.
// s.mu is held.
func (l *leg) write(line Line) int {
	if len(l.transcript) >= maxLines {
		return -1
	}
	line.At = time.Now()
	l.transcript = append(l.transcript, line)
	l.s.touch()
	return len(l.transcript) - 1
}

// note records a warning. s.mu is held.
func (l *leg) note(code int, format string, args ...any) {
	l.add(Note{Code: code, Warning: true, Text: fmt.Sprintf(format, args...)})
}

// add records a note. s.mu is held.
func (l *leg) add(n Note) {
	if len(l.notes) >= maxNotes {
		return
	}
	n.At, n.CallSID = time.Now(), l.sid
	l.notes = append(l.notes, n)
	l.s.touch()
}

// remark is add for those who don't hold s.mu.
func (l *leg) remark(notes ...Note) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	for _, n := range notes {
		l.add(n)
	}
}
