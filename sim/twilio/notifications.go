package twilio

import (
	"fmt"
	"net/http"
	"strconv"
)

// notification is the wire form of a Note.
type notification struct {
	SID           string  `json:"sid"`
	AccountSID    string  `json:"account_sid"`
	CallSID       string  `json:"call_sid"`
	APIVersion    string  `json:"api_version"`
	ErrorCode     string  `json:"error_code"`
	Log           string  `json:"log"` // 0 error, 1 warning
	MessageDate   *string `json:"message_date"`
	MessageText   string  `json:"message_text"`
	MoreInfo      string  `json:"more_info"`
	RequestMethod *string `json:"request_method"`
	RequestURL    *string `json:"request_url"`
	DateCreated   *string `json:"date_created"`
	DateUpdated   *string `json:"date_updated"`
	URI           string  `json:"uri"`
}

// notifications answers GET …/Calls/{sid}/Notifications.json: all on one page,
// since a call has at most maxNotes of them.
func (s *Server) notifications(r *http.Request, a *account, _ *Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.legOf(r, a)
	if !ok {
		return refuse(notFound(r))
	}
	list := make([]notification, len(l.notes))
	for i, n := range l.notes {
		sid := fmt.Sprintf("NO%s%04x", l.sid[2:len(l.sid)-4], i)
		level := "0"
		if n.Warning {
			level = "1"
		}
		list[i] = notification{
			SID: sid, AccountSID: a.SID, CallSID: l.sid, APIVersion: apiVersion,
			ErrorCode: strconv.Itoa(n.Code), Log: level, MessageText: n.Text,
			MoreInfo:      fmt.Sprintf("https://www.twilio.com/docs/errors/%d", n.Code),
			RequestMethod: optional(n.Method), RequestURL: optional(n.URL),
			MessageDate: rfc2822(n.At), DateCreated: rfc2822(n.At), DateUpdated: rfc2822(n.At),
			URI: l.path() + "/Notifications/" + sid + ".json",
		}
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"notifications": list, "page": 0, "page_size": maxNotes, "start": 0, "end": max(0, len(list)-1),
		"uri": r.URL.RequestURI(), "first_page_uri": r.URL.RequestURI(), "next_page_uri": nil, "previous_page_uri": nil,
	}}
}
