package slack

import (
	"slices"
	"strings"
	"time"
)

// conversation finds the channel of a request: by id only, and a private one
// only when the bot is in it. s.mu is held.
func (s *Server) conversation(r *request) (*channel, result) {
	id := r.text("channel")
	c := s.channel(id)
	switch {
	case id == "":
		return nil, missing("channel")
	case c == nil, (c.Private || c.Direct) && !c.has(s.options.Bot.UserID):
		return nil, refuse("channel_not_found")
	default:
		return c, nil
	}
}

// ours is a named channel that is open and has the bot in it. s.mu is held.
func (s *Server) ours(r *request) (*channel, result) {
	c, refused := s.conversation(r)
	switch {
	case refused != nil:
		return nil, refused
	case c.Direct:
		return nil, refuse("method_not_supported_for_channel_type")
	case c.Archived:
		return nil, refuse("is_archived")
	case !c.has(s.options.Bot.UserID):
		return nil, refuse("not_in_channel")
	default:
		return c, nil
	}
}

func (s *Server) conversationsCreate(r *request) result {
	name := r.text("name")
	if code := badName(name); code != "" {
		return refuse(code)
	}
	if s.nameTaken(name, nil) {
		return refuse("name_taken")
	}
	if len(s.channels) >= maxChannels {
		return refuse("cannot_create_channel")
	}
	c := s.open(Channel{Name: name, Private: r.truth("is_private")})
	s.join(c, s.options.Bot.UserID, "")
	return fine(result{"channel": s.wireChannel(c)})
}

// maxChannels is how many conversations a simulated workspace holds.
const maxChannels = 100_000

func (s *Server) conversationsRename(r *request) result {
	c, refused := s.ours(r)
	if refused != nil {
		return refused
	}
	name := r.text("name")
	if code := badName(name); code != "" {
		return refuse(code)
	}
	if s.nameTaken(name, c) {
		return refuse("name_taken")
	}
	if c.Creator != s.options.Bot.UserID {
		return refuse("not_authorized")
	}
	if name != c.Name {
		c.previous = append(c.previous, c.Name)
		before := c.Name
		c.Name = name
		s.note(c, "channel_name", s.options.Bot.UserID, `has renamed the channel from "`+before+`" to "`+name+`"`, name)
	}
	return fine(result{"channel": s.wireChannel(c)})
}

func (s *Server) conversationsSetTopic(r *request) result {
	c, refused := s.ours(r)
	if refused != nil {
		return refused
	}
	if !r.has("topic") {
		return missing("topic")
	}
	topic := r.text("topic")
	if tooLong(topic, maxTopic) {
		return refuse("too_long")
	}
	s.setTopic(c, s.options.Bot.UserID, topic)
	return fine(result{"channel": s.wireChannel(c)})
}

const maxTopic = 250

func tooLong(text string, limit int) bool {
	n := 0
	for range text {
		n++
	}
	return n > limit
}

// setTopic writes a topic; the same one again says nothing. s.mu is held.
func (s *Server) setTopic(c *channel, user, topic string) {
	if topic == c.Topic {
		return
	}
	c.Topic, c.topicBy, c.topicAt = topic, user, time.Now()
	text := "<@" + user + "> set the channel topic: " + topic
	if topic == "" {
		text = "<@" + user + "> cleared the channel topic"
	}
	s.note(c, "channel_topic", user, text, topic)
}

func (s *Server) conversationsSetPurpose(r *request) result {
	c, refused := s.ours(r)
	if refused != nil {
		return refused
	}
	if !r.has("purpose") {
		return missing("purpose")
	}
	purpose, user := r.text("purpose"), s.options.Bot.UserID
	if tooLong(purpose, maxTopic) {
		return refuse("too_long")
	}
	if purpose != c.Purpose {
		c.Purpose, c.purposeBy, c.purposeAt = purpose, user, time.Now()
		s.note(c, "channel_purpose", user, "<@"+user+"> set the channel description: "+purpose, purpose)
	}
	return fine(result{"purpose": purpose, "channel": s.wireChannel(c)})
}

func (s *Server) conversationsArchive(r *request) result {
	c, refused := s.conversation(r)
	switch {
	case refused != nil:
		return refused
	case c.Direct:
		return refuse("method_not_supported_for_channel_type")
	case c.Archived:
		return refuse("already_archived")
	case c.General:
		return refuse("cant_archive_general")
	case !c.has(s.options.Bot.UserID):
		return refuse("not_in_channel")
	}
	s.archive(c, s.options.Bot.UserID)
	return fine(nil)
}

