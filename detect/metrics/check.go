package metrics

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Check says what is wrong with a prometheus.yml ("" for none) and with the rule
// files that it and rules name. It opens no TSDB and asks no network.
func Check(config string, rules []string) []Problem {
	o := options{config: config, rules: rules}
	log := slog.New(slog.DiscardHandler)
	p := newParser()
	var found problems
	l, err := load(o, p, log)
	if list, ok := errors.AsType[problems](err); ok {
		found = append(found, list...)
	} else if err != nil {
		found = append(found, Problem{File: config, Message: err.Error()})
	}
	found = append(found, l.broken...)
	found = append(found, probeAdvice(config)...)
	if config != "" {
		if text, err := readFile(config); err == nil {
			found = append(found, newDocument(config, text).missingRuleFiles(l)...)
		}
	}
	return found.sorted()
}

// missingRuleFiles finds entries of rule_files that name one file which is not
// there. A pattern may match nothing.
func (d document) missingRuleFiles(l loaded) problems {
	names := d.at("rule_files")
	if names == nil || l.config == nil || len(names.Content) != len(l.config.RuleFiles) {
		return nil
	}
	var found problems
	for i, resolved := range l.config.RuleFiles {
		if strings.ContainsAny(resolved, "*?[") {
			continue
		}
		if files, _ := ruleFiles([]string{resolved}, nil); len(files) == 0 {
			found = append(found, d.atNode(names.Content[i], fmt.Sprintf("there is no rule file %s", resolved)))
		}
	}
	return found
}

// runCheck is `toban metrics check`.
func runCheck(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("toban metrics check", flag.ContinueOnError)
	f.SetOutput(stderr)
	var rules rulePaths
	config := f.String("config", "", "`FILE` in the format of prometheus.yml")
	expressions := f.Bool("expressions", false, "check PromQL of rules, a JSON list of texts on the standard input; a problem names the place in the list, from 0, then line and column")
	f.Var(&rules, "rules", "further rule files: a `PATH` of a file, or of a folder with *.yml; may be repeated")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(stderr, "toban metrics check: unexpected %q\n", f.Arg(0))
		return 2
	}
	found := Check(*config, rules)
	if *expressions {
		list, err := readExpressions(stdin)
		if err != nil {
			fmt.Fprintln(stderr, "toban metrics check:", err)
			return 2
		}
		found = append(found, CheckExpressions(list)...)
	}
	for _, p := range found {
		fmt.Fprintln(stdout, p)
	}
	if len(found) > 0 {
		return 1
	}
	return 0
}

// newParser reads PromQL as Prometheus does by default.
func newParser() parser.Parser {
	return parser.NewParser(parser.Options{ExperimentalDurationExpr: true})
}
