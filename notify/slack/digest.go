package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"toban/i18n"
	"toban/notify"
	"toban/oncall"
	"toban/store"
)

// refreshEvery is how often a digest is written anew at most.
const refreshEvery = 5 * time.Second

// board is the work on one digest.
type board struct {
	f     *Follower
	ref   string
	d     digest
	ws    *Workspace
	dir   *oncall.Directory
	about map[oncall.IncidentID]*oncall.Incident
	now   time.Time
	next  time.Time
}

// lookAtDigest posts a digest, or writes it anew when it shows too little.
func (f *Follower) lookAtDigest(ctx context.Context, ref string) (again bool) {
	b := &board{f: f, ref: ref, now: time.Now()}
	if err := b.load(ctx); err != nil {
		f.log.WarnContext(ctx, "digest not read", "incident", ref, "err", err)
		return false
	}
	if b.ws == nil || len(b.d.Members) == 0 || b.d.Post.Gone {
		return b.finish(ctx)
	}
	if update, remind := b.outdated(), b.remindNow(); !update && !remind && b.d.Intent == nil {
		return b.finish(ctx)
	}
	err := f.tx(ctx, func(tx *store.Tx) error {
		_, ok, err := tx.ClaimChat(ctx, ref, tx.Now.Add(claimTime))
		if err == nil && !ok {
			return errTaken
		}
		return err
	})
	if err == nil {
		err = b.work(ctx)
	}
	if err != nil {
		if !errors.Is(err, errTaken) {
			f.log.WarnContext(ctx, "digest not posted; it is tried again", "incident", ref, "err", err)
		}
		f.postpone(ctx, ref, pausing)
		return false
	}
	return b.finish(ctx)
}

func (b *board) load(ctx context.Context) error {
	return b.f.read(ctx, func(tx *store.Tx) error {
		c, err := tx.Chat(ctx, b.ref)
		if err != nil {
			return err
		}
		if b.d, err = readDigest(c.State); err != nil {
			return err
		}
		b.ws = b.f.o.Workspace(b.d.Stage)
		if b.dir, err = tx.Directory(ctx); err != nil {
			return err
		}
		b.about, err = tx.IncidentsUnlocked(ctx, b.d.Members)
		return err
	})
}

// outdated reports whether the digest has to be written now.
func (b *board) outdated() bool {
	if b.d.Post.Shows == b.message().Shows {
		return false
	}
	if at := b.d.Post.At.Add(refreshEvery); b.now.Before(at) {
		b.next = sooner(b.next, at)
		return false
	}
	return true
}

// work does what is to be done, one after the other; what has to wait says so in
// next. What came into the digest meanwhile is kept: only what is changed here is
// written.
func (b *board) work(ctx context.Context) error {
	b.now, b.next = time.Now(), time.Time{}
	if b.d.Intent != nil {
		if known, err := b.recover(ctx); err != nil || !known {
			return err
		}
	}
	if b.outdated() {
		if done, err := b.show(ctx, b.message()); err != nil || !done {
			return err
		}
	}
	if b.remindNow() {
		return b.remind(ctx)
	}
	return nil
}

// recover finds out what became of a post that was not answered (R23); known is
// false when that can't be known yet.
func (b *board) recover(ctx context.Context) (known bool, err error) {
	in := *b.d.Intent
	ts, found, failure := b.ws.find(ctx, in.Channel, in.Thread, tag{Ref: b.ref, N: in.N}, in.At)
	if failure != nil && failure.Class != notify.BadAddress && failure.Class != notify.BadConfig {
		return false, b.failed(ctx, failure)
	}
	id := in.Channel
	if found {
		if id, failure = b.ws.channelID(ctx, in.Channel); failure != nil {
			return false, b.failed(ctx, failure)
		}
	}
	err = b.save(ctx, func(d *digest) {
		switch d.Intent = nil; {
		case found && in.Part == partTell:
			d.reminded(in.Seq)
		case found:
			d.Post = post{Channel: id, TS: ts, At: in.At}
		}
	})
	return err == nil, err
}

// show posts or updates the list.
func (b *board) show(ctx context.Context, m message) (done bool, err error) {
	if b.d.Post.TS != "" {
		if failure := b.ws.update(ctx, b.d.Post, m, tag{Ref: b.ref}); failure != nil {
			return false, b.failed(ctx, failure)
		}
		err := b.save(ctx, func(d *digest) { d.Post.Shows, d.Post.At, d.Tries = m.Shows, time.Now(), 0 })
		return err == nil, err
	}
	in := intent{Part: partDigest, Channel: b.d.Channel}
	return b.post(ctx, in, m, func(d *digest, channel, ts string) {
		d.Post = post{Channel: channel, TS: ts, Shows: m.Shows, At: time.Now()}
	})
}

// post posts m: its intent is saved first, and then what its answer means.
func (b *board) post(ctx context.Context, in intent, m message, well func(d *digest, channel, ts string)) (done bool, err error) {
	if wait := b.ws.gate.free(in.Channel); wait > 0 {
		b.next = sooner(b.next, time.Now().Add(wait+busyPause))
		return false, nil
	}
	in.N, in.At = b.d.N+1, time.Now()
	if err := b.save(ctx, func(d *digest) { d.N, d.Intent = in.N, &in }); err != nil {
		return false, err
	}
	channel, ts, failure := b.ws.post(ctx, in.Channel, m, tag{Ref: b.ref, N: in.N}, in.Thread, in.Thread != "")
	if failure != nil {
		return false, b.failed(ctx, failure)
	}
	err = b.save(ctx, func(d *digest) {
		d.Intent, d.Tries = nil, 0
		well(d, channel, ts)
	})
	return err == nil, err
}

