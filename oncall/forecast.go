package oncall

import (
	"slices"
	"time"
)

// Assumptions say what a forecast lets happen from outside. The zero value: no
// call is answered, every message arrives.
type Assumptions struct {
	// From is the instant that is looked ahead from; zero = when the next thing
	// happens.
	From time.Time
	// Calls is how each user meets one call after the other; the last goes on
	// for all that follow. Users that are not named do as Others.
	Calls  map[UserID][]Reaction
	Others Reaction
	// Messages is what becomes of one-way attempts; zero = sent after a second.
	Messages Reaction
	// AfterTaken goes on when an assumed key has taken the incident: the early
	// question, the lapse. Otherwise the forecast ends there.
	AfterTaken bool
}

// Reaction is how an attempt ends: with a key, or with an Outcome; the zero
// value is NoAnswer. After counts from the contact; zero = what is usual: the
// ring time for no answer, 2 s for busy, 15 s for a key.
type Reaction struct {
	Outcome Outcome
	Key     string // "1" acknowledge, "2" decline, "9" resolve; set: Outcome is Answered
	After   time.Duration
}

// Step is one line of a forecast: an entry as the timeline would have it, and
// what a stair of them shows beside it: "in 3:12 · call Take · Matsu was busy".
type Step struct {
	At    time.Time
	In    time.Duration // from the forecast's start
	Entry Entry
	// Why a page or contact follows: the code of the entry itself, else of what
	// went before it at that instant, and Of who failed then.
	Why string
	Of  UserID
	// Next is what is waited for after the last line of an input, and Until when.
	Next  Reason
	Until time.Time
}

const (
	maxSteps    = 2000
	maxForecast = 31 * 24 * time.Hour
	ringTime    = 25 * time.Second // R21
)

// Forecast says what will happen until then if nothing but what is assumed
// happens. It drives Advance with a virtual clock, so it is what the response
// will do. It ends after 31 days or 2,000 lines.
func Forecast(r Response, w World, assume Assumptions, until time.Time) []Step {
	f := begin(r, w, assume)
	end := instant(until)
	if last := f.from.Add(maxForecast); end.After(last) {
		end = last
	}
	for len(f.steps) < maxSteps && f.step(end) {
	}
	return f.steps
}

// begin is a forecast before its first step: what is under way is expected to
// end.
func begin(r Response, w World, assume Assumptions) *forecast {
	f := &forecast{r: r, w: w, assume: assume, calls: map[UserID]int{}}
	next, _ := r.Next()
	f.from = instant(next)
	if !assume.From.IsZero() {
		f.from = instant(assume.From)
	}
	f.now = f.from
	for i := range r.Pages {
		p := &r.Pages[i]
		for _, l := range p.Lanes {
			if l.live() {
				f.expect(ContactUser{Attempt: l.Attempt, User: p.User, Pager: p.Pager, Contact: l.Contact, Method: l.Method, Nth: l.Nth}, l.At)
			}
		}
	}
	return f
}

type forecast struct {
	r         Response
	w         World
	assume    Assumptions
	from, now time.Time
	reactions []reaction // in the order of their contacts
	calls     map[UserID]int
	steps     []Step
	idle      int // steps at one instant
}

type reaction struct {
	Reaction
	at      time.Time
	contact ContactUser
}

// step lets the next thing happen; what comes from outside goes before what is
// due at the same instant, as an answer in the last moment counts.
func (f *forecast) step(end time.Time) bool {
	at, why := f.r.Next()
	pick := -1
	for i, x := range f.reactions {
		if why == "" && pick < 0 || !x.at.After(at) && (pick < 0 || x.at.Before(f.reactions[pick].at)) {
			pick = i
		}
	}
	if why == "" || pick < 0 && at.After(end) || pick >= 0 && f.reactions[pick].at.After(end) {
		return false
	}
	if pick < 0 {
		f.advance(Input{Kind: InDue, Epoch: f.r.Epoch}, at)
		return f.idle < maxSteps
	}
	x := f.reactions[pick]
	f.reactions = slices.Delete(f.reactions, pick, pick+1)
	return f.react(x)
}

