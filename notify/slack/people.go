package slack

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	api "github.com/slack-go/slack"

	"toban/notify"
	"toban/oncall"
)

const (
	knownFor   = time.Hour        // a member who was found
	unknownFor = 10 * time.Minute // one who was not
	maxPeople  = 20_000
)

// people remembers who is who in the workspace.
type people struct {
	mu      sync.Mutex
	members map[string]found // by mail address: the member
	mails   map[string]found // by member: the mail address
	direct  map[string]string
}

type found struct {
	value string // "" = there is none
	until time.Time
}

func newPeople() *people {
	return &people{members: map[string]found{}, mails: map[string]found{}, direct: map[string]string{}}
}

func (p *people) get(in map[string]found, key string) (value string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := in[key]
	return f.value, ok && time.Now().Before(f.until)
}

func (p *people) put(in map[string]found, key, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(in) >= maxPeople {
		clear(in)
	}
	lasts := knownFor
	if value == "" {
		lasts = unknownFor
	}
	in[key] = found{value, time.Now().Add(lasts)}
}

// forget forgets who was not found.
func (p *people) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	nobody := func(_ string, f found) bool { return f.value == "" }
	maps.DeleteFunc(p.members, nobody)
	maps.DeleteFunc(p.mails, nobody)
}

// member is who has an address of a contact method: a member's id stands for
// itself, a mail address is looked up. "" = nobody.
func (w *Workspace) member(ctx context.Context, address string) (string, *notify.Failure) {
	if !strings.Contains(address, "@") {
		return address, nil
	}
	mail := strings.ToLower(address)
	if m, ok := w.people.get(w.people.members, mail); ok {
		return m, nil
	}
	var user *api.User
	f := w.call(ctx, "users.lookupByEmail", "", func(ctx context.Context) (err error) {
		user, err = w.client.GetUserByEmailContext(ctx, address)
		return err
	})
	ours := false
	if f == nil {
		ours, f = w.belongs(ctx, user)
	}
	switch {
	case f == nil && ours:
		w.people.put(w.people.members, mail, user.ID)
		return user.ID, nil
	case f == nil, f.Code == "users_not_found":
		w.people.put(w.people.members, mail, "")
		return "", nil
	}
	return "", f
}

// addressOf is how a user is found in a workspace: by the contact method for it,
// else by the mail address.
func addressOf(u *oncall.User) string {
	for _, c := range u.Contacts {
		if c.Method == oncall.Slack && c.Verified && c.Address != "" {
			return c.Address
		}
	}
	return u.Email
}

// memberOf is the member that a user is; "" = none, or not known now.
func (w *Workspace) memberOf(ctx context.Context, u *oncall.User) string {
	if u == nil {
		return ""
	}
	address := addressOf(u)
	if address == "" {
		return ""
	}
	m, _ := w.member(ctx, address) // who can't be looked up now is called by name
	return m
}

// belongs reports whether a mail address says who a member is. That of a guest, or
// of somebody from a workspace that is connected with this one, was set by people
// who have no say here.
func (w *Workspace) belongs(ctx context.Context, u *api.User) (bool, *notify.Failure) {
	if u.Deleted || u.IsBot || u.IsStranger || u.IsRestricted || u.IsUltraRestricted {
		return false, nil
	}
	_, team, f := w.identity(ctx)
	return f == nil && (u.TeamID == team || slices.Contains(u.Enterprise.Teams, team)), f
}

// users are those in toban that a member may be: nobody, one, or several whom
// nothing tells apart.
func (w *Workspace) users(ctx context.Context, dir *oncall.Directory, member string) ([]oncall.UserID, *notify.Failure) {
	named := func(u *oncall.User, is func(address string) bool) bool {
		return slices.ContainsFunc(u.Contacts, func(c oncall.ContactMethod) bool {
			return c.Method == oncall.Slack && c.Verified && c.Address != "" && is(c.Address)
		})
	}
	if list := usersWho(dir, func(u *oncall.User) bool { return named(u, func(a string) bool { return a == member }) }); len(list) > 0 {
		return list, nil
	}
	mail, f := w.mail(ctx, member)
	if f != nil || mail == "" {
		return nil, f
	}
	same := func(address string) bool { return strings.EqualFold(address, mail) }
	if list := usersWho(dir, func(u *oncall.User) bool { return named(u, same) }); len(list) > 0 {
		return list, nil
	}
	anybody := func(string) bool { return true } // who says which member it is, is no other one
	return usersWho(dir, func(u *oncall.User) bool { return same(u.Email) && !named(u, anybody) }), nil
}

func usersWho(dir *oncall.Directory, are func(u *oncall.User) bool) (list []oncall.UserID) {
	for id, u := range dir.Users {
		if are(u) {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// mail is the address by which a member is known; "" = none that counts.
func (w *Workspace) mail(ctx context.Context, member string) (string, *notify.Failure) {
	mail, ok := w.people.get(w.people.mails, member)
	if ok {
		return mail, nil
	}
	var info *api.User
	ours := false
	f := w.call(ctx, "users.info", "", func(ctx context.Context) (err error) {
		info, err = w.client.GetUserInfoContext(ctx, member)
		return err
	})
	if f == nil {
		ours, f = w.belongs(ctx, info)
	}
	if f != nil && f.Class != notify.BadAddress {
		return "", f
	}
	if ours {
		mail = info.Profile.Email
	}
	w.people.put(w.people.mails, member, mail)
	return mail, nil
}

// directTo is the channel of direct messages with a member.
func (w *Workspace) directTo(ctx context.Context, member string) (string, *notify.Failure) {
	w.people.mu.Lock()
	channel, ok := w.people.direct[member]
	w.people.mu.Unlock()
	if ok {
		return channel, nil
	}
	f := w.call(ctx, "conversations.open", "", func(ctx context.Context) error {
		c, _, _, err := w.client.OpenConversationContext(ctx, &api.OpenConversationParameters{Users: []string{member}})
		if err == nil {
			channel = c.ID
		}
		return err
	})
	if f != nil {
		return "", f
	}
	w.people.mu.Lock()
	defer w.people.mu.Unlock()
	if len(w.people.direct) >= maxPeople {
		clear(w.people.direct)
	}
	w.people.direct[member] = channel
	return channel, nil
}

// self is who we are in the workspace.
type self struct {
	mu         sync.Mutex
	user, team string
}

func (w *Workspace) me(ctx context.Context) (string, *notify.Failure) {
	user, _, f := w.identity(ctx)
	return user, f
}

func (w *Workspace) identity(ctx context.Context) (user, team string, f *notify.Failure) {
	w.self.mu.Lock()
	user, team = w.self.user, w.self.team
	w.self.mu.Unlock()
	if user != "" {
		return user, team, nil
	}
	f = w.call(ctx, "auth.test", "", func(ctx context.Context) error {
		who, err := w.client.AuthTestContext(ctx)
		if err == nil {
			user, team = who.UserID, who.TeamID
		}
		return err
	})
	if f != nil {
		return "", "", f
	}
	w.self.mu.Lock()
	defer w.self.mu.Unlock()
	w.self.user, w.self.team = user, team
	return user, team, nil
}
