package view

import (
	"strconv"
	"time"
)

// StairStep is one step of what happens next.
type StairStep struct {
	At       time.Time
	In       string // "in 3:12", where it counts from another moment than now; "" = it ticks
	Icon     string // "" = that of the Kind
	Sentence string
	Why      string // the reason, "" for none
	Kind     string // "call", "sms", "chat", "email", "push", "level", "wait", "repeat", "fallback", "taken", "missed", "done"
	Now      bool   // this is where it stands
	Surprise bool   // it happened otherwise than was foretold
}

func (step StairStep) icon() string {
	if step.Icon != "" {
		return step.Icon
	}
	switch step.Kind {
	case "call":
		return "phone"
	case "level":
		return "stair"
	case "wait":
		return "clock"
	case "fallback", "missed":
		return "alert"
	case "taken", "done":
		return "check"
	}
	return class(step.Kind)
}

// dated reports whether a step has to say its day: it is on another one than
// today, and than the step above.
func (s Shell) dated(steps []StairStep, i int) bool {
	at := steps[i].At
	if at.IsZero() {
		return false
	}
	for i--; i >= 0; i-- {
		if above := steps[i].At; !above.IsZero() {
			return !s.sameDay(at, above)
		}
	}
	return !s.sameDay(at, s.Now)
}

// stepKind is a kind that there is a look for.
func stepKind(k string) string {
	switch k {
	case "call", "sms", "chat", "email", "push":
		return "reach"
	case "level", "repeat", "wait":
		return k
	case "fallback", "missed":
		return "crit"
	case "taken":
		return "warn"
	case "done":
		return "ok"
	}
	return "plain"
}

// TimelineLine is one line of what happened.
type TimelineLine struct {
	ID       string // of the element, unique on the page
	Seq      int64  // orders the lines
	At       time.Time
	Icon     string
	Sentence string
	Note     string // what somebody wrote, "" for none
	Human    bool   // somebody did it; else a machine, which is grey
	Folded   []TimelineLine
}

func (l TimelineLine) order() string { return strconv.FormatInt(l.Seq, 10) }

func (l TimelineLine) count() string { return strconv.Itoa(len(l.Folded)) }
