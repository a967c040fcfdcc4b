package slack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Channel is a conversation as tests and the page see it, and as Options makes
// one.
type Channel struct {
	ID        string     `json:"id"` // empty in Options: made up
	Name      string     `json:"name"`
	Topic     string     `json:"topic,omitempty"`
	Purpose   string     `json:"purpose,omitempty"`
	Private   bool       `json:"private,omitempty"`
	General   bool       `json:"general,omitempty"` // can't be archived
	Archived  bool       `json:"archived,omitempty"`
	Direct    bool       `json:"direct,omitempty"` // of a few people, without a name
	Creator   string     `json:"creator,omitempty"`
	Created   time.Time  `json:"created,omitzero"`
	Members   []string   `json:"members"`
	Pinned    []string   `json:"pinned,omitempty"` // timestamps of messages
	Bookmarks []Bookmark `json:"bookmarks,omitempty"`
}

// Bookmark is a link at the head of a channel.
type Bookmark struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Link  string `json:"link"`
	Emoji string `json:"emoji,omitempty"`
}

// Message is one message of a channel. Blocks, Attachments and Metadata are as
// they were posted, with ids filled in; nil when there are none.
type Message struct {
	Channel     string          `json:"channel"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts,omitempty"`
	Broadcast   bool            `json:"broadcast,omitempty"` // a reply that is shown in the channel too
	User        string          `json:"user,omitempty"`
	BotID       string          `json:"bot_id,omitempty"`
	Subtype     string          `json:"subtype,omitempty"` // channel_join and the like
	Text        string          `json:"text,omitempty"`
	Blocks      json.RawMessage `json:"blocks,omitempty"`
	Attachments json.RawMessage `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Reactions   []Reaction      `json:"reactions,omitempty"`
	Edits       int             `json:"edits,omitempty"` // how often it was updated
	EditedTS    string          `json:"edited_ts,omitempty"`
	To          string          `json:"to,omitempty"` // of an ephemeral message: who sees it

	inviter string
	about   string // what a note is about, such as the new topic
	failed  string // the user whose click the app did not answer
}

// Reaction is an emoji under a message.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
}

// channel is a conversation with its messages. s.mu guards it.
type channel struct {
	Channel
	topicBy, purposeBy string
	topicAt, purposeAt time.Time
	previous           []string
	messages           []*Message // oldest first
	ephemerals         []*Message
}

// open adds a channel from Options or from create. s.mu is held, or s is not
// yet shared.
func (s *Server) open(c Channel) *channel {
	prefix := "C"
	if c.Direct {
		prefix = "D"
	}
	c.ID = cmp.Or(c.ID, s.newID(prefix))
	c.Creator = cmp.Or(c.Creator, s.options.Bot.UserID)
	if c.Created.IsZero() {
		c.Created = time.Now()
	}
	c.Members = slices.Clone(c.Members)
	made := &channel{Channel: c}
	s.channels = append(s.channels, made)
	return made
}

// newID makes an id that no other thing has. s.mu is held.
func (s *Server) newID(prefix string) string {
	s.sequence++
	return fmt.Sprintf("%s0SIM%05d", prefix, s.sequence)
}

// newTS makes the timestamp of a message: later than any before. s.mu is held.
func (s *Server) newTS() string {
	now := time.Now().UnixMicro()
	if now <= s.lastTS {
		now = s.lastTS + 1
	}
	s.lastTS = now
	return fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
}

// timeOf is when a message was posted.
func timeOf(ts string) time.Time {
	seconds, micros, _ := strings.Cut(ts, ".")
	a, _ := strconv.ParseInt(seconds, 10, 64)
	b, _ := strconv.ParseInt(micros, 10, 64)
	return time.Unix(a, b*1000)
}

func (s *Server) channel(id string) *channel {
	for _, c := range s.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (s *Server) channelNamed(name string) *channel {
	for _, c := range s.channels {
		if c.Name == name && !c.Direct {
			return c
		}
	}
	return nil
}

func (s *Server) user(id string) *User {
	for i := range s.users {
		if s.users[i].ID == id {
			return &s.users[i]
		}
	}
	return nil
}

func (s *Server) group(id string) *Group {
	for _, g := range s.groups {
		if g.ID == id {
			return g
		}
	}
	return nil
}

func (c *channel) has(user string) bool { return slices.Contains(c.Members, user) }

func (c *channel) message(ts string) *Message {
	for _, m := range slices.Backward(c.messages) {
		if m.TS == ts {
			return m
		}
	}
	return nil
}

// add gives m its timestamp and appends it. s.mu is held.
func (s *Server) add(c *channel, m *Message) *Message {
	m.Channel, m.TS = c.ID, s.newTS()
	c.messages = append(c.messages, m)
	if keep := s.options.Keep; len(c.messages) > keep+keep/10 { // now and then, not at each
		c.messages = slices.Delete(c.messages, 0, len(c.messages)-keep)
	}
	s.emitMessage(c, m)
	s.touch()
	return m
}

// note is a message that the service writes by itself, such as channel_topic.
func (s *Server) note(c *channel, subtype, user, text, about string) {
	s.add(c, &Message{Subtype: subtype, User: user, Text: text, about: about})
}

// join makes somebody a member. s.mu is held.
func (s *Server) join(c *channel, user, inviter string) {
	c.Members = append(c.Members, user)
	s.emit("member_joined_channel", c, map[string]any{
		"type": "member_joined_channel", "user": user, "channel": c.ID, "channel_type": c.kind(), "team": s.options.Team.ID, "inviter": inviter,
	})
	s.add(c, &Message{Subtype: "channel_join", User: user, Text: "<@" + user + "> has joined the channel", inviter: inviter})
}

// kind is the letter that events have for the sort of conversation.
func (c *channel) kind() string {
	switch {
	case c.Direct:
		return "D"
	case c.Private:
		return "G"
	default:
		return "C"
	}
}
