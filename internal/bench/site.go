package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"toban/internal/testserver"
)

// site is where one run measures: a folder that goes with it, a configuration, a
// store of its own and, while there is one, a toban on it.
type site struct {
	engine string
	dir    string
	dsn    string // of PostgreSQL; "" = the embedded store
	r      *runner
	child  *child
	phone  *provider
	close  func() error
}

// newSite prepares a run on an engine, with a provider that takes callsPerSecond
// (zero = any number). It is closed whatever happens.
func (r *runner) newSite(ctx context.Context, engine string, callsPerSecond int) (_ *site, err error) {
	var closing []func() error
	s := &site{engine: engine, r: r}
	s.close = func() (err error) {
		for _, end := range slices.Backward(closing) {
			err = errors.Join(err, end())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "toban-bench-"); err != nil {
		return nil, err
	}
	closing = append(closing, func() error { return os.RemoveAll(s.dir) })
	if engine == postgres {
		var end func() error
		if s.dsn, end, err = r.database(ctx); err != nil {
			return nil, err
		}
		closing = append(closing, end)
	}
	if s.phone, err = newProvider(ctx, callsPerSecond); err != nil {
		return nil, err
	}
	closing = append(closing, s.phone.close)
	if callsPerSecond == 0 {
		callsPerSecond = 1000 // the most that a configuration may say
	}
	if err := os.Mkdir(s.config(), 0o700); err != nil {
		return nil, err
	}
	yaml := folder(s.phone.address, callsPerSecond, time.Now())
	if err := os.WriteFile(filepath.Join(s.config(), "toban.yaml"), []byte(yaml), 0o600); err != nil {
		return nil, err
	}
	closing = append(closing, s.stop)
	return s, nil
}

func (s *site) config() string { return filepath.Join(s.dir, "config") }
func (s *site) data() string   { return filepath.Join(s.dir, "data") }

// store is the data source name of the site's store.
func (s *site) store() string {
	if s.dsn != "" {
		return s.dsn
	}
	return "sqlite:" + filepath.Join(s.data(), "toban.db")
}

// start runs a toban on the site.
func (s *site) start(ctx context.Context) (err error) {
	s.child, err = startChild(ctx, s.r.o.Program, s.config(), s.data(), s.dsn)
	if err != nil {
		s.child = nil
	}
	return err
}

// stop ends the toban, if there is one.
func (s *site) stop() error {
	if s.child == nil {
		return nil
	}
	c := s.child
	s.child = nil
	return c.stop()
}

// database makes an empty database in a PostgreSQL of our own. A quick bench has
// one server for all its runs; otherwise each run has its own, so that none pays
// for what another has left to be written.
func (r *runner) database(ctx context.Context) (dsn string, end func() error, err error) {
	if r.shared == nil || !r.o.Quick {
		server, err := testserver.StartPostgres(ctx, "")
		if err != nil {
			return "", nil, fmt.Errorf("PostgreSQL: %w (its programs come with Debian's package postgresql; --engine sqlite measures without)", err)
		}
		if !r.o.Quick {
			return onServer(ctx, server, server.Stop)
		}
		r.shared = server
	}
	return onServer(ctx, r.shared, func() error { return nil })
}

func onServer(ctx context.Context, server *testserver.Server, end func() error) (string, func() error, error) {
	dsn, err := server.Database(ctx)
	if err != nil {
		return "", nil, errors.Join(err, end())
	}
	return dsn, end, nil
}
