package slack

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"toban/i18n"
	"toban/oncall"
)

// remindAfter is how long a digest gathers incidents that still fire: their
// senders repeat them at about the same time, and one reminder tells of all.
const remindAfter = 10 * time.Second

// remindNow reports whether the digest has to remind of what still fires (R2).
func (b *board) remindNow() bool {
	if len(b.d.Firing) == 0 || b.d.Post.TS == "" {
		return false
	}
	if at := b.d.Asked.Add(remindAfter); b.now.Before(at) {
		b.next = sooner(b.next, at)
		return false
	}
	return true
}

// remind tells below the digest, and in the channel, of all that still fire.
func (b *board) remind(ctx context.Context) error {
	n := int64(len(b.d.Firing))
	m, any := b.reminder()
	if !any { // all of them are resolved by now
		return b.save(ctx, func(d *digest) { d.reminded(n) })
	}
	in := intent{Part: partTell, Channel: b.d.Post.Channel, Thread: b.d.Post.TS, Seq: n}
	_, err := b.post(ctx, in, m, func(d *digest, _, _ string) { d.reminded(n) })
	return err
}

// reminded takes the first n out that wait to be reminded of.
func (d *digest) reminded(n int64) {
	d.Firing = slices.Delete(d.Firing, 0, min(int(n), len(d.Firing)))
	if len(d.Firing) == 0 {
		d.Asked = time.Time{}
	}
}

// reminder says of each how long it has been firing, and who has it.
func (b *board) reminder() (m message, any bool) {
	p, names := printer(b.dir), i18n.Names{Directory: b.dir, Zone: zoneOf(b.dir)}
	var lines []string
	for _, id := range b.d.Firing {
		inc := b.about[id]
		if inc == nil || inc.State == oncall.Resolved {
			continue
		}
		user := ""
		if inc.AcknowledgedBy != "" {
			user = escape(names.User(p, inc.AcknowledgedBy))
		}
		lines = append(lines, p.Say("slack.digest.reminder.line",
			"number", b.number(inc), "service", escape(names.Service(inc.Service)), "text", reminder(p, b.now.Sub(inc.TriggeredAt), user)))
	}
	if len(lines) == 0 {
		return m, false
	}
	lines = append([]string{p.Say("slack.digest.reminder", "n", strconv.Itoa(len(lines)))}, lines...)
	for _, part := range split(lines, maxSection) {
		m.Blocks = append(m.Blocks, api.NewSectionBlock(mrkdwn(part), nil, nil))
	}
	m.Text = clip(strings.Join(lines, "\n"), maxText)
	return m, true
}
