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
	ts      string              // of the message with the button
	shown   []oncall.IncidentID // that this message tells of
	by      oncall.UserID
	words   []func(ctx context.Context) // what the member is told, when there is time for it
}

// clicked does what the buttons of a click say, each once. free is called when
// all that is left is to say so: Slack may be slow to take it, and the next click
// must not wait for that.
func (f *Follower) clicked(ctx context.Context, ws *Workspace, click api.InteractionCallback, free func()) {
	if click.Type != api.InteractionTypeBlockActions {
		return
	}
	var presses []*press
	for _, a := range click.ActionCallback.BlockActions {
		if a == nil || a.ActionID == actionOpen || !f.seen.first("click "+click.User.ID+" "+a.ActionID+" "+a.ActionTs) {
			continue
		}
		p := &press{f: f, ws: ws, member: click.User.ID, channel: click.Container.ChannelID, ts: click.Container.MessageTs, shown: shownBy(click.Message)}
		if p.channel == "" {
			p.channel = click.Channel.ID
		}
		p.act(ctx, a.ActionID, oncall.IncidentID(a.Value))
		presses = append(presses, p)
	}
	free()
	f.speak(ctx, presses...)
}

// speak says what is to be said, unless too much of that is waiting for Slack.
func (f *Follower) speak(ctx context.Context, presses ...*press) {
	select {
	case f.voice <- struct{}{}:
		defer func() { <-f.voice }()
	default:
		f.log.WarnContext(ctx, "members not told what became of their buttons: slack is too slow")
		return
	}
	for _, p := range presses {
		for _, word := range p.words {
			word(ctx)
		}
	}
}

// act does one action in the name of the user that the member is, and tells the
// member alone what the channel does not show.
func (p *press) act(ctx context.Context, action string, incident oncall.IncidentID) {
	if err := p.load(ctx, incident); err != nil {
		p.fail(ctx, err)
		return
	}
	if ok, err := p.identify(ctx); err != nil {
		p.fail(ctx, err)
		return
	} else if !ok {
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

// identify finds out in whose name it is done, and whether that one may. Where ok
// is false the member is told why nothing was done.
func (p *press) identify(ctx context.Context) (ok bool, err error) {
	users, f := p.ws.users(ctx, p.dir, p.member)
	switch {
	case f != nil:
		return false, f
	case len(users) == 0:
		p.say("slack.said.unknown")
		return false, nil
	case len(users) > 1:
		p.f.log.WarnContext(ctx, "a member of slack is several users; nothing is done in any name", "users", users)
		p.say("slack.said.several")
		return false, nil
	}
	p.by = users[0]
	if p.f.o.Roles == nil {
		return true, nil
	}
	if ok, err = p.f.o.Roles.MayAct(ctx, p.by); err == nil && !ok {
		p.say("slack.said.role")
	}
	return ok, err
}

// load reads what is acted on. An incident of a stage that has another
// workspace is not this one's business; it is the same workspace still when it
// was configured anew meanwhile.
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
		if now := p.f.o.Workspace(stageOf(p.inc)); now == nil || now.Name() != p.ws.Name() {
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
	late := before.State == oncall.Resolved || action == actionAcknowledge && p.inc.State == oncall.Resolved
	switch {
	case late:
		p.say("slack.said.late")
	case p.inc.HeldByAnother(p.by) && (action == actionAcknowledge || action == actionRenew && p.direct()):
		p.say("slack.said.taken", "user", i18n.Names{Directory: p.dir}.User(p.printer(), p.inc.AcknowledgedBy))
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

// rewrite shows a direct message as things are now. One that tells of several
// incidents goes on telling of all of them.
func (p *press) rewrite(ctx context.Context, lead string) {
	m := p.card(p.inc, lead).message()
	if len(p.shown) > 1 {
		cards, err := p.cards(ctx, lead)
		if err != nil {
			p.f.log.WarnContext(ctx, "direct message not written anew", "incident", string(p.inc.ID), "err", err)
			return
		}
		m = folded(p.printer(), cards)
	}
	p.words = append(p.words, func(ctx context.Context) {
		if f := p.ws.update(ctx, post{Channel: p.channel, TS: p.ts}, m, tag{Ref: string(p.inc.ID)}); f != nil {
			p.f.log.WarnContext(ctx, "direct message not written anew", "incident", string(p.inc.ID), "code", f.Code)
		}
	})
}

// cards are the incidents that the message tells of, in their order.
func (p *press) cards(ctx context.Context, lead string) (cards []card, err error) {
	var all map[oncall.IncidentID]*oncall.Incident
	err = p.f.read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.IncidentsUnlocked(ctx, p.shown)
		return err
	})
	for _, id := range p.shown {
		switch inc := all[id]; {
		case id == p.inc.ID:
			cards = append(cards, p.card(p.inc, lead))
		case inc != nil:
			cards = append(cards, p.card(inc, ""))
		}
	}
	return cards, err
}

func (p *press) card(inc *oncall.Incident, lead string) card {
	page, signed := p.f.addresses(p.dir, inc, p.by, time.Now())
	zone := p.zone()
	names := i18n.Names{Directory: p.dir, Zone: zone}
	c := card{
		say: p.printer(), zone: zone, id: inc.ID, number: inc.Number, title: p.printer().Title(inc.Title),
		service: names.Service(inc.Service), state: inc.State, severity: inc.Severity,
		since: inc.TriggeredAt, resolved: inc.ResolvedAt, page: page, link: signed, lead: escape(lead),
	}
	if inc.AcknowledgedBy != "" {
		c.holder = escape(names.User(c.say, inc.AcknowledgedBy))
	}
	return c
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

// zone is the user's, else the installation's.
func (p *press) zone() *time.Location {
	if u := p.dir.Users[p.by]; u != nil && u.Zone != "" {
		if zone, err := time.LoadLocation(u.Zone); err == nil {
			return zone
		}
	}
	return zoneOf(p.dir)
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
		p.say("slack.said.late")
		if p.direct() {
			p.rewrite(ctx, "")
		}
	case errors.Is(err, oncall.ErrUnknownIncident):
		p.say("slack.said.gone")
	case code == "incident.not_held":
		p.say("slack.said.not_held")
	default:
		p.say("slack.said.failed", "code", code)
	}
}

// say lets the member alone be told.
func (p *press) say(key string, places ...string) {
	if p.inc != nil {
		places = append(places, "number", strconv.FormatInt(p.inc.Number, 10))
	}
	text := escape(p.printer().Say(key, places...))
	p.words = append(p.words, func(ctx context.Context) { p.whisper(ctx, text) })
}

func (p *press) whisper(ctx context.Context, text string) {
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
