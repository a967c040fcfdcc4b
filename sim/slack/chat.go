package slack

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// destination finds where a message may be posted: a channel's id, its name, or
// a user's id for a direct message. s.mu is held.
func (s *Server) destination(name string) (*channel, result) {
	if name == "" {
		return nil, missing("channel")
	}
	c := s.channel(name)
	if c == nil {
		c = s.channelNamed(strings.TrimPrefix(name, "#"))
	}
	if u := s.user(name); c == nil && u != nil && !u.Bot && !u.Deleted {
		c = s.direct([]string{u.ID})
	}
	bot := s.options.Bot.UserID
	switch {
	case c == nil, (c.Private || c.Direct) && !c.has(bot):
		return nil, refuse("channel_not_found")
	case c.Archived:
		return nil, refuse("is_archived")
	case !c.has(bot) && !s.scopes["chat:write.public"]:
		return nil, refuse("not_in_channel")
	default:
		return c, nil
	}
}

// reply finds the thread that a message belongs to; the refusal is for a
// message that is not there.
func (c *channel) reply(ts string) (string, result) {
	if ts == "" {
		return "", nil
	}
	parent := c.message(ts)
	switch {
	case parent == nil: // the service posts it without a thread
		return "", nil
	case parent.Subtype != "":
		return "", refuse("cannot_reply_to_message")
	case parent.ThreadTS != "":
		return parent.ThreadTS, nil
	default:
		return parent.TS, nil
	}
}

func (s *Server) chatPostMessage(r *request) result {
	c, refused := s.destination(r.text("channel"))
	if refused != nil {
		return refused
	}
	in, refused := s.content(r.args, maxText)
	if refused != nil {
		return refused
	}
	if in.empty() {
		return refuse("no_text")
	}
	thread, refused := c.reply(r.text("thread_ts"))
	if refused != nil {
		return refused
	}
	m := s.add(c, &Message{
		User: s.options.Bot.UserID, BotID: s.options.Bot.BotID, Text: in.text, Blocks: in.blocks, Attachments: in.attachments,
		Metadata: in.metadata, ThreadTS: thread, Broadcast: thread != "" && r.truth("reply_broadcast"),
	})
	return fine(result{"channel": c.ID, "ts": m.TS, "message": s.wire(c, m, true)})
}

func (s *Server) chatPostEphemeral(r *request) result {
	c, refused := s.destination(r.text("channel"))
	if refused != nil {
		return refused
	}
	in, refused := s.content(r.args, maxText)
	user := s.user(r.text("user"))
	switch {
	case refused != nil:
		return refused
	case in.empty():
		return refuse("no_text")
	case !r.has("user"):
		return missing("user")
	case user == nil:
		return refuse("user_not_found")
	case !c.has(user.ID):
		return refuse("user_not_in_channel")
	}
	m := s.whisper(c, user.ID, in)
	return fine(result{"message_ts": m.TS})
}

// whisper posts a message that only one person sees. s.mu is held.
func (s *Server) whisper(c *channel, user string, in content) *Message {
	m := &Message{
		Channel: c.ID, TS: s.newTS(), To: user, User: s.options.Bot.UserID, BotID: s.options.Bot.BotID,
		Text: in.text, Blocks: in.blocks, Attachments: in.attachments,
	}
	c.ephemerals = append(c.ephemerals, m)
	if len(c.ephemerals) > s.options.Keep {
		c.ephemerals = slices.Delete(c.ephemerals, 0, 1)
	}
	s.touch()
	return m
}

// posted finds a message that the token may see. s.mu is held.
func (s *Server) posted(channelID, ts string) (*channel, *Message, result) {
	c := s.channel(channelID)
	switch {
	case channelID == "":
		return nil, nil, missing("channel")
	case ts == "":
		return nil, nil, missing("ts")
	case c == nil, (c.Private || c.Direct) && !c.has(s.options.Bot.UserID):
		return nil, nil, refuse("channel_not_found")
	}
	m := c.message(ts)
	if m == nil {
		return nil, nil, refuse("message_not_found")
	}
	return c, m, nil
}

func (s *Server) chatUpdate(r *request) result {
	c, m, refused := s.posted(r.text("channel"), r.text("ts"))
	switch {
	case refused != nil:
		return refused
	case m.BotID != s.options.Bot.BotID:
		return refuse("cant_update_message")
	case c.Archived:
		return refuse("is_inactive")
	}
	in, refused := s.content(r.args, maxUpdateText)
	if refused != nil {
		return refused
	}
	if !in.hasText && !in.hasBlocks && !in.hasAttached {
		return refuse("no_text")
	}
	s.edit(c, m, in)
	return fine(result{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": s.wire(c, m, true)})
}

// edit replaces what was given. Text without blocks removes the blocks, since
// the text is then what is shown. s.mu is held.
func (s *Server) edit(c *channel, m *Message, in content) {
	before := *m
	if in.hasText {
		m.Text = in.text
		m.EditedTS = fmt.Sprintf("%d.000000", time.Now().Unix())
	}
	if in.hasBlocks || in.hasText {
		m.Blocks = in.blocks
	}
	if in.hasAttached {
		m.Attachments = in.attachments
	}
	if in.hasMetadata {
		m.Metadata = in.metadata
	}
	m.Edits++
	m.failed = ""
	s.emitChanged(c, m, &before)
	s.touch()
}

func (s *Server) chatDelete(r *request) result {
	c, m, refused := s.posted(r.text("channel"), r.text("ts"))
	switch {
	case refused != nil:
		return refused
	case m.BotID != s.options.Bot.BotID:
		return refuse("cant_delete_message")
	}
	s.remove(c, m)
	return fine(result{"channel": c.ID, "ts": m.TS})
}

// remove takes a message out of its channel. s.mu is held.
func (s *Server) remove(c *channel, m *Message) {
	c.messages = slices.DeleteFunc(c.messages, func(o *Message) bool { return o == m })
	c.ephemerals = slices.DeleteFunc(c.ephemerals, func(o *Message) bool { return o == m })
	c.Pinned = slices.DeleteFunc(c.Pinned, func(ts string) bool { return ts == m.TS })
	if m.To == "" {
		s.emitDeleted(c, m)
	}
	s.touch()
}

func (s *Server) chatGetPermalink(r *request) result {
	if !r.has("message_ts") {
		return missing("message_ts")
	}
	c, m, refused := s.posted(r.text("channel"), r.text("message_ts"))
	if refused != nil {
		return refused
	}
	return fine(result{"channel": c.ID, "permalink": s.permalink(c, m)})
}

func (s *Server) permalink(c *channel, m *Message) string {
	return fmt.Sprintf("https://%s.slack.com/archives/%s/p%s", s.options.Team.Domain, c.ID, strings.ReplaceAll(m.TS, ".", ""))
}
