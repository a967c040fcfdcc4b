package demo

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/api"
	"toban/sim/target"
	simtwilio "toban/sim/twilio"
)

// answers stands for the child: it says what the guide asks for.
type answers struct {
	mu       sync.Mutex
	down     bool
	incident *api.Incident
	entries  []api.Entry
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return nil, errors.New("its plug is out")
	}
	var out any
	switch {
	case strings.HasSuffix(r.URL.Path, "/forecast"):
		out = map[string]any{"steps": []api.Step{{Kind: "contact"}}}
	case strings.HasSuffix(r.URL.Path, "/timeline"):
		out = api.EntryList{Entries: a.entries}
		a.entries = nil
	case a.incident != nil:
		out = api.IncidentList{Incidents: []api.Incident{*a.incident}}
	default:
		out = api.IncidentList{}
	}
	body, err := json.Marshal(out)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(body)))}, err
}

func (a *answers) open(state string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.incident = &api.Incident{ID: "inc_1", Number: 1, State: state, TriggeredAt: time.Now()}
}

func told(t *testing.T) (*guide, *answers) {
	t.Helper()
	phones := simtwilio.New(simtwilio.Options{Accounts: []simtwilio.Account{{SID: account, Token: token, Numbers: []string{caller}}}, People: owners("en")})
	t.Cleanup(phones.Close)
	chat := newChat("en", "http://127.0.0.1:1", "http://127.0.0.1:2", tokyo(t))
	t.Cleanup(chat.Close)
	child := &answers{}
	g := newGuide(&target.Shop{}, phones, chat, func(string, ...string) {})
	g.api = &client{&http.Client{Transport: child}}
	return g, child
}

func TestEveryOrderOfClicksLeadsSomewhere(t *testing.T) {
	t.Parallel()
	g, child := told(t)
	want := func(when string, phase Phase, down bool) Facts {
		t.Helper()
		f, _ := g.facts()
		if f.Phase != phase || f.Down != down {
			t.Fatalf("%s: got phase %d, down %v; want %d, %v", when, f.Phase, f.Down, phase, down)
		}
		return f
	}
	g.repair()
	g.again()
	want("nothing to repair", Calm, false)

	g.start(t.Context())
	g.start(t.Context())
	want("broken", Broken, true)
	g.repair()
	g.repair()
	want("repaired at once", Repaired, false)
	g.start(t.Context())
	g.again()
	want("clicked in between", Repaired, false)
	g.well(t.Context(), time.Now().Add(-time.Hour)) // a look from before
	want("the prober has not looked since", Repaired, false)
	child.down = true
	g.well(t.Context(), time.Now())
	want("the plug is out", Repaired, false)
	child.down = false
	g.look(t.Context())
	g.well(t.Context(), time.Now())
	if f := want("nobody noticed", Calm, false); !f.Missed || !f.Broke.IsZero() {
		t.Errorf("got %+v, want the beginning, with a word", f)
	}

	g.start(t.Context())
	if f := want("broken again", Broken, true); f.Missed {
		t.Error("what was not noticed is still said")
	}
	child.open("triggered")
	g.look(t.Context())
	g.repair()
	g.well(t.Context(), time.Now()) // noticed, so it has to be resolved
	want("repaired behind the detection", Repaired, false)
	g.look(t.Context())
	want("toban has not resolved it yet", Repaired, false)
	child.open("resolved")
	g.look(t.Context())
	want("resolved", Over, false)

	g.again()
	if f := want("once more", Calm, false); f.Incident != nil || len(f.entries["en"]) > 0 {
		t.Errorf("got %+v, want a story that has not begun", f)
	}
	g.start(t.Context())
	g.look(t.Context()) // the newest incident is the old one
	if f := want("the second story", Broken, true); f.Incident != nil {
		t.Errorf("got incident %+v of the first story", f.Incident)
	}
	child.open("acknowledged")
	g.look(t.Context())
	want("somebody has it", Taken, true)
	child.open("resolved")
	g.look(t.Context())
	want("resolved by hand", Over, true)
	g.repair()
	want("and repaired then", Over, false)
	g.again()
	want("and once more", Calm, false)

	g.start(t.Context())
	child.open("resolved")
	g.look(t.Context())
	g.again()
	want("once more from a broken shop", Calm, false)
	if g.shop.Broken() {
		t.Error("the shop is broken at the beginning of a story")
	}
}

// A shop that is repaired while toban is away: what was said to it before may
// have been heard, so it is taken back.
func TestTheProberTakesBackWhatMayHaveBeenHeard(t *testing.T) {
	t.Parallel()
	said := make(chan string, 10)
	var mu sync.Mutex
	broken, deaf := true, true
	p := &prober{
		shop: "http://shop/health", events: "http://toban/events", noticed: func(bool, time.Time) {}, well: func(time.Time) {},
		client: &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			status := http.StatusAccepted
			switch {
			case r.URL.Host == "shop" && broken:
				status = http.StatusServiceUnavailable
			case r.URL.Host == "shop":
				status = http.StatusOK
			default:
				var body struct{ Action, Key string }
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					return nil, err
				}
				said <- body.Action + " " + body.Key
				if deaf { // it is kept, and the answer is lost
					broken, deaf = false, false
					return nil, io.ErrUnexpectedEOF
				}
			}
			return &http.Response{StatusCode: status, Body: http.NoBody}, nil
		})},
	}
	go p.run(t.Context()) //nolint:errcheck // it ends with the test
	next := func() string {
		select {
		case s := <-said:
			return s
		case <-time.After(20 * time.Second):
			t.Fatal("nothing was said")
			return ""
		}
	}
	trigger, resolve := next(), next()
	if key, ok := strings.CutPrefix(trigger, "trigger "); !ok || resolve != "resolve "+key {
		t.Errorf("got %q, then %q; want the same taken back", trigger, resolve)
	}
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
