package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxEvents is how many events may be on their way or wait for a retry; what
// comes on top is not sent, as when the service limits an app.
const maxEvents = 1000

// retryAfter is when an event that was not taken is sent again, counted from
// the try before.
func retryAfter(retry int) time.Duration {
	return []time.Duration{0, 0, time.Minute, 5 * time.Minute}[retry]
}

const maxRetries = 3

// emit sends an event of a channel to the app, when it is subscribed and its
// bot is there. s.mu is held, and it returns at once.
func (s *Server) emit(kind string, c *channel, event map[string]any) {
	public := !c.Private && !c.Direct && kind == "channel_archive"
	if s.closed || s.eventsURL == "" || !slices.Contains(s.options.Events, kind) || !public && !c.has(s.options.Bot.UserID) || s.events >= maxEvents {
		return
	}
	now := time.Now()
	if _, ok := event["event_ts"]; !ok {
		event["event_ts"] = fmt.Sprintf("%d.%06d", now.Unix(), now.UnixMicro()%1e6)
	}
	id := s.newID("Ev")
	raw, err := json.Marshal(map[string]any{
		"token": verificationToken, "team_id": s.options.Team.ID, "context_team_id": s.options.Team.ID, "api_app_id": s.options.AppID,
		"type": "event_callback", "event": event, "event_id": id, "event_time": now.Unix(), "event_context": "4-sim-" + id, "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{
			"enterprise_id": nil, "team_id": s.options.Team.ID, "user_id": s.options.Bot.UserID, "is_bot": true, "is_enterprise_install": false,
		}},
	})
	if err != nil {
		return // everything in it has been JSON before
	}
	s.events++
	s.work.Add(1)
	go s.deliver(s.eventsURL, Callback{Kind: "event", Type: kind, EventID: id, Payload: string(raw)})
}

// deliver sends one event until the app takes it or the retries are used up.
func (s *Server) deliver(address string, call Callback) {
	defer s.work.Done()
	defer func() {
		s.mu.Lock()
		s.events--
		s.touch()
		s.mu.Unlock()
	}()
	faults := s.takeCallFaults("event", call.Type)
	if faults.late > 0 && !rest(s.ctx, faults.late) {
		return
	}
	if faults.lost {
		call.At, call.Fault, call.Error = time.Now(), "lost", "connection_failed"
		s.remember(&call)
		return
	}
	s.attempts(address, call, faults)
	if faults.duplicate && rest(s.ctx, faults.again) {
		s.attempts(address, call, faults)
	}
}

func (s *Server) attempts(address string, call Callback, faults callFaults) {
	reason := ""
	for retry := 0; retry <= maxRetries; retry++ {
		if !rest(s.ctx, retryAfter(retry)) {
			return
		}
		try := call
		try.Retry, try.RetryReason = retry, reason
		if s.verify(address) {
			s.send(address, "application/json", []byte(call.Payload), &try, faults)
		} else {
			try.At, try.Error = time.Now(), "connection_failed"
			s.remember(&try)
		}
		if try.Error == "" || try.noRetry {
			return
		}
		reason = try.Error
	}
}

// verify lets the app show that the address for events is its own, once for
// each address: the challenge comes back as text or in JSON.
func (s *Server) verify(address string) bool {
	s.mu.Lock()
	done := s.verified == address
	s.mu.Unlock()
	if done {
		return true
	}
	challenge := newSecret()
	raw, err := json.Marshal(map[string]any{"type": "url_verification", "token": verificationToken, "challenge": challenge})
	if err != nil {
		return false
	}
	call := Callback{Kind: "url_verification", Payload: string(raw)}
	s.send(address, "application/json", raw, &call, callFaults{})
	var answer struct{ Challenge string }
	_ = json.Unmarshal(call.body, &answer) // text is an answer as well
	body := strings.TrimSpace(string(bytes.TrimSpace(call.body)))
	if call.Error != "" || body != challenge && answer.Challenge != challenge {
		return false
	}
	s.mu.Lock()
	s.verified = address
	s.mu.Unlock()
	return true
}

// Verify asks the app for the challenge of its events address, as the service
// does when the address is saved. False means that the answer was wrong.
func (s *Server) Verify() bool {
	s.mu.Lock()
	address := s.eventsURL
	s.verified = ""
	s.mu.Unlock()
	return address != "" && s.verify(address)
}

// emitMessage tells of a new message, and of a mention of the app. s.mu is held.
func (s *Server) emitMessage(c *channel, m *Message) {
	event := s.wire(c, m, true)
	event["channel"], event["event_ts"], event["channel_type"] = c.ID, m.TS, c.eventType()
	s.emit("message", c, event)
	if m.BotID == "" && m.Subtype == "" && strings.Contains(m.Text, "<@"+s.options.Bot.UserID+">") {
		mention := map[string]any{"type": "app_mention", "user": m.User, "text": m.Text, "ts": m.TS, "channel": c.ID, "event_ts": m.TS, "team": s.options.Team.ID}
		if m.ThreadTS != "" {
			mention["thread_ts"] = m.ThreadTS
		}
		s.emit("app_mention", c, mention)
	}
}

func (s *Server) emitChanged(c *channel, m, before *Message) {
	if m.To != "" {
		return
	}
	s.emit("message", c, map[string]any{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": c.ID, "channel_type": c.eventType(), "ts": s.newTS(),
		"message": s.wire(c, m, true), "previous_message": s.wire(c, before, true),
	})
}

func (s *Server) emitDeleted(c *channel, m *Message) {
	s.emit("message", c, map[string]any{
		"type": "message", "subtype": "message_deleted", "hidden": true, "channel": c.ID, "channel_type": c.eventType(), "ts": s.newTS(),
		"deleted_ts": m.TS, "previous_message": s.wire(c, m, true),
	})
}

func (c *channel) eventType() string {
	switch {
	case c.Direct && len(c.Members) > 2:
		return "mpim"
	case c.Direct:
		return "im"
	case c.Private:
		return "group"
	default:
		return "channel"
	}
}
