package twilio

import (
	"context"
	"time"
)

// live leads a call from the queue to its end. It returns early when somebody
// else has ended the call, or the server closes.
func (l *leg) live() {
	if !rest(l.ctx, time.Until(l.slot)) || !l.dial() {
		return
	}
	if !l.rest(l.ctx, l.s.options.DialTime) {
		return
	}
	switch l.script.Outcome {
	case "failed":
		if l.rest(l.ctx, time.Duration(l.script.After)) {
			l.end(StatusFailed, or(l.script.SIP, 404))
		}
		return
	case "busy":
		if l.rest(l.ctx, time.Duration(l.script.After)) {
			l.end(StatusBusy, or(l.script.SIP, 486))
		}
		return
	}
	if !l.ring() || !l.awaitAnswer() {
		return
	}
	l.s.work.Go(l.person)
	limit := time.NewTimer(l.s.pace(l.params.timeLimit))
	defer limit.Stop()
	talk := make(chan struct{})
	l.s.work.Go(func() { defer close(talk); l.talk() })
	select {
	case <-limit.C:
		l.end(StatusCompleted, 200)
	case <-talk:
	case <-l.ctx.Done():
	}
	<-talk
}

// rest waits for simulated time.
func (l *leg) rest(ctx context.Context, d time.Duration) bool { return rest(ctx, l.s.pace(d)) }

// awaitAnswer rings until somebody answers (true), or the call has ended.
func (l *leg) awaitAnswer() bool {
	wait, outcome := l.params.timeout, l.script.Outcome
	switch outcome {
	case "answer", "voicemail", "decline":
		if after := time.Duration(l.script.After); after < wait {
			wait = after
		} else {
			outcome = "no-answer" // the call gives up first
		}
	default:
		outcome = "no-answer"
	}
	t := time.NewTimer(l.s.pace(wait))
	defer t.Stop()
	select {
	case <-l.pickedUp:
		return true
	case <-l.ctx.Done():
		return false
	case <-t.C:
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	switch {
	case l.status != StatusRinging: // somebody was quicker
	case outcome == "decline":
		l.decline()
	case outcome == "no-answer":
		l.finish(StatusNoAnswer, or(l.script.SIP, 487))
	default:
		_ = l.pickUp() // it rings: checked above
	}
	return l.status == StatusInProgress
}

// decline ends a ringing call as carriers tell it. s.mu is held.
func (l *leg) decline() {
	as := l.script.As
	if as == "" {
		as = StatusBusy
	}
	l.finish(as, or(l.script.SIP, 603))
}

// How long machine detection takes, and what a voicemail is like.
const (
	humanDetection   = 1200 * time.Millisecond
	machineDetection = 3420 * time.Millisecond
	greetingTime     = 6 * time.Second
	voicemailTime    = time.Minute
)

// person is whoever answered: it presses the script's keys and hangs up. Keys
// are counted from the first words, because people press what they are asked.
func (l *leg) person() {
	stay := time.Duration(l.script.HangUp)
	if l.script.Outcome == "voicemail" {
		l.speak(l.ctx, Line{Kind: "machine", Language: "ja-JP", Text: "ただいま電話に出ることができません。発信音のあとにメッセージをどうぞ。"}, 0)
		if stay == 0 {
			stay = voicemailTime
		}
	}
	select {
	case <-l.hearing:
	case <-l.ctx.Done():
		return
	}
	for _, k := range l.script.Keys {
		if !l.rest(l.ctx, time.Duration(k.After)) {
			return
		}
		l.s.mu.Lock()
		_ = l.press(k.Digits) // the call has just ended: the key is too late
		l.s.mu.Unlock()
	}
	if stay > 0 && l.rest(l.ctx, stay) {
		l.end(StatusCompleted, 200)
	}
}

// detect is machine detection: what answered, known after a while.
func (l *leg) detect(ctx context.Context) bool {
	machine := l.script.Outcome == "voicemail"
	by, takes := "human", humanDetection
	switch {
	case machine && l.params.detection == "DetectMessageEnd":
		by, takes = "machine_end_beep", greetingTime
	case machine:
		by, takes = "machine_start", machineDetection
	}
	if l.script.AnsweredBy != "" {
		by = l.script.AnsweredBy
	}
	if takes > l.params.detectionLimit {
		by, takes = "unknown", l.params.detectionLimit
	}
	if !l.rest(ctx, takes) {
		return false
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.answeredBy, l.detection = by, takes
	l.updated = time.Now()
	if l.params.async && l.params.asyncCallback.url != "" {
		l.postDetection()
	}
	l.s.touch()
	return true
}

func or(n, otherwise int) int {
	if n != 0 {
		return n
	}
	return otherwise
}
