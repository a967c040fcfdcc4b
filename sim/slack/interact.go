package slack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// What a person can't do just now.
var (
	ErrNoChannel = errors.New("there is no such channel")
	ErrNoMessage = errors.New("there is no such message")
	ErrNoElement = errors.New("the message has nothing with that action")
	ErrNoUser    = errors.New("there is no such person")
	ErrNotMember = errors.New("the person is not in the channel")
	ErrArchived  = errors.New("the channel is archived")
	ErrNoText    = errors.New("the message is empty or too long")
	ErrNoURL     = errors.New("no address for this is set")
)

// callbackLimit is how long the app has to answer.
const callbackLimit = 3 * time.Second

// Callback is one request to the app, as it was sent and answered.
type Callback struct {
	At          time.Time     `json:"at"`
	Took        time.Duration `json:"took"`
	Kind        string        `json:"kind"`           // interact, event or url_verification
	Type        string        `json:"type,omitempty"` // of an event, or block_actions
	EventID     string        `json:"event_id,omitempty"`
	Retry       int           `json:"retry,omitempty"` // 0 for the first try
	RetryReason string        `json:"retry_reason,omitempty"`
	Payload     string        `json:"payload"`         // the JSON that was sent
	Status      int           `json:"status"`          // 0 when there was no answer
	Error       string        `json:"error,omitempty"` // http_timeout, http_error, connection_failed; empty for a good answer
	Fault       string        `json:"fault,omitempty"` // lost
	noRetry     bool
	body        []byte
}

// Callbacks returns what was sent to the app so far, oldest first; with kinds
// only those of these kinds or types.
func (s *Server) Callbacks(kinds ...string) []Callback {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Callback
	for _, c := range s.callbacks {
		if len(kinds) == 0 || slices.Contains(kinds, c.Kind) || slices.Contains(kinds, c.Type) {
			out = append(out, *c)
		}
	}
	return out
}

// Click presses the button with that action id, as a person. It returns when
// the app has answered, at the latest after three seconds; the Callback says
// how. The error is one of the Err values: then nothing was sent.
func (s *Server) Click(channel, ts, actionID, userID string) (Callback, error) {
	return s.interact(channel, ts, actionID, userID, "")
}

// Choose takes the option with that value from a menu, as Click presses.
func (s *Server) Choose(channel, ts, actionID, value, userID string) (Callback, error) {
	return s.interact(channel, ts, actionID, userID, value)
}

func (s *Server) interact(channelID, ts, actionID, userID, value string) (Callback, error) {
	s.mu.Lock()
	payload, address, err := s.blockActions(channelID, ts, actionID, userID, value)
	s.mu.Unlock()
	if err != nil {
		return Callback{}, err
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return Callback{}, fmt.Errorf("payload: %w", err)
	}
	body := []byte(url.Values{"payload": {string(raw)}}.Encode())
	faults := s.takeCallFaults("interact")
	if faults.late > 0 && !rest(s.ctx, faults.late) {
		return Callback{}, context.Canceled
	}
	call := Callback{Kind: "interact", Type: "block_actions", Payload: string(raw)}
	if faults.lost {
		call.Fault, call.Error = "lost", "connection_failed"
		s.remember(&call)
	} else {
		s.send(address, "application/x-www-form-urlencoded", body, &call, faults)
	}
	s.answered(channelID, ts, userID, call.Error == "")
	if faults.duplicate && s.enter() {
		go func() {
			defer s.work.Done()
			if rest(s.ctx, faults.again) {
				again := Callback{Kind: "interact", Type: "block_actions", Payload: string(raw)}
				s.send(address, "application/x-www-form-urlencoded", body, &again, faults)
			}
		}()
	}
	return call, nil
}

// enter counts a goroutine in, unless the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

// answered keeps with the message whether the last click got through.
func (s *Server) answered(channelID, ts, userID string, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channel(channelID); c != nil {
		if m := c.shown(ts, userID); m != nil {
			m.failed = ""
			if !good {
				m.failed = userID
			}
		}
	}
	s.touch()
}

// shown finds a message that somebody sees, ephemeral ones included.
func (c *channel) shown(ts, user string) *Message {
	if m := c.message(ts); m != nil {
		return m
	}
	for _, m := range c.ephemerals {
		if m.TS == ts && m.To == user {
			return m
		}
	}
	return nil
}

