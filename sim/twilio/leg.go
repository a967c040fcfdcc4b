package twilio

import (
	"context"
	"slices"
	"time"
)

// Status is the state of a call as the REST API tells it.
type Status string

// The states of a call; the last five are ends.
const (
	StatusQueued     Status = "queued"
	StatusRinging    Status = "ringing"
	StatusInProgress Status = "in-progress"
	StatusCompleted  Status = "completed"
	StatusBusy       Status = "busy"
	StatusFailed     Status = "failed"
	StatusNoAnswer   Status = "no-answer"
	StatusCanceled   Status = "canceled"
)

var statuses = []Status{
	StatusQueued, StatusRinging, StatusInProgress,
	StatusCompleted, StatusBusy, StatusFailed, StatusNoAnswer, StatusCanceled,
}

// Ended says that nothing follows.
func (s Status) Ended() bool { return slices.Index(statuses, s) >= 3 }

// Live says that the phone rings or is held to an ear.
func (s Status) Live() bool { return s == StatusRinging || s == StatusInProgress }

// leg is one call from its request to its last callback. Two goroutines work
// for it: live leads it through its life, deliver sends its callbacks. Whoever
// holds s.mu may end it, and live notices by ctx.
type leg struct {
	s       *Server
	account *account
	sid     string
	params  params
	script  Script
	slot    time.Time // when the account's queue lets it out

	ctx      context.Context // ends when the call does
	over     context.CancelFunc
	pickedUp chan struct{} // closed when somebody answers
	hearing  chan struct{} // closed at the first words
	keyed    chan struct{} // a key was pressed
	mail     chan struct{} // there is something to deliver, or it is the end

	// Guarded by s.mu:
	status           Status
	created, updated time.Time
	dialed, rung     time.Time
	answered, ended  time.Time
	engaged          bool // the phone had another call
	sip              int
	answeredBy       string
	detection        time.Duration // how long finding that out took
	listening        bool          // a Gather runs
	keys             string        // pressed for it and not yet taken
	heard            bool
	interrupt        context.CancelFunc // of the document being played
	swap             *source            // what to play instead
	transcript       []Line
	notes            []Note
	sequence         int
	outbox           []post
}

// finish ends the call. s.mu is held.
func (l *leg) finish(end Status, sip int) {
	if l.status.Ended() {
		return
	}
	l.status, l.sip = end, sip
	l.ended = time.Now()
	l.updated = l.ended
	l.progress("completed", string(end))
	l.over()
	l.s.touch()
}

// end is finish for those who don't hold s.mu.
func (l *leg) end(end Status, sip int) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.finish(end, sip)
}

// dial takes the call out of the queue; false means that it has ended there.
func (l *leg) dial() bool {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.status != StatusQueued {
		return false
	}
	l.dialed = time.Now()
	l.updated = l.dialed
	l.progress("initiated", "initiated")
	l.s.touch()
	return true
}

// ring reaches the phone. A phone that has another call is engaged.
func (l *leg) ring() bool {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.status != StatusQueued {
		return false
	}
	if other := l.s.liveLeg(l.params.to); other != nil {
		l.engaged = true
		l.finish(StatusBusy, 486)
		return false
	}
	l.status, l.rung = StatusRinging, time.Now()
	l.updated = l.rung
	l.progress("ringing", string(StatusRinging))
	l.s.touch()
	return true
}

// pickUp answers a ringing call. s.mu is held.
func (l *leg) pickUp() error {
	if l.status != StatusRinging {
		return ErrNotRinging
	}
	l.status, l.answered = StatusInProgress, time.Now()
	l.updated = l.answered
	l.progress("answered", string(StatusInProgress))
	close(l.pickedUp)
	l.s.touch()
	return nil
}

// redirect lets the call go on with another document. s.mu is held.
func (l *leg) redirect(p params) {
	l.swap = &p.program
	if p.fallback.url != "" {
		l.params.fallback = p.fallback
	}
	if l.interrupt != nil {
		l.interrupt()
	}
	l.updated = time.Now()
	l.s.touch()
}

// press gives keys to the Gather that listens; nobody hears them otherwise.
// s.mu is held.
func (l *leg) press(digits string) error {
	if l.status != StatusInProgress {
		return ErrNoCall
	}
	l.write(Line{Kind: "key", Text: digits, Unheard: !l.listening})
	if l.listening {
		l.keys += digits
		select {
		case l.keyed <- struct{}{}:
		default: // a press is already being looked at
		}
	}
	l.s.touch()
	return nil
}
