package metrics

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/config"
)

// The jobs by which toban watches itself: its core, over the socket that only
// this process may open, and this process.
const (
	coreJob = "toban"
	selfJob = "toban-metrics"
)

// watchItself adds the two jobs to a configuration, unless it has jobs of those
// names already: then the user has seen to it.
func watchItself(cfg *config.Config, o options, log *slog.Logger) error {
	socket, ok := strings.CutPrefix(o.core, "unix:")
	if !ok {
		return nil
	}
	text := "scrape_configs:\n" + ownJob(coreJob, "/metrics", "unix:"+socket) + ownJob(selfJob, prefix+"/metrics", o.listen)
	own, err := config.Load(text, log)
	if err != nil {
		return fmt.Errorf("toban's own jobs: %w", err)
	}
	named, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	for _, job := range own.ScrapeConfigs {
		if !slices.ContainsFunc(named, func(c *config.ScrapeConfig) bool { return c.JobName == job.JobName }) {
			cfg.ScrapeConfigs = append(cfg.ScrapeConfigs, job)
		}
	}
	return nil
}

// ownJob is one of them as a prometheus.yml would have it. The instance has a
// name of its own, since a socket has none.
func ownJob(name, path, address string) string {
	target, label := address, ""
	if socket, is := strings.CutPrefix(address, "unix:"); is {
		if abs, err := filepath.Abs(socket); err == nil {
			socket = abs
		}
		target, label = "toban", "      labels: {__unix_socket__: "+strconv.Quote(socket)+"}\n"
	}
	return "- job_name: " + name + "\n  metrics_path: " + path + "\n  scrape_interval: 30s\n  scrape_timeout: 10s\n" +
		"  static_configs:\n    - targets: [" + strconv.Quote(target) + "]\n" + label
}
