package slack

import (
	"strconv"
	"strings"

	api "github.com/slack-go/slack"

	"toban/i18n"
	"toban/oncall"
)

// maxFolded is how many incidents one message to a person lists: Slack takes 50
// blocks.
const maxFolded = 45

// folded tells one person of several incidents in one message (R24): a line for
// each, with the button that takes it. What is more than fits is said in words;
// the list of the pages has it.
func folded(p i18n.Printer, cards []card) message {
	pages := 0
	for _, c := range cards {
		if c.paged {
			pages++
		}
	}
	head := p.Say("slack.dm.many", "n", strconv.Itoa(len(cards)))
	if pages == len(cards) {
		head = p.Say("slack.dm.many.pages", "n", strconv.Itoa(len(cards)))
	}
	m := message{Blocks: []api.Block{api.NewHeaderBlock(plain(clip(head, maxHeader)))}}
	heads := []string{escape(head)}
	for _, c := range cards[:min(len(cards), maxFolded)] {
		m.Blocks = append(m.Blocks, c.row())
		heads = append(heads, escape(clip(c.head(), maxTitle)))
	}
	if rest := len(cards) - maxFolded; rest > 0 {
		m.Blocks = append(m.Blocks, api.NewContextBlock("", mrkdwn(p.Say("slack.dm.more", "n", strconv.Itoa(rest)))))
	}
	m.Text = clip(strings.Join(heads, "\n"), maxText)
	return m
}

// row is the card as one line of several.
func (c card) row() api.Block {
	const short = 150
	title := escape(clip(c.head(), short))
	if c.page != "" {
		title = anchor(c.page, clip(c.head(), short))
	}
	state := c.say.Say("state." + string(c.state))
	if c.holder != "" {
		state += " · " + c.holder
	}
	text := []string{"*" + title + "*", state}
	if c.lead != "" && !c.paged {
		text = append(text, c.lead)
	}
	if c.link != "" && c.state != oncall.Resolved {
		text = append(text, anchor(c.link, c.say.Say("slack.link.text")))
	}
	var beside *api.Accessory
	switch {
	case c.quiet:
	case c.state == oncall.Triggered:
		beside = api.NewAccessory(c.button(actionAcknowledge, api.StylePrimary))
	case c.state == oncall.Acknowledged:
		beside = api.NewAccessory(c.button(actionRenew, api.StyleDefault))
	}
	return api.NewSectionBlock(mrkdwn(clip(strings.Join(text, "\n"), maxSection)), nil, beside, api.SectionBlockOptionBlockID(blockPrefix+string(c.id)))
}

// shownBy are the incidents that a message tells of, by its blocks.
func shownBy(m api.Message) (list []oncall.IncidentID) {
	for _, b := range m.Blocks.BlockSet {
		if id, ok := strings.CutPrefix(b.ID(), blockPrefix); ok && len(list) < maxFolded {
			list = append(list, oncall.IncidentID(id))
		}
	}
	return list
}
