package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"toban/i18n"
	"toban/oncall"
)

// message is what is posted.
type message struct {
	Text   string // what notifications show, and clients without blocks
	Blocks []api.Block
	Shows  string // a hash of what it says, without links and without Next
	Next   string // what it says about what happens next
}

// card is an incident as a message shows it.
type card struct {
	say      i18n.Printer
	zone     *time.Location
	id       oncall.IncidentID
	number   int64
	title    string
	service  string
	state    oncall.State
	severity oncall.Severity
	since    time.Time
	resolved time.Time
	holder   string // as mrkdwn; "" = nobody
	room     string // id of the channel where it is talked about
	next     string // as mrkdwn
	page     string
	link     string
	lead     string // as mrkdwn: what is said before the facts
	quiet    bool   // it only informs: no buttons but the page
	paged    bool   // it is a page, which the head of several says
}

// The actions of buttons.
const (
	actionAcknowledge = "ack"
	actionResolve     = "resolve"
	actionEscalate    = "escalate"
	actionRenew       = "renew"
	actionOpen        = "open"
	blockPrefix       = "inc:"
)

const (
	maxHeader = 150 // characters of a header
	maxTitle  = 300
)

// mark stands before the words that say the same: the signs of the pages.
func mark(s oncall.State) string {
	switch s {
	case oncall.Triggered:
		return "●"
	case oncall.Acknowledged:
		return "◐"
	}
	return "✓"
}

// card shows the incident in the team's channel; room says where it is talked
// about, which is "" in that channel itself.
func (w wanted) card(room string) message {
	inc := w.Incident
	c := card{
		say: i18n.In(w.language()), zone: w.zone(),
		id: inc.ID, number: inc.Number, title: i18n.In(w.language()).Title(inc.Title), service: w.names().Service(inc.Service),
		state: inc.State, severity: inc.Severity, since: inc.TriggeredAt, resolved: inc.ResolvedAt,
		page: w.Page, link: w.Link, room: room,
	}
	if inc.AcknowledgedBy != "" {
		c.holder = w.mention(inc.AcknowledgedBy)
	}
	if !w.NextAt.IsZero() && inc.State != oncall.Resolved {
		c.next = c.say.Say("slack.next", "at", clock(w.NextAt, c.zone), "what", c.say.Or(string(w.NextWhy), "next."+string(w.NextWhy)))
	}
	return c.message()
}

func (c card) message() message {
	plain := c
	plain.page, plain.link, plain.next = "", "", ""
	shows, err := json.Marshal(plain.blocks()) // text objects and strings: it can't fail
	sum := sha256.Sum256(append(shows, c.head()...))
	if err != nil {
		sum = sha256.Sum256([]byte(err.Error()))
	}
	return message{
		Text: escape(clip(c.say.Say("slack.text", "head", c.head(), "state", c.say.Say("state."+string(c.state))), maxTitle)), Blocks: c.blocks(),
		Shows: hex.EncodeToString(sum[:8]), Next: c.next,
	}
}

func (c card) head() string {
	return mark(c.state) + " " + c.say.Say("slack.head", "number", strconv.FormatInt(c.number, 10), "service", c.service, "title", c.title)
}

func (c card) blocks() (out []api.Block) {
	out = append(out, api.NewHeaderBlock(plain(clip(c.head(), maxHeader))))
	if c.lead != "" {
		out = append(out, api.NewSectionBlock(mrkdwn(c.lead), nil, nil))
	}
	out = append(out, api.NewSectionBlock(nil, c.facts(), nil))
	if c.next != "" {
		out = append(out, api.NewSectionBlock(mrkdwn(c.next), nil, nil))
	}
	if buttons := c.buttons(); len(buttons) > 0 {
		out = append(out, api.NewActionBlock(blockPrefix+string(c.id), buttons...))
	}
	var small []string
	if c.room != "" {
		small = append(small, c.say.Say("slack.room", "channel", "<#"+c.room+">"))
	}
	if c.link != "" && c.state != oncall.Resolved {
		small = append(small, c.say.Say("slack.link", "link", anchor(c.link, c.say.Say("slack.link.text"))))
	}
	if len(small) > 0 {
		out = append(out, api.NewContextBlock("", mrkdwn(strings.Join(small, "  ·  "))))
	}
	return out
}

func (c card) facts() (fields []*api.TextBlockObject) {
	add := func(key, value string) {
		fields = append(fields, mrkdwn("*"+c.say.Say("slack.fact."+key)+"*\n"+value))
	}
	add("state", c.say.Say("state."+string(c.state)))
	who := c.holder
	if who == "" {
		who = c.say.Say("slack.nobody")
		if c.state == oncall.Resolved {
			who = "–"
		}
	}
	add("holder", who)
	add("severity", c.say.Or(string(c.severity), "severity."+string(c.severity)))
	add("since", moment(c.since, c.zone))
	if !c.resolved.IsZero() && c.state == oncall.Resolved {
		add("resolved", moment(c.resolved, c.zone))
	}
	return fields
}

func (c card) buttons() (out []api.BlockElement) {
	if !c.quiet {
		switch c.state {
		case oncall.Triggered:
			out = append(out, c.button(actionAcknowledge, api.StylePrimary), c.resolveButton(), c.button(actionEscalate, api.StyleDanger))
		case oncall.Acknowledged:
			out = append(out, c.button(actionRenew, api.StyleDefault), c.resolveButton(), c.button(actionEscalate, api.StyleDanger))
		}
	}
	if c.page != "" {
		open := c.button(actionOpen, api.StyleDefault)
		open.URL = c.page
		out = append(out, open)
	}
	return out
}

func (c card) button(action string, style api.Style) *api.ButtonBlockElement {
	b := api.NewButtonBlockElement(action, string(c.id), plain(c.say.Say("slack.button."+action)))
	if style != api.StyleDefault {
		b.Style = style
	}
	return b
}

func (c card) resolveButton() *api.ButtonBlockElement {
	b := c.button(actionResolve, api.StyleDefault)
	b.Confirm = api.NewConfirmationBlockObject(
		plain(c.say.Say("slack.confirm.title")), mrkdwn(c.say.Say("slack.confirm.text")),
		plain(c.say.Say("slack.confirm.yes")), plain(c.say.Say("slack.confirm.no")),
	)
	return b
}

// lines is a post that tells changes. With ask it has the button that renews.
func (w wanted) lines(o op) message {
	text := strings.Join(o.Lines, "\n")
	m := message{Text: clip(text, maxText)}
	for _, part := range split(o.Lines, maxSection) {
		m.Blocks = append(m.Blocks, api.NewSectionBlock(mrkdwn(part), nil, nil))
	}
	if o.Ask {
		c := card{say: i18n.In(w.language()), id: w.Incident.ID}
		m.Blocks = append(m.Blocks, api.NewActionBlock(blockPrefix+string(c.id), c.button(actionRenew, api.StylePrimary)))
	}
	return m
}

func plain(text string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.PlainTextType, text, true, false)
}

func mrkdwn(text string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.MarkdownType, text, false, false)
}
