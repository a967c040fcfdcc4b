package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// maxRuleFiles bounds how many files the patterns may name together.
const maxRuleFiles = 10_000

// ruleFiles lists the files that the patterns of a prometheus.yml and the paths
// of --rules name, each once, in a stable order.
func ruleFiles(patterns, paths []string) ([]string, problems) {
	var files []string
	var found problems
	for _, pattern := range patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			found = append(found, Problem{File: pattern, Message: "rule_files: the pattern can't be read"})
		}
		files = append(files, matches...)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // whoever writes it has not done so yet
		case err != nil:
			found = append(found, Problem{File: path, Message: err.Error()})
		case info.IsDir():
			for _, pattern := range []string{"*.yml", "*.yaml"} {
				matches, _ := filepath.Glob(filepath.Join(path, pattern)) // a constant pattern is a good one
				files = append(files, matches...)
			}
		default:
			files = append(files, path)
		}
	}
	for i, file := range files {
		files[i] = filepath.Clean(file)
	}
	slices.Sort(files)
	files = slices.Compact(files)
	if len(files) > maxRuleFiles {
		found = append(found, Problem{File: files[maxRuleFiles], Message: fmt.Sprintf("more than %d rule files", maxRuleFiles)})
		files = files[:maxRuleFiles]
	}
	return files, found
}

// checkRules says what is wrong with a rule file.
func checkRules(file string, names model.ValidationScheme, p parser.Parser, log *slog.Logger) problems {
	text, err := readFile(file)
	if err != nil {
		return problems{{File: file, Message: err.Error()}}
	}
	_, errs := rulefmt.Parse(text, false, names, p, log)
	if len(errs) == 0 {
		return nil
	}
	d := newDocument(file, text)
	var found problems
	for _, err := range errs {
		found = append(found, d.ruleProblems(err)...)
	}
	return found.sorted()
}

// places is how rulefmt begins what it knows the place of; with two of them the
// second is another field of the same rule.
var places = regexp.MustCompile(`^(\d+):(\d+): (?:\d+:\d+: )?((?s:.*))$`)

func (d document) ruleProblems(err error) problems {
	if m := places.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1]) // digits, as the next
		column, _ := strconv.Atoi(m[2])
		if line > 0 {
			return problems{{File: d.file, Line: line, Column: column, Message: m[3]}}
		}
		err = errors.New(m[3]) // a field that is not there has no place; the rule has
	}
	if m := ruleName.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[2]) // digits
		return problems{d.atNode(d.rule(m[1], n), err.Error())}
	}
	return d.problems(err)
}

// ruleName is how rulefmt names a rule that has no place.
var ruleName = regexp.MustCompile(`^group "((?:[^"\\]|\\.)*)", rule (\d+), `)

// rule is the n-th rule of a group, from 1; nil when it is not there.
func (d document) rule(group string, n int) *yaml.Node {
	groups := d.at("groups")
	if groups == nil {
		return nil
	}
	name := strings.ReplaceAll(group, `\"`, `"`)
	for _, g := range groups.Content {
		if v := member(g, "name"); v == nil || v.Value != name {
			continue
		}
		if rules := member(g, "rules"); rules != nil && n >= 1 && n <= len(rules.Content) {
			return rules.Content[n-1]
		}
	}
	return nil
}
