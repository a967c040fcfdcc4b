package slack

import (
	"slices"
	"strings"
)

func (s *Server) authTest(*request) result {
	o := s.options
	return fine(result{
		"url": "https://" + o.Team.Domain + ".slack.com/", "team": o.Team.Name, "user": o.Bot.Name, "team_id": o.Team.ID, "user_id": o.Bot.UserID,
		"bot_id": o.Bot.BotID, "is_enterprise_install": false,
	})
}

// connectionsOpen wants an app-level token, and only a bot's is known.
func (s *Server) connectionsOpen(*request) result { return refuse("not_allowed_token_type") }

func (s *Server) usersInfo(r *request) result {
	if ids := r.list("users"); len(ids) > 0 {
		list := make([]map[string]any, len(ids))
		for i, id := range ids {
			u := s.user(id)
			if u == nil {
				return refuse("user_not_found")
			}
			list[i] = s.wireUser(u)
		}
		return fine(result{"users": list})
	}
	if !r.has("user") {
		return missing("user")
	}
	u := s.user(r.text("user"))
	if u == nil {
		return refuse("user_not_found")
	}
	return fine(result{"user": s.wireUser(u)})
}

func (s *Server) usersList(r *request) result {
	from, to, next, refused := page(r.args, len(s.users), 1000, 1000)
	if refused != nil {
		return refused
	}
	list := make([]map[string]any, 0, to-from)
	for i := range s.users[from:to] {
		list = append(list, s.wireUser(&s.users[from+i]))
	}
	return fine(result{"members": list, "cache_ts": 0}).cursor(next)
}

func (s *Server) usersLookupByEmail(r *request) result {
	email := r.text("email")
	if email == "" {
		return missing("email")
	}
	for i, u := range s.users {
		if !u.Deleted && !u.Bot && u.Email != "" && strings.EqualFold(u.Email, email) {
			return fine(result{"user": s.wireUser(&s.users[i])})
		}
	}
	return refuse("users_not_found")
}

func (s *Server) usergroupsList(r *request) result {
	list := []map[string]any{}
	for _, g := range s.groups {
		if !g.Disabled || r.truth("include_disabled") {
			list = append(list, s.wireGroup(g, r.truth("include_users"), r.truth("include_count")))
		}
	}
	return fine(result{"usergroups": list})
}

// groupOf finds the user group of a request. s.mu is held.
func (s *Server) groupOf(r *request) (*Group, result) {
	id := r.text("usergroup")
	g := s.group(id)
	switch {
	case id == "":
		return nil, missing("usergroup")
	case g == nil, g.Disabled && !r.truth("include_disabled"):
		return nil, refuse("no_such_subteam")
	default:
		return g, nil
	}
}

func (s *Server) usergroupsUsersList(r *request) result {
	g, refused := s.groupOf(r)
	if refused != nil {
		return refused
	}
	return fine(result{"users": append([]string{}, g.Users...)})
}

// usergroupsUsersUpdate replaces the members; a group can't be emptied so.
func (s *Server) usergroupsUsersUpdate(r *request) result {
	g, refused := s.groupOf(r)
	if refused != nil {
		return refused
	}
	ids := r.list("users")
	if len(ids) == 0 {
		return refuse("no_users_provided")
	}
	for _, id := range ids {
		switch u := s.user(id); {
		case u == nil, u.Deleted:
			return refuse("invalid_users")
		case u.Bot:
			return refuse("invalid_user")
		}
	}
	slices.Sort(ids)
	g.Users = slices.Compact(ids)
	return fine(result{"usergroup": s.wireGroup(g, true, r.truth("include_count"))})
}
