package slack

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// method is one method of the Web API. Its scopes are alternatives.
type method struct {
	tier     tier
	scopes   []string
	private  []string // instead of scopes, for private channels
	formOnly bool     // takes no JSON
	do       func(*Server, *request) result
}

// request is a call of a method that may be answered.
type request struct {
	args
	method string
}

// methods is the Web API as far as it is simulated.
func methods() map[string]method {
	manage := func(also ...string) []string { return append([]string{"channels:manage", "channels:write"}, also...) }
	groups, read, readPrivate := []string{"groups:write"}, []string{"channels:read", "groups:read", "im:read", "mpim:read"}, []string{"groups:read"}
	return map[string]method{
		"auth.test":               {tier: special, do: (*Server).authTest},
		"apps.connections.open":   {tier: tier3, do: (*Server).connectionsOpen},
		"chat.postMessage":        {tier: posting, scopes: []string{"chat:write"}, do: (*Server).chatPostMessage},
		"chat.postEphemeral":      {tier: tier4, scopes: []string{"chat:write"}, do: (*Server).chatPostEphemeral},
		"chat.update":             {tier: tier3, scopes: []string{"chat:write"}, do: (*Server).chatUpdate},
		"chat.delete":             {tier: tier3, scopes: []string{"chat:write"}, do: (*Server).chatDelete},
		"chat.getPermalink":       {tier: special, formOnly: true, do: (*Server).chatGetPermalink},
		"conversations.create":    {tier: tier2, scopes: manage(), private: groups, do: (*Server).conversationsCreate},
		"conversations.rename":    {tier: tier2, scopes: manage(), private: groups, do: (*Server).conversationsRename},
		"conversations.archive":   {tier: tier2, scopes: manage(), private: groups, do: (*Server).conversationsArchive},
		"conversations.unarchive": {tier: tier2, scopes: manage(), private: groups, do: (*Server).conversationsUnarchive},
		"conversations.invite":    {tier: tier3, scopes: manage("channels:write.invites"), private: groups, do: (*Server).conversationsInvite},
		"conversations.kick":      {tier: tier3, scopes: manage(), private: groups, do: (*Server).conversationsKick},
		"conversations.join":      {tier: tier3, scopes: []string{"channels:join"}, do: (*Server).conversationsJoin},
		"conversations.leave":     {tier: tier3, scopes: manage(), private: groups, do: (*Server).conversationsLeave},
		"conversations.open":      {tier: tier3, scopes: []string{"im:write", "mpim:write"}, do: (*Server).conversationsOpen},
		"conversations.setTopic":  {tier: tier2, scopes: manage("channels:write.topic"), private: groups, do: (*Server).conversationsSetTopic},
		"conversations.setPurpose": {
			tier: tier2, scopes: manage("channels:write.topic"), private: groups, do: (*Server).conversationsSetPurpose,
		},
		"conversations.info":      {tier: tier3, scopes: read, private: readPrivate, formOnly: true, do: (*Server).conversationsInfo},
		"conversations.list":      {tier: tier2, scopes: read, formOnly: true, do: (*Server).conversationsList},
		"conversations.members":   {tier: tier4, scopes: read, private: readPrivate, formOnly: true, do: (*Server).conversationsMembers},
		"conversations.history":   {tier: tier3, scopes: []string{"channels:history"}, private: []string{"groups:history"}, formOnly: true, do: (*Server).conversationsHistory},
		"conversations.replies":   {tier: tier3, scopes: []string{"channels:history"}, private: []string{"groups:history"}, formOnly: true, do: (*Server).conversationsReplies},
		"users.info":              {tier: tier4, scopes: []string{"users:read"}, formOnly: true, do: (*Server).usersInfo},
		"users.list":              {tier: tier2, scopes: []string{"users:read"}, formOnly: true, do: (*Server).usersList},
		"users.lookupByEmail":     {tier: tier3, scopes: []string{"users:read.email"}, formOnly: true, do: (*Server).usersLookupByEmail},
		"usergroups.list":         {tier: tier2, scopes: []string{"usergroups:read"}, formOnly: true, do: (*Server).usergroupsList},
		"usergroups.users.list":   {tier: tier2, scopes: []string{"usergroups:read"}, formOnly: true, do: (*Server).usergroupsUsersList},
		"usergroups.users.update": {tier: tier2, scopes: []string{"usergroups:write"}, do: (*Server).usergroupsUsersUpdate},
		"reactions.add":           {tier: tier3, scopes: []string{"reactions:write"}, do: (*Server).reactionsAdd},
		"pins.add":                {tier: tier2, scopes: []string{"pins:write"}, do: (*Server).pinsAdd},
		"bookmarks.add":           {tier: tier2, scopes: []string{"bookmarks:write"}, do: (*Server).bookmarksAdd},
		"views.open":              {tier: tier4, do: (*Server).viewsOpen},
	}
}

