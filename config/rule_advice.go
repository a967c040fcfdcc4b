package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"toban/detect/probe/tree"
	"toban/internal/nearest"
	"toban/oncall"
)

// Labels of an alert that toban acts by, and limits of the files that give them.
const (
	labelSeverity    = "severity"
	labelService     = "service" // where services match by it
	maxRuleFiles     = 1000
	maxRuleFileBytes = 1 << 20 // of one that is looked at
)

// RuleAdvice looks at the labels that the folder's own rules give to their alerts:
// a severity or a service that there is not. Such an alert still pages somebody, as
// critical or from the service that takes what matches none, so that all are
// warnings. Values with a template in them say nothing before there is an alert.
// What is wrong with a rule itself is the command metrics' to say.
func (c *Config) RuleAdvice() []Problem {
	m := c.Providers.Metrics
	if m == nil || m.Off || m.URL != "" || c.dir == "" {
		return nil
	}
	l := &loader{config: c, told: map[string]bool{}}
	for _, file := range ruleFilesOf(m) {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxRuleFileBytes {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		root, problems := tree.Parse(raw)
		if tree.Failed(problems) {
			continue
		}
		l.ruleFile(c.shown(file), root)
	}
	return sortProblems(l.problems)
}

// ruleFilesOf are the files with rules that a section metrics names, by itself or
// in its prometheus.yml.
func ruleFilesOf(m *Metrics) (files []string) {
	for _, path := range m.Rules {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			for _, pattern := range []string{"*.yml", "*.yaml"} {
				found, _ := filepath.Glob(filepath.Join(path, pattern)) // as the command metrics does
				files = append(files, found...)
			}
		default:
			files = append(files, path)
		}
	}
	if info, err := os.Stat(m.Prometheus); err == nil && info.Mode().IsRegular() && info.Size() <= maxRuleFileBytes {
		if raw, err := os.ReadFile(m.Prometheus); err == nil {
			root, _ := parse(m.Prometheus, raw)
			for _, pattern := range textsAt(root, "rule_files") {
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join(filepath.Dir(m.Prometheus), pattern)
				}
				found, _ := filepath.Glob(pattern) // a bad one is said by the command metrics
				files = append(files, found...)
			}
		}
	}
	slices.Sort(files)
	files = slices.Compact(files)
	return files[:min(len(files), maxRuleFiles)]
}

// shown is a file as problems name those of the folder.
func (c *Config) shown(file string) string {
	if dir, err := filepath.Abs(c.dir); err == nil {
		if inside, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(inside) {
			return filepath.Join(c.dir, inside)
		}
	}
	return file
}

func (l *loader) ruleFile(file string, root *tree.Node) {
	groups := root.Value("groups")
	if groups == nil {
		return
	}
	for _, g := range groups.List {
		rules, alerts := g.Value("rules"), false
		if rules == nil {
			continue
		}
		for _, r := range rules.List {
			if r.Value("alert") != nil {
				alerts = true
				l.ruleLabels(file, r.Value("labels"))
			}
		}
		if alerts {
			l.ruleLabels(file, g.Value("labels"))
		}
	}
}

func (l *loader) ruleLabels(file string, labels *tree.Node) {
	if labels == nil {
		return
	}
	for _, p := range labels.Pairs {
		if p.Value.Kind != tree.Scalar || strings.Contains(p.Value.Text, "{{") {
			continue
		}
		at := &node{file: file, line: p.Value.Line, column: p.Value.Column}
		if why := l.unknownLabel(p.Key.Text, p.Value.Text); why != "" {
			l.warnf(at, "%s", why)
		}
	}
}

// unknownLabel says why a label of an alert means nothing to toban, or not what
// its writer probably wants; "" when it is good, or none of toban's.
func (l *loader) unknownLabel(name, value string) string {
	c := l.config
	switch name {
	case labelSeverity:
		severities := []string{string(oncall.Critical), string(oncall.Failure), string(oncall.Warning), string(oncall.Info)}
		if !slices.Contains(severities, value) {
			return fmt.Sprintf("severity %s is none that there is, so that the alert counts as critical%s", quote(value), nearest.Hint(value, severities))
		}
	case oncall.LabelService:
		var names []string
		for _, s := range valuesOf[*oncall.Service](c) {
			names = append(names, string(s.ID))
		}
		if !slices.Contains(names, value) {
			return fmt.Sprintf("there is no service named %s, so that the alert goes where its other labels lead, or to the service that takes what matches none%s", quote(value), nearest.Hint(value, names))
		}
	case labelService:
		names, takes := c.matched(value)
		if !takes && len(names) > 0 {
			return fmt.Sprintf("no service matches service: %s, so that the alert goes where its other labels lead, or to the service that takes what matches none%s", quote(value), nearest.Hint(value, names))
		}
	}
	return ""
}

// matched are the values of the label service that services name in their match,
// and whether one of those services would take value.
func (c *Config) matched(value string) (names []string, takes bool) {
	for _, s := range valuesOf[*oncall.Service](c) {
		for _, m := range s.Match {
			if m.Label != labelService {
				continue
			}
			if m.Op == oncall.Equal {
				names = append(names, m.Value)
			}
			holds, err := m.Holds(map[string]string{labelService: value})
			takes = takes || holds || err != nil
		}
	}
	slices.Sort(names)
	return slices.Compact(names), takes
}
