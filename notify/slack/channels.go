package slack

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	api "github.com/slack-go/slack"

	"toban/notify"
)

// rooms remembers the ids of channels by name.
type rooms struct {
	mu   sync.Mutex
	ids  map[string]string
	read time.Time
}

var channelShape = regexp.MustCompile(`^[CGD][A-Z0-9]{2,20}$`)

const (
	listPage  = 999
	listPages = 20 // a workspace of 20,000 channels
	listFor   = 10 * time.Minute
)

// channelID is the id of a channel that people call by name; "" = there is none.
func (w *Workspace) channelID(ctx context.Context, channel string) (string, *notify.Failure) {
	if channelShape.MatchString(channel) {
		return channel, nil
	}
	name := strings.TrimPrefix(channel, "#")
	w.rooms.mu.Lock()
	id, ok := w.rooms.ids[name]
	old := time.Since(w.rooms.read) > listFor
	w.rooms.mu.Unlock()
	if ok || !old {
		return id, nil
	}
	all, f := w.channels(ctx, func(api.Channel) bool { return true })
	if f != nil {
		return "", f
	}
	ids := make(map[string]string, len(all))
	for _, c := range all {
		ids[c.Name] = c.ID
	}
	w.rooms.mu.Lock()
	defer w.rooms.mu.Unlock()
	w.rooms.ids, w.rooms.read = ids, time.Now()
	return ids[name], nil
}

// channels lists those that keep wants.
func (w *Workspace) channels(ctx context.Context, keep func(api.Channel) bool) (list []api.Channel, f *notify.Failure) {
	p := &api.GetConversationsParameters{Limit: listPage, Types: []string{"public_channel", "private_channel"}}
	for range listPages {
		var page []api.Channel
		f := w.call(ctx, "conversations.list", "", func(ctx context.Context) (err error) {
			page, p.Cursor, err = w.client.GetConversationsContext(ctx, p)
			return err
		})
		if f != nil {
			return nil, f
		}
		for _, c := range page {
			if keep(c) {
				list = append(list, c)
			}
		}
		if p.Cursor == "" {
			break
		}
	}
	return list, nil
}

// join makes the bot a member of a public channel.
func (w *Workspace) join(ctx context.Context, channel string) *notify.Failure {
	id, f := w.channelID(ctx, channel)
	if f != nil {
		return f
	}
	if id == "" {
		return refused(codeNoChannel)
	}
	return w.call(ctx, "conversations.join", id, func(ctx context.Context) error {
		_, _, _, err := w.client.JoinConversationContext(ctx, id)
		return err
	})
}

// joining does f, once more as a member when Slack wants that.
func (w *Workspace) joining(ctx context.Context, channel string, f func() *notify.Failure) *notify.Failure {
	failure := f()
	if failure == nil || failure.Code != codeNotInChannel {
		return failure
	}
	if f := w.join(ctx, channel); f != nil {
		return f
	}
	return f()
}

func (w *Workspace) createChannel(ctx context.Context, name string) (id string, f *notify.Failure) {
	f = w.call(ctx, "conversations.create", "", func(ctx context.Context) error {
		c, err := w.client.CreateConversationContext(ctx, api.CreateConversationParams{ChannelName: name})
		if err == nil {
			id = c.ID
		}
		return err
	})
	return id, f
}

// created looks for a channel of that name that we have made since then.
func (w *Workspace) created(ctx context.Context, name string, since time.Time) (id string, f *notify.Failure) {
	me, f := w.me(ctx)
	if f != nil {
		return "", f
	}
	list, f := w.channels(ctx, func(c api.Channel) bool { return c.Name == name && c.Creator == me && !c.IsArchived })
	if f != nil {
		return "", f
	}
	for _, c := range list {
		if !c.Created.Time().Before(since.Add(-skew)) {
			id = c.ID
		}
	}
	return id, nil
}

func (w *Workspace) setTopic(ctx context.Context, channel, topic string) *notify.Failure {
	return w.call(ctx, "conversations.setTopic", channel, func(ctx context.Context) error {
		_, err := w.client.SetTopicOfConversationContext(ctx, channel, topic)
		return err
	})
}

func (w *Workspace) invite(ctx context.Context, channel string, members []string) *notify.Failure {
	f := w.call(ctx, "conversations.invite", channel, func(ctx context.Context) error {
		_, err := w.client.InviteUsersToConversationContext(ctx, channel, members...)
		return err
	})
	if f != nil && f.Code == codeAlreadyIn {
		return nil
	}
	return f
}

func (w *Workspace) archive(ctx context.Context, channel string) *notify.Failure {
	f := w.call(ctx, "conversations.archive", channel, func(ctx context.Context) error {
		return w.client.ArchiveConversationContext(ctx, channel)
	})
	if f != nil && f.Code == codeAlreadyArchived {
		return nil
	}
	return f
}

func (w *Workspace) unarchive(ctx context.Context, channel string) *notify.Failure {
	return w.call(ctx, "conversations.unarchive", channel, func(ctx context.Context) error {
		return w.client.UnArchiveConversationContext(ctx, channel)
	})
}
