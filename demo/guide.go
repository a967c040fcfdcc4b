package demo

import (
	"context"
	"sync"
	"time"

	"toban/api"
	"toban/i18n"
	simslack "toban/sim/slack"
	"toban/sim/target"
	simtwilio "toban/sim/twilio"
)

// given is what the people of the demo do with their telephones: Matsu is on the
// phone, Take does not hear it. Ume is the reader, who may do anything.
func given() []string { return []string{"matsu=busy after 300ms", "take=no answer"} }

// Phase is how far the story is.
type Phase int

// The phases, in their order.
const (
	Calm     Phase = iota // nothing has happened yet
	Broken                // the shop is broken, nobody has it
	Taken                 // somebody has it
	Repaired              // the shop is well, toban does not know yet
	Over                  // resolved
)

// Facts are what the guide shows: everything in it was observed.
type Facts struct {
	Phase    Phase
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
	forecast map[string][]api.Step  // of the moment at which it broke
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
	changed chan struct{} // closed at every change
}

func newGuide(shop *target.Shop, phones *simtwilio.Server, chat *simslack.Server, tell func(string, ...string)) *guide {
	return &guide{
		shop: shop, phones: phones, chat: chat, tell: tell, changed: make(chan struct{}),
		f: Facts{Calls: map[string]int{}, entries: map[string][]api.Entry{}, forecast: map[string][]api.Step{}},
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
	g.f.Phase, g.f.Auto, g.f.Broke = Broken, time.Time{}, time.Now()
	broke := g.f.Broke
	g.touched()
	g.mu.Unlock()

	g.phones.Phone(people[0].number).Always(simtwilio.Busy())
	g.phones.Phone(people[1].number).Always(simtwilio.NoAnswer())
	g.shop.Break()
	g.tell("demo.broke")
	for _, lang := range i18n.Languages() { // beside which what happens is put
		if steps, err := g.api.forecast(ctx, lang, broke, given()); err == nil {
			g.mu.Lock()
			g.f.forecast[lang] = steps
			g.mu.Unlock()
		}
	}
}

// repair makes the shop well again.
func (g *guide) repair() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.f.Phase == Broken || g.f.Phase == Taken {
		g.f.Phase = Repaired
		g.shop.Repair()
		g.touched()
	}
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
	inc, err := g.api.latest(ctx)
	if err != nil || inc == nil || inc.TriggeredAt.Before(f.Broke) && f.Incident == nil {
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
	g.learn(inc, news)
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
			calls[who.id] = p.Calls
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
		if c.Direct || c.General || c.Name == channel {
			continue
		}
		if r := (Room{c.Name, c.Topic, c.Archived}); r != g.f.Room {
			g.f.Room = r
			g.touched()
		}
	}
}

// learn takes over what toban said.
func (g *guide) learn(inc *api.Incident, news map[string][]api.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.f
	some := g.f.Incident == nil || g.f.Incident.State != inc.State
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

// firsts are how long detection, incident and first ring took, from the moment
// at which the shop broke.
func (f *Facts) firsts(lang string) []string {
	return []string{"detected", since(lang, f.Broke, f.Detected), "incident", since(lang, f.Broke, f.Opened), "ring", since(lang, f.Broke, f.Rang)}
}
