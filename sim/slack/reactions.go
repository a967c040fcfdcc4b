package slack

import (
	"slices"
	"strings"
	"time"
)

const (
	maxReactions = 23 // different emoji on a message, by one person
	maxPins      = 100
	maxBookmarks = 100
)

// item finds the message of a reaction or a pin. s.mu is held.
func (s *Server) item(r *request) (*channel, *Message, result) {
	ts := r.text("timestamp")
	switch {
	case ts == "":
		return nil, nil, refuse("no_item_specified")
	case !isTS(ts):
		return nil, nil, refuse("bad_timestamp")
	}
	return s.posted(r.text("channel"), ts)
}

func (s *Server) reactionsAdd(r *request) result {
	c, m, refused := s.item(r)
	name := strings.Trim(r.text("name"), ":")
	switch {
	case refused != nil:
		return refused
	case !isEmoji(name):
		return refuse("invalid_name")
	case c.Archived:
		return refuse("is_archived")
	}
	if code := s.react(c, m, name, s.options.Bot.UserID); code != "" {
		return refuse(code)
	}
	return fine(nil)
}

// isEmoji says whether a text can be the name of an emoji.
func isEmoji(name string) bool {
	return name != "" && len(name) <= 100 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-+':") == ""
}

// react puts an emoji under a message; the code says why not. s.mu is held.
func (s *Server) react(c *channel, m *Message, name, user string) string {
	at := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == name })
	switch {
	case at >= 0 && slices.Contains(m.Reactions[at].Users, user):
		return "already_reacted"
	case at < 0 && len(m.Reactions) >= maxReactions:
		return "too_many_emoji"
	case at < 0:
		m.Reactions = append(m.Reactions, Reaction{Name: name, Users: []string{user}})
	default:
		m.Reactions[at].Users = append(m.Reactions[at].Users, user)
	}
	s.emit("reaction_added", c, map[string]any{
		"type": "reaction_added", "user": user, "reaction": name, "item_user": m.User,
		"item": map[string]any{"type": "message", "channel": c.ID, "ts": m.TS},
	})
	s.touch()
	return ""
}

func (s *Server) pinsAdd(r *request) result {
	c, m, refused := s.item(r)
	switch {
	case refused != nil:
		return refused
	case !c.has(s.options.Bot.UserID):
		return refuse("not_in_channel")
	case c.Archived:
		return refuse("is_archived")
	case m.Subtype != "":
		return refuse("not_pinnable")
	case slices.Contains(c.Pinned, m.TS):
		return refuse("already_pinned")
	case len(c.Pinned) >= maxPins:
		return refuse("too_many_pins")
	}
	c.Pinned = append(c.Pinned, m.TS)
	return fine(nil)
}

func (s *Server) bookmarksAdd(r *request) result {
	c := s.channel(r.text("channel_id"))
	title, kind, link := r.text("title"), r.text("type"), r.text("link")
	switch {
	case !r.has("channel_id"):
		return missing("channel_id")
	case c == nil, !c.has(s.options.Bot.UserID):
		return refuse("channel_not_found")
	case title == "":
		return missing("title")
	case kind == "":
		return missing("type")
	case kind != "link":
		return refuse("invalid_bookmark_type")
	case !isLink(link):
		return refuse("invalid_link")
	case r.text("emoji") != "" && !isEmoji(r.text("emoji")):
		return refuse("invalid_emoji")
	case c.Archived:
		return refuse("permission_denied")
	case len(c.Bookmarks) >= maxBookmarks:
		return refuse("too_many_bookmarks")
	}
	b := Bookmark{ID: s.newID("Bk"), Title: title, Link: link, Emoji: r.text("emoji")}
	c.Bookmarks = append(c.Bookmarks, b)
	now := time.Now().Unix()
	return fine(result{"bookmark": map[string]any{
		"id": b.ID, "channel_id": c.ID, "title": b.Title, "link": b.Link, "emoji": b.Emoji, "icon_url": "", "type": kind, "date_created": now,
		"date_updated": 0, "rank": "i", "last_updated_by_user_id": s.options.Bot.UserID, "last_updated_by_team_id": s.options.Team.ID, "app_id": s.options.AppID,
	}})
}
