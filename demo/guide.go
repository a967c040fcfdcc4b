package demo

import (
	"context"
	"maps"
	"sync"
	"time"

	"toban/api"
	"toban/i18n"
	simslack "toban/sim/slack"
	"toban/sim/target"
	simtwilio "toban/sim/twilio"
)

// Phase is how far the story is.
type Phase int

// The phases, in their order.
const (
	Calm     Phase = iota // nothing has happened yet
	Broken                // the shop is broken, nobody has it
	Taken                 // somebody has it
	Repaired              // the shop is well, toban does not know yet
	Over                  // resolved; the shop may be down still, when somebody said it is over
)

// Facts are what the guide shows: everything in it was observed.
type Facts struct {
	Phase    Phase
	Down     bool      // the shop is broken
	Missed   bool      // it was broken for a moment that nobody noticed
	Again    bool      // the story was told before
	Auto     time.Time // when the shop breaks by itself; zero = it does not
	Broke    time.Time
	Detected time.Time // the prober was sure
	Opened   time.Time // the incident's own time
	Rang     time.Time // the first telephone
	Incident *api.Incident
	Ringing  string // the user whose telephone rings
	Talking  string
	Calls    map[string]int // made so far, by user
	Room     Room           // the incident's channel in the chat
	Plug     Plug

	entries  map[string][]api.Entry // by language
	forecast map[string][]api.Step  // of the moment at which it broke: nobody answers
}

// calm are the facts of a story that has not begun.
func calm() Facts {
	return Facts{Calls: map[string]int{}, entries: map[string][]api.Entry{}, forecast: map[string][]api.Step{}}
}

// Room is a channel of the chat; the zero value is none.
type Room struct {
	Name, Topic string
	Archived    bool
}

// guide breaks and repairs the shop, watches what follows and tells the pages.
type guide struct {
	shop     *target.Shop
	phones   *simtwilio.Server
	chat     *simslack.Server
	lang     string // of the terminal
	toban    *lifeline
	api      *client
	tell     func(key string, places ...string) // a line on the terminal
	announce sync.Once

	countdown time.Duration

	mu      sync.Mutex
	looked  bool // at the page
	f       Facts
	pulls   int             // of the stories before
	calls   map[string]int  // of the stories before, by user
	rooms   map[string]bool // of the stories before, by name
	mended  time.Time       // when the shop was last repaired
	changed chan struct{}   // closed at every change
}

func newGuide(shop *target.Shop, phones *simtwilio.Server, chat *simslack.Server, tell func(string, ...string)) *guide {
	return &guide{
		shop: shop, phones: phones, chat: chat, tell: tell, changed: make(chan struct{}),
		f: calm(), calls: map[string]int{}, rooms: map[string]bool{},
	}
}

// touch tells the pages to look again.
func (g *guide) touch() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.touched()
}

func (g *guide) touched() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// facts returns what is known now, and a channel that closes when that changes.
func (g *guide) facts() (Facts, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.f
	if g.toban != nil {
		f.Plug = g.toban.plug()
		f.Plug.Pulls -= g.pulls
	}
	return f, g.changed
}

// arm lets the shop break by itself at a time; the zero time calls it off.
func (g *guide) arm(at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.f.Phase == Calm {
		g.f.Auto = at
		g.touched()
	}
}

// seen lets the countdown begin anew when somebody looks for the first time.
func (g *guide) seen(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.looked && !g.f.Auto.IsZero() && g.f.Phase == Calm {
		g.looked, g.f.Auto = true, now.Add(g.countdown)
		g.touched()
	}
}

// start breaks the shop: once, whoever asks.
func (g *guide) start(ctx context.Context) {
	g.mu.Lock()
	if g.f.Phase != Calm {
		g.mu.Unlock()
		return
	}
	g.f.Phase, g.f.Down, g.f.Missed, g.f.Auto, g.f.Broke = Broken, true, false, time.Time{}, time.Now()
	g.phones.Phone(people[0].number).Always(simtwilio.Busy())
	g.phones.Phone(people[1].number).Always(simtwilio.NoAnswer())
	g.shop.Break()
	g.touched()
	g.mu.Unlock()

	g.tell("demo.broke")
	g.foretell(ctx)
}

// foretell asks what would happen from the moment at which it broke, beside
// which what happens is put.
func (g *guide) foretell(ctx context.Context) {
	f, _ := g.facts()
	for _, lang := range i18n.Languages() {
		if len(f.forecast[lang]) > 0 {
			continue
		}
		steps, err := g.api.forecast(ctx, lang, f.Broke, nil)
		if err != nil {
			return // its plug is out: the next look asks again
		}
		g.mu.Lock()
		if g.f.Broke.Equal(f.Broke) {
			g.f.forecast = maps.Clone(g.f.forecast)
			g.f.forecast[lang] = steps
		}
		g.mu.Unlock()
	}
}

// repair makes the shop well again, whatever toban thinks of it.
func (g *guide) repair() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.f.Down {
		return
	}
	if g.f.Phase == Broken || g.f.Phase == Taken {
		g.f.Phase = Repaired
	}
	g.f.Down, g.mended = false, time.Now()
	g.shop.Repair()
	g.touched()
}

// again goes back to the beginning, for who wants to see it once more.
func (g *guide) again() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.f.Phase != Over {
		return
	}
	if g.f.Down {
		g.shop.Repair()
	}
	g.begin()
	g.f.Again = true
}

