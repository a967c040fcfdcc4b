package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// What is in the store before pages are measured: incidents of a year, of which
// the newest have a timeline and a response and some are open, one of those with
// a very long timeline.
const (
	pastIncidents      = 1_000_000
	pastIncidentsQuick = 20_000

	pastFor      = 365 * 24 * time.Hour
	timelines    = 20_000
	openThere    = 300
	openTaken    = 270 // acknowledged; with the others what changes stays on the first page
	longTimeline = 3000

	// pastBatch is how many incidents are written in one transaction.
	pastBatch = 4096

	firstAccount = "user0"
	rareService  = "pair63" // of which there are three incidents, the oldest
)

// past is what was seeded.
type past struct {
	from, until time.Time
	first, last int64 // numbers of what was resolved
	open        []openOne
	policy      string
	accounts    []string // cookies of who looks on
}

// service is one of those that the past is spread over.
func (p *past) service(i int) string { return fmt.Sprintf("call%d", i%usersThere) }

// startWithPast makes a store with the configuration, an account and a year of
// incidents, and runs a toban on it.
func (s *site) startWithPast(ctx context.Context, incidents int) (p *past, cookie string, err error) {
	if err := s.start(ctx); err != nil {
		return nil, "", err
	}
	if cookie, err = s.signUp(ctx); err != nil {
		return nil, "", err
	}
	if err := s.stop(); err != nil {
		return nil, "", err
	}
	began := time.Now()
	now := began.UTC().Truncate(time.Millisecond)
	p = &past{from: now.Add(-pastFor), until: now.Add(-time.Hour)}
	ids, err := s.seed(ctx, openThere, func(i int) time.Time { return now.Add(-time.Duration(i+1) * 3 * time.Minute) })
	if err != nil {
		return nil, "", err
	}
	if err := s.seedPast(ctx, p, incidents, ids); err != nil {
		return nil, "", err
	}
	s.r.say("pages %s: %d resolved and %d open incidents were put into the store in %.1f s", s.engine, incidents, openThere, time.Since(began).Seconds())
	if err := s.start(ctx); err != nil {
		return nil, "", err
	}
	return p, cookie, s.settle(ctx, p)
}

// settle waits until the open incidents have made their first step, and has some
// of them acknowledged.
func (s *site) settle(ctx context.Context, p *past) error {
	if err := patiently(ctx, steppedWithin, func() (bool, error) {
		waiting, err := s.newestWaiting(ctx)
		return waiting == 0, err
	}); err != nil {
		return err
	}
	for _, inc := range p.open[len(p.open)-openTaken:] {
		if err := s.post(ctx, "/api/v1/incidents/"+string(inc.id)+"/acknowledge", map[string]string{"by": firstAccount}, nil); err != nil {
			return err
		}
	}
	return nil
}

