package config

import (
	"strings"

	"toban/oncall"
)

// ReadMonitor reads one monitor in the folder's words, as YAML or JSON: what
// stands behind its name in section monitors. Services are those of d, locations
// those named. The Monitor is nil when there is an error among the problems; they
// name no file, but the member that each is about.
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
	at := &node{kind: scalar, text: name} // nowhere: the name is not in what is read
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
	for i := range l.problems {
		l.problems[i].Pointer = pointerTo(root, l.problems[i].Line, l.problems[i].Column)
	}
	if problems = sortProblems(l.problems); Failed(problems) {
		return nil, problems
	}
	return m, problems
}

// pointerTo is the JSON pointer of what begins at a line and a column of n, "" for n
// itself and for what begins nowhere in it.
func pointerTo(n *node, line, column int) (pointer string) {
	escape := strings.NewReplacer("~", "~0", "/", "~1").Replace
	for _, step := range pathTo(n, line, column) {
		pointer += "/" + escape(step)
	}
	return pointer
}
