package twilio

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// post is a callback waiting to be delivered.
type post struct {
	webhook
	on   string // as a CallbackFault names it
	form url.Values
}

// progress puts a step of the call's life into its outbox, if it was asked for.
// s.mu is held.
func (l *leg) progress(event, status string) {
	defer l.signal()
	if l.params.status.url == "" || !slices.Contains(l.params.events, event) {
		return
	}
	form := l.form(status)
	form.Set("CallbackSource", "call-progress-events")
	form.Set("SequenceNumber", strconv.Itoa(l.sequence))
	form.Set("Timestamp", time.Now().UTC().Format(time.RFC1123Z))
	if event == "completed" {
		seconds, minutes := l.duration()
		form.Set("CallDuration", strconv.Itoa(seconds))
		form.Set("Duration", strconv.Itoa(minutes))
		form.Set("SipResponseCode", strconv.Itoa(l.sip))
	}
	l.sequence++
	l.outbox = append(l.outbox, post{l.params.status, event, form})
}

// postDetection tells what machine detection has found. s.mu is held.
func (l *leg) postDetection() {
	form := url.Values{
		"CallSid": {l.sid}, "AccountSid": {l.account.SID}, "AnsweredBy": {l.answeredBy},
		"MachineDetectionDuration": {strconv.FormatInt(l.detection.Milliseconds(), 10)},
	}
	l.outbox = append(l.outbox, post{l.params.asyncCallback, "amd", form})
	l.signal()
}

func (l *leg) signal() {
	select {
	case l.mail <- struct{}{}:
	default:
	}
}

// form is what every request about the call says. s.mu is held.
func (l *leg) form(status string) url.Values {
	form := url.Values{
		"CallSid": {l.sid}, "AccountSid": {l.account.SID}, "ApiVersion": {apiVersion},
		"CallStatus": {status}, "Direction": {"outbound-api"},
		"From": {l.params.from}, "To": {l.params.to},
		"Caller": {l.params.from}, "Called": {l.params.to},
	}
	for role, number := range map[string]string{
		"From": l.params.from, "Caller": l.params.from, "To": l.params.to, "Called": l.params.to,
	} {
		form.Set(role+"Country", country(number))
		for _, part := range []string{"State", "City", "Zip"} {
			form.Set(role+part, "")
		}
	}
	if l.answeredBy != "" {
		form.Set("AnsweredBy", l.answeredBy)
		form.Set("MachineDetectionDuration", strconv.FormatInt(l.detection.Milliseconds(), 10))
	}
	return form
}

func country(number string) string {
	switch {
	case strings.HasPrefix(number, "+81"):
		return "JP"
	case strings.HasPrefix(number, "+1"):
		return "US"
	default:
		return ""
	}
}

// deliver sends the outbox, one after the other, until the call has ended and
// everything is sent. Only scripted faults change the order.
func (l *leg) deliver() {
	var held []post // reordered ones
	for {
		p, more := l.nextPost()
		if !more {
			break
		}
		if _, reordered := l.script.befalls(p.on, "reorder"); reordered {
			held = append(held, p)
			continue
		}
		l.post(p)
		for _, p := range held {
			l.post(p)
		}
		held = nil
	}
	for _, p := range held {
		l.post(p)
	}
}

// nextPost waits for the next callback; false when there will be none.
func (l *leg) nextPost() (post, bool) {
	for {
		l.s.mu.Lock()
		if len(l.outbox) > 0 {
			p := l.outbox[0]
			l.outbox = l.outbox[1:]
			l.s.mu.Unlock()
			return p, true
		}
		ended := l.status.Ended()
		l.s.mu.Unlock()
		if ended {
			return post{}, false
		}
		select {
		case <-l.mail:
		case <-l.s.ctx.Done():
			return post{}, false
		}
	}
}

// post sends one callback, with what befalls it.
func (l *leg) post(p post) {
	if _, lost := l.script.befalls(p.on, "lost"); lost {
		return
	}
	out := l.outgoing(p.on, p.webhook, p.form)
	if late, ok := l.script.befalls(p.on, "late"); ok {
		l.s.work.Go(func() {
			if l.rest(l.s.ctx, time.Duration(late.By)) {
				l.sendPost(out)
			}
		})
	} else {
		l.sendPost(out)
	}
	if again, ok := l.script.befalls(p.on, "duplicate"); ok {
		l.s.work.Go(func() {
			if l.rest(l.s.ctx, time.Duration(again.By)) {
				l.sendPost(out)
			}
		})
	}
}

func (l *leg) outgoing(on string, to webhook, form url.Values) outgoing {
	_, bad := l.script.befalls(on, "bad-signature")
	_, port := l.script.befalls(on, "with-port")
	return outgoing{webhook: to, account: l.account, form: form, token: newToken(), badSign: bad, withPort: port}
}

func (l *leg) sendPost(out outgoing) {
	got, note := l.s.send(l.s.ctx, out)
	if note == nil || l.s.ctx.Err() != nil {
		return
	}
	if got.status != 0 {
		note.Code, note.Text = 15003, fmt.Sprintf("Call Progress: Warning Response to Callback URL: got HTTP %d", got.status)
	}
	note.Warning = true
	l.remark(*note)
}
