package push

import (
	"strconv"
	"strings"
	"time"

	"toban/i18n"
	"toban/internal/link"
	"toban/notify"
	"toban/oncall"

	"github.com/SherClockHolmes/webpush-go"
	"github.com/rivo/uniseg"
)

// notice is what is told of one incident, and how it travels.
type notice struct {
	payload payload
	topic   string
	urgency webpush.Urgency
	ttl     time.Duration
}

// payload is the wire form that sw.js reads.
type payload struct {
	Title   string   `json:"title"`
	Body    string   `json:"body"`
	Lang    string   `json:"lang"`
	Number  int64    `json:"number,omitempty"`
	State   string   `json:"state,omitempty"`
	At      int64    `json:"at,omitempty"` // when it was triggered, in milliseconds
	Tag     string   `json:"tag"`          // what stands on the screen with the same tag is replaced
	Urgent  bool     `json:"urgent"`       // rings, and stays until it is seen to
	URL     string   `json:"url"`          // the page; may be relative to the worker's scope
	Actions []action `json:"actions,omitempty"`
	Ack     *ack     `json:"ack,omitempty"`
	Words   *words   `json:"words,omitempty"`
}

type action struct {
	Action string `json:"action"`
	Title  string `json:"title"`
}

// ack is what the button does: a POST of the token. The address is relative to
// the worker's scope, since a worker may speak to its own origin only.
type ack struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// words are what the worker says afterwards; it has no language of its own.
type words struct {
	Done   string `json:"done"`
	Failed string `json:"failed"`
}

const (
	// maxPayload is what fits into a message of one record.
	maxPayload = 3993
	maxTitle   = 60  // characters that are seen
	maxBody    = 160 // characters that are seen
)

// notice says how an incident stands, to user, in the language of p. Somebody
// who has the incident and is still told of it is being asked (R16).
func (c *Channel) notice(p i18n.Printer, user oncall.UserID, inc notify.Incident, more int, now time.Time) notice {
	number := strconv.FormatInt(inc.Number, 10)
	holder := inc.HolderName
	if holder == "" {
		holder = string(inc.Holder)
	}
	places := []string{
		"number", number, "title", cut(p.Title(inc.Title), maxBody), "service", cut(inc.ServiceName, maxTitle/2),
		"severity", p.Or(string(inc.Severity), "severity."+string(inc.Severity)), "user", p.Say("name.user", "name", cut(holder, maxTitle/2)),
	}
	what, button := "triggered", "acknowledge"
	urgent := inc.Urgency == oncall.High
	switch {
	case inc.State == oncall.Resolved:
		what, button, urgent = "healed", "", false
	case inc.State == oncall.Acknowledged && inc.Holder == user:
		what, button = "asked", "renew"
	case inc.State == oncall.Acknowledged:
		what, button, urgent = "taken", "", false
	}
	token := c.links.Make(link.Link{Incident: inc.ID, User: user, Expires: now.Add(link.Lifetime)})
	body := cut(p.Say("push."+what+".body", places...), maxBody)
	if more > 0 {
		body = p.Say("push.more", "text", body, "count", strconv.Itoa(more))
	}
	n := notice{
		topic: topic(inc.ID), urgency: webpush.UrgencyNormal, ttl: quietTTL,
		payload: payload{
			Title: cut(p.Say("push."+what+".title", places...), maxTitle), Body: body, Lang: p.Language(), Number: inc.Number, State: string(inc.State),
			Tag: "incident-" + number, Urgent: urgent, URL: c.address(link.Path(token)),
		},
	}
	if !inc.TriggeredAt.IsZero() {
		n.payload.At = inc.TriggeredAt.UnixMilli()
	}
	if urgent {
		n.urgency, n.ttl = webpush.UrgencyHigh, pageTTL
	}
	if button != "" {
		n.payload.Actions = []action{{"acknowledge", p.Say("push.action." + button)}}
		n.payload.Ack = &ack{strings.TrimPrefix(link.AcknowledgePath(token), "/"), token}
		n.payload.Words = &words{p.Say("push.done."+button, places...), p.Say("push.failed", places...)}
	}
	return n
}

// sample is a message that tells of nothing.
func (c *Channel) sample(p i18n.Printer) notice {
	return notice{
		topic: topic(""), urgency: webpush.UrgencyHigh, ttl: time.Minute,
		payload: payload{Title: p.Say("push.sample.title"), Body: p.Say("push.sample.body"), Lang: p.Language(), Tag: "sample", URL: c.address("/")},
	}
}

// address is a path of ours as a link.
func (c *Channel) address(path string) string {
	base := strings.TrimSuffix(c.c.Base(), "/")
	if base == "" {
		return "./" + strings.TrimPrefix(path, "/") // below the worker's scope, which has the sub-path
	}
	return base + path
}

// cut shortens text to the characters that are seen, and bounds what a
// character may consist of. What would break a line is a space.
func cut(text string, most int) string {
	const bytesEach = 4
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	var b strings.Builder
	state, cluster, count := -1, "", 0
	for rest := text; rest != ""; count++ {
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		last := count == most-1 && rest != ""
		if last || b.Len()+len(cluster) > most*bytesEach {
			b.WriteString("…")
			break
		}
		b.WriteString(cluster)
	}
	return b.String()
}
