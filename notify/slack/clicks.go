package slack

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"toban/i18n"
	"toban/internal/id"
	"toban/notify"
	"toban/oncall"
	"toban/store"
)

// via is how what people do here came to toban.
const via = "slack"

// press is one button that a member has pressed.
type press struct {
	f       *Follower
	ws      *Workspace
	dir     *oncall.Directory
	inc     *oncall.Incident
	member  string
	channel string
	ts      string // of the message with the button
	by      oncall.UserID
}

// clicked does what the buttons of a click say, each once.
func (f *Follower) clicked(ctx context.Context, ws *Workspace, click api.InteractionCallback) {
	if click.Type != api.InteractionTypeBlockActions {
		return
	}
	for _, a := range click.ActionCallback.BlockActions {
		if a == nil || a.ActionID == actionOpen || !f.seen.first("click "+click.User.ID+" "+a.ActionID+" "+a.ActionTs) {
			continue
		}
		p := &press{f: f, ws: ws, member: click.User.ID, channel: click.Container.ChannelID, ts: click.Container.MessageTs}
		if p.channel == "" {
			p.channel = click.Channel.ID
		}
		p.act(ctx, a.ActionID, oncall.IncidentID(a.Value))
	}
}

// act does one action in the name of the user that the member is, and tells the
// member alone what the channel does not show.
func (p *press) act(ctx context.Context, action string, incident oncall.IncidentID) {
	if err := p.load(ctx, incident); err != nil {
		p.fail(ctx, err)
		return
	}
	var failure error
	if p.by, failure = p.who(ctx); failure != nil {
		p.fail(ctx, failure)
		return
	}
	if p.by == "" {
		p.say(ctx, "slack.said.unknown")
		return
	}
	before := p.inc
	inc, err := p.do(ctx, action)
	if err != nil {
		p.fail(ctx, err)
		return
	}
	if inc == nil {
		return
	}
	p.inc = inc
	p.answer(ctx, action, before)
}

func (p *press) who(ctx context.Context) (oncall.UserID, error) {
	user, f := p.ws.user(ctx, p.dir, p.member)
	if f != nil {
		return "", f
	}
	return user, nil
}

// load reads what is acted on. An incident of a stage that has another
// workspace is not this one's business.
func (p *press) load(ctx context.Context, incident oncall.IncidentID) error {
	if _, err := id.Parse(id.Incident, string(incident)); err != nil {
		incident = ""
	}
	return p.f.read(ctx, func(tx *store.Tx) (err error) {
		if p.dir, err = tx.Directory(ctx); err != nil {
			return err
		}
		if p.inc, err = tx.IncidentUnlocked(ctx, incident); err != nil {
			return err
		}
		if p.f.o.Workspace(stageOf(p.inc)) != p.ws {
			return oncall.ErrUnknownIncident
		}
		return nil
	})
}

func (p *press) do(ctx context.Context, action string) (*oncall.Incident, error) {
	a := p.f.o.Actions
	if a == nil {
		return nil, nil
	}
	switch action {
	case actionAcknowledge:
		return a.Acknowledge(ctx, p.inc.ID, p.by, via)
	case actionResolve:
		return a.Resolve(ctx, p.inc.ID, p.by, via)
	case actionEscalate:
		return a.Escalate(ctx, p.inc.ID, p.by, via)
	case actionRenew:
		return a.Renew(ctx, p.inc.ID, p.by, via)
	}
	return nil, nil
}

// answer tells what the channel does not show: that it was too late, or that
// somebody else has it. In a direct message nothing shows it, so that message is
// written anew.
func (p *press) answer(ctx context.Context, action string, before *oncall.Incident) {
	late := before.State == oncall.Resolved
	switch {
	case late:
		p.say(ctx, "slack.said.late")
	case action == actionAcknowledge && p.inc.AcknowledgedBy != p.by:
		p.say(ctx, "slack.said.taken", "user", i18n.Names{Directory: p.dir}.User(p.printer(), p.inc.AcknowledgedBy))
	case p.direct():
		key := map[string]string{
			actionAcknowledge: "slack.said.acknowledged", actionResolve: "slack.said.resolved",
			actionEscalate: "slack.said.escalated", actionRenew: "slack.said.renewed",
		}[action]
		p.rewrite(ctx, p.printer().Say(key, "number", strconv.FormatInt(p.inc.Number, 10)))
		return
	}
	if p.direct() {
		p.rewrite(ctx, "")
	}
}

func (p *press) direct() bool { return strings.HasPrefix(p.channel, "D") }

// rewrite shows a direct message as things are now.
func (p *press) rewrite(ctx context.Context, lead string) {
	page, signed := p.f.addresses(p.dir, p.inc, p.by, time.Now())
	names := i18n.Names{Directory: p.dir, Zone: zoneOf(p.dir)}
	c := card{
		say: p.printer(), zone: zoneOf(p.dir), id: p.inc.ID, number: p.inc.Number, title: p.inc.Title,
		service: names.Service(p.inc.Service), state: p.inc.State, severity: p.inc.Severity,
		since: p.inc.TriggeredAt, resolved: p.inc.ResolvedAt, page: page, link: signed, lead: escape(lead),
	}
	if p.inc.AcknowledgedBy != "" {
		c.holder = escape(names.User(c.say, p.inc.AcknowledgedBy))
	}
	if f := p.ws.update(ctx, post{Channel: p.channel, TS: p.ts}, c.message(), tag{string(p.inc.ID), 0}); f != nil {
		p.f.log.WarnContext(ctx, "direct message not written anew", about(string(p.inc.ID)), "code", f.Code)
	}
}

// printer speaks the user's language, else the installation's.
func (p *press) printer() i18n.Printer {
	if p.dir == nil {
		return i18n.In("")
	}
	if u := p.dir.Users[p.by]; u != nil && u.Language != "" {
		return i18n.In(u.Language)
	}
	return printer(p.dir)
}

// fail tells the member that nothing was done, and why.
func (p *press) fail(ctx context.Context, err error) {
	code := "internal"
	if e, ok := errors.AsType[*oncall.Error](err); ok {
		code = e.Code
	} else {
		p.f.log.ErrorContext(ctx, "button not acted on", "err", err)
	}
	switch {
	case errors.Is(err, oncall.ErrResolved):
		p.say(ctx, "slack.said.late")
		if p.direct() {
			p.rewrite(ctx, "")
		}
	case errors.Is(err, oncall.ErrUnknownIncident):
		p.say(ctx, "slack.said.gone")
	case code == "incident.not_held":
		p.say(ctx, "slack.said.not_held")
	default:
		p.say(ctx, "slack.said.failed", "code", code)
	}
}

// say tells the member alone.
func (p *press) say(ctx context.Context, key string, places ...string) {
	if p.inc != nil {
		places = append(places, "number", strconv.FormatInt(p.inc.Number, 10))
	}
	text := escape(p.printer().Say(key, places...))
	const tries = 3
	for range tries {
		f := p.ws.whisper(ctx, p.channel, p.member, text)
		if f == nil {
			return
		}
		if f.Class != notify.Throttled || f.After > answerWithin {
			p.f.log.WarnContext(ctx, "member not told", "code", f.Code)
			return
		}
		rest(ctx, f.After)
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
