package slack

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// wire is a message as the service tells it. s.mu is held.
func (s *Server) wire(c *channel, m *Message, metadata bool) map[string]any {
	out := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "team": s.options.Team.ID}
	set := func(name, value string) {
		if value != "" {
			out[name] = value
		}
	}
	set("user", m.User)
	set("subtype", m.Subtype)
	set("inviter", m.inviter)
	if m.BotID != "" {
		out["bot_id"], out["app_id"] = m.BotID, s.options.AppID
		out["bot_profile"] = map[string]any{
			"id": m.BotID, "app_id": s.options.AppID, "name": s.options.Bot.Name, "team_id": s.options.Team.ID, "deleted": false, "updated": 0,
		}
	}
	for name, raw := range map[string]json.RawMessage{"blocks": m.Blocks, "attachments": m.Attachments} {
		if len(raw) > 0 {
			out[name] = raw
		}
	}
	if metadata && len(m.Metadata) > 0 {
		out["metadata"] = m.Metadata
	}
	if m.EditedTS != "" {
		out["edited"] = map[string]any{"user": m.User, "ts": m.EditedTS}
	}
	if len(m.Reactions) > 0 {
		list := make([]map[string]any, len(m.Reactions))
		for i, r := range m.Reactions {
			list[i] = map[string]any{"name": r.Name, "users": slices.Clone(r.Users), "count": len(r.Users)}
		}
		out["reactions"] = list
	}
	if slices.Contains(c.Pinned, m.TS) {
		out["pinned_to"] = []string{c.ID}
	}
	s.wireThread(c, m, out)
	return out
}

// wireThread adds what a message says of its thread.
func (s *Server) wireThread(c *channel, m *Message, out map[string]any) {
	if m.ThreadTS != "" {
		out["thread_ts"] = m.ThreadTS
		if parent := c.message(m.ThreadTS); parent != nil {
			out["parent_user_id"] = parent.User
		}
		if m.Broadcast {
			out["subtype"] = "thread_broadcast"
		}
		return
	}
	var users []string
	count, latest := 0, ""
	for _, o := range c.messages {
		if o.ThreadTS == m.TS {
			count, latest = count+1, o.TS
			if !slices.Contains(users, o.User) {
				users = append(users, o.User)
			}
		}
	}
	if count > 0 {
		out["thread_ts"], out["reply_count"], out["reply_users"], out["latest_reply"] = m.TS, count, users, latest
	}
}

// wireChannel is a conversation object. s.mu is held.
func (s *Server) wireChannel(c *channel) map[string]any {
	value := func(text, by string, at time.Time) map[string]any {
		last := int64(0)
		if !at.IsZero() {
			last = at.Unix()
		}
		return map[string]any{"value": text, "creator": by, "last_set": last}
	}
	previous := slices.Clone(c.previous)
	if previous == nil {
		previous = []string{}
	}
	out := map[string]any{
		"id": c.ID, "created": c.Created.Unix(), "creator": c.Creator, "is_archived": c.Archived, "is_general": c.General,
		"is_channel": !c.Private && !c.Direct, "is_group": c.Private && !c.Direct, "is_im": c.Direct && len(c.Members) <= 2, "is_mpim": c.Direct && len(c.Members) > 2,
		"is_private": c.Private || c.Direct, "is_shared": false, "is_ext_shared": false, "is_org_shared": false, "is_pending_ext_shared": false,
		"pending_shared": []string{}, "unlinked": 0, "is_member": c.has(s.options.Bot.UserID), "previous_names": previous,
		"context_team_id": s.options.Team.ID, "num_members": len(c.Members),
		"topic": value(c.Topic, c.topicBy, c.topicAt), "purpose": value(c.Purpose, c.purposeBy, c.purposeAt),
	}
	if c.Direct {
		for _, member := range c.Members {
			if member != s.options.Bot.UserID {
				out["user"] = member
			}
		}
		return out
	}
	out["name"], out["name_normalized"] = c.Name, c.Name
	return out
}

// wireUser is a user object. s.mu is held.
func (s *Server) wireUser(u *User) map[string]any {
	zone := u.TZ
	if zone == "" {
		zone = "Asia/Tokyo"
	}
	label, offset := zone, 0
	if loc, err := time.LoadLocation(zone); err == nil {
		label, offset = time.Now().In(loc).Zone()
	}
	profile := map[string]any{
		"real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Name, "display_name_normalized": u.Name,
		"team": s.options.Team.ID, "fields": map[string]any{},
	}
	if u.Email != "" && s.scopes["users:read.email"] {
		profile["email"] = u.Email
	}
	if u.Bot {
		profile["bot_id"], profile["api_app_id"] = s.options.Bot.BotID, s.options.AppID
	}
	return map[string]any{
		"id": u.ID, "team_id": s.options.Team.ID, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted, "color": "575e55",
		"tz": zone, "tz_label": label, "tz_offset": offset, "profile": profile, "is_admin": false, "is_owner": false, "is_primary_owner": false,
		"is_restricted": false, "is_ultra_restricted": false, "is_bot": u.Bot, "is_app_user": false, "is_email_confirmed": u.Email != "", "updated": 0,
	}
}

// wireGroup is a user group object. s.mu is held.
func (s *Server) wireGroup(g *Group, users, count bool) map[string]any {
	deleted := 0
	if g.Disabled {
		deleted = 1
	}
	out := map[string]any{
		"id": g.ID, "team_id": s.options.Team.ID, "is_usergroup": true, "is_subteam": true, "name": g.Name, "description": "", "handle": g.Handle,
		"is_external": false, "date_create": 0, "date_update": 0, "date_delete": deleted, "auto_type": nil, "created_by": s.options.Bot.UserID,
		"updated_by": s.options.Bot.UserID, "deleted_by": nil, "prefs": map[string]any{"channels": []string{}, "groups": []string{}},
	}
	if users {
		out["users"] = append([]string{}, g.Users...)
	}
	if count {
		out["user_count"] = len(g.Users)
	}
	return out
}

// page cuts one page out of n things; next is the cursor after it.
func page(r args, n, usual, most int) (from, to int, next string, refused result) {
	limit := usual
	if text := r.text("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 0 {
			return 0, 0, "", refuse("invalid_limit")
		}
	}
	if limit == 0 {
		limit = usual
	}
	limit = min(limit, most)
	if cursor := r.text("cursor"); cursor != "" {
		if from = fromCursor(cursor); from < 0 || from > n {
			return 0, 0, "", refuse("invalid_cursor")
		}
	}
	to = min(n, from+limit)
	if to < n {
		next = toCursor(to)
	}
	return from, to, next, nil
}
