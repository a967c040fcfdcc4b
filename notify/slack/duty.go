package slack

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"toban/notify"
	"toban/oncall"
	"toban/store"
)

// duties are what was set last of the groups and topics that follow a schedule,
// so that Slack is asked only when somebody else comes on duty, and now and then
// in case somebody has changed it by hand.
type duties struct {
	ws     *Workspace
	groups map[string]string // by handle: its members
	topics map[string]string // by channel
	at     time.Time         // when they were last compared with Slack
}

const (
	// dutyEvery is how often is looked who is on duty, beside every hand-over and
	// every change of the configuration.
	dutyEvery = time.Minute
	// compareEvery is how often Slack is asked how things are there.
	compareEvery = 30 * time.Minute
)

// followDuty keeps groups and topics at who is on duty, until ctx ends.
func (f *Follower) followDuty(ctx context.Context) {
	changed := make(chan struct{}, 1)
	cancel := f.db.OnChange(func(list []store.Change) {
		if slices.ContainsFunc(list, func(c store.Change) bool { return c.Topic == store.TopicDirectory }) {
			select {
			case changed <- struct{}{}:
			default: // it is already on its way
			}
		}
	})
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-changed:
		}
		timer.Reset(f.setDuty(ctx))
	}
}

// roster is who is on duty by the schedules that something in Slack follows.
type roster struct {
	groups map[string][]oncall.UserID // by handle
	topics map[string][]string        // by channel: what each schedule says
	next   time.Time                  // the next hand-over
}

// setDuty sets what has changed and returns when to look again.
func (f *Follower) setDuty(ctx context.Context) time.Duration {
	ws := f.o.Workspace(oncall.Production)
	if ws == nil || f.o.Fenced() {
		return dutyEvery
	}
	var dir *oncall.Directory
	err := f.read(ctx, func(tx *store.Tx) (err error) {
		dir, err = tx.Directory(ctx)
		return err
	})
	if err != nil {
		f.log.WarnContext(ctx, "schedules not read for slack", "err", err)
		return dutyEvery
	}
	if dir.Settings.Shadow {
		return dutyEvery
	}
	now := time.Now()
	r := f.roster(ctx, ws, dir, now)
	if now.Sub(f.duty.at) > compareEvery || f.duty.ws != ws {
		f.duty = duties{ws: ws, groups: map[string]string{}, topics: map[string]string{}, at: now}
	}
	for _, handle := range slices.Sorted(maps.Keys(r.groups)) {
		f.setGroup(ctx, ws, dir, handle, r.groups[handle])
	}
	for _, channel := range slices.Sorted(maps.Keys(r.topics)) {
		f.setChannelTopic(ctx, ws, dir, channel, strings.Join(r.topics[channel], " · "))
	}
	wait := dutyEvery
	if !r.next.IsZero() {
		wait = min(wait, max(time.Until(r.next), time.Millisecond))
	}
	return wait
}

// roster says who is on duty. Several schedules may share a group or a topic.
func (f *Follower) roster(ctx context.Context, ws *Workspace, dir *oncall.Directory, now time.Time) roster {
	r := roster{groups: map[string][]oncall.UserID{}, topics: map[string][]string{}}
	for _, id := range slices.Sorted(maps.Keys(dir.Schedules)) {
		s := dir.Schedules[id]
		if s.Chat.Group == "" && s.Chat.Topic == "" {
			continue
		}
		on, until := s.OnDuty(dir, now)
		r.next = sooner(r.next, until)
		if s.Chat.Group != "" {
			handle := strings.TrimPrefix(s.Chat.Group, "@")
			r.groups[handle] = append(r.groups[handle], on...)
		}
		if s.Chat.Topic != "" {
			r.topics[s.Chat.Topic] = append(r.topics[s.Chat.Topic], f.dutyLine(ctx, ws, dir, s, on, until))
		}
	}
	return r
}

