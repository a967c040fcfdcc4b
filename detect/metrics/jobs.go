package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/util/logging"
	apiv1 "github.com/prometheus/prometheus/web/api/v1"
)

// discoveryPause gathers what discovery finds: Prometheus waits 5 s, twice, which
// a person who has just added a target can feel.
const discoveryPause = 500 * time.Millisecond

// jobs are the scrape jobs of a prometheus.yml and what finds their targets.
type jobs struct {
	scrape    *scrape.Manager
	discovery *discovery.Manager
	stop      func()
}

// applyJobs puts the scrape jobs of a configuration in force.
func (s *server) applyJobs(cfg *config.Config) error {
	found, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	if len(found) == 0 && s.jobs.Load() == nil {
		return nil
	}
	j, err := s.startJobs()
	if err != nil {
		return err
	}
	targets := map[string]discovery.Configs{}
	for _, c := range found {
		targets[c.JobName] = c.ServiceDiscoveryConfigs
	}
	if err := j.scrape.ApplyConfig(cfg); err != nil {
		return err
	}
	return j.discovery.ApplyConfig(targets)
}

// startJobs starts what scrapes, once.
func (s *server) startJobs() (*jobs, error) {
	if j := s.jobs.Load(); j != nil {
		return j, nil
	}
	log := s.libraryLog()
	manager, err := scrape.NewManager(&scrape.Options{DiscoveryReloadInterval: model.Duration(discoveryPause)}, log, logging.NewJSONFileLogger, nil, &s.series, s.registry)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background()) // ended by closing, in its turn
	finder, err := s.discovery(ctx, "scrape")
	if err != nil {
		cancel()
		return nil, err
	}
	j := &jobs{manager, finder, func() { cancel(); manager.Stop() }}
	s.jobs.Store(j)
	s.wg.Go(func() { _ = finder.Run() })                 // its only error is the end of ctx
	s.wg.Go(func() { _ = manager.Run(finder.SyncCh()) }) // never fails
	return j, nil
}

// discovery makes what finds targets of one use.
func (s *server) discovery(ctx context.Context, name string) (*discovery.Manager, error) {
	if s.found == nil {
		m, err := discovery.CreateAndRegisterSDMetrics(s.registry)
		if err != nil {
			return nil, err
		}
		s.found = m
	}
	m := discovery.NewManager(ctx, s.libraryLog(), s.registry, s.found, discovery.Name(name), discovery.Updatert(discoveryPause))
	if m == nil {
		return nil, fmt.Errorf("discovery for %s can't be made", name)
	}
	return m, nil
}

// scraping is what the API asks about jobs and targets.
func (s *server) scraping() interface {
	apiv1.ScrapePoolsRetriever
	apiv1.TargetRetriever
} {
	if j := s.jobs.Load(); j != nil {
		return j.scrape
	}
	return nothingScraped{}
}
