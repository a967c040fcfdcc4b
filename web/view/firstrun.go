package view

import "time"

// FirstRun is the list of what makes a toban ready, each a test that ran.
type FirstRun struct {
	Steps    []FirstStep
	Done     int
	DrillRun string // path of the drill's incident while it runs or just ran; "" for none
	CanDrill bool
}

// FirstStep is one thing to be ready.
type FirstStep struct {
	ID    string    // "phone", "provider", "chat", "alert", "monitor", "policy", "drill"
	State string    // "done", "open", "failed"
	Text  string    // what to do, or what was found
	At    time.Time // when the test ran; zero = it has not
	Path  string    // leads to where it is done; "" for none
	Label string    // of that way
	Act   *Action   // what can be done here
	Code  string    // a command to copy
	Next  bool      // the first that is not done: its action is the one that the page is for
}

// Ready reports whether every step is done.
func (w FirstRun) Ready() bool { return w.Done == len(w.Steps) }

func (step FirstStep) tone() string {
	switch step.State {
	case "done":
		return "ok"
	case "failed":
		return "crit"
	}
	return "none"
}

func (step FirstStep) icon() string {
	switch step.State {
	case "done":
		return "check"
	case "failed":
		return "cross"
	}
	return "dot"
}
