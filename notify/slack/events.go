package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"toban/oncall"
	"toban/store"
)

// envelope is what the Events API sends, as far as it is understood here.
type envelope struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	EventID   string `json:"event_id"`
	Event     event  `json:"event"`
}

type event struct {
	Type    string      `json:"type"`
	Subtype string      `json:"subtype"`
	Channel eventTarget `json:"channel"`
	User    eventTarget `json:"user"`
	BotID   string      `json:"bot_id"`
	Text    string      `json:"text"`
	TS      string      `json:"ts"`
}

// eventTarget is a channel or a member, which some events send as an object.
type eventTarget string

// UnmarshalJSON reads an id, or an object with one.
func (t *eventTarget) UnmarshalJSON(raw []byte) error {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		*t = eventTarget(id)
		return nil
	}
	var object struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(raw, &object)
	*t = eventTarget(object.ID)
	return err
}

const maxChallenge = 1000

// events is told of what happens in the workspace.
func (c callbacks) events(w http.ResponseWriter, r *http.Request) {
	ws, body, err := c.check(w, r)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	var e envelope
	if json.Unmarshal(body, &e) != nil || len(e.Challenge) > maxChallenge {
		c.refuse(w, r, errForm)
		return
	}
	switch e.Type {
	case "url_verification":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(e.Challenge)) // Slack is gone: there is nobody to tell
	case "event_callback":
		c.answer(w, r, func(ctx context.Context, free func()) {
			if c.f.seen.first("event " + e.EventID) {
				c.f.happened(ctx, ws, e.Event, free)
			}
		})
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// happened takes in what concerns us: a channel of an incident that was closed
// or opened, and a note that somebody writes there.
func (f *Follower) happened(ctx context.Context, ws *Workspace, e event, free func()) {
	switch e.Type {
	case "channel_archive", "channel_deleted":
		f.closed(ctx, string(e.Channel), true)
	case "channel_unarchive":
		f.closed(ctx, string(e.Channel), false)
	case "message", "app_mention":
		if e.BotID == "" && e.Subtype == "" && e.User != "" {
			f.heard(ctx, ws, e, free)
		}
	}
}

// closed notes that the channel of an incident was archived, or opened again.
func (f *Follower) closed(ctx context.Context, channel string, closed bool) {
	err := f.tx(ctx, func(tx *store.Tx) error {
		ref, ok, err := tx.ChatOfChannel(ctx, channel)
		if err != nil || !ok {
			return err
		}
		c, err := tx.ChatLocked(ctx, ref)
		if err != nil {
			return err
		}
		st, err := readState(c.State)
		if err != nil || st.Room.ID != channel || st.Room.Archived == closed {
			return err
		}
		st.Room.Archived = closed
		if c.State, err = json.Marshal(st); err != nil {
			return err
		}
		if err := tx.SaveChat(ctx, &c); err != nil {
			return err
		}
		return tx.HurryChat(ctx, ref, tx.Now)
	})
	if err != nil {
		f.log.WarnContext(ctx, "closed channel not noted; it is found out at the next post", "err", err)
	}
}

// notePattern is how a note begins: "toban: note …" or "<@U0BOT> note …".
var notePattern = regexp.MustCompile(`(?is)^\s*(?:<@([A-Z0-9]+)(?:\|[^>]*)?>|toban|トウバン)[\s,、:：]*(?:note|メモ)(?:[\s:：、]+(.*))?$`)

// heard takes a note that somebody writes in the channel of an incident. Whoever
// writes one is still on it (R16). Other talk is people's own.
func (f *Follower) heard(ctx context.Context, ws *Workspace, e event, free func()) {
	m := notePattern.FindStringSubmatch(e.Text)
	if m == nil || f.o.Actions == nil {
		return
	}
	if m[1] != "" {
		if me, failure := ws.me(ctx); failure != nil || me != m[1] {
			return
		}
	}
	var ref string
	err := f.read(ctx, func(tx *store.Tx) (err error) {
		ref, _, err = tx.ChatOfChannel(ctx, string(e.Channel))
		return err
	})
	if err != nil || ref == "" || !f.seen.first("note "+string(e.Channel)+" "+e.TS) { // a mention comes as a message, too
		return
	}
	p := &press{f: f, ws: ws, member: string(e.User), channel: string(e.Channel)}
	p.write(ctx, oncall.IncidentID(ref), unescaper.Replace(strings.TrimSpace(m[2])))
	free()
	f.speak(ctx, p)
}

// write adds a note in the name of who has written it.
func (p *press) write(ctx context.Context, incident oncall.IncidentID, text string) {
	if err := p.load(ctx, incident); err != nil {
		p.fail(ctx, err)
		return
	}
	switch ok, err := p.identify(ctx); {
	case err != nil:
		p.fail(ctx, err)
	case !ok: // and told so
	case text == "":
		p.say("slack.said.no_note")
	default:
		if _, err := p.f.o.Actions.Note(ctx, p.inc.ID, text, p.by, via); err != nil {
			p.fail(ctx, err)
		}
	}
}

// unescaper makes of mrkdwn what was typed.
var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
