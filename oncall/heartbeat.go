package oncall

import (
	"slices"
	"time"
)

// HeartbeatStatus is what a job that reports by itself is taken for.
type HeartbeatStatus string

// The statuses. Late is seen, never saved: it is up, or new, with its moment
// passed and its grace running.
const (
	HeartbeatNew    HeartbeatStatus = "new" // never heard of
	HeartbeatUp     HeartbeatStatus = "up"
	HeartbeatLate   HeartbeatStatus = "late"
	HeartbeatDown   HeartbeatStatus = "down"
	HeartbeatPaused HeartbeatStatus = "paused"
)

// PingKind is what a ping says.
type PingKind string

// The kinds of pings. Ignored is what anything counts as while the heartbeat is
// paused; a log is kept and changes nothing.
const (
	PingSuccess PingKind = "success"
	PingStart   PingKind = "start"
	PingFail    PingKind = "fail"
	PingLog     PingKind = "log"
	PingIgnored PingKind = "ignored"
)

// MaxExit is the greatest exit status of a process.
const MaxExit = 255

// PingOfExit is what a process means that ends with that status.
func PingOfExit(status int) PingKind {
	if status == 0 {
		return PingSuccess
	}
	return PingFail
}

// HeartbeatPing is one ping.
type HeartbeatPing struct {
	Kind PingKind
	Run  string // which run it is about, where runs overlap; "" = the only one
	Exit *int   // the exit status, where it was said
	At   time.Time
	Took time.Duration // since the run's start; 0 = not known
}

// HeartbeatWhy says why a heartbeat is down.
type HeartbeatWhy string

// The reasons. Never is lateness of one that was not heard of at all.
const (
	HeartbeatSilent  HeartbeatWhy = "late"
	HeartbeatNever   HeartbeatWhy = "never"
	HeartbeatOverrun HeartbeatWhy = "overrun" // begun, and not ended within the grace
	HeartbeatFailed  HeartbeatWhy = "failure"
)

// Limits of what is kept in mind of a heartbeat.
const (
	maxOpenRuns = 20
	maxRunTimes = 20
	// maxRunTime is how long a run may take to be measured: what is longer is
	// rather the start of a run whose end was never said.
	maxRunTime = 72 * time.Hour
)

// HeartbeatRun is a run that was begun and has not ended.
type HeartbeatRun struct {
	ID string    `json:"id,omitempty"`
	At time.Time `json:"at"`
}

// HeartbeatState is what toban knows of a heartbeat, saved as it is. The zero
// value is that of one that has not been defined yet, see HeartbeatPlan.Define.
type HeartbeatState struct {
	Status HeartbeatStatus `json:"status"`
	Since  time.Time       `json:"since"`

	Pings   int64           `json:"pings,omitempty"`  // ever
	Heard   time.Time       `json:"heard,omitzero"`   // the last ping of any kind
	Ended   time.Time       `json:"ended,omitzero"`   // the last success or failure
	Success time.Time       `json:"success,omitzero"` // the last one
	Started time.Time       `json:"started,omitzero"` // the last start, until that run has ended
	Run     string          `json:"run,omitempty"`    // which run that was
	Begun   []HeartbeatRun  `json:"begun,omitempty"`  // to measure runs that overlap; the oldest first
	Took    time.Duration   `json:"took,omitempty"`   // the last run; 0 = not known
	Times   []time.Duration `json:"times,omitempty"`  // of the last successes, the newest last

	Why    HeartbeatWhy `json:"why,omitempty"`   // of down
	Exit   int          `json:"exit,omitempty"`  // of HeartbeatFailed, where it was said
	Missed time.Time    `json:"missed,omitzero"` // when it had been expected, or had begun
	// Alerting says that the alert about being down is open; Said is when that was
	// last said.
	Alerting bool      `json:"alerting,omitempty"`
	Said     time.Time `json:"said,omitzero"`

	// Plan is what the heartbeat was last defined as, since Planned: nothing that
	// was expected before counts as missed.
	Plan    Heartbeat `json:"plan"`
	Planned time.Time `json:"planned"`
}

// Typical is the median of the last run times, 0 when none is known.
func (s HeartbeatState) Typical() time.Duration {
	if len(s.Times) == 0 {
		return 0
	}
	times := slices.Sorted(slices.Values(s.Times))
	return times[len(times)/2]
}

// HeartbeatPlan is when a heartbeat is expected.
type HeartbeatPlan struct {
	Heartbeat
	// Next is the first moment after t at which it is expected; zero = never
	// again. It is the calendar of Cron; nil = t + Period.
	Next   func(t time.Time) time.Time
	Paused bool
}

// The least time that a run is given, and the bounds of how long after a start
// of toban nothing is taken for missed.
const (
	leastRun  = time.Minute
	leastFair = time.Minute
	mostFair  = 5 * time.Minute
)

// Fair is how long toban waits after its own start before it judges: a ping may
// have found nobody, and its sender may be trying again.
func (p HeartbeatPlan) Fair() time.Duration { return max(leastFair, min(p.Grace, mostFair)) }
