package twilio

import (
	"net/http"
	"strings"
)

// fetch answers GET …/Calls/{sid}.json.
func (s *Server) fetch(r *http.Request, a *account, _ *Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.legOf(r, a)
	if !ok {
		return refuse(notFound(r))
	}
	return answer{status: http.StatusOK, body: l.resource()}
}

// update answers POST …/Calls/{sid}.json: hang up, or go on with other TwiML.
func (s *Server) update(r *http.Request, a *account, _ *Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.legOf(r, a)
	if !ok {
		return refuse(notFound(r))
	}
	if refused := l.change(r); refused != nil {
		return refuse(refused)
	}
	return answer{status: http.StatusOK, body: l.resource()}
}

// change applies an update. s.mu is held.
func (l *leg) change(r *http.Request) *apiError {
	form := r.PostForm
	switch status := form.Get("Status"); status {
	case "canceled", "completed":
		switch {
		case l.status.Ended():
			return errNotInProgress
		case l.status != StatusInProgress:
			l.finish(StatusCanceled, 487)
		case status == "completed":
			l.finish(StatusCompleted, 200)
		}
		// Documented: "canceled" does not affect calls already in progress.
		return nil
	case "":
	default:
		return badRequest(20001, "Invalid Status: %s", status)
	}
	var p params
	if refused := p.readProgram(form); refused != nil {
		return refused
	}
	if l.status != StatusInProgress {
		return errNotInProgress
	}
	l.redirect(p)
	return nil
}

// legOf finds the call of the path, if it is the account's. s.mu is held.
func (s *Server) legOf(r *http.Request, a *account) (*leg, bool) {
	sid, json := strings.CutSuffix(r.PathValue("call"), ".json")
	l, ok := s.bySID[sid]
	return l, ok && l.account == a && (json || strings.HasSuffix(r.URL.Path, "/Notifications.json"))
}
