package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"toban/config"
	"toban/internal/promcheck"
)

// metricsCommand is the command that runs the embedded Prometheus. Main hands it
// on before anything here looks at its flags.
const metricsCommand = "metrics"

// metrics is what help and completion know of it.
func (e *env) metrics() *cobra.Command {
	return &cobra.Command{
		Use: metricsCommand, Short: "Prometheus as a process of its own; serve runs it by itself", DisableFlagParsing: true,
		Long: "Keeps metrics, scrapes and evaluates rules. `toban serve` runs it when the section `metrics` is there.\n`toban metrics --help` says what it takes, and `toban metrics check` what is wrong with a prometheus.yml.",
		Example: `  toban metrics check --config prometheus.yml
  toban metrics --data /tmp/series --config prometheus.yml`,
		RunE: func(*cobra.Command, []string) error { // Main runs it when it comes first
			return usage{errors.New("metrics is the first word, and its flags follow: toban metrics --data DIR …")}
		},
	}
}

// ofMetrics is what the metrics process says about its files, and about the
// conditions of monitors that it is to evaluate.
func (e *env) ofMetrics(ctx context.Context, c *config.Config) []config.Problem {
	return append(e.ofFiles(ctx, c), e.ofExpressions(ctx, c)...)
}

func (e *env) ofExpressions(ctx context.Context, c *config.Config) (problems []config.Problem) {
	all, command := c.Expressions(), e.commands[metricsCommand]
	if len(all) == 0 || command == nil {
		return nil
	}
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = one.Text
	}
	var out, errs bytes.Buffer
	code := command(ctx, promcheck.Args(), promcheck.Input(texts), &out, &errs, e.getenv)
	faults, err := promcheck.Read(out.Bytes(), code, len(all))
	if err != nil {
		return []config.Problem{{Severity: config.Error, Message: fmt.Sprintf("the conditions of monitors can't be checked: %v: %s", err, strings.TrimSpace(errs.String()))}}
	}
	for _, f := range faults {
		p := all[f.Index].Problem(f.Line, f.Column, f.Message)
		p.File = filepath.Join(c.Dir(), filepath.FromSlash(p.File))
		problems = append(problems, p)
	}
	return problems
}

// ofFiles is what the metrics process says about its files.
func (e *env) ofFiles(ctx context.Context, c *config.Config) []config.Problem {
	m, command := c.Providers.Metrics, e.commands[metricsCommand]
	if m == nil || m.Off || m.URL != "" || command == nil || m.Prometheus == "" && len(m.Rules) == 0 {
		return nil
	}
	args := []string{"check"}
	if m.Prometheus != "" {
		args = append(args, "--config", m.Prometheus)
	}
	for _, r := range m.Rules {
		args = append(args, "--rules", r)
	}
	var out, errs bytes.Buffer
	status := command(ctx, args, strings.NewReader(""), &out, &errs, e.getenv)
	problems := readProblems(out.String())
	if status != 0 && len(problems) == 0 {
		problems = append(problems, config.Problem{
			File: shown(m.Prometheus), Severity: config.Error, Message: "this can't be checked: " + strings.TrimSpace(errs.String()),
		})
	}
	return problems
}

// problemLine is how the metrics process tells of a problem: file:line:column:
// message. Lines to be pasted follow, indented.
var problemLine = regexp.MustCompile(`^(.+?):(?:(\d+):(\d+):)? (.*)$`)

func readProblems(text string) (problems []config.Problem) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if last := len(problems) - 1; last >= 0 && strings.HasPrefix(line, " ") {
			problems[last].Message += "\n" + line
			continue
		}
		m := problemLine.FindStringSubmatch(line)
		if m == nil {
			problems = append(problems, config.Problem{Severity: config.Error, Message: line})
			continue
		}
		p := config.Problem{File: shown(m[1]), Severity: config.Error, Message: m[4]}
		p.Line, _ = strconv.Atoi(m[2])   // digits, or nothing
		p.Column, _ = strconv.Atoi(m[3]) // likewise
		problems = append(problems, p)
	}
	return problems
}

// shown is a path as it is written from here, where that is shorter.
func shown(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
