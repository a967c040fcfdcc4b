package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"toban/internal/id"
	"toban/oncall"
	"toban/store"
)

// Figure is one measured value.
type Figure struct {
	Name  string
	Value float64
	Unit  string
}

// Store measures the hot paths of a store without anything above it: signals
// accepted by 64 callers, each opening an incident; the same on 64 keys; and
// response steps, in sets of 64 as the handler of timers takes them. Each is
// measured for the duration. The database at dsn should be empty.
func Store(ctx context.Context, dsn string, duration time.Duration, log *slog.Logger) ([]Figure, error) {
	db, err := store.Open(ctx, dsn, store.Options{Node: "bench", Log: log})
	if err != nil {
		return nil, err
	}
	figures, err := storeFigures(ctx, db, duration)
	return figures, errors.Join(err, db.Close())
}

const callers = 64

func storeFigures(ctx context.Context, db *store.DB, duration time.Duration) ([]Figure, error) {
	name := "store." + db.Engine() + "."
	var n atomic.Int64
	fresh, err := acceptLoad(ctx, db, duration, func(int) string { return fmt.Sprintf("fresh-%d", n.Add(1)) })
	if err != nil {
		return nil, err
	}
	storm, err := acceptLoad(ctx, db, duration, func(caller int) string { return fmt.Sprintf("storm-%d", caller) })
	if err != nil {
		return nil, err
	}
	steps, err := stepLoad(ctx, db, duration)
	if err != nil {
		return nil, err
	}
	return []Figure{
		{name + "fresh.c64.rate", fresh.rate, "1/s"},
		{name + "fresh.c64.p50", fresh.p50, "ms"},
		{name + "fresh.c64.p99", fresh.p99, "ms"},
		{name + "fresh.c64.cpu", fresh.cpu, "µs"},
		{name + "storm.c64.rate", storm.rate, "1/s"},
		{name + "storm.c64.p99", storm.p99, "ms"},
		{name + "storm.c64.cpu", storm.cpu, "µs"},
		{name + "steps.rate", steps.rate, "1/s"},
		{name + "steps.cpu", steps.cpu, "µs"},
	}, nil
}

// load is what a kind of work came to: times in milliseconds, and the processor
// time of this process for each in microseconds, which tells more than the rate
// where the machine has other things to do.
type load struct{ rate, p50, p99, cpu float64 }

