package metrics

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a YAML file with the places of what it says. Prometheus' own
// reader knows lines only of some errors, and columns of none.
type document struct {
	file  string
	lines []string
	root  *yaml.Node // nil when the file is empty or no YAML
}

func newDocument(file string, text []byte) document {
	d := document{file: file, lines: strings.Split(string(text), "\n")}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err == nil && len(node.Content) == 1 {
		d.root = node.Content[0]
	}
	return d
}

// at is the value at a path of keys, nil when there is none.
func (d document) at(path ...string) *yaml.Node {
	node := d.root
	for _, key := range path {
		node = member(node, key)
	}
	return node
}

// member is the value of a key in a mapping, nil when there is none.
func member(node *yaml.Node, key string) *yaml.Node {
	_, value := entry(node, key)
	return value
}

// entry is a key in a mapping with its value, both nil when there is none.
func entry(node *yaml.Node, key string) (k, value *yaml.Node) {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i], node.Content[i+1]
		}
	}
	return nil, nil
}

// scalars calls f for each scalar below node, until f says no.
func scalars(node *yaml.Node, f func(*yaml.Node) bool) bool {
	if node == nil {
		return true
	}
	if node.Kind == yaml.ScalarNode {
		return f(node)
	}
	for _, child := range node.Content {
		if !scalars(child, f) {
			return false
		}
	}
	return true
}

// problem is message at a line, at the column where word stands there or where
// the line begins.
func (d document) problem(line int, word, message string) Problem {
	p := Problem{File: d.file, Line: line, Column: 1, Message: message}
	if line < 1 || line > len(d.lines) {
		return p
	}
	text := d.lines[line-1]
	if i := strings.Index(text, word); word != "" && i >= 0 {
		p.Column = i + 1
	} else {
		p.Column = len(text) - len(strings.TrimLeft(text, " \t-")) + 1
	}
	return p
}

// atNode is message where a node begins.
func (d document) atNode(node *yaml.Node, message string) Problem {
	p := Problem{File: d.file, Message: message}
	if node != nil {
		p.Line, p.Column = node.Line, node.Column
	}
	return p
}

var (
	lineError = regexp.MustCompile(`(?:^|yaml: |\s)line (\d+): (.*)`)
	quoted    = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// problems finds the places of what a YAML reader complains about. The reader
// names lines ("line 3: …"), or what it found, in quotes; the last place of that
// is meant, since what comes twice is wrong the second time.
func (d document) problems(err error) problems {
	var found problems
	for text := range strings.Lines(err.Error()) {
		m := lineError.FindStringSubmatch(strings.TrimRight(text, "\n"))
		if m == nil {
			continue
		}
		line, _ := strconv.Atoi(m[1]) // digits
		found = append(found, d.explain(line, m[2]))
	}
	if len(found) > 0 {
		return found
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	var place *yaml.Node
	for _, m := range quoted.FindAllStringSubmatch(message, -1) {
		scalars(d.root, func(n *yaml.Node) bool {
			if n.Value == m[1] {
				place = n
			}
			return true
		})
		if place != nil {
			break
		}
	}
	return problems{d.atNode(place, message)}
}