// seedPast fills the store of a site whose toban is not running. ids are the
// incidents that are open.
func (s *site) seedPast(ctx context.Context, p *past, incidents int, ids []oncall.IncidentID) (err error) {
	db, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.Tx(ctx, func(tx *store.Tx) error {
		p.open, p.accounts = nil, nil
		for _, name := range ids {
			inc, err := tx.IncidentUnlocked(ctx, name)
			if err != nil {
				return err
			}
			p.open = append(p.open, openOne{inc.ID, inc.Number})
		}
		if err := p.lengthen(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Responses(ctx, ids[:1])
		if err != nil {
			return err
		}
		p.policy = rows[ids[0]].Response.Policy
		return p.invite(ctx, tx)
	})
	if err != nil {
		return err
	}
	for from := 0; from < incidents; from += pastBatch {
		err := db.Tx(ctx, func(tx *store.Tx) error { return p.write(ctx, tx, from, min(from+pastBatch, incidents), incidents) })
		if err != nil {
			return err
		}
	}
	return nil
}

// lengthen gives the first of the open incidents its timeline.
func (p *past) lengthen(ctx context.Context, tx *store.Tx) error {
	inc, err := tx.Incident(ctx, p.open[0].id)
	if err != nil {
		return err
	}
	for i := range longTimeline {
		at := inc.TriggeredAt.Add(time.Duration(i) * 10 * time.Millisecond)
		user := oncall.UserID(fmt.Sprintf("user%d", i%usersThere))
		entry := oncall.Entry{At: at, Kind: oncall.EntryNote, Actor: string(user), Data: oncall.EntryData{Text: "the queue is at " + fmt.Sprint(i) + "; the second node does not take its share"}}
		if i%2 == 0 {
			entry = oncall.Entry{At: at, Kind: oncall.EntryPage, Data: oncall.EntryData{User: user, Round: 1 + i/20, Level: 1 + i%3, Why: "level"}}
		}
		if err := tx.AddEntries(ctx, inc, entry); err != nil {
			return err
		}
	}
	return tx.SaveIncidents(ctx, []*oncall.Incident{inc})
}

// write stores the incidents from…to of all, in the order of their times.
func (p *past) write(ctx context.Context, tx *store.Tx, from, to, all int) error {
	list := make([]*oncall.Incident, 0, to-from)
	var rows []*store.ResponseRow
	for i := from; i < to; i++ {
		inc := p.resolved(i, all)
		if all-i <= timelines {
			if err := tx.AddEntries(ctx, inc, story(inc)...); err != nil {
				return err
			}
			row := &store.ResponseRow{Response: oncall.NewResponse(inc, p.policy)}
			row.Response.Phase = oncall.Over
			rows = append(rows, row)
		}
		list = append(list, inc)
	}
	if err := tx.InsertIncidents(ctx, list); err != nil {
		return err
	}
	if from == 0 {
		p.first = list[0].Number
	}
	p.last = list[len(list)-1].Number
	return tx.SaveResponses(ctx, rows)
}

var titles = [...]string{
	"checkout answers 500 to one request in ten", "the certificate of shop.example.jp ends in 6 days", "disk /var is 91 % full on db-2",
	"決済の応答が5秒を超えています", "replication of the orders database is 40 s late", "no heartbeat of the nightly backup",
}

// resolved is the i-th incident of a year.
func (p *past) resolved(i, all int) *oncall.Incident {
	at := p.from.Add(time.Duration(float64(p.until.Sub(p.from)) * float64(i) / float64(all))).Truncate(time.Millisecond)
	user := oncall.UserID(fmt.Sprintf("user%d", i%usersThere))
	inc := &oncall.Incident{
		ID: oncall.IncidentID(id.At(id.Incident, at)), Service: oncall.ServiceID(p.service(rand.IntN(usersThere))), GroupKey: fmt.Sprintf("past-%d", i),
		State: oncall.Resolved, Severity: oncall.Critical, Urgency: oncall.High, Title: titles[i%len(titles)], Stage: oncall.Production,
		Epoch: 3, Count: int64(1 + i%7), TriggeredAt: at,
		AcknowledgedAt: at.Add(time.Minute), AcknowledgedBy: user, ResolvedAt: at.Add(time.Duration(5+i%35) * time.Minute),
	}
	switch {
	case i < 3:
		inc.Service = rareService
	case i%3 == 0:
		inc.Severity, inc.Urgency = oncall.Warning, oncall.Low
	case i%10 == 1: // one that hardly ever is quiet
		inc.Service = laterService
	}
	return inc
}

// story is the timeline of a resolved incident, three to six lines.
func story(inc *oncall.Incident) []oncall.Entry {
	at := func(d time.Duration) time.Time { return inc.TriggeredAt.Add(d) }
	user, by := inc.AcknowledgedBy, string(inc.AcknowledgedBy)
	all := []oncall.Entry{
		{At: at(0), Kind: oncall.EntryTriggered, Data: oncall.EntryData{Title: inc.Title, Severity: inc.Severity, Urgency: inc.Urgency, Service: inc.Service}},
		{At: at(0), Kind: oncall.EntryLevel, Data: oncall.EntryData{Round: 1, Level: 1}},
		{At: at(0), Kind: oncall.EntryPage, Data: oncall.EntryData{User: user, Round: 1, Level: 1, Why: "level"}},
		{At: at(time.Second), Kind: oncall.EntryContact, Data: oncall.EntryData{User: user, Method: oncall.Call, Contact: "phone", Attempt: oncall.AttemptID(inc.ID) + ".1"}},
		{At: inc.AcknowledgedAt, Kind: oncall.EntryAcknowledged, Actor: by, Data: oncall.EntryData{Via: string(oncall.Call)}},
		{At: inc.ResolvedAt, Kind: oncall.EntryResolved, Actor: by, Data: oncall.EntryData{Via: "web"}},
	}
	skip := int(inc.Count) % 4 // in the middle
	return append(all[:1:1], all[1+min(skip, 3):]...)
}

// invite makes the accounts of those who look on, and a session of each. It is
// done here and not by their forms because every password costs what a password
// has to.
func (p *past) invite(ctx context.Context, tx *store.Tx) error {
	roles := []string{"viewer", "responder", "manager", "admin"}
	languages := []string{"ja", "en"}
	for i := range onlookers {
		name := fmt.Sprintf("user%d", i+1)
		if i >= onlookersOnDuty {
			name = fmt.Sprintf("onlooker%d", i)
		}
		account := store.Account{Name: name, Password: "none", Role: roles[i%len(roles)], Language: languages[i/len(roles)%len(languages)]}
		if err := tx.SaveAccount(ctx, account); err != nil {
			return err
		}
		secret := newSecret()
		sum := sha256.Sum256([]byte(secret))
		session := store.Session{Hash: hex.EncodeToString(sum[:]), Account: name, Address: "127.0.0.1", Agent: "bench", ExpiresAt: tx.Now.Add(24 * time.Hour)}
		if err := tx.AddSession(ctx, session); err != nil {
			return err
		}
		p.accounts = append(p.accounts, "toban="+secret)
	}
	return nil
}

// newSecret is a secret of the form that sessions have.
func newSecret() string {
	const digits, length = "abcdefghijklmnopqrstuvwxyz234567", 32
	var b strings.Builder
	for range length {
		b.WriteByte(digits[rand.IntN(len(digits))])
	}
	return b.String()
}
