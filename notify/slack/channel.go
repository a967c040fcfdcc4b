package slack

import (
	"context"
	"strings"
	"time"

	"toban/i18n"
	"toban/internal/link"
	"toban/notify"
	"toban/oncall"
	"toban/store"
)

// Channel is notify's channel for messages to people. Make it with NewChannel.
type Channel struct {
	ws    *Workspace
	links link.Signer
	base  string
}

// NewChannel returns a channel for direct messages. base is where people without
// a login reach this toban; links makes what they open (R19).
func NewChannel(ws *Workspace, links link.Signer, base string) *Channel {
	return &Channel{ws: ws, links: links, base: strings.TrimSuffix(base, "/")}
}

const (
	// sendTime is short: the next person should not wait for Slack.
	sendTime = 4 * time.Second
	// messagesPerSecond keeps below what Slack takes for a whole workspace,
	// several hundred a minute.
	messagesPerSecond = 4
)

// Provider implements notify.Channel.
func (c *Channel) Provider() notify.Provider {
	return notify.Provider{Name: c.ws.Name(), PerSecond: messagesPerSecond, Timeout: sendTime}
}

// Send implements notify.Channel. Its error is a *notify.Failure.
func (c *Channel) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	channel, f := c.channel(ctx, m)
	if f != nil {
		return notify.Receipt{}, f
	}
	_, ts, f := c.ws.post(ctx, channel, c.message(m), tag{string(m.Delivery), 1}, "", false)
	if f != nil {
		return notify.Receipt{}, f
	}
	return notify.Receipt{ProviderID: channel + "/" + ts, State: store.DeliveryEnded, Outcome: oncall.Sent}, nil
}

// channel is that of direct messages with who has m's address.
func (c *Channel) channel(ctx context.Context, m notify.Message) (string, *notify.Failure) {
	member, f := c.ws.member(ctx, m.To)
	if f != nil {
		return "", f
	}
	if member == "" {
		return "", refused("users_not_found")
	}
	return c.ws.directTo(ctx, member)
}

// Find implements notify.Finder: a message is known by its delivery.
func (c *Channel) Find(ctx context.Context, m notify.Message, since time.Time) ([]notify.Report, error) {
	channel, f := c.channel(ctx, m)
	if f != nil {
		return nil, f
	}
	ts, found, f := c.ws.find(ctx, channel, "", tag{string(m.Delivery), 1}, since)
	if f != nil || !found {
		return nil, orNil(f)
	}
	return []notify.Report{{ProviderID: channel + "/" + ts, State: store.DeliveryEnded, Outcome: oncall.Sent}}, nil
}

// Fetch implements notify.Finder: what Slack has taken stays there.
func (c *Channel) Fetch(_ context.Context, r notify.Receipt) (notify.Report, error) {
	return notify.Report{ProviderID: r.ProviderID, State: store.DeliveryEnded, Outcome: oncall.Sent}, nil
}

// orNil keeps a failure that is none from being an error.
func orNil(f *notify.Failure) error {
	if f == nil {
		return nil
	}
	return f
}

// message is what m says, with the buttons that fit.
func (c *Channel) message(m notify.Message) message {
	if len(m.Incidents) == 0 {
		return message{Text: i18n.In(m.Language).Say("slack.said.gone")}
	}
	out := c.card(m, m.Incidents[0])
	for _, inc := range m.Incidents[1:] {
		more := c.card(m, inc)
		out.Text += "\n" + more.Text
		out.Blocks = append(out.Blocks, more.Blocks...)
	}
	const most = 50 // blocks that Slack takes
	out.Text, out.Blocks = clip(out.Text, maxText), out.Blocks[:min(len(out.Blocks), most)]
	return out
}

func (c *Channel) card(m notify.Message, inc notify.Incident) message {
	p := i18n.In(m.Language)
	k := card{
		say: p, zone: time.UTC, id: inc.ID, number: inc.Number, title: inc.Title, service: inc.ServiceName,
		state: inc.State, severity: inc.Severity, since: inc.TriggeredAt, page: inc.URL,
		quiet: m.Tell == oncall.TellTaken || m.Tell == oncall.TellHealed,
	}
	if inc.HolderName != "" {
		k.holder = escape(p.Say("name.user", "name", inc.HolderName))
	}
	if token := c.links.Make(link.Link{Incident: inc.ID, User: m.User, Expires: time.Now().Add(link.Lifetime)}); token != "" && c.base != "" {
		k.link = c.base + link.Path(token)
	}
	k.lead = lead(p, m, inc)
	out := k.message()
	if k.lead != "" {
		out.Text = k.lead + " " + out.Text
	}
	return out
}

// lead is the sentence that says why somebody gets the message.
func lead(p i18n.Printer, m notify.Message, inc notify.Incident) string {
	switch {
	case m.Tell == "" && inc.State == oncall.Triggered:
		return p.Say("slack.dm.page")
	case m.Tell == "":
		return ""
	case m.Tell == oncall.TellTaken && inc.HolderName == "":
		return "" // given up again since
	}
	return p.Say("slack.dm."+string(m.Tell), "user", escape(p.Say("name.user", "name", inc.HolderName)))
}
