package twilio

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// apiError is a refusal in the provider's form.
type apiError struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

func refusal(status, code int, format string, args ...any) *apiError {
	return &apiError{
		Code:     code,
		Message:  fmt.Sprintf(format, args...),
		MoreInfo: fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
		Status:   status,
	}
}

func badRequest(code int, format string, args ...any) *apiError {
	return refusal(http.StatusBadRequest, code, format, args...)
}

// Refusals without a value in their text.
var (
	errNotAuthenticated = refusal(http.StatusUnauthorized, 20003, "Authenticate")
	errNotInProgress    = badRequest(21220, "Call is not in-progress. Cannot redirect.")
	errClosed           = refusal(http.StatusServiceUnavailable, 20503, "Service unavailable")
)

func notFound(r *http.Request) *apiError {
	return refusal(http.StatusNotFound, 20404, "The requested resource %s was not found", r.URL.Path)
}

// answer is what the API says to one request.
type answer struct {
	status     int
	body       any
	retryAfter string
	drop       bool // cut the connection instead
}

func refuse(e *apiError) answer { return answer{status: e.Status, body: e} }

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	if a.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // the client went away: nothing is left to do
}
