package twilio

import (
	"net/http"
	"slices"
	"time"
)

// account is an Account with its queue. s.mu guards it.
type account struct {
	Account
	gap  time.Duration // between two calls that leave the queue
	free time.Time     // when the next call may leave
}

func newAccount(a Account, perSecond float64) *account {
	if a.CallsPerSecond > 0 {
		perSecond = a.CallsPerSecond
	}
	return &account{Account: a, gap: time.Duration(float64(time.Second) / perSecond)}
}

// slot gives the next call its time to leave the queue.
func (a *account) slot(now time.Time) time.Time {
	at := now
	if a.free.After(now) {
		at = a.free
	}
	a.free = at.Add(a.gap)
	return at
}

// owns says whether number may be a call's From.
func (a *account) owns(number string) bool { return slices.Contains(a.Numbers, number) }

// Rotate gives the account a new token: callbacks are signed with it from now
// on, and the one before is still accepted from clients. It says whether there
// is such an account.
func (s *Server) Rotate(sid, token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[sid]
	if !ok {
		return false
	}
	a.OldToken, a.Token = a.Token, token
	return true
}

// authorise returns the account of the path, if the request may act for it.
func (s *Server) authorise(r *http.Request) (*account, *apiError) {
	user, password, ok := r.BasicAuth()
	if !ok || password == "" {
		return nil, errNotAuthenticated
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[r.PathValue("account")]
	if !ok {
		return nil, errNotAuthenticated
	}
	if user == a.SID && (password == a.Token || password == a.OldToken) {
		return a, nil
	}
	if secret, ok := a.Keys[user]; ok && password == secret {
		return a, nil
	}
	return nil, errNotAuthenticated
}