// api answers every address below /api/.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	m, known := s.methods[name]
	in, refused := readArgs(r, m.formOnly)
	log := s.arrived(name, in)
	a := s.answer(w, r, name, m, known, in, refused)
	s.done(log, a)
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	a.write(w)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, name string, m method, known bool, in args, refused result) answer {
	switch {
	case s.ctx.Err() != nil:
		return answer{status: http.StatusServiceUnavailable, html: unavailable}
	case !known:
		body := refuse("unknown_method")
		body["req_method"] = name
		return answer{status: http.StatusOK, body: body}
	case refused.code() == "request_too_large":
		return answer{status: http.StatusRequestEntityTooLarge, body: refused}
	case refused != nil:
		return answer{status: http.StatusOK, body: refused}
	}
	if body := s.authenticate(r, in); body != nil {
		return answer{status: http.StatusOK, body: body}
	}
	f, faulty := s.takeFault(name, in)
	if faulty && !f.After {
		if a, ends := s.suffer(r.Context(), f); ends {
			return a
		}
	}
	a := s.perform(w, name, m, in)
	if faulty && f.After {
		if instead, ends := s.suffer(r.Context(), f); ends {
			return instead
		}
	}
	return a
}

// perform checks scopes and rates, and runs the method.
func (s *Server) perform(w http.ResponseWriter, name string, m method, in args) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.options.Scopes, ","))
	scopes := m.scopes
	if m.private != nil {
		if c := s.channel(in.text("channel")); in.truth("is_private") || c != nil && c.Private {
			scopes = m.private
		}
	}
	w.Header().Set("X-Accepted-OAuth-Scopes", strings.Join(scopes, ","))
	if len(scopes) > 0 && !slices.ContainsFunc(scopes, func(scope string) bool { return s.scopes[scope] }) {
		return answer{status: http.StatusOK, body: s.missingScope(scopes[0])}
	}
	channel := in.text("channel")
	if c := s.channelNamed(strings.TrimPrefix(channel, "#")); c != nil {
		channel = c.ID // one channel, one rate
	}
	if seconds := s.limit(name, m.tier, channel); seconds > 0 {
		return tooMany(seconds)
	}
	body := m.do(s, &request{args: in, method: name})
	if in.json && !in.charset {
		body.warn("missing_charset")
	}
	s.touch()
	return answer{status: http.StatusOK, body: body}
}

func (s *Server) missingScope(needed string) result {
	r := refuse("missing_scope")
	r["needed"], r["provided"] = needed, strings.Join(s.options.Scopes, ",")
	return r
}

// authenticate says what is wrong with the token, nil when nothing is. In JSON
// bodies no token is looked for.
func (s *Server) authenticate(r *http.Request, in args) result {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer && !in.json {
		token = in.text("token")
	}
	token = strings.TrimSpace(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case token == "":
		return refuse("not_authed")
	case token != s.options.Token:
		return refuse("invalid_auth")
	case s.denied != "":
		return refuse(s.denied)
	default:
		return nil
	}
}

// Revoke makes the token fail with token_revoked, as when an administrator
// removes the app.
func (s *Server) Revoke() { s.deny("token_revoked") }

// Deactivate makes the token fail with account_inactive.
func (s *Server) Deactivate() { s.deny("account_inactive") }

// Restore makes the token good again.
func (s *Server) Restore() { s.deny("") }

func (s *Server) deny(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = code
	s.touch()
}

// Request is one call of the Web API, for assertions such as "none after".
type Request struct {
	At     time.Time      `json:"at"`   // arrival
	Done   time.Time      `json:"done"` // zero while it is worked on
	Method string         `json:"method"`
	Args   map[string]any `json:"args,omitempty"` // without the token
	Status int            `json:"status"`         // 0 when the connection was cut
	Error  string         `json:"error,omitempty"`
}

// Requests returns the API requests so far, oldest first; with names only
// those of these methods.
func (s *Server) Requests(names ...string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Request
	for _, r := range s.requests {
		if len(names) == 0 || slices.Contains(names, r.Method) {
			out = append(out, *r)
		}
	}
	return out
}

func (s *Server) arrived(name string, in args) *Request {
	log := &Request{At: time.Now(), Method: name, Args: in.shown()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, log)
	if keep := 10 * s.options.Keep; len(s.requests) > keep+keep/10 {
		s.requests = slices.Delete(s.requests, 0, len(s.requests)-keep)
	}
	return log
}

func (s *Server) done(log *Request, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	log.Done = time.Now()
	if !a.drop {
		log.Status, log.Error = a.status, a.body.code()
	}
	s.touch()
}