// archive closes a channel. s.mu is held.
func (s *Server) archive(c *channel, user string) {
	s.note(c, "channel_archive", user, "<@"+user+"> archived the channel", "")
	s.emit("channel_archive", c, map[string]any{"type": "channel_archive", "channel": c.ID, "user": user})
	c.Archived = true
	s.touch()
}

func (s *Server) conversationsUnarchive(r *request) result {
	c, refused := s.conversation(r)
	switch {
	case refused != nil:
		return refused
	case c.Direct:
		return refuse("method_not_supported_for_channel_type")
	case !c.Archived:
		return refuse("not_archived")
	case !s.options.BotMayUnarchive: // the service's own long-standing limitation
		return refuse("not_in_channel")
	}
	s.unarchive(c, s.options.Bot.UserID)
	return fine(nil)
}

func (s *Server) unarchive(c *channel, user string) {
	c.Archived = false
	if !c.has(user) {
		c.Members = append(c.Members, user)
	}
	s.note(c, "channel_unarchive", user, "<@"+user+"> un-archived the channel", "")
}

func (s *Server) conversationsInfo(r *request) result {
	c, refused := s.conversation(r)
	if refused != nil {
		return refused
	}
	out := s.wireChannel(c)
	if !r.truth("include_num_members") {
		delete(out, "num_members")
	}
	return fine(result{"channel": out})
}

func (s *Server) conversationsList(r *request) result {
	kinds := r.list("types")
	if len(kinds) == 0 {
		kinds = []string{"public_channel"}
	}
	for _, kind := range kinds {
		if !slices.Contains([]string{"public_channel", "private_channel", "mpim", "im"}, kind) {
			return refuse("invalid_types")
		}
	}
	var found []*channel
	for _, c := range s.channels {
		kind := "public_channel"
		switch {
		case c.Direct && len(c.Members) > 2:
			kind = "mpim"
		case c.Direct:
			kind = "im"
		case c.Private:
			kind = "private_channel"
		}
		hidden := kind != "public_channel" && !c.has(s.options.Bot.UserID)
		if slices.Contains(kinds, kind) && !hidden && (!c.Archived || !r.truth("exclude_archived")) {
			found = append(found, c)
		}
	}
	from, to, next, refused := page(r.args, len(found), 100, 1000)
	if refused != nil {
		return refused
	}
	list := make([]map[string]any, 0, to-from)
	for _, c := range found[from:to] {
		list = append(list, s.wireChannel(c))
	}
	return fine(result{"channels": list}).cursor(next)
}

// direct finds the conversation of the bot with these people, or makes it.
// s.mu is held.
func (s *Server) direct(users []string) *channel {
	members := append([]string{s.options.Bot.UserID}, users...)
	slices.Sort(members)
	members = slices.Compact(members)
	for _, c := range s.channels {
		if have := slices.Sorted(slices.Values(c.Members)); c.Direct && slices.Equal(have, members) {
			return c
		}
	}
	return s.open(Channel{Direct: true, Name: strings.ToLower("dm-" + strings.Join(users, "-")), Members: members})
}

func (s *Server) conversationsOpen(r *request) result {
	if r.has("channel") && r.text("channel") != "" {
		c, refused := s.conversation(r)
		switch {
		case refused != nil:
			return refused
		case !c.Direct:
			return refuse("method_not_supported_for_channel_type")
		}
		return s.opened(r, c, true)
	}
	users := r.list("users")
	switch {
	case !r.has("users"):
		return refuse("users_list_not_supplied")
	case len(users) == 0:
		return refuse("not_enough_users")
	case len(users) > 8:
		return refuse("too_many_users")
	}
	for _, id := range users {
		switch u := s.user(id); {
		case u == nil || u.Bot:
			return refuse("user_not_found")
		case u.Deleted:
			return refuse("user_disabled")
		}
	}
	before := len(s.channels)
	c := s.direct(users)
	return s.opened(r, c, len(s.channels) == before)
}

func (s *Server) opened(r *request, c *channel, already bool) result {
	out := map[string]any{"id": c.ID}
	if r.truth("return_im") {
		out = s.wireChannel(c)
	}
	if already {
		return fine(result{"channel": out, "no_op": true, "already_open": true})
	}
	return fine(result{"channel": out})
}