// begin forgets a story: what it has left at the telephones and in the chat is
// no part of the next.
func (g *guide) begin() {
	for who, n := range g.f.Calls {
		g.calls[who] += n
	}
	for _, c := range g.chat.Channels() {
		g.rooms[c.Name] = true
	}
	if g.toban != nil {
		g.pulls = g.toban.plug().Pulls
	}
	g.f, g.mended = calm(), time.Now()
	g.touched()
}

// well is that the prober finds all in order, and has nothing to tell: a shop
// that was broken for a moment only was not noticed, so the story has not begun.
func (g *guide) well(ctx context.Context, at time.Time) {
	f, _ := g.facts()
	if f.Phase != Repaired || f.Incident != nil || !at.After(g.since()) {
		return
	}
	if inc, err := g.api.latest(ctx); err != nil || inc != nil && !inc.TriggeredAt.Before(f.Broke) {
		return // it was noticed after all, or nobody knows yet
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.f.Phase == Repaired && g.f.Incident == nil {
		g.begin()
		g.f.Missed = true
	}
}

// since is when the shop was last repaired.
func (g *guide) since() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mended
}

// notice is what the prober told toban.
func (g *guide) notice(down bool, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if down && g.f.Detected.IsZero() {
		g.f.Detected = at
		g.touched()
	}
}

// lookEvery is how often the guide looks at toban and the telephones.
const lookEvery = 100 * time.Millisecond

// run watches until ctx ends, and breaks the shop when its time has come.
func (g *guide) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		f, _ := g.facts()
		if !f.Auto.IsZero() && time.Now().After(f.Auto) {
			g.start(ctx)
		}
		g.look(ctx)
	}
}

// look brings the facts up to date. A toban that does not answer has its plug
// out: the next look sees more.
func (g *guide) look(ctx context.Context) {
	g.hear()
	g.read()
	f, _ := g.facts()
	if f.Phase == Calm || f.Phase == Over {
		return
	}
	g.foretell(ctx)
	inc, err := g.api.latest(ctx)
	if err != nil || inc == nil || inc.TriggeredAt.Before(f.Broke) {
		return
	}
	news := map[string][]api.Entry{}
	for _, lang := range i18n.Languages() {
		known := f.entries[lang]
		after := int64(0)
		if len(known) > 0 {
			after = known[len(known)-1].Seq
		}
		if news[lang], err = g.api.timeline(ctx, inc.ID, lang, after); err != nil {
			return
		}
	}
	g.learn(f.Broke, inc, news)
}

// hear looks at the telephones.
func (g *guide) hear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	ringing, talking, calls := "", "", map[string]int{}
	for _, p := range g.phones.Phones() {
		for _, who := range people {
			if who.number != p.Number {
				continue
			}
			calls[who.id] = p.Calls - g.calls[who.id]
			if p.Live != nil && p.Live.Status == simtwilio.StatusRinging {
				ringing = who.id
			} else if p.Live != nil && p.Live.Status == simtwilio.StatusInProgress {
				talking = who.id
			}
		}
	}
	same := ringing == g.f.Ringing && talking == g.f.Talking
	for who, n := range calls {
		if n != g.f.Calls[who] {
			same = false
		}
	}
	if same {
		return
	}
	g.f.Ringing, g.f.Talking, g.f.Calls = ringing, talking, calls
	g.touched()
}

// read looks at the chat.
func (g *guide) read() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.chat.Channels() {
		if c.Direct || c.General || c.Name == channel || g.rooms[c.Name] {
			continue
		}
		if r := (Room{c.Name, c.Topic, c.Archived}); r != g.f.Room {
			g.f.Room = r
			g.touched()
		}
	}
}

// learn takes over what toban said of the story that began at a moment.
func (g *guide) learn(story time.Time, inc *api.Incident, news map[string][]api.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.f.Broke.Equal(story) { // another has begun meanwhile
		return
	}
	before := g.f
	some := g.f.Incident == nil || g.f.Incident.State != inc.State || !same(g.f.Incident.NextAt, inc.NextAt)
	g.f.Incident = inc
	g.f.Opened = inc.TriggeredAt
	entries := make(map[string][]api.Entry, len(news))
	for lang, list := range news {
		some = some || len(list) > 0
		entries[lang] = append(append([]api.Entry{}, g.f.entries[lang]...), list...)
		for _, e := range list {
			if e.Kind == "contact" && g.f.Rang.IsZero() && e.Data.Method == "call" {
				g.f.Rang = e.At
			}
		}
	}
	g.f.entries = entries
	switch {
	case inc.State == "resolved":
		g.f.Phase = Over
	case inc.State == "acknowledged" && g.f.Phase == Broken:
		g.f.Phase = Taken
	case inc.State == "triggered" && g.f.Phase == Taken: // passed on, or lapsed
		g.f.Phase = Broken
	}
	if before.Rang.IsZero() && !g.f.Rang.IsZero() {
		f := g.f
		g.announce.Do(func() { go g.tell("demo.firsts", f.firsts(g.lang)...) })
	}
	if some {
		g.touched()
	}
}

// same reports whether two moments are one, or none both.
func same(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }

// firsts are how long detection, incident and first ring took, from the moment
// at which the shop broke.
func (f *Facts) firsts(lang string) []string {
	return []string{"detected", since(lang, f.Broke, f.Detected), "incident", since(lang, f.Broke, f.Opened), "ring", since(lang, f.Broke, f.Rang)}
}