// dutyLine says in a topic who is on duty.
func (f *Follower) dutyLine(ctx context.Context, ws *Workspace, dir *oncall.Directory, s *oncall.Schedule, on []oncall.UserID, until time.Time) string {
	p := printer(dir)
	w := wanted{Directory: dir, Members: map[oncall.UserID]string{}}
	names := make([]string, len(on))
	for i, u := range on {
		w.Members[u] = ws.memberOf(ctx, dir.Users[u])
		names[i] = w.mention(u)
	}
	key := "slack.duty.on"
	switch {
	case len(on) == 0 && until.IsZero():
		key = "slack.duty.never"
	case len(on) == 0:
		key = "slack.duty.nobody"
	case until.IsZero():
		key = "slack.duty.always"
	}
	zone := w.zone()
	if own, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" {
		zone = own
	}
	return p.Say(key, "schedule", escape(string(s.ID)), "users", p.List(names), "until", until.In(zone).Format(p.Say("time.dated")))
}

// setGroup makes users the members of a group. Slack takes no empty one: then it
// stays as it is, and the topic says that there is nobody.
func (f *Follower) setGroup(ctx context.Context, ws *Workspace, dir *oncall.Directory, handle string, users []oncall.UserID) {
	var members []string
	for _, u := range users {
		if m := ws.memberOf(ctx, dir.Users[u]); m != "" {
			members = append(members, m)
		}
	}
	slices.Sort(members)
	members = slices.Compact(members)
	key := strings.Join(members, ",")
	if len(members) == 0 || f.duty.groups[handle] == key {
		return
	}
	group, failure := ws.group(ctx, handle)
	if failure == nil && group == nil {
		f.raise(ctx, ws, "group "+handle, printer(dir).Say("slack.alarm.group", "group", "@"+handle, "code", "no_such_subteam"))
		return
	}
	if failure == nil && !slices.Equal(slices.Sorted(slices.Values(group.Users)), members) {
		failure = ws.call(ctx, "usergroups.users.update", "", func(ctx context.Context) error {
			_, err := ws.client.UpdateUserGroupMembersContext(ctx, group.ID, key)
			return err
		})
	}
	if f.dutyFailed(ctx, ws, dir, "usergroups", failure) {
		return
	}
	ws.healed("group " + handle)
	f.duty.groups[handle] = key
}

// setChannelTopic sets the topic of a channel where it is another one.
func (f *Follower) setChannelTopic(ctx context.Context, ws *Workspace, dir *oncall.Directory, channel, topic string) {
	topic = clip(topic, maxTopic)
	if f.duty.topics[channel] == topic {
		return
	}
	id, failure := ws.channelID(ctx, channel)
	if failure == nil && id == "" {
		f.raise(ctx, ws, "topic "+channel, printer(dir).Say("slack.alarm.channel", "channel", channel, "code", codeNoChannel))
		return
	}
	same := false
	if failure == nil {
		failure = ws.call(ctx, "conversations.info", id, func(ctx context.Context) error {
			c, err := ws.client.GetConversationInfoContext(ctx, &api.GetConversationInfoInput{ChannelID: id})
			same = err == nil && c.Topic.Value == topic
			return err
		})
	}
	if failure == nil && !same {
		failure = ws.joining(ctx, id, func() *notify.Failure { return ws.setTopic(ctx, id, topic) })
	}
	if f.dutyFailed(ctx, ws, dir, "conversations.setTopic", failure) {
		return
	}
	ws.healed("topic " + channel)
	f.duty.topics[channel] = topic
}

// dutyFailed reports whether it has to be tried again, in a minute.
func (f *Follower) dutyFailed(ctx context.Context, ws *Workspace, dir *oncall.Directory, method string, failure *notify.Failure) bool {
	if failure == nil {
		return false
	}
	if failure.Code != codePace {
		f.log.WarnContext(ctx, "slack does not follow a schedule; it is tried again", "method", method, "class", string(failure.Class), "code", failure.Code)
	}
	f.trouble(ctx, ws, dir, method, failure)
	return true
}

// group finds a group by its handle or id; nil = there is none.
func (w *Workspace) group(ctx context.Context, handle string) (found *api.UserGroup, f *notify.Failure) {
	f = w.call(ctx, "usergroups.list", "", func(ctx context.Context) error {
		list, err := w.client.GetUserGroupsContext(ctx, api.GetUserGroupsOptionIncludeUsers(true), api.GetUserGroupsOptionIncludeDisabled(false))
		for i := range list {
			if list[i].Handle == handle || list[i].ID == handle {
				found = &list[i]
			}
		}
		return err
	})
	return found, f
}
