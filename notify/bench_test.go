package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/internal/due"
	"toban/internal/id"
	"toban/notify"
	"toban/notify/shadow"
	"toban/notify/twilio"
	"toban/oncall"
	sim "toban/sim/twilio"
	"toban/store"
	"toban/store/storetest"
)

// The users of the bench and their numbers.
const (
	matsu = "+819000000001"
	take  = "+819000000002"
	ume   = "+819000000003"
)

// bench is a store with a few users, the phone simulator, a dispatcher with its
// queue, and stand-ins for the response and for the keys. Everything answers in
// process, so that it works inside a bubble.
type bench struct {
	t      *testing.T
	db     *store.DB
	phones *sim.Server
	voice  *twilio.Voice
	d      *notify.Dispatcher
	q      *due.Queue
	chain  *chain
	o      notify.Options
	mount  func(http.Handler)
	stop   func()
	log    *bytes.Buffer
}

// set changes the bench before it starts.
type set func(*setup)

type setup struct {
	phones  sim.Options
	voice   twilio.Config
	options notify.Options
	more    []store.Object
	mount   func(http.Handler) http.Handler
	with    *bench // another node, whose phones and callbacks become this one's
}

const token = "0123456789abcdef0123456789abcdef"

func newBench(t *testing.T, engine string, sets ...set) *bench {
	t.Helper()
	return startBench(t, storetest.New(t, engine), sets...)
}

func startBench(t *testing.T, db *store.DB, sets ...set) *bench {
	t.Helper()
	b := &bench{t: t, db: db, log: &bytes.Buffer{}}
	var handler http.Handler
	s := &setup{
		phones: sim.Options{
			Accounts:       []sim.Account{{SID: sim.DemoSID, Token: token, Numbers: []string{sim.DemoNumber}, CallsPerSecond: 1000}},
			CallsPerSecond: 1000,
			Client:         &http.Client{Transport: handlerTransport{&handler}},
		},
		voice: twilio.Config{
			Account: sim.DemoSID, Token: token, From: []string{sim.DemoNumber}, CallsPerSecond: 1000, MinuteMicros: 12_000_000,
			PublicURL: "https://toban.example.jp/ops", Key: []byte("a key for the tests, long enough"),
		},
		mount: func(h http.Handler) http.Handler { return h },
	}
	for _, each := range sets {
		each(s)
	}
	if b.phones = sim.New(s.phones); s.with != nil {
		b.phones.Close()
		b.phones = s.with.phones
	}
	s.voice.Transport = b.phones.Transport()
	voice, err := twilio.New(s.voice)
	if err != nil {
		t.Fatal(err)
	}
	b.voice = voice
	b.chain = &chain{db: db, outcomes: map[oncall.AttemptID]outcome{}}
	b.o = s.options
	b.o.Outcomes, b.o.Keys = b.chain, b.chain
	if b.o.Shadow == nil {
		b.o.Shadow = shadow.Channel{}
	}
	if b.o.Channels == nil {
		b.o.Channels = func(_ oncall.Stage, m oncall.Method) notify.Channel {
			if m == oncall.Call {
				return voice
			}
			return nil
		}
	}
	b.apply(s.more...)
	if b.mount = func(h http.Handler) { handler = s.mount(h) }; s.with != nil {
		b.mount = s.with.mount
	}
	b.start()
	t.Cleanup(func() {
		b.stop()
		b.phones.Close()
	})
	return b
}

// start runs a dispatcher; after stop it is what a restart is.
func (b *bench) start() {
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: b.log}, nil))
	b.d = notify.New(b.db, log, b.o)
	b.q = due.New(b.db, log)
	b.d.Register(b.q)
	b.mount(http.StripPrefix("/ops", b.voice.Handler(b.d, log)))
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = b.q.Run(ctx) })
	work.Go(func() { _ = b.d.Run(ctx) })
	b.stop = sync.OnceFunc(func() { cancel(); work.Wait() })
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// handlerTransport carries requests to a handler that is mounted later.
type handlerTransport struct{ h *http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if *t.h == nil {
		return nil, io.ErrUnexpectedEOF
	}
	w := &answerRecorder{header: http.Header{}, status: http.StatusOK}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	(*t.h).ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}, nil
}

type answerRecorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answerRecorder) Header() http.Header         { return w.header }
func (w *answerRecorder) WriteHeader(status int)      { w.status = status }
func (w *answerRecorder) Write(p []byte) (int, error) { return w.body.Write(p) }

func object(t *testing.T, kind, name string, v any) store.Object {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return store.Object{Kind: kind, Name: name, Body: body, File: "t.yaml"}
}

