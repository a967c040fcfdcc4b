package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
)

// remoteFarewell is how long samples that are still to be sent to a remote
// storage may hold up the end of the process.
const remoteFarewell = 5 * time.Second

// applyRemote puts remote_write and remote_read of a configuration in force.
func (s *server) applyRemote(cfg *config.Config) error {
	if len(cfg.RemoteWriteConfigs) == 0 && len(cfg.RemoteReadConfigs) == 0 && s.remote == nil {
		return nil
	}
	if s.remote == nil {
		log := s.libraryLog()
		s.remote = remote.NewStorage(log, s.registry, s.db.StartTime, s.options.data, remoteFarewell, metadata{s}, false)
		s.db.SetWriteNotified(s.remote)
		s.series.set(storage.NewFanout(log, s.db.DB, s.remote))
	}
	return s.remote.ApplyConfig(cfg)
}

// metadata is for remote write, which sends what is known of scraped metrics.
type metadata struct{ s *server }

func (m metadata) Get() (*scrape.Manager, error) {
	if j := m.s.jobs.Load(); j != nil {
		return j.scrape, nil
	}
	return nil, errors.New("nothing is scraped")
}
