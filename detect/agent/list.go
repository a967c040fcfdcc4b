package agent

import (
	"time"

	"toban/detect"
	"toban/oncall"
)

// Addresses of the door, below the core's own.
const (
	pollPath  = "/agent/v1/poll"
	writePath = "/agent/v1/write"
)

// What an agent says in the headers of each request.
const (
	headerAgent = "X-Toban-Agent" // which agent it is, a name of its own making
	headerSent  = "X-Toban-Sent"  // its clock when it sent that, Unix milliseconds
)

// exemplarLabel is the label of the exemplar that says what a result was.
const exemplarLabel = "toban_result"

// resultMetric is the metric whose samples are results.
const resultMetric = oncall.MetricSuccess

// Labels by which samples of monitors are known.
const (
	labelMonitor  = "monitor"
	labelLocation = "location"
)

// question is what an agent says when it asks for its list.
type question struct {
	Version string `json:"version"` // of the list that it has; "" = none
	Toban   string `json:"toban"`   // version of the program
	// Problems are why it can't ask some of that list.
	Problems map[oncall.MonitorID]string `json:"problems,omitempty"`
}

// answer is what it is told.
type answer struct {
	Location string `json:"location"`
	Version  string `json:"version"`
	// Monitors are what is to be asked, references of the location first; absent
	// where that is the list which the agent has.
	Monitors *[]item `json:"monitors,omitempty"`
}

// item is what an agent has to know of a monitor: how to ask, not whom it pages.
type item struct {
	ID      oncall.MonitorID   `json:"id"`
	Kind    oncall.MonitorKind `json:"kind"`
	Target  string             `json:"target"`
	Every   time.Duration      `json:"every"`
	Timeout time.Duration      `json:"timeout"`
	Private bool               `json:"private,omitempty"`
	Module  string             `json:"module"`            // secrets are placeholders in it
	Secrets []string           `json:"secrets,omitempty"` // references, such as env:NAME
	// Question is what is said with each answer, of detect.Question; "" = the core
	// does not want it.
	Question string `json:"question,omitempty"`
}

func itemOf(m *oncall.Monitor) item {
	return item{m.ID, m.Kind, m.Target, m.Every, m.Timeout, m.Private, m.Module, m.Secrets, detect.Question(m)}
}

// monitor is the item as package detect takes it.
func (i item) monitor(location string) *oncall.Monitor {
	return &oncall.Monitor{
		ID: i.ID, Name: string(i.ID), Kind: i.Kind, Target: i.Target, Every: i.Every, Timeout: i.Timeout, Private: i.Private,
		Module: i.Module, Secrets: i.Secrets, Severity: oncall.Critical, Locations: []string{location},
	}
}

const (
	maxQuestion = 1 << 20  // bytes of what an agent says when it asks for its list
	maxAnswer   = 64 << 20 // and of what it is told
	maxProblems = 1000     // that an agent tells
	maxProblem  = 300      // bytes of each
)
