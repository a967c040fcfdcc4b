package standing

import (
	"context"
	"log/slog"
	"time"

	"toban/detect"
	"toban/oncall"
	"toban/store"
)

// Keeper counts how long the monitors were up and down that ask nobody
// themselves: heartbeats, rules and service metrics. It looks at them again and
// again, and takes over when they say that they have turned; while it does not look,
// nothing is counted.
type Keeper struct {
	r *Reader
	// counted are the monitors that this node counts for, with the zone to count by;
	// see detect.Monitors.
	counted func() ([]detect.Status, *time.Location)
	log     *slog.Logger

	looked  time.Time
	ledgers map[oncall.MonitorID]*kept
	unsaved store.MonitorTimes
	begun   bool // a monitor was looked at for the first time since it was last saved
}

// kept is what is counted of one monitor.
type kept struct {
	detect.Ledger
	state State
}

// NewKeeper returns a Keeper that counts nothing before Run.
func NewKeeper(r *Reader, counted func() ([]detect.Status, *time.Location), log *slog.Logger) *Keeper {
	return &Keeper{r: r, counted: counted, log: log, ledgers: map[oncall.MonitorID]*kept{}}
}

const (
	// lookEvery is how often a Keeper looks: what turns twice in between is not seen.
	lookEvery = 10 * time.Second
	saveEvery = time.Minute
	// blind is how long it may not have looked and still know what was in between.
	blind = 3 * lookEvery
	// lastSave bounds what the end waits for.
	lastSave   = 5 * time.Second
	maxUnsaved = 100_000 // days and hours
)

// Run counts until ctx ends, and saves what is left.
func (k *Keeper) Run(ctx context.Context) error {
	look, save := time.NewTicker(lookEvery), time.NewTicker(saveEvery)
	defer look.Stop()
	defer save.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
			defer cancel()
			k.save(rest)
			return nil
		case <-look.C:
			err := k.look(ctx, time.Now())
			if err != nil && !failed && ctx.Err() == nil {
				k.log.WarnContext(ctx, "how heartbeats and rules stand can't be read, and is not counted", "err", err)
			}
			failed = err != nil
			k.begin(ctx)
		case <-save.C:
			k.save(ctx)
		}
	}
}

// look counts up to now.
func (k *Keeper) look(ctx context.Context, now time.Time) error {
	monitors, zone := k.counted()
	if len(monitors)+len(k.ledgers) == 0 {
		return nil
	}
	all, err := k.r.joined(ctx, monitors)
	if err != nil {
		return err
	}
	unseen := now.Sub(k.looked) > blind
	k.looked = now
	before := k.ledgers
	k.ledgers = make(map[oncall.MonitorID]*kept, len(all))
	for i := range all {
		s := &all[i]
		id := s.Monitor.ID
		if s.State == Paused {
			continue
		}
		l := before[id]
		delete(before, id)
		switch {
		case l == nil:
			l = &kept{Ledger: detect.Ledger{Mark: now}}
			if k.begun = true; s.Since.Before(now) && store.DayOf(s.Since, zone) == store.DayOf(now, zone) {
				l.Watched(s.Since, zone)
			} else {
				l.Watched(now, zone)
			}
		case unseen:
			l.Mark = now
		case l.state != s.State && s.Since.After(l.Mark) && s.Since.Before(now):
			l.Until(s.Since, l.state.status(), zone)
			l.Until(now, s.State.status(), zone)
		default:
			l.Until(now, l.state.status(), zone)
		}
		l.state = s.State
		k.ledgers[id] = l
	}
	for id, l := range before { // removed, paused, or another node's
		k.hold(l.Take(id, ""))
	}
	return nil
}

// status is a state as a ledger counts it.
func (s State) status() oncall.MonitorStatus {
	switch s {
	case Up:
		return oncall.MonitorUp
	case Down:
		return oncall.MonitorDown
	}
	return oncall.MonitorUnknown
}

func (k *Keeper) hold(t store.MonitorTimes) {
	if len(k.unsaved.Days)+len(k.unsaved.Hours) < maxUnsaved {
		k.unsaved.Add(t)
	}
}

// begin saves at once since when a monitor is watched: it is not forgotten, however
// toban ends.
func (k *Keeper) begin(ctx context.Context) {
	if k.begun {
		k.save(ctx)
	}
}

// save writes down what was counted; what can't be is saved later.
func (k *Keeper) save(ctx context.Context) {
	for id, l := range k.ledgers {
		k.hold(l.Take(id, ""))
	}
	if k.unsaved.None() {
		return
	}
	err := k.r.o.DB.Tx(ctx, func(tx *store.Tx) error { return tx.AddMonitorTimes(ctx, k.unsaved) })
	if err != nil {
		k.log.WarnContext(ctx, "how long heartbeats and rules were up is saved later", "err", err)
		return
	}
	k.unsaved, k.begun = store.MonitorTimes{}, false
}
