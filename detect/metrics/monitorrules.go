package metrics

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxMonitorFiles bounds how many monitors have rules.
const maxMonitorFiles = 100_000

// monitorFiles lists the rule files of toban's monitors that are sound, and says
// what is wrong with the others: a monitor that can't be evaluated takes no other
// one along.
func monitorFiles(dir string, p parser.Parser, log *slog.Logger) (files []string, leftOut problems) {
	if dir == "" {
		return nil, nil
	}
	all, _ := filepath.Glob(filepath.Join(filepath.Clean(dir), "*.yml")) // toban's own folder; without one there are none
	slices.Sort(all)
	if len(all) > maxMonitorFiles {
		leftOut = append(leftOut, Problem{File: all[maxMonitorFiles], Message: fmt.Sprintf("more than %d monitors", maxMonitorFiles)})
		all = all[:maxMonitorFiles]
	}
	for _, file := range all {
		if found := checkRules(file, model.UTF8Validation, p, log); len(found) > 0 {
			leftOut = append(leftOut, found...)
			continue
		}
		files = append(files, file)
	}
	return files, leftOut
}

// alertsOf are the names of the alerts in rule files that are left out, as far as
// they can be read: what they said last is not over.
func alertsOf(leftOut problems) map[string]bool {
	names := map[string]bool{}
	read := map[string]bool{}
	for _, p := range leftOut {
		if read[p.File] {
			continue
		}
		read[p.File] = true
		text, err := readFile(p.File)
		if err != nil {
			continue
		}
		groups := newDocument(p.File, text).at("groups")
		if groups == nil {
			continue
		}
		for _, g := range groups.Content {
			rules := member(g, "rules")
			if rules == nil {
				continue
			}
			for _, r := range rules.Content {
				if name := member(r, "alert"); name != nil {
					names[name.Value] = true
				}
			}
		}
	}
	return names
}

// ruleLoader reads rule files for the rules' manager and keeps what it has read:
// while the user's own files are held, they are what they were, whatever has been
// written into them since.
type ruleLoader struct {
	parser parser.Parser
	log    *slog.Logger

	mu   sync.Mutex
	held map[string]bool // nil = none
	read map[string]*rulefmt.RuleGroups
}

// hold makes files be what they were until release.
func (l *ruleLoader) hold(files []string) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = map[string]bool{}
	for _, file := range files {
		l.held[file] = true
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.held = nil
	}
}

// keep forgets all files but those.
func (l *ruleLoader) keep(files []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.read
	l.read = make(map[string]*rulefmt.RuleGroups, len(files))
	for _, file := range files {
		if groups := before[file]; groups != nil {
			l.read[file] = groups
		}
	}
}

// Load implements rules.GroupLoader.
func (l *ruleLoader) Load(file string, ignoreUnknown bool, names model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	l.mu.Lock()
	before := l.read[file]
	held := l.held[file] && before != nil
	l.mu.Unlock()
	if held {
		return before, nil
	}
	groups, errs := rulefmt.ParseFile(file, ignoreUnknown, names, l.parser, l.log)
	if len(errs) > 0 {
		return nil, errs
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read == nil {
		l.read = map[string]*rulefmt.RuleGroups{}
	}
	l.read[file] = groups
	return groups, nil
}

// Parse implements rules.GroupLoader.
func (l *ruleLoader) Parse(query string) (parser.Expr, error) { return l.parser.ParseExpr(query) }

// applyMonitors takes over the rules of toban's monitors while all else stays as
// it was: what is wrong in a user's files is no reason not to watch.
func (s *server) applyMonitors(files []string, leftOut problems) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	s.leave(leftOut)
	defer s.loader.hold(s.userRules)()
	cfg := s.config()
	all := slices.Concat(s.userRules, files)
	err := s.rules.Update(time.Duration(cfg.GlobalConfig.EvaluationInterval), all, cfg.GlobalConfig.ExternalLabels, s.options.external.String(), nil)
	if err == nil {
		s.loader.keep(all)
	}
	return named("rules of monitors", err)
}

// leave says which monitors are left out.
func (s *server) leave(leftOut problems) {
	for _, p := range leftOut {
		s.log.Error("a monitor is left out: its rule can't be evaluated", "problem", p.String())
	}
	if s.outbox != nil {
		s.outbox.leave(alertsOf(leftOut))
	}
}
