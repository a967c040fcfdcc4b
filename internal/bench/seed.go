package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// seedBatch is how many incidents a seeder hands to the store at a time, and
// seeders how many do so.
const (
	seedBatch = 64
	seeders   = 8
)

// seed opens n incidents in the store of a site whose toban is not running, as
// they are opened by signals that come at the given times: each with a response
// whose first step is due then. It returns their ids in that order. The next
// toban takes them over from a node that is gone.
func (s *site) seed(ctx context.Context, n int, at func(i int) time.Time) (ids []oncall.IncidentID, err error) {
	db, err := s.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var policy string
	err = db.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		p := dir.Policies[laterPolicy]
		if p == nil {
			return fmt.Errorf("policy %s was not applied", laterPolicy)
		}
		policy = p.Revision
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]store.Acceptance, n)
	ids = make([]oncall.IncidentID, n)
	for i := range all {
		all[i] = laterIncident(i, at(i), policy)
		ids[i] = all[i].Incident.ID
	}
	failed := make([]error, seeders)
	var work sync.WaitGroup
	for w := range seeders {
		work.Go(func() {
			for from := w * seedBatch; from < n && failed[w] == nil; from += seeders * seedBatch {
				_, failed[w] = db.Accept(ctx, all[from:min(from+seedBatch, n)])
			}
		})
	}
	work.Wait()
	return ids, errors.Join(failed...)
}

// laterIncident is what the alert stage makes of a signal of high urgency to the
// service whose user is called an hour later.
func laterIncident(i int, at time.Time, policy string) store.Acceptance {
	at = at.UTC().Truncate(time.Millisecond)
	key := fmt.Sprintf("later-%d", i)
	inc := &oncall.Incident{
		ID: oncall.IncidentID(id.New(id.Incident)), Service: laterService, GroupKey: key, State: oncall.Triggered,
		Severity: oncall.Critical, Urgency: oncall.High, Title: "checkout answers 500 to one request in ten",
		Stage: oncall.Production, Epoch: 1, Count: 1, TriggeredAt: at,
	}
	row := &store.ResponseRow{Response: oncall.NewResponse(inc, policy)}
	row.NextAt, row.NextWhy = row.Response.Next()
	return store.Acceptance{
		Signal: oncall.Signal{
			ID: oncall.SignalID(id.New(id.Signal)), Integration: "load", Stage: oncall.Production, Service: laterService,
			Key: key, GroupKey: key, Action: oncall.Trigger, Severity: oncall.Critical, Title: inc.Title, StartsAt: at, ReceivedAt: at,
		},
		Incident: inc, Response: row,
		Entries: []oncall.Entry{{At: at, Kind: oncall.EntryTriggered, Data: oncall.EntryData{
			Title: inc.Title, Severity: oncall.Critical, Urgency: oncall.High, Service: laterService,
		}}},
	}
}

// firstSteps returns when each of the responses made its first step; zero = not
// yet. The step begins the page of the user, which has its time.
func (s *site) firstSteps(ctx context.Context, ids []oncall.IncidentID) (at []time.Time, err error) {
	db, err := s.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	const chunk = 512
	for ; len(ids) > 0; ids = ids[min(chunk, len(ids)):] {
		some := ids[:min(chunk, len(ids))]
		var rows map[oncall.IncidentID]*store.ResponseRow
		if err := db.Read(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.Responses(ctx, some)
			return err
		}); err != nil {
			return nil, err
		}
		for _, id := range some {
			row := rows[id]
			switch {
			case row == nil:
				return nil, fmt.Errorf("incident %s has no response", id)
			case len(row.Response.Pages) == 0:
				at = append(at, time.Time{})
			default:
				at = append(at, row.Response.Pages[0].At)
			}
		}
	}
	return at, nil
}

// errTooSlow is returned when the first of the seeds came due before toban had
// had the time to take them over.
var errTooSlow = errors.New("the machine is too slow to prepare the waiting responses in time")

// prepared is how long before the first of the seeds is due toban has to run.
const prepared = time.Second

// startSeeded makes a store with the configuration, opens n incidents that come
// due at times counted from the first, and runs a toban on it.
func (s *site) startSeeded(ctx context.Context, n int, headStart time.Duration, offset func(i int) time.Duration) (ids []oncall.IncidentID, first time.Time, err error) {
	if err := s.start(ctx); err != nil {
		return nil, first, err
	}
	if err := s.stop(); err != nil {
		return nil, first, err
	}
	first = time.Now().Add(headStart).Truncate(time.Millisecond)
	if ids, err = s.seed(ctx, n, func(i int) time.Time { return first.Add(offset(i)) }); err != nil {
		return nil, first, err
	}
	if err := s.start(ctx); err != nil {
		return nil, first, err
	}
	if time.Until(first) < prepared {
		return nil, first, errTooSlow
	}
	return ids, first, nil
}

// seeded has measure work on a new site, with a longer head start for what it
// prepares until that is enough.
func (r *runner) seeded(ctx context.Context, engine string, headStart time.Duration, measure func(s *site, headStart time.Duration) ([]Figure, error)) ([]Figure, error) {
	for {
		figures, err := func() (figures []Figure, err error) {
			s, err := r.newSite(ctx, engine, 0)
			if err != nil {
				return nil, err
			}
			defer func() { err = closed(s, err) }()
			return measure(s, headStart)
		}()
		if !errors.Is(err, errTooSlow) || headStart > time.Minute {
			return figures, err
		}
		headStart *= 2
	}
}