// processor is the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// acceptLoad accepts one signal at a time from 64 callers.
func acceptLoad(ctx context.Context, db *store.DB, duration time.Duration, key func(caller int) string) (load, error) {
	ctx, cancel := context.WithTimeout(ctx, duration+time.Minute)
	defer cancel()
	var all sync.WaitGroup
	waits := make([][]time.Duration, callers)
	failed := make([]error, callers)
	began, used := time.Now(), processor()
	for caller := range callers {
		all.Go(func() {
			for time.Since(began) < duration {
				sent := time.Now()
				if _, err := db.Accept(ctx, []store.Acceptance{proposal(key(caller), sent)}); err != nil {
					failed[caller] = err
					return
				}
				waits[caller] = append(waits[caller], time.Since(sent))
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	sorted := slices.Sorted(slices.Values(slices.Concat(waits...)))
	if err := errors.Join(failed...); err != nil || len(sorted) == 0 {
		return load{}, err
	}
	at := func(share float64) float64 {
		return float64(sorted[int(share*float64(len(sorted)-1))].Microseconds()) / 1000
	}
	n := float64(len(sorted))
	return load{rate: n / took.Seconds(), p50: at(0.5), p99: at(0.99), cpu: float64((processor() - used).Microseconds()) / n}, nil
}

// proposal is a signal as a webhook makes it, with the incident it opens.
func proposal(key string, at time.Time) store.Acceptance {
	at = at.UTC().Truncate(time.Millisecond)
	inc := &oncall.Incident{
		ID: oncall.IncidentID(id.New(id.Incident)), Service: "checkout", GroupKey: key, State: oncall.Triggered,
		Severity: oncall.Warning, Urgency: oncall.Low, Title: "checkout answers 500 to one request in ten",
		Stage: oncall.Production, Epoch: 1, Count: 1, TriggeredAt: at,
	}
	return store.Acceptance{
		Signal: oncall.Signal{
			ID: oncall.SignalID(id.New(id.Signal)), Integration: "prometheus", Stage: oncall.Production, Service: "checkout",
			Key: key, GroupKey: key, Action: oncall.Trigger, Severity: oncall.Warning, Title: inc.Title,
			Labels:      map[string]string{"alertname": "HighErrorRate", "job": "checkout", "instance": "10.0.0.1:8080", "severity": "warning"},
			Annotations: map[string]string{"summary": inc.Title},
			StartsAt:    at, ReceivedAt: at,
		},
		Incident: inc,
		Response: &store.ResponseRow{
			Response: oncall.Response{
				Incident: inc.ID, Service: "checkout", Epoch: 1, Policy: "0123456789abcdef", Urgency: oncall.Low,
				Phase: oncall.WaitingForHours, Began: at, Start: at.Add(8 * time.Hour),
			},
			NextAt: at, NextWhy: oncall.NextStart,
		},
		Entries: []oncall.Entry{
			{At: at, Kind: oncall.EntryTriggered, Actor: "prometheus", Data: oncall.EntryData{
				Title: inc.Title, Severity: oncall.Warning, Urgency: oncall.Low, Service: "checkout",
			}},
		},
	}
}

// stepHandlers is how many sets of responses are stepped at a time.
const stepHandlers = 2

// stepLoad steps responses that the store holds, in sets of 64: take the timers,
// lock the incidents, read the responses, and write them with a line of the
// timeline and the next timer.
func stepLoad(ctx context.Context, db *store.DB, duration time.Duration) (load, error) {
	var due []store.Timer
	err := db.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.OwnTimers(ctx, tx.Now, stepHandlers*callers*16)
		return err
	})
	if err != nil {
		return load{}, err
	}
	if len(due) < stepHandlers*callers {
		return load{}, fmt.Errorf("bench: %d responses to step, %d are needed", len(due), stepHandlers*callers)
	}
	var all sync.WaitGroup
	var steps atomic.Int64
	failed := make([]error, stepHandlers)
	began, used := time.Now(), processor()
	share := len(due) / stepHandlers
	for handler := range stepHandlers {
		all.Go(func() {
			own := due[handler*share : (handler+1)*share]
			for i := 0; time.Since(began) < duration; i = (i + callers) % (share - share%callers) {
				n, err := step(ctx, db, own[i:i+callers])
				if err != nil {
					failed[handler] = err
					return
				}
				steps.Add(int64(n))
			}
		})
	}
	all.Wait()
	n := float64(steps.Load())
	return load{rate: n / time.Since(began).Seconds(), cpu: float64((processor() - used).Microseconds()) / n}, errors.Join(failed...)
}

func step(ctx context.Context, db *store.DB, due []store.Timer) (n int, err error) {
	err = db.Tx(ctx, func(tx *store.Tx) error {
		refs := make([]string, len(due))
		for i, t := range due {
			refs[i] = t.Ref
		}
		taken, err := tx.TakeTimers(ctx, store.TimerResponse, refs)
		if err != nil {
			return err
		}
		ids := make([]oncall.IncidentID, len(taken))
		for i, ref := range taken {
			ids[i] = oncall.IncidentID(ref)
		}
		incidents, err := tx.IncidentsSkipLocked(ctx, ids)
		if err != nil {
			return err
		}
		rows, err := tx.Responses(ctx, ids)
		if err != nil {
			return err
		}
		changed := make([]*oncall.Incident, 0, len(ids))
		responses := make([]*store.ResponseRow, 0, len(ids))
		timers := make([]store.Timer, 0, len(ids))
		for id, inc := range incidents {
			r := rows[id]
			r.Response.Level++
			r.NextAt = tx.Now
			if err := tx.AddEntries(ctx, inc, oncall.Entry{Kind: oncall.EntryLevel, Data: oncall.EntryData{Level: r.Response.Level, Users: []oncall.UserID{"matsu"}}}); err != nil {
				return err
			}
			changed, responses = append(changed, inc), append(responses, r)
			timers = append(timers, store.Timer{Kind: store.TimerResponse, Ref: string(id), DueAt: tx.Now})
		}
		n = len(changed)
		if err := tx.SaveIncidents(ctx, changed); err != nil {
			return err
		}
		if err := tx.SaveResponses(ctx, responses); err != nil {
			return err
		}
		return tx.PutTimers(ctx, timers...)
	})
	return n, err
}
