package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	api "github.com/slack-go/slack"

	"toban/notify"
)

// Codes of Slack's that something follows from.
const (
	codeArchived        = "is_archived"
	codeInactive        = "is_inactive" // archived, said by chat.update
	codeNoChannel       = "channel_not_found"
	codeNotInChannel    = "not_in_channel"
	codeNameTaken       = "name_taken"
	codeRestricted      = "restricted_action"
	codeNoMessage       = "message_not_found"
	codeCantUpdate      = "cant_update_message"
	codeEditClosed      = "edit_window_closed"
	codeAlreadyIn       = "already_in_channel"
	codeAlreadyArchived = "already_archived"
	codeMissingScope    = "missing_scope"
	codePace            = "pace" // ours: it was not sent at all
)

// failed reads what slack-go returned. What it says in words is left out: it may
// hold an address.
func failed(err error) *notify.Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*notify.Failure](err); ok {
		return f
	}
	if limited, ok := errors.AsType[*api.RateLimitedError](err); ok {
		return &notify.Failure{Class: notify.Throttled, Code: "ratelimited", After: bounded(limited.RetryAfter), Err: errors.New("slack takes no more now")}
	}
	if status, ok := errors.AsType[api.StatusCodeError](err); ok {
		f := &notify.Failure{Class: notify.Ambiguous, Code: fmt.Sprintf("http%d", status.Code), Err: fmt.Errorf("slack answered %d", status.Code)}
		switch {
		case status.Code == http.StatusTooManyRequests:
			f.Class, f.After = notify.Throttled, time.Second
		case status.Code < 500 && status.Code != http.StatusRequestTimeout:
			f.Class = notify.BadConfig
		}
		return f
	}
	if said, ok := errors.AsType[api.SlackErrorResponse](err); ok {
		return refused(said.Err)
	}
	return unsent(err)
}

// bounded is a pause that Slack asks for, as far as it makes sense.
func bounded(d time.Duration) time.Duration { return min(max(d, time.Second), 10*time.Minute) }

// refused reads an error code of Slack's.
func refused(code string) *notify.Failure {
	f := &notify.Failure{Class: classOf(code), Code: code, Err: errors.New("slack refuses it")}
	if !codeShape(code) {
		f.Code = "unknown"
	}
	if f.Class == notify.Throttled {
		f.After = time.Second
	}
	return f
}

// codeShape reports whether a code may stand in a log or on the timeline.
func codeShape(code string) bool {
	for _, r := range code {
		if (r < 'a' || r > 'z') && r != '_' && (r < '0' || r > '9') {
			return false
		}
	}
	return code != "" && len(code) <= 60
}

func classOf(code string) notify.Class {
	switch code {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return notify.Throttled
	case "internal_error", "fatal_error", "request_timeout", "service_unavailable", "team_added_to_org", "accesslimited":
		return notify.Ambiguous
	}
	if tokenCode(code) || code == codeMissingScope || code == "not_allowed_token_type" || code == "no_permission" {
		return notify.BadConfig
	}
	return notify.BadAddress // this channel, person or message, not the account
}

// tokenCode reports whether a code says that nothing works any more.
func tokenCode(code string) bool {
	switch code {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "org_login_required", "access_denied", "two_factor_setup_required":
		return true
	}
	return false
}

// unsent reads an error without an answer. Only a connection that never stood is
// sure not to have carried the request.
func unsent(err error) *notify.Failure {
	var op *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return &notify.Failure{Class: notify.Transient, Code: "dns", Err: errors.New("slack's name is not found")}
	case errors.As(err, &op) && op.Op == "dial":
		return &notify.Failure{Class: notify.Transient, Code: "dial", Err: errors.New("slack can't be connected to")}
	case errors.Is(err, context.DeadlineExceeded):
		return &notify.Failure{Class: notify.Ambiguous, Code: "timeout", Err: errors.New("slack did not answer in time")}
	case errors.Is(err, context.Canceled):
		return &notify.Failure{Class: notify.Ambiguous, Code: "stopped", Err: errors.New("stopped while slack was asked")}
	}
	return &notify.Failure{Class: notify.Ambiguous, Code: "cut", Err: errors.New("the connection to slack broke, or its answer can't be read")}
}
