package slack

import (
	"cmp"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// asked is what the address of the page says.
type asked struct {
	language string
	channel  string // id or name
	as       string // the person who reads
	embed    bool   // only the messages
}

func (s *Server) asked(r *http.Request) asked {
	q := r.URL.Query()
	a := asked{language: "en", channel: q.Get("channel"), as: q.Get("as"), embed: q.Get("embed") == "1"}
	if language := q.Get("lang"); words[language] != nil {
		a.language = language
	} else if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "ja") {
		a.language = "ja"
	}
	return a
}

// query is a's address with another channel or another reader.
func (a asked) query(channel, as, language string) template.URL {
	q := url.Values{"lang": {language}}
	if channel != "" {
		q.Set("channel", channel)
	}
	if as != "" {
		q.Set("as", as)
	}
	if a.embed {
		q.Set("embed", "1")
	}
	return template.URL("?" + q.Encode()) //nolint:gosec // encoded
}

// pageView is what the templates are given.
type pageView struct {
	asked    asked
	Language string
	Words    map[string]string
	Embed    bool
	Picked   bool // a channel was asked for
	Live     template.URL
	People   []personView
	Me       personView
	Channels []linkView
	Chat     chatView
	Team     string
	All      template.URL // without a channel
	Others   []linkView   // languages
}

type personView struct {
	ID, Name string
	Me       bool
}

type linkView struct {
	Name     string
	Href     template.URL
	Here     bool
	Archived bool
	Private  bool
	Lang     string
}

type chatView struct {
	Words    map[string]string
	Found    bool
	ID, Name string
	Archived bool
	Private  bool
	Topic    template.HTML
	Members  []string
	Links    []Bookmark
	Messages []messageView
	Earlier  bool
	MayPost  bool
	Me       personView
	Language string
	Embed    bool
}

type messageView struct {
	Words     map[string]string
	Channel   string
	Me        personView
	Language  string
	Embed     bool
	ID, TS    string
	At        time.Time
	Author    string
	Initial   string
	App       bool
	Note      string // what the service says of it, instead of all else
	About     template.HTML
	Text      template.HTML
	Blocks    []blockView
	Attached  []attachedView
	Reactions []reactionView
	Reply     bool
	OnlyYou   bool
	Edited    bool
	Pinned    bool
	Failed    bool
}

type reactionView struct {
	Emoji template.HTML
	Count int
	Who   string
}

type attachedView struct {
	Color  string
	Title  template.HTML
	Text   template.HTML
	Fields []template.HTML
	Footer template.HTML
	Blocks []blockView
}

const messagesShown = 200

// view reads the workspace for one reader.
func (s *Server) view(a asked) pageView {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := pageView{asked: a, Language: a.language, Words: words[a.language], Embed: a.embed, Picked: a.channel != "", Team: s.options.Team.Name}
	for _, u := range s.users {
		if u.Bot || u.Deleted {
			continue
		}
		p := personView{ID: u.ID, Name: cmp.Or(u.RealName, u.Name)}
		if v.Me.ID == "" || u.ID == a.as {
			v.Me = p
		}
		v.People = append(v.People, p)
	}
	for i := range v.People {
		v.People[i].Me = v.People[i].ID == v.Me.ID
	}
	c := s.find(a.channel)
	if a.channel == "" && len(s.channels) > 0 {
		c = s.channels[0]
	}
	for _, archived := range []bool{false, true} { // archived ones last
		for _, o := range s.channels {
			if o.Archived == archived && o.seenBy(v.Me.ID) {
				v.Channels = append(v.Channels, linkView{
					Name: s.title(o), Href: a.query(o.ID, a.as, a.language), Here: o == c, Archived: o.Archived, Private: o.Private || o.Direct,
				})
			}
		}
	}
	for _, l := range []linkView{{Name: "日本語", Lang: "ja"}, {Name: "English", Lang: "en"}} {
		l.Href, l.Here = a.query(a.channel, a.as, l.Lang), l.Lang == a.language
		v.Others = append(v.Others, l)
	}
	v.Live = "live" + a.query(a.channel, a.as, a.language)
	v.All = asked{}.query("", a.as, a.language)
	if c != nil && c.seenBy(v.Me.ID) {
		v.Chat = s.chat(c, v)
	} else {
		v.Chat = chatView{Words: v.Words, Me: v.Me, Language: a.language, Embed: a.embed}
	}
	return v
}

// seenBy says whether a person sees the channel; an onlooker, who is nobody,
// sees all.
func (c *channel) seenBy(user string) bool {
	return user == "" || !c.Private && !c.Direct || c.has(user)
}

// title is what the page calls a channel. s.mu is held.
func (s *Server) title(c *channel) string {
	if !c.Direct {
		return c.Name
	}
	var names []string
	for _, member := range c.Members {
		if member != s.options.Bot.UserID {
			names = append(names, s.nameOf(member))
		}
	}
	return strings.Join(append(names, s.options.Bot.Name), ", ")
}

