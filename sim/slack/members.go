package slack

import "slices"

// maxInvited is how many people one invitation may name.
const maxInvited = 100

func (s *Server) conversationsInvite(r *request) result {
	c, refused := s.ours(r)
	users := r.list("users")
	switch {
	case refused != nil:
		return refused
	case len(users) == 0:
		return refuse("no_user")
	case len(users) > maxInvited:
		return refuse("too_many_users")
	}
	var good []string
	var wrong []map[string]any
	for _, id := range users {
		if code := s.cantInvite(c, id); code != "" {
			wrong = append(wrong, map[string]any{"user": id, "ok": false, "error": code})
		} else if !slices.Contains(good, id) {
			good = append(good, id)
		}
	}
	if len(wrong) > 0 && (!r.truth("force") || len(good) == 0) { // then nobody is invited
		out := refuse(wrong[0]["error"].(string))
		out["errors"] = wrong
		return out
	}
	for _, id := range good {
		s.join(c, id, s.options.Bot.UserID)
	}
	out := fine(result{"channel": s.wireChannel(c)})
	if len(wrong) > 0 {
		out["errors"] = wrong
	}
	return out
}

func (s *Server) cantInvite(c *channel, id string) string {
	switch u := s.user(id); {
	case u == nil, u.Deleted:
		return "user_not_found"
	case id == s.options.Bot.UserID:
		return "cant_invite_self"
	case c.has(id):
		return "already_in_channel"
	default:
		return ""
	}
}

func (s *Server) conversationsKick(r *request) result {
	c, refused := s.ours(r)
	id := r.text("user")
	switch {
	case refused != nil:
		return refused
	case s.user(id) == nil:
		return refuse("user_not_found")
	case id == s.options.Bot.UserID:
		return refuse("cant_kick_self")
	case c.General:
		return refuse("cant_kick_from_general")
	case !c.has(id):
		return refuse("not_in_channel")
	}
	s.leave(c, id)
	return fine(result{"errors": map[string]any{}})
}

// leave takes somebody out of a channel. s.mu is held.
func (s *Server) leave(c *channel, id string) {
	c.Members = slices.DeleteFunc(c.Members, func(m string) bool { return m == id })
	s.note(c, "channel_leave", id, "<@"+id+"> has left the channel", "")
}

func (s *Server) conversationsLeave(r *request) result {
	c, refused := s.conversation(r)
	switch {
	case refused != nil:
		return refused
	case c.Direct:
		return refuse("method_not_supported_for_channel_type")
	case c.Archived:
		return refuse("is_archived")
	case c.General:
		return refuse("cant_leave_general")
	case !c.has(s.options.Bot.UserID):
		return fine(result{"not_in_channel": true})
	}
	s.leave(c, s.options.Bot.UserID)
	return fine(nil)
}

func (s *Server) conversationsJoin(r *request) result {
	c, refused := s.conversation(r)
	switch {
	case refused != nil:
		return refused
	case c.Private || c.Direct:
		return refuse("method_not_supported_for_channel_type")
	case c.Archived:
		return refuse("is_archived")
	}
	if c.has(s.options.Bot.UserID) {
		out := fine(result{"channel": s.wireChannel(c)})
		out.warn("already_in_channel")
		return out
	}
	s.join(c, s.options.Bot.UserID, "")
	return fine(result{"channel": s.wireChannel(c)})
}

func (s *Server) conversationsMembers(r *request) result {
	c, refused := s.conversation(r)
	if refused != nil {
		return refused
	}
	from, to, next, refused := page(r.args, len(c.Members), 100, 1000)
	if refused != nil {
		return refused
	}
	return fine(result{"members": append([]string{}, c.Members[from:to]...)}).cursor(next)
}
