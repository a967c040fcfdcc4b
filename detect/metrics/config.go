package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql/parser"
)

// What holds where the file says nothing. Prometheus evaluates rules once a
// minute; for a pager that is long.
const (
	defaultEvaluation = 15 * time.Second
	// outOfOrder is how late a sample may come: agents send what they have
	// gathered while they had no network.
	outOfOrder = 10 * time.Minute
)

// maxFile bounds a configuration or rule file, in bytes.
const maxFile = 16 << 20

// loaded is a configuration with its rule files, all of it read and checked.
type loaded struct {
	config *config.Config
	rules  []string // paths, each once
	broken problems // of rule files, which are not in rules
	// monitors are the files of toban's monitors, each a rule by itself; leftOut are
	// the problems of those that are not among them.
	monitors []string
	leftOut  problems
}

// load reads the configuration and the rule files. The error is problems, or
// what the system says about the file; broken rule files are no error here.
func load(o options, p parser.Parser, log *slog.Logger) (loaded, error) {
	cfg, found := loadConfig(o, log)
	if len(found) > 0 {
		return loaded{}, found
	}
	l := loaded{config: cfg}
	files, found := ruleFiles(cfg.RuleFiles, o.rules)
	l.broken = append(l.broken, found...)
	for _, file := range files {
		if found := checkRules(file, cfg.GlobalConfig.MetricNameValidationScheme, p, log); len(found) > 0 {
			l.broken = append(l.broken, found...)
			continue
		}
		l.rules = append(l.rules, file)
	}
	l.monitors, l.leftOut = monitorFiles(o.monitors, p, log)
	return l, nil
}

// loadConfig reads prometheus.yml, or makes an empty configuration when none is
// named, and fills in toban's own defaults.
func loadConfig(o options, log *slog.Logger) (*config.Config, problems) {
	var text []byte
	if o.config != "" {
		var err error
		if text, err = readFile(o.config); err != nil {
			return nil, problems{{File: o.config, Message: err.Error()}}
		}
	}
	d := newDocument(o.config, text)
	cfg, err := config.Load(string(text), log)
	if err != nil {
		return nil, d.configProblems(err)
	}
	cfg.SetDirectory(filepath.Dir(o.config))
	for _, pattern := range cfg.ScrapeConfigFiles {
		files, _ := filepath.Glob(pattern) // a bad pattern is said below
		for _, file := range files {
			if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() { // it would be waited for
				return nil, problems{{File: file, Message: "is no regular file"}}
			}
		}
	}
	if _, err := cfg.GetScrapeConfigs(); err != nil { // scrape_config_files, jobs that come twice
		return nil, blamed(cfg, d, err).configProblems(err)
	}
	if err := watchItself(cfg, o, log); err != nil {
		return nil, problems{{File: o.config, Message: err.Error()}}
	}
	if d.at("global", "evaluation_interval") == nil {
		cfg.GlobalConfig.EvaluationInterval = model.Duration(defaultEvaluation)
	}
	// config.Load fills TSDBConfig in; what the file does not say is the flags'.
	t := cfg.StorageConfig.TSDBConfig
	if d.at("storage", "tsdb", "out_of_order_time_window") == nil {
		t.OutOfOrderTimeWindow = outOfOrder.Milliseconds()
	}
	if t.Retention == nil {
		t.Retention = &config.TSDBRetentionConfig{}
	}
	if t.Retention.Time == 0 {
		t.Retention.Time = model.Duration(o.retention)
	}
	if t.Retention.Size == 0 {
		t.Retention.Size = units.Base2Bytes(o.size)
	}
	return cfg, nil
}

// blamed is the document that err is about: one of the scrape_config_files, when
// Prometheus has put its path before the error, otherwise the main file.
func blamed(cfg *config.Config, main document, err error) document {
	for _, pattern := range cfg.ScrapeConfigFiles {
		files, _ := filepath.Glob(pattern) // a bad pattern is what err says
		for _, file := range files {
			if abs, absErr := filepath.Abs(file); absErr != nil || !strings.Contains(err.Error(), strconv.Quote(abs)+":") {
				continue
			}
			if text, readErr := readFile(file); readErr == nil {
				return newDocument(file, text)
			}
		}
	}
	return main
}

// configProblems says what is wrong with a prometheus.yml. A target with a
// scheme or a path has its own explanation; for a /probe job, the cure.
func (d document) configProblems(err error) problems {
	found := d.problems(err)
	for i, p := range found {
		if !strings.HasSuffix(p.Message, "is not a valid hostname") {
			continue
		}
		if jobs := d.probeJobs(); len(jobs) > 0 {
			return jobs
		}
		found[i].Message = p.Message + ": a target is host:port; the scheme belongs to `scheme:`, the path to `metrics_path:`"
	}
	return found
}

// readFile reads a file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil {
		switch {
		case info.IsDir():
			return nil, errors.New("is a folder, a file is wanted")
		case !info.Mode().IsRegular(): // a pipe may never end, nor begin
			return nil, errors.New("is no regular file")
		case info.Size() > maxFile:
			return nil, fmt.Errorf("has more than %d MiB", maxFile>>20)
		}
		var text []byte
		if text, err = os.ReadFile(path); err == nil {
			return text, nil
		}
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, p.Err // the path stands before it already
	}
	return nil, err
}
