package slack

import (
	"context"

	"toban/notify"
	"toban/oncall"
)

// trouble looks at what Slack refuses for reasons that a person has to mend, and
// says so once.
func (f *Follower) trouble(ctx context.Context, ws *Workspace, dir *oncall.Directory, method string, failure *notify.Failure) {
	if failure == nil || failure.Class != notify.BadConfig {
		return
	}
	p := printer(dir)
	if tokenCode(failure.Code) {
		f.raise(ctx, ws, troubleToken, p.Say("slack.alarm.token", "code", failure.Code))
		return
	}
	f.raise(ctx, ws, method, p.Say("slack.alarm.scope", "method", method, "code", failure.Code))
}

// raise raises an alarm about the workspace, once until it works again.
func (f *Follower) raise(ctx context.Context, ws *Workspace, key, title string) {
	if !ws.news(key) {
		return
	}
	f.log.ErrorContext(ctx, "slack does not take what is posted", "provider", ws.Name(), "trouble", key)
	if f.o.Alarms != nil && !ws.c.Rehearsal {
		f.o.Alarms.Raise(ctx, ws.Name()+"/"+key, title)
	}
}