func (b *bench) apply(more ...store.Object) {
	b.t.Helper()
	objects := []store.Object{
		object(b.t, store.ObjectSettings, "settings", oncall.Settings{Language: "ja", Zone: "Asia/Tokyo", ExternalURL: "https://toban.example.jp/ops"}),
		object(b.t, store.ObjectService, "checkout", oncall.Service{ID: "checkout", Name: "決済", Reading: "けっさい", CatchAll: true}),
		object(b.t, store.ObjectService, "quiet", oncall.Service{ID: "quiet", Shadow: true}),
	}
	for name, number := range map[string]string{"matsu": matsu, "take": take, "ume": ume} {
		objects = append(objects, object(b.t, store.ObjectUser, name, oncall.User{
			ID: oncall.UserID(name), Name: name, Contacts: []oncall.ContactMethod{
				{Name: "phone", Method: oncall.Call, Address: number, Verified: true},
				{Name: "sms", Method: oncall.SMS, Address: number, Verified: true},
				{Name: "old", Method: oncall.Call, Address: number},
			},
		}))
	}
	named := func(o store.Object) string { return o.Kind + " " + o.Name }
	for _, each := range more { // in place of the one of that name
		objects = slices.DeleteFunc(objects, func(o store.Object) bool { return named(o) == named(each) })
		objects = append(objects, each)
	}
	if err := b.tx(func(ctx context.Context, tx *store.Tx) error { _, _, err := tx.Apply(ctx, objects); return err }); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tx(f func(ctx context.Context, tx *store.Tx) error) error {
	ctx := context.Background()
	return b.db.Tx(ctx, func(tx *store.Tx) error { return f(ctx, tx) })
}

// incident opens an incident and returns its id.
func (b *bench) incident(service oncall.ServiceID) oncall.IncidentID {
	b.t.Helper()
	name := oncall.IncidentID(id.New(id.Incident))
	err := b.tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertIncidents(ctx, []*oncall.Incident{{
			ID: name, Service: service, GroupKey: string(name), State: oncall.Triggered, Severity: oncall.Critical, Urgency: oncall.High,
			Title: "the shop does not answer", Stage: oncall.Production, Epoch: 1, Count: 1, TriggeredAt: tx.Now,
		}})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return name
}

// ask asks for attempts, all committed together.
func (b *bench) ask(attempts ...ask) {
	b.t.Helper()
	if err := b.tx(func(ctx context.Context, tx *store.Tx) error { return addOutbox(ctx, tx, attempts...) }); err != nil {
		b.t.Fatal(err)
	}
}

// ask is an attempt that a response asks for.
type ask struct {
	incident oncall.IncidentID
	n        int
	user     oncall.UserID
	method   oncall.Method // "" = call
	contact  string        // "" = phone
	stage    oncall.Stage
	pager    oncall.PagerID
}

func (a ask) id() oncall.AttemptID { return oncall.AttemptID(fmt.Sprintf("%s.%d", a.incident, a.n)) }

func addOutbox(ctx context.Context, tx *store.Tx, attempts ...ask) error {
	for _, a := range attempts {
		inc, err := tx.Incident(ctx, a.incident)
		if err != nil {
			return err
		}
		if a.method == "" {
			a.method = oncall.Call
		}
		if a.contact == "" {
			a.contact = "phone"
		}
		row := store.OutboxRow{
			ID: a.id(), Incident: a.incident, Epoch: inc.Epoch, Kind: a.method, State: store.OutboxDue, DueAt: tx.Now,
			Payload: store.Payload{User: a.user, Contact: a.contact, Nth: 1, Stage: a.stage, Pager: a.pager},
		}
		if err := tx.AddOutbox(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// outcome is what the chain was told.
type outcome struct {
	is    oncall.Outcome
	at    time.Time
	times int
}

// chain stands for the response and for the keys: it remembers outcomes, and an
// acknowledgement does what the real one does to the outbox and to live calls.
type chain struct {
	db   *store.DB
	then func(ctx context.Context, tx *store.Tx, a oncall.AttemptID, o oncall.Outcome) error

	mu       sync.Mutex
	outcomes map[oncall.AttemptID]outcome
	pressed  []string
	broken   error
}

func (c *chain) Outcome(ctx context.Context, tx *store.Tx, a oncall.AttemptID, o oncall.Outcome) error {
	c.mu.Lock()
	was := c.outcomes[a]
	if was.times == 0 {
		was = outcome{is: o, at: time.Now()}
	}
	was.times++
	c.outcomes[a] = was
	then := c.then
	c.mu.Unlock()
	if then != nil {
		return then(ctx, tx, a, o)
	}
	return nil
}

func (c *chain) Press(ctx context.Context, d oncall.DeliveryID, digit string) (notify.Said, error) {
	c.mu.Lock()
	c.pressed = append(c.pressed, digit)
	err := c.broken
	c.broken = nil
	c.mu.Unlock()
	if err != nil {
		return notify.Said{}, err
	}
	kind, ok := map[string]notify.SaidKind{"1": notify.SaidAcknowledged, "2": notify.SaidDeclined, "9": notify.SaidResolved}[digit]
	if !ok {
		return notify.Said{Kind: notify.SaidUnknown}, nil
	}
	var told []store.Told
	var user oncall.UserID
	if err := c.db.Read(ctx, func(tx *store.Tx) error {
		dl, err := tx.DeliveryUnlocked(ctx, d)
		if err != nil {
			return err
		}
		user = dl.User
		told, err = tx.Told(ctx, d)
		return err
	}); err != nil {
		return notify.Said{}, err
	}
	said := notify.Said{Kind: kind}
	for _, t := range told {
		inc, err := c.act(ctx, t.Incident, user, digit, t.Attempt)
		if err != nil {
			return notify.Said{}, err
		}
		said.Incidents = append(said.Incidents, notify.SaidIncident{Number: inc.Number, Service: inc.Service, State: inc.State, Holder: inc.AcknowledgedBy})
	}
	return said, nil
}

// act acknowledges or resolves: the epoch first, then the due rows, then what is
// under way, unless it is the call in which the key was pressed.
func (c *chain) act(ctx context.Context, incident oncall.IncidentID, by oncall.UserID, digit string, keep oncall.AttemptID) (inc *oncall.Incident, err error) {
	err = c.db.Tx(ctx, func(tx *store.Tx) error {
		if inc, err = tx.Incident(ctx, incident); err != nil {
			return err
		}
		switch digit {
		case "1":
			inc.Acknowledge(by, tx.Now, tx.Now.Add(30*time.Minute), "call")
		case "9":
			inc.Resolve(by, tx.Now, "call")
		default:
			return nil
		}
		if err := tx.SaveIncidents(ctx, []*oncall.Incident{inc}); err != nil {
			return err
		}
		if _, err := tx.DropOutbox(ctx, inc.ID, inc.Epoch); err != nil {
			return err
		}
		live, err := tx.LiveDeliveries(ctx, inc.ID)
		if err != nil {
			return err
		}
		for _, l := range live {
			told, err := tx.Told(ctx, l.ID)
			if err != nil {
				return err
			}
			moved := true
			for _, t := range told {
				other, err := tx.IncidentUnlocked(ctx, t.Incident)
				if err != nil {
					return err
				}
				moved = moved && t.Attempt != keep && (t.Incident == inc.ID || other.State != oncall.Triggered)
			}
			if !moved {
				continue
			}
			dl, err := tx.Delivery(ctx, l.ID)
			if err != nil {
				return err
			}
			dl.CancelAt = tx.Now
			if err := tx.SaveDelivery(ctx, dl); err != nil {
				return err
			}
			if err := tx.PutTimers(ctx, store.Timer{Kind: store.TimerDelivery, Ref: string(l.ID), DueAt: tx.Now}); err != nil {
				return err
			}
		}
		return nil
	})
	return inc, err
}

// acknowledge is somebody's, by another way than the phone.
func (b *bench) acknowledge(incident oncall.IncidentID) {
	b.t.Helper()
	if _, err := b.chain.act(context.Background(), incident, "take", "1", ""); err != nil {
		b.t.Fatal(err)
	}
}

func (c *chain) of(a oncall.AttemptID) outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcomes[a]
}

// want waits up to limit for an outcome of a and checks it.
func (b *bench) want(a oncall.AttemptID, want oncall.Outcome, limit time.Duration) outcome {
	b.t.Helper()
	for end := time.Now().Add(limit); ; {
		got := b.chain.of(a)
		if got.times > 0 || time.Now().After(end) {
			if got.is != want {
				b.t.Fatalf("outcome of %s: got %q, want %q\n%s", a, got.is, want, b.log)
			}
			// It was told inside of a transaction; wait for its end.
			if err := b.tx(func(ctx context.Context, tx *store.Tx) error {
				incident, _, _ := strings.Cut(string(a), ".")
				_, err := tx.Incident(ctx, oncall.IncidentID(incident))
				return err
			}); err != nil {
				b.t.Fatal(err)
			}
			return got
		}
		pause := time.NewTimer(5 * time.Millisecond) // in a bubble or outside of one
		<-pause.C
	}
}

// entries are the lines of an incident's timeline, in short.
func (b *bench) entries(incident oncall.IncidentID) (lines []string) {
	b.t.Helper()
	ctx := context.Background()
	err := b.db.Read(ctx, func(tx *store.Tx) error {
		all, err := tx.Timeline(ctx, incident, 0, 0)
		for _, e := range all {
			lines = append(lines, strings.TrimSpace(string(e.Kind)+" "+e.Data.Text))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return lines
}

func (b *bench) row(a oncall.AttemptID) store.OutboxRow {
	b.t.Helper()
	var row *store.OutboxRow
	err := b.tx(func(ctx context.Context, tx *store.Tx) (err error) { row, err = tx.OutboxRow(ctx, a); return err })
	if err != nil || row == nil {
		b.t.Fatalf("row %s: %v %v", a, row, err)
	}
	return *row
}

func (b *bench) deliveries(a oncall.AttemptID) (list []store.Delivery) {
	b.t.Helper()
	ctx := context.Background()
	err := b.db.Read(ctx, func(tx *store.Tx) (err error) { list, err = tx.DeliveriesOf(ctx, a); return err })
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}
