package slack

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"toban/notify"
)

// tag is how a message of ours is known again after a crash: its metadata.
type tag struct {
	Ref  string // incident, digest or delivery
	N    int64
	With []string // other deliveries that are told by the same message
}

const (
	eventType = "toban"
	// skew is by how much Slack's clock may be behind ours.
	skew = 2 * time.Minute
	// lookPages bounds how far back is looked.
	lookPages = 5
	lookPage  = 200
)

func (t tag) metadata() api.SlackMetadata {
	payload := map[string]any{"incident": t.Ref, "n": t.N}
	if len(t.With) > 0 {
		payload["with"] = strings.Join(t.With, " ")
	}
	return api.SlackMetadata{EventType: eventType, EventPayload: payload}
}

func (t tag) is(m api.SlackMetadata) bool {
	n, ok := m.EventPayload["n"].(float64)
	with, _ := m.EventPayload["with"].(string)
	return ok && m.EventType == eventType && int64(n) == t.N &&
		(m.EventPayload["incident"] == t.Ref || slices.Contains(strings.Fields(with), t.Ref))
}

// post posts m and returns where it is. In a thread, shout shows it in the
// channel as well.
func (w *Workspace) post(ctx context.Context, channel string, m message, t tag, thread string, shout bool) (id, ts string, f *notify.Failure) {
	send := func(m message) *notify.Failure {
		options := []api.MsgOption{
			api.MsgOptionText(m.Text, false), api.MsgOptionMetadata(t.metadata()),
			api.MsgOptionDisableLinkUnfurl(), api.MsgOptionDisableMediaUnfurl(),
		}
		if len(m.Blocks) > 0 {
			options = append(options, api.MsgOptionBlocks(m.Blocks...))
		}
		if thread != "" {
			options = append(options, api.MsgOptionTS(thread))
			if shout {
				options = append(options, api.MsgOptionBroadcast())
			}
		}
		return w.joining(ctx, channel, func() *notify.Failure {
			return w.call(ctx, postMethod, channel, func(ctx context.Context) (err error) {
				id, ts, err = w.client.PostMessageContext(ctx, channel, options...)
				return err
			})
		})
	}
	f = send(m)
	if badBlocks(f) { // words without form are better than none
		f = send(message{Text: m.Text})
	}
	if f == nil {
		w.gate.known(channel, id)
	}
	return id, ts, f
}

func (w *Workspace) update(ctx context.Context, p post, m message, t tag) *notify.Failure {
	send := func(m message) *notify.Failure {
		options := []api.MsgOption{api.MsgOptionText(m.Text, false), api.MsgOptionMetadata(t.metadata())}
		if len(m.Blocks) > 0 {
			options = append(options, api.MsgOptionBlocks(m.Blocks...))
		}
		return w.call(ctx, "chat.update", p.Channel, func(ctx context.Context) error {
			_, _, _, err := w.client.UpdateMessageContext(ctx, p.Channel, p.TS, options...)
			return err
		})
	}
	f := send(m)
	if badBlocks(f) {
		f = send(message{Text: m.Text})
	}
	return f
}

func badBlocks(f *notify.Failure) bool {
	return f != nil && (strings.HasPrefix(f.Code, "invalid_blocks") || f.Code == "msg_blocks_too_long")
}

// whisper tells one member in a channel what nobody else sees.
func (w *Workspace) whisper(ctx context.Context, channel, member, text string) *notify.Failure {
	return w.call(ctx, "chat.postEphemeral", channel, func(ctx context.Context) error {
		_, err := w.client.PostEphemeralContext(ctx, channel, member, api.MsgOptionText(text, false))
		return err
	})
}

// find looks for a message of ours, in a thread when there is one. found is false
// when Slack does not know it.
func (w *Workspace) find(ctx context.Context, channel, thread string, t tag, since time.Time) (ts string, found bool, f *notify.Failure) {
	id, f := w.channelID(ctx, channel)
	if f != nil || id == "" {
		return "", false, f
	}
	cursor := ""
	for range lookPages {
		var list []api.Message
		f := w.joining(ctx, id, func() *notify.Failure {
			var f *notify.Failure
			list, cursor, f = w.page(ctx, id, thread, cursor, since.Add(-skew))
			return f
		})
		if f != nil {
			return "", false, f
		}
		for _, m := range list {
			if t.is(m.Metadata) {
				return m.Timestamp, true, nil
			}
		}
		if cursor == "" {
			break
		}
	}
	return "", false, nil
}

func (w *Workspace) page(ctx context.Context, channel, thread, cursor string, oldest time.Time) (list []api.Message, next string, f *notify.Failure) {
	since := timestamp(oldest)
	if thread != "" {
		f = w.call(ctx, "conversations.replies", channel, func(ctx context.Context) (err error) {
			list, _, next, err = w.client.GetConversationRepliesContext(ctx, &api.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: thread, Cursor: cursor, Oldest: since, Limit: lookPage, IncludeAllMetadata: true,
			})
			return err
		})
		return list, next, f
	}
	f = w.call(ctx, "conversations.history", channel, func(ctx context.Context) error {
		h, err := w.client.GetConversationHistoryContext(ctx, &api.GetConversationHistoryParameters{
			ChannelID: channel, Cursor: cursor, Oldest: since, Limit: lookPage, IncludeAllMetadata: true,
		})
		if h != nil {
			list, next = h.Messages, h.ResponseMetaData.NextCursor
		}
		return err
	})
	return list, next, f
}
