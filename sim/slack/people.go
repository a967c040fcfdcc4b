package slack

import (
	"slices"
	"strings"
)

// Post writes a message as a person. The person has to be in the channel; the
// result is the message's timestamp.
func (s *Server) Post(userID, channelID, text string) (string, error) {
	return s.Reply(userID, channelID, "", text)
}

// Reply writes into the thread below a message, as a person.
func (s *Server) Reply(userID, channelID, threadTS, text string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.here(userID, channelID)
	switch {
	case err != nil:
		return "", err
	case !c.has(userID):
		return "", ErrNotMember
	case strings.TrimSpace(text) == "" || tooLong(text, maxText):
		return "", ErrNoText
	case threadTS != "" && c.message(threadTS) == nil:
		return "", ErrNoMessage
	}
	return s.add(c, &Message{User: userID, Text: text, ThreadTS: threadTS}).TS, nil
}

// here finds an open channel for a person who is one. s.mu is held.
func (s *Server) here(userID, channelID string) (*channel, error) {
	c, u := s.channel(channelID), s.user(userID)
	switch {
	case c == nil:
		return nil, ErrNoChannel
	case u == nil || u.Bot || u.Deleted:
		return nil, ErrNoUser
	case c.Archived:
		return nil, ErrArchived
	default:
		return c, nil
	}
}

// React puts an emoji under a message, as a person.
func (s *Server) React(userID, channelID, ts, emoji string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.here(userID, channelID)
	if err != nil {
		return err
	}
	m := c.message(ts)
	if m == nil {
		return ErrNoMessage
	}
	s.react(c, m, strings.Trim(emoji, ":"), userID)
	return nil
}

// Join makes a person, or the app's bot, a member of a channel.
func (s *Server) Join(userID, channelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(channelID)
	switch {
	case c == nil:
		return ErrNoChannel
	case s.user(userID) == nil:
		return ErrNoUser
	case c.Archived:
		return ErrArchived
	case !c.has(userID):
		s.join(c, userID, "")
	}
	return nil
}

// Leave takes a person, or the app's bot, out of a channel, as when somebody
// removes the app from it.
func (s *Server) Leave(userID, channelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(channelID)
	switch {
	case c == nil:
		return ErrNoChannel
	case !c.has(userID):
		return ErrNotMember
	}
	s.leave(c, userID)
	return nil
}

// Archive closes a channel behind the app's back.
func (s *Server) Archive(userID, channelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.here(userID, channelID)
	if err != nil {
		return err
	}
	s.archive(c, userID)
	return nil
}

// Unarchive opens a channel again, as a person may and a bot may not.
func (s *Server) Unarchive(userID, channelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(channelID)
	switch {
	case c == nil:
		return ErrNoChannel
	case s.user(userID) == nil:
		return ErrNoUser
	case c.Archived:
		s.unarchive(c, userID)
	}
	return nil
}

// Delete removes a channel with all that is in it, as an administrator may.
func (s *Server) Delete(channelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channel(channelID) == nil {
		return ErrNoChannel
	}
	s.channels = slices.DeleteFunc(s.channels, func(c *channel) bool { return c.ID == channelID })
	s.touch()
	return nil
}

// AddUser lets somebody into the workspace, or changes who is there.
func (s *Server) AddUser(u User) {
	u = u.known()
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.user(u.ID); have != nil {
		*have = u
	} else {
		s.users = append(s.users, u)
	}
	s.touch()
}

// AddChannel opens a channel; one of that id or name stays as it is.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, have := range s.channels {
		if have.ID == c.ID && c.ID != "" || have.Name == c.Name && c.Name != "" {
			return
		}
	}
	s.open(c)
	s.touch()
}

// AddGroup makes a user group; one of that handle stays as it is.
func (s *Server) AddGroup(g Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, have := range s.groups {
		if have.Handle == g.Handle {
			return
		}
	}
	if g.ID == "" {
		g.ID = s.newID("S")
	}
	s.groups = append(s.groups, &g)
	s.touch()
}

// Users returns everybody in the workspace, the app's bot last of those from
// Options.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.users)
}

// Channels returns every conversation, oldest first.
func (s *Server) Channels() []Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Channel, len(s.channels))
	for i, c := range s.channels {
		out[i] = c.copy()
	}
	return out
}

// Channel returns the conversation with that id or name.
func (s *Server) Channel(idOrName string) (Channel, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.find(idOrName); c != nil {
		return c.copy(), true
	}
	return Channel{}, false
}

// find looks for a channel by its id or name. s.mu is held.
func (s *Server) find(idOrName string) *channel {
	if c := s.channel(idOrName); c != nil {
		return c
	}
	return s.channelNamed(strings.TrimPrefix(idOrName, "#"))
}

func (c *channel) copy() Channel {
	out := c.Channel
	out.Members, out.Pinned, out.Bookmarks = slices.Clone(c.Members), slices.Clone(c.Pinned), slices.Clone(c.Bookmarks)
	return out
}

// Messages returns what was posted in a channel, oldest first, replies
// included, without the service's own notes such as "joined".
func (s *Server) Messages(idOrName string) []Message {
	return s.messages(idOrName, func(m *Message) bool { return m.Subtype == "" })
}

// Timeline returns all that a channel shows, oldest first, notes included.
func (s *Server) Timeline(idOrName string) []Message {
	return s.messages(idOrName, func(*Message) bool { return true })
}

func (s *Server) messages(idOrName string, wanted func(*Message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	if c := s.find(idOrName); c != nil {
		for _, m := range c.messages {
			if wanted(m) {
				out = append(out, m.copy())
			}
		}
	}
	return out
}

// Ephemerals returns what only that person sees in a channel, oldest first;
// for an empty id what anybody sees alone.
func (s *Server) Ephemerals(idOrName, userID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	if c := s.find(idOrName); c != nil {
		for _, m := range c.ephemerals {
			if userID == "" || m.To == userID {
				out = append(out, m.copy())
			}
		}
	}
	return out
}

func (m *Message) copy() Message {
	out := *m
	out.Reactions = nil
	for _, r := range m.Reactions {
		out.Reactions = append(out.Reactions, Reaction{Name: r.Name, Users: slices.Clone(r.Users)})
	}
	return out
}

// GroupMembers returns who is in the user group with that id or handle, sorted.
func (s *Server) GroupMembers(idOrHandle string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		if g.ID == idOrHandle || g.Handle == strings.TrimPrefix(idOrHandle, "@") {
			return slices.Sorted(slices.Values(g.Users))
		}
	}
	return nil
}

// Words is all that a message says, its blocks and attachments included, in
// the order of the page; for assertions.
func (m *Message) Words() string {
	said := []string{m.Text}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if text, ok := v["text"].(string); ok {
				said = append(said, text)
			}
			for _, name := range []string{"text", "fields", "elements", "accessory", "blocks"} {
				if _, isText := v[name].(string); !isText {
					walk(v[name])
				}
			}
		}
	}
	for _, block := range objects(m.Blocks) {
		walk(block)
	}
	for _, a := range objects(m.Attachments) {
		walk(a)
	}
	return strings.Join(said, "\n")
}