// react gives the response what a key or the end of an attempt brings, and
// reports whether to go on.
func (f *forecast) react(x reaction) bool {
	in := Input{Epoch: f.r.Epoch, By: x.contact.User, Attempt: x.contact.Attempt}
	switch x.Key {
	case "1":
		if f.r.Phase == Held && f.r.Holder != "" && f.r.Holder != in.By {
			in.Kind = InLate
			f.say(x.at, EntryTooLate, in.By, EntryData{Via: string(Call), Text: string(Acknowledge)})
			break
		}
		until := later(f.now, x.at).Add(f.w.Policy.HoldFor(f.r.Urgency))
		in.Kind, in.Until = InAcknowledged, until
		in.Epoch++
		f.say(x.at, EntryAcknowledged, in.By, EntryData{Via: string(Call), Until: &until})
	case "2":
		in.Kind = InDeclined
	case "9":
		in.Kind = InResolved
		in.Epoch++
		f.say(x.at, EntryResolved, in.By, EntryData{Via: string(Call)})
	default:
		in = Input{Kind: InOutcome, Epoch: f.r.Epoch, Attempt: x.contact.Attempt, Outcome: x.Outcome}
	}
	f.advance(in, x.at)
	return in.Kind != InAcknowledged || f.assume.AfterTaken
}

func (f *forecast) say(at time.Time, kind EntryKind, by UserID, data EntryData) {
	at = later(f.now, at)
	f.steps = append(f.steps, Step{At: at, In: at.Sub(f.from), Entry: Entry{
		Incident: f.r.Incident, At: at, Kind: kind, Actor: string(by), Data: data,
	}})
}

func (f *forecast) advance(in Input, at time.Time) {
	f.idle++
	if at.After(f.now) {
		f.now, f.idle = at, 0
	}
	var fx []Effect
	f.r, fx = f.r.Advance(in, f.w, f.now)
	cause := Step{}
	for _, e := range fx {
		switch e := e.(type) {
		case Note:
			if e.Entry.Kind == EntryInput {
				continue
			}
			e.Entry.Data.Input, e.Entry.Data.Answers = nil, nil
			x := Step{At: f.now, In: f.now.Sub(f.from), Entry: e.Entry, Why: e.Entry.Data.Why}
			switch e.Entry.Kind {
			case EntryUnreached, EntrySkipped, EntryDeclined, EntryEscalated, EntryLapsed:
				cause = Step{Why: x.Why, Of: e.Entry.Data.User}
				if cause.Why == "" {
					cause.Why = string(e.Entry.Kind)
				}
			case EntryPage, EntryContact:
				if x.Why == "" {
					x.Why, x.Of = cause.Why, cause.Of
				}
			}
			f.steps = append(f.steps, x)
		case Tell:
			if len(e.Users) == 0 {
				continue
			}
			data := EntryData{Users: e.Users, Why: string(e.Why)}
			if !e.Until.IsZero() {
				data.Until = &e.Until
			}
			f.say(f.now, EntryTold, e.By, data)
		case ContactUser:
			f.expect(e, f.now)
		case CancelAttempts:
			f.reactions = slices.DeleteFunc(f.reactions, func(x reaction) bool {
				return slices.Contains(e.Attempts, x.contact.Attempt)
			})
		}
	}
	if n := len(f.steps); n > 0 {
		f.steps[n-1].Until, f.steps[n-1].Next = f.r.Next()
	}
}

// expect lets an attempt of that instant meet its user.
func (f *forecast) expect(c ContactUser, at time.Time) {
	x := reaction{contact: c}
	if c.Method == Call {
		x.Reaction = f.assume.Others
		if all := f.assume.Calls[c.User]; len(all) > 0 {
			x.Reaction = all[min(f.calls[c.User], len(all)-1)]
		}
		f.calls[c.User]++
		f.usual(&x)
	} else {
		x.Reaction = f.assume.Messages
		if x.Key != "" || x.Outcome == "" {
			x.Outcome, x.Key = Sent, ""
		}
		if x.After <= 0 {
			x.After = time.Second
		}
	}
	x.at = later(at.Add(min(x.After, maxForecast)).Truncate(time.Millisecond), f.now)
	f.reactions = append(f.reactions, x)
}

// usual completes what an assumption about a call leaves open.
func (f *forecast) usual(x *reaction) {
	ring := ringTime
	if d := f.w.Directory; d != nil && d.Users[x.contact.User] != nil {
		if c, ok := d.Users[x.contact.User].Contact(x.contact.Contact); ok && c.Ring > 0 {
			ring = min(c.Ring, giveUp)
		}
	}
	after := ring
	switch {
	case x.Key != "":
		x.Outcome, after = Answered, 15*time.Second
	case x.Outcome == "":
		x.Outcome = NoAnswer
	case x.Outcome == Busy:
		after = 2 * time.Second
	case x.Outcome == Rejected:
		after = 5 * time.Second
	case x.Outcome == NoInput: // picked up after 10 s, read out twice, and 8 s of silence (R21)
		after = 42 * time.Second
	case x.Outcome != NoAnswer:
		after = time.Second
	}
	if x.After <= 0 {
		x.After = after
	}
}
