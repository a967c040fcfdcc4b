package metrics

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/util/logging"
)

// reload reads the configuration and the rules again. With anything wrong in
// them all stays as it is, and the error names file and line; the rules of
// toban's monitors are taken over nevertheless, each by itself.
func (s *server) reload() error {
	l, err := load(s.options, s.parser, s.libraryLog())
	if err == nil && len(l.broken) > 0 {
		err = l.broken
	}
	if err == nil {
		err = s.apply(l)
	} else {
		files, leftOut := monitorFiles(s.options.monitors, s.parser, s.libraryLog())
		err = errors.Join(err, s.applyMonitors(files, leftOut))
	}
	if err != nil {
		s.figures.reloaded(time.Now(), false)
		s.log.Error("the configuration was not taken; the one before stays in force", "err", err)
		return err
	}
	s.log.Info("the configuration was read again", "rule_files", len(l.rules))
	return nil
}

// apply puts a configuration in force. What is broken in rule files is left out:
// at a start there is nothing that could stay in force in their place.
func (s *server) apply(l loaded) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	cfg := l.config
	s.current.Store(cfg)
	for _, p := range l.broken {
		s.log.Error("a rule file is left out", "problem", p.String())
	}
	for _, p := range probeAdvice(s.options.config) {
		s.log.Warn("a job will not do what it is meant to", "problem", p.String())
	}
	if cfg.TracingConfig.Endpoint != "" {
		s.log.Warn("toban metrics sends no traces: the tracing section does nothing")
	}
	s.leave(l.leftOut)
	s.broken.Store(len(l.broken) > 0)
	s.figures.brokenRules.Set(float64(len(l.broken) + len(l.leftOut)))
	if s.outbox != nil {
		s.outbox.apply(dressing{external: cfg.GlobalConfig.ExternalLabels, relabel: cfg.AlertingConfig.AlertRelabelConfigs})
	}
	s.userRules = l.rules
	all := slices.Concat(l.rules, l.monitors)
	err := errors.Join(
		named("time series", s.db.ApplyConfig(cfg)),
		named("query log", s.logQueries(cfg)),
		named("remote storage", s.applyRemote(cfg)),
		named("alertmanagers", s.applyAlertmanagers(cfg)),
		named("rules", s.rules.Update(time.Duration(cfg.GlobalConfig.EvaluationInterval), all,
			cfg.GlobalConfig.ExternalLabels, s.options.external.String(), nil)),
		named("scraping", s.applyJobs(cfg)),
	)
	s.loader.keep(all)
	s.figures.reloaded(time.Now(), err == nil && len(l.broken) == 0)
	return err
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// logQueries writes people's queries to the file that the configuration names.
func (s *server) logQueries(cfg *config.Config) error {
	if cfg.GlobalConfig.QueryLogFile == "" {
		s.engines.people.SetQueryLogger(nil)
		return nil
	}
	l, err := logging.NewJSONFileLogger(cfg.GlobalConfig.QueryLogFile)
	if err != nil {
		return err
	}
	s.engines.people.SetQueryLogger(l)
	return nil
}