// nameOf is the name of a user, a channel or a group. s.mu is held.
func (s *Server) nameOf(id string) string {
	if u := s.user(id); u != nil {
		return cmp.Or(u.RealName, u.Name)
	}
	if g := s.group(id); g != nil {
		return g.Handle
	}
	if c := s.channel(id); c != nil {
		return c.Name
	}
	return id
}

// chat is one channel for one reader. s.mu is held.
func (s *Server) chat(c *channel, p pageView) chatView {
	w := writer{language: p.Language, zone: s.options.Zone, name: s.nameOf, looks: s.looks}
	v := chatView{
		Words: p.Words, Found: true, ID: c.ID, Name: s.title(c), Archived: c.Archived, Private: c.Private || c.Direct, Topic: w.html(c.Topic),
		Links: slices.Clone(c.Bookmarks), MayPost: !c.Archived && c.has(p.Me.ID), Me: p.Me, Language: p.Language, Embed: p.Embed,
	}
	for _, member := range c.Members {
		v.Members = append(v.Members, s.nameOf(member))
	}
	all := slices.Clone(c.messages)
	for _, m := range c.ephemerals {
		if m.To == p.Me.ID {
			all = append(all, m)
		}
	}
	// A reply stands below its thread's last message, not where it came in time.
	slices.SortStableFunc(all, func(a, b *Message) int {
		return cmp.Or(strings.Compare(cmp.Or(a.ThreadTS, a.TS), cmp.Or(b.ThreadTS, b.TS)), strings.Compare(a.TS, b.TS))
	})
	if v.Earlier = len(all) > messagesShown; v.Earlier {
		all = all[len(all)-messagesShown:]
	}
	for _, m := range all {
		v.Messages = append(v.Messages, s.messageView(w, c, m, v))
	}
	return v
}

func (s *Server) messageView(w writer, c *channel, m *Message, chat chatView) messageView {
	author := s.nameOf(m.User)
	first, _ := utf8.DecodeRuneInString(author)
	v := messageView{
		Words: chat.Words, Channel: c.ID, Me: chat.Me, Language: chat.Language, Embed: chat.Embed, TS: m.TS, ID: "m-" + strings.ReplaceAll(m.TS, ".", "-"),
		At: timeOf(m.TS), Author: author, Initial: strings.ToUpper(string(first)), App: m.BotID != "", Reply: m.ThreadTS != "", OnlyYou: m.To != "",
		Edited: m.EditedTS != "", Pinned: slices.Contains(c.Pinned, m.TS), Failed: m.failed != "" && m.failed == chat.Me.ID,
	}
	if m.Subtype != "" {
		v.Note, v.About = chat.Words["note."+m.Subtype], w.html(m.about)
		if u := s.user(m.User); chat.Language == "ja" && u != nil && !u.Bot {
			v.Author += "さん"
		}
		return v
	}
	v.Blocks = w.blocks(objects(m.Blocks), v)
	if len(v.Blocks) == 0 {
		v.Text = w.html(m.Text)
	}
	for _, a := range objects(m.Attachments) {
		v.Attached = append(v.Attached, w.attached(a, v))
	}
	for _, r := range m.Reactions {
		names := make([]string, len(r.Users))
		for i, id := range r.Users {
			names[i] = s.nameOf(id)
		}
		v.Reactions = append(v.Reactions, reactionView{w.plain(":" + r.Name + ":"), len(r.Users), strings.Join(names, ", ")})
	}
	return v
}

func (w writer) attached(a map[string]any, m messageView) attachedView {
	text := func(name string) template.HTML { t, _ := a[name].(string); return w.html(t) }
	v := attachedView{Title: text("title"), Text: text("text"), Footer: text("footer")}
	color, _ := a["color"].(string)
	v.Color = colorOf(color)
	fields, _ := a["fields"].([]any)
	for _, f := range fields {
		if o, ok := f.(map[string]any); ok {
			title, _ := o["title"].(string)
			value, _ := o["value"].(string)
			v.Fields = append(v.Fields, "<strong>"+w.plain(title)+"</strong><br>"+w.html(value))
		}
	}
	raw, err := json.Marshal(a["blocks"])
	if err == nil {
		v.Blocks = w.blocks(objects(raw), m)
	}
	return v
}

// colorOf is the colour of an attachment's bar.
func colorOf(color string) string {
	switch color {
	case "good":
		return "#2eb67d"
	case "warning":
		return "#ecb22e"
	case "danger":
		return "#e01e5a"
	}
	hex := strings.TrimPrefix(color, "#")
	if len(hex) != 6 || strings.Trim(strings.ToLower(hex), "0123456789abcdef") != "" {
		return "#9aa398"
	}
	return "#" + hex
}
