package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"toban/alert"
	"toban/internal/child"
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
	title   string
	// worst is how bad it is when it lasts; nil = as at its beginning.
	worst  func() oncall.Severity
	log    *slog.Logger
	nudged chan struct{}

	mu    sync.Mutex
	state metricsHealth
}

// metricsHealth is what the alarm is about.
type metricsHealth struct {
	down   bool
	since  time.Time // the last change of down; zero = nothing is known yet
	began  time.Time // of the outage: what is back for a moment only is not back
	due    time.Time // from when on it is told
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
	// alarmSoon is within what time a child that somebody else has ended has to be
	// back for nobody to be told, and alarmDeaths how many such ends in a row are told
	// at once all the same.
	alarmSoon   = 15 * time.Second
	alarmDeaths = 3
	// alarmGrave is how long it has to last to be as bad as what is not seen
	// meanwhile: until then it may be a start.
	alarmGrave = 5 * time.Minute
)

// What the alarms say.
const (
	titleDown  = "toban: the metrics process does not work; rules are not evaluated meanwhile"
	titleBlind = "toban: the conditions of some monitors are not evaluated"
)

// newMetricsAlarm makes an alarm of this node, by a name that its next start has
// again.
func (a *App) newMetricsAlarm(acceptor *alert.Acceptor, address net.Addr, key, title string) *metricsAlarm {
	if a.o.DatabaseURL != "" {
		host, _ := os.Hostname() // without one the address has to do
		key += "/" + host + "/" + address.String()
	}
	return &metricsAlarm{
		accept: acceptor.Accept, key: key, title: title, log: a.log.With("component", "metrics"), nudged: make(chan struct{}, 1),
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

// died makes a death of the child known. One that it has brought on itself, as by a
// query that takes too much memory, is told at once; one by somebody's kill is told
// when the child is not back soon, or when it is not the first one.
func (a *metricsAlarm) died(exit error, restarts int) {
	detail := exit.Error()
	if restarts > 1 {
		detail = fmt.Sprintf("%d times in a row, the last time: %s", restarts, detail)
	}
	grace := time.Duration(0)
	if killed(exit) && restarts < alarmDeaths {
		grace = alarmSoon
	}
	a.set(true, detail, grace)
}

// killed reports whether a child was ended by a signal from elsewhere; toban's own
// to one that stood still is none.
func killed(exit error) bool {
	var e *exec.ExitError
	if errors.Is(exit, child.ErrHung) || !errors.As(exit, &e) {
		return false
	}
	status, ok := e.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

func (a *metricsAlarm) down(detail string) { a.set(true, detail, 0) }

func (a *metricsAlarm) up() { a.set(false, "", 0) }

// set takes over how it is; that it is down is told when it has lasted for grace.
func (a *metricsAlarm) set(down bool, detail string, grace time.Duration) {
	a.mu.Lock()
	was, now := a.state, time.Now()
	a.state.down, a.state.detail = down, detail
	if was.since.IsZero() || was.down != down {
		a.state.since = now
		if down && (was.began.IsZero() || now.Sub(was.since) >= alarmSteady) {
			a.state.began = now
		}
	}
	if due := a.state.began.Add(grace); down && (!was.down || due.Before(was.due)) {
		a.state.due = due
	}
	same := !was.since.IsZero() && was.down == down && was.due.Equal(a.state.due)
	a.mu.Unlock()
	if same {
		return // it is said again by itself
	}
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
		case h.down && time.Now().Before(h.due):
			next = time.Until(h.due)
		case h.down:
			next = alarmEvery
			if grave := time.Until(h.began.Add(alarmGrave)); grave > 0 {
				next = min(next, grave)
			}
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
	severity := oncall.Warning
	if h.down && a.worst != nil && time.Since(h.began) >= alarmGrave {
		severity = severity.Worse(a.worst())
	}
	s := oncall.Signal{
		Key: a.key, Action: action, Severity: severity, Service: service,
		Title: a.title, StartsAt: h.since,
		Annotations: map[string]string{"detail": h.detail},
	}
	if action == oncall.Trigger {
		s.StartsAt, s.EndsAt = h.began, time.Now().Add(alarmHolds)
	}
	return a.accept(ctx, []oncall.Signal{s})
}