// blockActions is the payload of a click. s.mu is held.
func (s *Server) blockActions(channelID, ts, actionID, userID, value string) (map[string]any, string, error) {
	c, u := s.channel(channelID), s.user(userID)
	switch {
	case c == nil:
		return nil, "", ErrNoChannel
	case u == nil || u.Bot || u.Deleted:
		return nil, "", ErrNoUser
	case (c.Private || c.Direct) && !c.has(userID):
		return nil, "", ErrNotMember
	}
	m := c.shown(ts, userID)
	if m == nil {
		return nil, "", ErrNoMessage
	}
	e, ok := m.Element(actionID)
	if !ok {
		return nil, "", ErrNoElement
	}
	action, ok := e.action(value, s.newTS())
	if !ok {
		return nil, "", ErrNoElement
	}
	if s.interactURL == "" {
		return nil, "", ErrNoURL
	}
	team := map[string]any{"id": s.options.Team.ID, "domain": s.options.Team.Domain}
	payload := map[string]any{
		"type": "block_actions", "team": team, "api_app_id": s.options.AppID, "token": verificationToken, "enterprise": nil, "is_enterprise_install": false,
		"user":         map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": s.options.Team.ID},
		"container":    map[string]any{"type": "message", "message_ts": m.TS, "channel_id": c.ID, "is_ephemeral": m.To != ""},
		"channel":      map[string]any{"id": c.ID, "name": c.Name},
		"state":        map[string]any{"values": map[string]any{}},
		"trigger_id":   s.newTrigger(u.ID),
		"response_url": s.newResponseURL(c, m, u.ID),
		"actions":      []any{action},
	}
	if m.To == "" { // what only one person sees is not told
		payload["message"] = s.wire(c, m, true)
	}
	return payload, s.interactURL, nil
}

// verificationToken is the old way of knowing the sender; it means nothing.
const verificationToken = "simulated"

// action is what the payload says of an element.
func (e Element) action(value, ts string) (map[string]any, bool) {
	out := map[string]any{"type": e.Type, "action_id": e.ActionID, "block_id": e.BlockID, "action_ts": ts}
	if e.Type == "button" {
		for _, name := range []string{"text", "value", "style", "url"} {
			if v, ok := e.Wire[name]; ok {
				out[name] = v
			}
		}
		return out, value == ""
	}
	list, _ := e.Wire["options"].([]any)
	for _, v := range list {
		if option, ok := v.(map[string]any); ok && option["value"] == value {
			out["selected_option"] = option
			return out, true
		}
	}
	return nil, false
}

// send asks the app once and keeps what came of it in call.
func (s *Server) send(address, contentType string, body []byte, call *Callback, faults callFaults) {
	ctx, cancel := context.WithTimeout(s.ctx, callbackLimit)
	defer cancel()
	call.At = time.Now()
	defer func() {
		call.Took = time.Since(call.At)
		s.remember(call)
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		call.Error = "connection_failed"
		return
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	r.Header.Set("Accept", "application/json,*/*")
	if call.Retry > 0 {
		r.Header.Set("X-Slack-Retry-Num", fmt.Sprint(call.Retry))
		r.Header.Set("X-Slack-Retry-Reason", call.RetryReason)
	}
	s.sign(r.Header, body, faults)
	res, err := s.client.Do(r)
	if err != nil {
		call.Error = "connection_failed"
		if ctx.Err() != nil {
			call.Error = "http_timeout"
		}
		return
	}
	defer res.Body.Close()
	call.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	call.Status, call.noRetry = res.StatusCode, res.Header.Get("X-Slack-No-Retry") == "1"
	switch {
	case err != nil && ctx.Err() != nil:
		call.Error = "http_timeout"
	case err != nil:
		call.Error = "connection_failed"
	case res.StatusCode < 200 || res.StatusCode > 299:
		call.Error = "http_error"
	}
}

const maxAnswer = 64 << 10

func (s *Server) remember(call *Callback) {
	kept := *call
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callbacks = append(s.callbacks, &kept)
	if keep := 10 * s.options.Keep; len(s.callbacks) > keep+keep/10 {
		s.callbacks = slices.Delete(s.callbacks, 0, len(s.callbacks)-keep)
	}
	s.touch()
}

// newSecret is a part of an address that nobody guesses.
func newSecret() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
