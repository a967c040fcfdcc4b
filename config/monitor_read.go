package config

import (
	"toban/oncall"
)

// ReadMonitor reads one monitor in the folder's words, as YAML or JSON: what
// stands behind its name in section monitors. Services are those of d, locations
// those named. The Monitor is nil when there is an error among the problems; they
// name no file.
func ReadMonitor(name string, body []byte, d *oncall.Directory, locations []string) (*oncall.Monitor, []Problem) {
	l := &loader{config: &Config{}, names: map[string]map[string]*node{"service": {}, kindLocation: {}}, told: map[string]bool{}, slugs: map[string]*node{}}
	l.installation = &d.Settings
	for _, s := range d.Services {
		l.names["service"][string(s.ID)] = &node{}
	}
	for _, place := range locations {
		l.names[kindLocation][place] = &node{}
	}
	l.here()
	at := &node{line: 1, column: 1, kind: scalar, text: name}
	root, problems := parse("", body)
	l.problems = problems
	if root == nil {
		root = &node{line: 1, column: 1}
	}
	var m *oncall.Monitor
	if l.name(at) && !Failed(l.problems) {
		m = l.readMonitor(oncall.MonitorID(name), at, root)
		l.lookUp()
	}
	if problems = sortProblems(l.problems); Failed(problems) {
		return nil, problems
	}
	return m, problems
}