// failed says when to try again. Only what is known not to have been sent leaves
// no intent.
func (b *board) failed(ctx context.Context, failure *notify.Failure) error {
	if failure.Code != codePace {
		b.f.log.WarnContext(ctx, "digest not taken by slack", "incident", b.ref, "class", string(failure.Class), "code", failure.Code)
	}
	b.f.trouble(ctx, b.ws, b.dir, "digest", failure)
	pause := max(failure.After, min(firstRetry<<min(b.d.Tries, 10), lastRetry))
	if failure.Class == notify.Throttled {
		pause = failure.After + busyPause
	}
	b.next = sooner(b.next, time.Now().Add(pause))
	return b.save(ctx, func(d *digest) {
		if failure.Class != notify.Throttled {
			d.Tries++
		}
		if failure.Class != notify.Ambiguous {
			d.Intent = nil
		}
		if failure.Class == notify.BadAddress {
			b.f.raise(ctx, b.ws, "channel "+d.Channel, printer(b.dir).Say("slack.alarm.channel", "channel", d.Channel, "code", failure.Code))
			d.Post.Gone = d.Post.TS != "" || d.Tries > maxTaken
		}
	})
}

// save changes the digest as it is now, while it is ours.
func (b *board) save(ctx context.Context, change func(d *digest)) error {
	var saved digest
	err := b.f.tx(ctx, func(tx *store.Tx) error {
		c, err := tx.ChatLocked(ctx, b.ref)
		if err != nil {
			return err
		}
		if c.ClaimedBy != b.f.db.Node() {
			return errTaken
		}
		if saved, err = readDigest(c.State); err != nil {
			return err
		}
		change(&saved)
		if c.State, err = json.Marshal(saved); err != nil {
			return err
		}
		c.ClaimedUntil = tx.Now.Add(claimTime)
		return tx.SaveChat(ctx, &c)
	})
	if err == nil {
		b.d = saved
	}
	return err
}

// finish gives the digest back. Who came into it meanwhile has left a wait that
// is due, and that stays.
func (b *board) finish(ctx context.Context) (again bool) {
	err := b.f.tx(ctx, func(tx *store.Tx) error {
		c, err := tx.ChatLocked(ctx, b.ref)
		if err != nil {
			return err
		}
		if c.Version > 0 && c.ClaimedBy == b.f.db.Node() {
			c.ClaimedBy, c.ClaimedUntil = "", time.Time{}
			if err := tx.SaveChat(ctx, &c); err != nil {
				return err
			}
		}
		if b.next.IsZero() {
			return tx.RestChat(ctx, b.ref)
		}
		return tx.DeferChat(ctx, b.ref, later(b.next, tx.Now.Add(time.Millisecond)))
	})
	if err != nil {
		b.f.log.WarnContext(ctx, "digest not given back; its timer looks at it", "incident", b.ref, "err", err)
	}
	return false
}

// message lists the incidents of the digest, each with its state in words and a
// link.
func (b *board) message() message {
	p, names := printer(b.dir), i18n.Names{Directory: b.dir, Zone: zoneOf(b.dir)}
	count := map[oncall.State]int{}
	var lines []string
	list := slices.SortedFunc(maps.Values(b.about), func(x, y *oncall.Incident) int { return cmp.Compare(x.Number, y.Number) })
	for _, inc := range list {
		count[inc.State]++
		lines = append(lines, b.line(p, names, inc))
	}
	n := strconv.Itoa(len(lines))
	head := p.Say("slack.digest.head", "n", n)
	counts := p.Say("slack.digest.counts",
		"triggered", strconv.Itoa(count[oncall.Triggered]), "acknowledged", strconv.Itoa(count[oncall.Acknowledged]), "resolved", strconv.Itoa(count[oncall.Resolved]))
	m := message{Text: escape(head + " " + counts)}
	m.Blocks = append(m.Blocks, api.NewHeaderBlock(plain(clip(head, maxHeader))), api.NewSectionBlock(mrkdwn(counts), nil, nil))
	const sections = 45 // Slack takes 50 blocks
	parts := split(lines, maxSection)
	for _, part := range parts[:min(len(parts), sections)] {
		m.Blocks = append(m.Blocks, api.NewSectionBlock(mrkdwn(part), nil, nil))
	}
	if base := b.base(); base != "" {
		m.Blocks = append(m.Blocks, api.NewContextBlock("", mrkdwn(anchor(base+"/incidents", p.Say("slack.digest.open")))))
	}
	sum := sha256.Sum256([]byte(counts + "\n" + strings.Join(lines, "\n")))
	m.Shows = hex.EncodeToString(sum[:8])
	return m
}

func (b *board) line(p i18n.Printer, names i18n.Names, inc *oncall.Incident) string {
	const short = 60
	key, user := "slack.digest.line", ""
	if inc.State == oncall.Acknowledged {
		key, user = "slack.digest.line.held", escape(names.User(p, inc.AcknowledgedBy))
	}
	return p.Say(key, "mark", mark(inc.State), "number", b.number(inc), "service", escape(names.Service(inc.Service)),
		"title", escape(clip(p.Title(inc.Title), short)), "state", p.Say("state."+string(inc.State)), "user", user)
}

// number is an incident's, which leads to its page.
func (b *board) number(inc *oncall.Incident) string {
	number := "#" + strconv.FormatInt(inc.Number, 10)
	if base := b.base(); base != "" {
		return anchor(base+"/incidents/"+number[1:], number)
	}
	return number
}

func (b *board) base() string {
	base := b.f.o.BaseURL
	if b.dir.Settings.ExternalURL != "" {
		base = b.dir.Settings.ExternalURL
	}
	return strings.TrimSuffix(base, "/")
}
