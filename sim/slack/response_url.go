package slack

import (
	"net/http"
	"time"
)

const (
	responseLife = 30 * time.Minute
	responseUses = 5
)

// responseURL is an address at which the app may answer one interaction.
type responseURL struct {
	channel, ts, user string
	at                time.Time
	used              int
}

// newResponseURL makes one. s.mu is held.
func (s *Server) newResponseURL(c *channel, m *Message, user string) string {
	for secret, u := range s.responseURLs {
		if time.Since(u.at) > 2*responseLife {
			delete(s.responseURLs, secret)
		}
	}
	secret := newSecret()
	s.responseURLs[secret] = &responseURL{channel: c.ID, ts: m.TS, user: user, at: time.Now()}
	return s.options.URL + "/sim/slack/actions/" + s.options.Team.ID + "/" + secret
}

// respond answers POST /sim/slack/actions/{team}/{secret}.
func (s *Server) respond(w http.ResponseWriter, r *http.Request) {
	in, refused := readArgs(r, false)
	if refused != nil || !in.json {
		answer{status: http.StatusBadRequest, body: refuse("invalid_payload")}.write(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status, body := s.responded(r.PathValue("secret"), in)
	answer{status: status, body: body}.write(w)
}

// responded does what a response asks for. s.mu is held.
func (s *Server) responded(secret string, in args) (int, result) {
	u, known := s.responseURLs[secret]
	switch {
	case !known:
		return http.StatusNotFound, refuse("invalid_url")
	case time.Since(u.at) > responseLife:
		return http.StatusNotFound, refuse("expired_url")
	case u.used >= responseUses:
		return http.StatusNotFound, refuse("used_url")
	}
	c := s.channel(u.channel)
	if c == nil {
		return http.StatusNotFound, refuse("channel_not_found")
	}
	m := c.shown(u.ts, u.user)
	if in.truth("delete_original") {
		if m == nil {
			return http.StatusNotFound, refuse("message_not_found")
		}
		u.used++
		s.remove(c, m)
		return http.StatusOK, fine(nil)
	}
	content, refused := s.content(in, maxText)
	switch {
	case refused != nil:
		return http.StatusBadRequest, refused
	case content.empty():
		return http.StatusBadRequest, refuse("no_text")
	case c.Archived:
		return http.StatusForbidden, refuse("is_archived")
	}
	if in.truth("replace_original") {
		if m == nil {
			return http.StatusNotFound, refuse("message_not_found")
		}
		u.used++
		s.edit(c, m, content)
		return http.StatusOK, fine(nil)
	}
	u.used++
	if in.text("response_type") == "in_channel" {
		thread, _ := c.reply(in.text("thread_ts"))
		s.add(c, &Message{
			User: s.options.Bot.UserID, BotID: s.options.Bot.BotID, Text: content.text, Blocks: content.blocks, Attachments: content.attachments,
			Metadata: content.metadata, ThreadTS: thread,
		})
	} else {
		s.whisper(c, u.user, content)
	}
	return http.StatusOK, fine(nil)
}
