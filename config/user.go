package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"toban/internal/nearest"
	"toban/oncall"
)

const (
	maxContacts = 20
	maxRules    = 20
)

// user reads one of `users`.
func (l *loader) user(name, n *node) {
	f := l.fields(name, n, "name", "reading", "email", "language", "zone", "contacts", "rules")
	u := &oncall.User{
		ID: oncall.UserID(name.text), Name: f.title("name"), Reading: f.text("reading"), Email: f.text("email"),
		Language: f.word("language", "", "ja", "en"), Zone: f.zone("zone", ""),
	}
	if u.Name == "" {
		u.Name = name.text
	}
	l.put(kindUser, name.text, u, name)
	if contacts := f.node("contacts"); contacts != nil && l.is(contacts, mapping) {
		seen := map[string]*node{}
		for _, p := range contacts.pairs {
			if was := seen[p.key.text]; was != nil {
				l.errorf(p.key, "contact %s of %s is defined twice; first at %s", quote(p.key.text), name.text, was.place())
				continue
			}
			seen[p.key.text] = p.key
			if c, ok := l.contact(p.key, p.value, u.Email); ok && l.name(p.key) {
				u.Contacts = append(u.Contacts, c)
			}
		}
		if len(contacts.pairs) > maxContacts {
			l.errorf(contacts, "a user has at most %d contacts", maxContacts)
		}
	}
	callable := slices.ContainsFunc(u.Contacts, isCall)
	if !callable {
		l.warnf(f.key("contacts"), "%s has no phone to call: only a call can hear a key, so nobody waits for this user's answer", name.text)
	}
	if rules := f.node("rules"); rules != nil {
		l.rules(f.key("rules"), rules, u, callable)
	}
}

func isCall(c oncall.ContactMethod) bool { return c.Method == oncall.Call && c.Verified }

// pushDevices is the address of a push contact: whatever the user has subscribed
// in the pages.
const pushDevices = "devices"

// memberShape is a member's id in Slack.
var memberShape = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)

// member reads who somebody is in Slack: a member's id, a mail address, or the
// word email for the user's own.
func (l *loader) member(n *node, email string) string {
	if !l.is(n, scalar) {
		return ""
	}
	switch text := n.text; {
	case text == "email" && email == "":
		l.errorf(n, "the user has no email to be found by: add one, or write the member's id, as in U0001")
	case text == "email":
		return email
	case memberShape.MatchString(text), strings.Contains(text, "@"):
		return text
	default:
		l.errorf(n, "%s is nobody in Slack: write the member's id, as in U0001, or email to be found by the user's mail address", quote(text))
	}
	return ""
}

// needsSlack makes sure that there is a workspace where one is referred to.
func (l *loader) needsSlack(at *node) {
	l.afterwards(func() {
		if l.config.Providers.Slack == nil && !l.partial {
			l.once("slack", at, "there is no providers.slack, so nothing of this reaches anybody in production")
		}
	})
}

// contact reads one way to reach a user: { call: "+81…", ring: 25s }.
func (l *loader) contact(name, n *node, email string) (c oncall.ContactMethod, ok bool) {
	methods := []string{"call", "sms", "slack", "push", "email"}
	f := l.fields(name, n, append(slices.Clone(methods), "ring", "verified")...)
	c.Name, c.Verified = name.text, f.bool("verified", true)
	for _, method := range methods {
		if !f.has(method) {
			continue
		}
		if c.Method != "" {
			l.errorf(f.key(method), "a contact is one address; %s is written already, so give %s a name of its own", c.Method, method)
			return c, false
		}
		c.Method = oncall.Method(method)
		switch c.Method {
		case oncall.Call, oncall.SMS:
			c.Address = l.phone(f.node(method))
		case oncall.Email:
			if c.Address = f.text(method); c.Address != "" && !strings.Contains(c.Address, "@") {
				l.errorf(f.node(method), "this is no mail address")
			}
		case oncall.Slack:
			c.Address = l.member(f.node(method), email)
			l.needsSlack(f.key(method))
		case oncall.Push:
			f.word(method, pushDevices, pushDevices)
			c.Address = pushDevices
		}
		if c.Method == oncall.SMS || c.Method == oncall.Email {
			l.once("contact "+method, f.key(method), "%s is not sent yet: such a contact counts as not reached until the version that has it", method)
		}
	}
	if n.kind == mapping && c.Method == "" {
		l.errorf(name, "contact %s needs an address: call, sms, slack, push or email", quote(name.text))
		return c, false
	}
	if f.has("ring") {
		c.Ring = f.duration("ring", 0, time.Second, 2*time.Minute)
		if c.Method != oncall.Call {
			l.errorf(f.key("ring"), "only a call rings")
		}
	}
	return c, c.Method != ""
}

// rules reads how a user wants to be reached, by urgency.
func (l *loader) rules(at, n *node, u *oncall.User, callable bool) {
	f := l.fields(at, n, "high", "low")
	for _, urgency := range []oncall.Urgency{oncall.High, oncall.Low} {
		key := string(urgency)
		if !f.has(key) {
			continue
		}
		calls := false
		for _, step := range f.each(key) {
			rule := l.rule(f.key(key), step, u)
			if u.Rules == nil {
				u.Rules = map[oncall.Urgency][]oncall.NotificationRule{}
			}
			u.Rules[urgency] = append(u.Rules[urgency], rule)
			calls = calls || slices.ContainsFunc(rule.Via, func(name string) bool {
				c, ok := u.Contact(name)
				return ok && isCall(c)
			})
		}
		if len(u.Rules[urgency]) > maxRules {
			l.errorf(f.key(key), "at most %d steps", maxRules)
		}
		if urgency == oncall.High && callable && !calls {
			l.warnf(f.key(key), "no step for high urgency is a call: %s will not be woken", u.ID)
		}
	}
}

// rule reads one step: { after: 2m, via: [phone] }.
func (l *loader) rule(at, n *node, u *oncall.User) (rule oncall.NotificationRule) {
	f := l.fields(n, n, "after", "via")
	rule.After = f.duration("after", 0, 0, 24*time.Hour)
	names := make([]string, len(u.Contacts))
	for i, c := range u.Contacts {
		names[i] = c.Name
	}
	if !f.need("via", "the name of a contact of "+string(u.ID)+", or a list of them") {
		return rule
	}
	for _, via := range f.texts("via") {
		if !slices.Contains(names, via.text) {
			l.errorf(via, "%s has no contact named %s%s", u.ID, quote(via.text), nearest.Hint(via.text, names))
			continue
		}
		rule.Via = append(rule.Via, via.text)
	}
	return rule
}
