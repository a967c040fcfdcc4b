package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// What a Server has when Options does not say.
const (
	DemoToken         = "xoxb-simulated"
	DemoSigningSecret = "00000000000000000000000000000000"
)

// Options says what a Server is like. The zero value is a workspace with the
// channel #general, the app's bot and nobody else.
type Options struct {
	Token         string   // the bot token that is accepted; empty means DemoToken
	SigningSecret string   // signs what is sent to the app; empty means DemoSigningSecret
	Scopes        []string // granted to the token; nil means DefaultScopes
	AppID         string   // empty means A0SIMAPP

	Team     Team
	Bot      Bot
	Users    []User
	Channels []Channel // without any there is #general with everybody in it
	Groups   []Group

	// InteractURL gets clicks, EventsURL gets events; empty sends none.
	InteractURL string
	EventsURL   string

	// Events are the types that the app is subscribed to; nil means message,
	// member_joined_channel, channel_archive, app_mention and reaction_added.
	Events []string

	// URL is where the app reaches this server, for the response_url of
	// interactions. Without it their host is slack.invalid, which only clients
	// of Transport reach.
	URL string

	// Client sends the callbacks. Without it they go through a client of its
	// own, over the network, without any proxy.
	Client *http.Client

	Limits Limits

	// BotMayUnarchive lifts what the real service refuses: bot tokens can't
	// unarchive a channel.
	BotMayUnarchive bool

	// Zone is what the page's clock shows; nil means the machine's.
	Zone *time.Location

	// Keep is how many messages of a channel, and ten times as many requests
	// and callbacks, are remembered; 0 means 10,000.
	Keep int
}

// Team is the workspace.
type Team struct {
	ID     string // empty means T0SIM
	Name   string // empty means Simulated
	Domain string // empty means simulated
}

// Bot is the app's user.
type Bot struct {
	UserID string // empty means U0SIMBOT
	BotID  string // empty means B0SIMBOT
	Name   string // empty means toban
}

// User is a member of the workspace.
type User struct {
	ID       string `json:"id"` // empty: made from Name
	Name     string `json:"name"`
	RealName string `json:"real_name"`
	Email    string `json:"email,omitempty"`
	TZ       string `json:"tz,omitempty"` // IANA; empty means Asia/Tokyo
	Deleted  bool   `json:"deleted,omitempty"`
	Bot      bool   `json:"bot,omitempty"`
}

// known gives a member an id who has none: always the same for a name.
func (u User) known() User {
	if u.ID == "" {
		sum := sha256.Sum256([]byte(u.Name))
		u.ID = "U0" + strings.ToUpper(hex.EncodeToString(sum[:4]))
	}
	return u
}

// Group is a user group, mentioned by @Handle.
type Group struct {
	ID       string   `json:"id"`
	Handle   string   `json:"handle"`
	Name     string   `json:"name"`
	Users    []string `json:"users"`
	Disabled bool     `json:"disabled,omitempty"`
}

// DefaultScopes are the bot scopes that an on-call app asks for.
func DefaultScopes() []string {
	return []string{
		"chat:write", "chat:write.public", "commands", "channels:manage", "channels:read", "channels:join", "channels:history",
		"groups:write", "groups:read", "groups:history", "im:write", "im:read", "im:history", "mpim:write", "users:read", "users:read.email",
		"usergroups:read", "usergroups:write", "app_mentions:read", "reactions:read", "reactions:write", "pins:write", "bookmarks:write",
	}
}

func (o Options) withDefaults() Options {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&o.Token, DemoToken)
	set(&o.SigningSecret, DemoSigningSecret)
	set(&o.AppID, "A0SIMAPP")
	set(&o.Team.ID, "T0SIM")
	set(&o.Team.Name, "Simulated")
	set(&o.Team.Domain, "simulated")
	set(&o.Bot.UserID, "U0SIMBOT")
	set(&o.Bot.BotID, "B0SIMBOT")
	set(&o.Bot.Name, "toban")
	set(&o.URL, "http://slack.invalid")
	if o.Scopes == nil {
		o.Scopes = DefaultScopes()
	}
	if o.Events == nil {
		o.Events = []string{"message", "member_joined_channel", "channel_archive", "app_mention", "reaction_added"}
	}
	o.Users = slices.Clone(o.Users)
	for i := range o.Users {
		o.Users[i] = o.Users[i].known()
	}
	if len(o.Channels) == 0 {
		all := []string{o.Bot.UserID}
		for _, u := range o.Users {
			all = append(all, u.ID)
		}
		o.Channels = []Channel{{ID: "C0GENERAL", Name: "general", General: true, Members: all}}
	}
	o.Limits = o.Limits.withDefaults()
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Keep <= 0 {
		o.Keep = 10_000
	}
	return o
}
