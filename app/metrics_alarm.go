package app

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"toban/alert"
	"toban/oncall"
)

// metricsAlarm is the alert about toban itself that its metrics are missing. It
// is said again while that is so, and ends by itself when nobody says it any
// more: a node that never comes back does not leave it behind.
type metricsAlarm struct {
	accept func(ctx context.Context, signals []oncall.Signal) error
	// service finds the one that takes what is about toban itself.
	service func(ctx context.Context) (oncall.ServiceID, error)
	key     string
	log     *slog.Logger
	nudged  chan struct{}

	mu    sync.Mutex
	state metricsHealth
}

// metricsHealth is what the alarm is about.
type metricsHealth struct {
	down   bool
	since  time.Time // the last change of down; zero = nothing is known yet
	detail string
}

const (
	// alarmEvery is how often it is said again, alarmHolds for how long each time
	// holds.
	alarmEvery = 2 * time.Minute
	alarmHolds = 10 * time.Minute
	// alarmSteady is how long the metrics have to be there again to be believed.
	alarmSteady = 10 * time.Second
	alarmRetry  = time.Second
)

// newMetricsAlarm makes the alarm of this node, by a name that its next start has
// again.
func (a *App) newMetricsAlarm(acceptor *alert.Acceptor, address net.Addr) *metricsAlarm {
	key := "toban/metrics"
	if a.o.DatabaseURL != "" {
		host, _ := os.Hostname() // without one the address has to do
		key += "/" + host + "/" + address.String()
	}
	return &metricsAlarm{
		accept: acceptor.Accept, key: key, log: a.log.With("component", "metrics"), nudged: make(chan struct{}, 1),
		service: func(ctx context.Context) (oncall.ServiceID, error) {
			dir, err := acceptor.Directory(ctx)
			if err != nil {
				return "", err
			}
			for _, s := range dir.Services {
				if s.CatchAll {
					return s.ID, nil
				}
			}
			return "", nil // by its labels then, of which there are none
		},
	}
}

func (a *metricsAlarm) down(exit error, restarts int) {
	a.set(func(h *metricsHealth) { h.down, h.detail = true, exit.Error() })
	_ = restarts // the log has it
}

func (a *metricsAlarm) up() { a.set(func(h *metricsHealth) { h.down, h.detail = false, "" }) }

func (a *metricsAlarm) set(f func(*metricsHealth)) {
	a.mu.Lock()
	was := a.state
	f(&a.state)
	if was.since.IsZero() || was.down != a.state.down {
		a.state.since = time.Now()
	}
	a.mu.Unlock()
	select {
	case a.nudged <- struct{}{}:
	default: // it is already on its way
	}
}

// run tells of it until ctx ends. What could not be told is told later.
func (a *metricsAlarm) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	told := true // an earlier life of this process may have
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.nudged:
		case <-timer.C:
		}
		a.mu.Lock()
		h := a.state
		a.mu.Unlock()
		next := time.Hour
		steady := alarmSteady - time.Since(h.since)
		switch {
		case h.since.IsZero():
		case h.down:
			next = alarmEvery
			if err := a.tell(ctx, oncall.Trigger, h); err != nil {
				next = alarmRetry
				a.log.ErrorContext(ctx, "alert about missing metrics not raised", "err", err)
			}
			told = true
		case told && steady > 0:
			next = steady
		case told:
			if err := a.tell(ctx, oncall.Resolve, h); err != nil {
				next = alarmRetry
				a.log.ErrorContext(ctx, "alert about missing metrics not resolved", "err", err)
			} else {
				told = false
			}
		}
		timer.Reset(next)
	}
}

func (a *metricsAlarm) tell(ctx context.Context, action oncall.Action, h metricsHealth) error {
	service, err := a.service(ctx)
	if err != nil {
		return err
	}
	s := oncall.Signal{
		Key: a.key, Action: action, Severity: oncall.Warning, Service: service,
		Title: "toban: the metrics process ended and is started again; rules are not evaluated meanwhile", StartsAt: h.since,
		Annotations: map[string]string{"detail": h.detail},
	}
	if action == oncall.Trigger {
		s.EndsAt = time.Now().Add(alarmHolds)
	}
	return a.accept(ctx, []oncall.Signal{s})
}
