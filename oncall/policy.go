package oncall

import "time"

// TargetKind is what a target of a level is.
type TargetKind string

// The kinds of target. A pager is another paging system that is handed the
// incident by its events API; it reaches somebody, but hears no key.
const (
	TargetUser     TargetKind = "user"
	TargetSchedule TargetKind = "schedule"
	TargetPager    TargetKind = "pager"
)

// Target is who a level pages.
type Target struct {
	Kind TargetKind
	Name string // a UserID, ScheduleID or PagerID
}

// Strategy is the order in which the targets of a level are paged (R10).
type Strategy string

// The strategies.
const (
	All        Strategy = "all"
	InOrder    Strategy = "in_order"
	RoundRobin Strategy = "round_robin" // in order, starting from the next target at each incident
)

// OnNoAnswer says what a level does with a user who could not be reached while
// its wait still runs (R10).
type OnNoAnswer string

// What to do when nobody answered: the next target, or the same user again
// until the wait ends.
const (
	GoNext  OnNoAnswer = "next"
	GoAgain OnNoAnswer = "again"
)

// Level is one rung of a policy.
type Level struct {
	Targets    []Target
	Strategy   Strategy
	Wait       time.Duration // how long the level may take
	Each       time.Duration // how long one target may take; zero = Wait ÷ number of targets
	OnNoAnswer OnNoAnswer
}

// Policy is an escalation policy: levels, how often they repeat, and the
// fallback that always reaches somebody (R10, R12, R13).
type Policy struct {
	ID                     PolicyID
	Name                   string
	Levels                 []Level
	Rounds                 int    // of a low-urgency response; high urgency repeats until acknowledged
	Fallback               Target // a user or a pager, never a schedule
	AcknowledgementTimeout time.Duration
	// Revision is the content hash of the stored policy; a response keeps it as
	// its snapshot (R14). It is not part of the content.
	Revision string `json:"-"`
}
