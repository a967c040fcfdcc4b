package slack

import (
	"cmp"
	"context"
	"slices"
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
	// waitTime is how long a message may wait for those before it to the same
	// person.
	waitTime = 4 * time.Second
	// messagesPerSecond keeps below what Slack takes for a whole workspace, several
	// hundred a minute, even when no two go to the same person.
	messagesPerSecond = 8
)

// Provider implements notify.Channel.
func (c *Channel) Provider() notify.Provider {
	return notify.Provider{Name: c.ws.Name(), PerSecond: messagesPerSecond, Timeout: sendTime + waitTime}
}

// Send implements notify.Channel. Messages to one person that wait for Slack to
// take another are told in one (R24). Its error is a *notify.Failure.
func (c *Channel) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	asking, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	channel, f := c.channel(asking, m)
	if f != nil {
		return notify.Receipt{}, f
	}
	ts, f := c.ws.boxes.send(ctx, c, channel, m)
	if f != nil {
		return notify.Receipt{}, f
	}
	return notify.Receipt{ProviderID: placeOf(channel, ts, m), State: store.DeliveryEnded, Outcome: oncall.Sent}, nil
}

// placeOf names where a message is. Several may stand in one post, and no two
// deliveries are known by the same name.
func placeOf(channel, ts string, m notify.Message) string {
	return channel + "/" + ts + "/" + string(m.Delivery)
}

// carry posts messages to one person as one.
func (c *Channel) carry(ctx context.Context, channel string, list []notify.Message) (ts string, f *notify.Failure) {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	t := tag{Ref: string(list[0].Delivery), N: 1}
	for _, m := range list[1:] {
		t.With = append(t.With, string(m.Delivery))
	}
	_, ts, f = c.ws.post(ctx, channel, c.message(list...), t, "", false)
	return ts, f
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
	ts, found, f := c.ws.find(ctx, channel, "", tag{Ref: string(m.Delivery), N: 1}, since)
	for f != nil && f.Code == codePace && ctx.Err() == nil { // others who were told by the same message ask, too
		rest(ctx, f.After)
		ts, found, f = c.ws.find(ctx, channel, "", tag{Ref: string(m.Delivery), N: 1}, since)
	}
	if f != nil || !found {
		return nil, orNil(f)
	}
	return []notify.Report{{ProviderID: placeOf(channel, ts, m), State: store.DeliveryEnded, Outcome: oncall.Sent}}, nil
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

// message is what messages to one person say, with the buttons that fit. What is
// told twice is told as it was last.
func (c *Channel) message(list ...notify.Message) message {
	p := i18n.In(list[len(list)-1].Language)
	var cards []card
	for _, m := range list {
		for _, inc := range m.Incidents {
			cards = slices.DeleteFunc(cards, func(k card) bool { return k.id == inc.ID })
			cards = append(cards, c.card(m, inc))
		}
	}
	switch len(cards) {
	case 0:
		return message{Text: p.Say("slack.said.gone")}
	case 1:
		out := cards[0].message()
		if lead := cards[0].lead; lead != "" {
			out.Text = lead + " " + out.Text
		}
		return out
	}
	return folded(p, cards)
}

func (c *Channel) card(m notify.Message, inc notify.Incident) card {
	p := i18n.In(m.Language)
	k := card{
		say: p, zone: cmp.Or(m.Zone, time.UTC), id: inc.ID, number: inc.Number, title: p.Title(inc.Title), service: inc.ServiceName,
		state: inc.State, severity: inc.Severity, since: inc.TriggeredAt, page: inc.URL,
		quiet: m.Tell == oncall.TellTaken || m.Tell == oncall.TellHealed, paged: m.Tell == "",
	}
	if inc.HolderName != "" {
		k.holder = escape(p.Say("name.user", "name", inc.HolderName))
	}
	if token := c.links.Make(link.Link{Incident: inc.ID, User: m.User, Expires: time.Now().Add(link.Lifetime)}); token != "" && c.base != "" {
		k.link = c.base + link.Path(token)
	}
	k.lead = lead(p, m, inc)
	return k
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
