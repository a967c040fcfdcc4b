package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"toban/config"
	"toban/config/edit"
	"toban/detect/saying"
	"toban/oncall"
	"toban/store"
)

// followEvery is how often a node looks whether another one, or `toban apply`,
// has changed the configuration. Responses see a change at once; this is about
// the providers' accounts and the stages.
const followEvery = 500 * time.Millisecond

// errEmpty is why toban refuses to start: it would take signals and reach
// nobody.
var errEmpty = errors.New("the store has no configuration yet: start once with --config FOLDER (`toban init FOLDER` writes one)")

// apply makes a folder the configuration of the store. What was made at run
// time stays.
func (a *App) apply(ctx context.Context, c *config.Config) error {
	if c == nil {
		return nil
	}
	objects, err := c.Resolved(a.o.Getenv)
	if err != nil {
		return err
	}
	applied, err := a.edit.Apply(ctx, objects)
	if err != nil {
		return fmt.Errorf("apply the configuration: %w", err)
	}
	a.log.InfoContext(ctx, "configuration applied", "version", applied.Version, "changed", applied.Changed)
	return nil
}

// versionOf is the version of the configuration in the store.
func (a *App) versionOf(ctx context.Context) (version int64, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		dir, err := tx.Directory(ctx)
		if err != nil {
			return err
		}
		version = dir.Version
		return nil
	})
	return version, err
}

// current is the configuration in the store.
func (a *App) current(ctx context.Context) (dir *oncall.Directory, p config.Providers, err error) {
	err = a.db.Read(ctx, func(tx *store.Tx) error {
		if dir, err = tx.Directory(ctx); err != nil {
			return err
		}
		p, err = edit.Providers(ctx, tx)
		return err
	})
	return dir, p, err
}

// configure makes the channels follow the store.
func (a *App) configure(ctx context.Context) (version int64, err error) {
	dir, p, err := a.current(ctx)
	if err != nil {
		return 0, err
	}
	if len(dir.Services) == 0 {
		return 0, errEmpty
	}
	next, err := a.stages.build(dir, p)
	if err != nil {
		return 0, err
	}
	a.db.Follow(store.TimerChat, func(stage oncall.Stage) bool { return next.workspaceOf(stage) != nil })
	monitors, err := a.watched(ctx)
	if err != nil {
		return 0, err
	}
	if err := a.metrics.want(p.Metrics, needsMetrics(monitors)); err != nil {
		return 0, err
	}
	if err := a.metrics.WriteRules(monitors, saying.Of(dir.Settings)); err != nil {
		return 0, err
	}
	forward, err := a.forwardTo(p.Mackerel)
	if err != nil {
		return 0, err
	}
	a.serviceMetrics.Forward(forward)
	if err := a.serviceMetrics.Follow(ctx); err != nil { // the others work, and it is tried again by itself
		a.log.ErrorContext(ctx, "service metrics are not taken over as configured", "err", err)
	}
	base := callbackBase(dir.Settings, a.external)
	a.links.Store(&base)
	a.stages.use(next)
	return dir.Version, nil
}

// Apply makes c the configuration while toban runs (SIGHUP).
func (a *App) Apply(c *config.Config) {
	select {
	case <-a.applied: // one that nobody has seen yet is outdated
	default:
	}
	a.applied <- c
}

// follow takes over what is given to Apply, and what others have applied.
func (a *App) follow(ctx context.Context, version int64) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	failed := int64(-1) // the version that was complained about
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-a.applied:
			err := a.replace(ctx, c)
			if err == nil {
				version, err = a.configure(ctx)
			}
			if err != nil {
				a.log.ErrorContext(ctx, "the configuration stays as it was", "err", err)
			}
			a.metrics.reload() // its files are its own, and may have changed
		case <-tick.C:
			now, err := a.versionOf(ctx)
			if err != nil || now == version || now == failed {
				continue
			}
			moved, err := a.configure(ctx)
			if err != nil {
				failed = now
				a.log.ErrorContext(ctx, "the providers stay as they were: this node can't follow the configuration", "version", now, "err", err)
				continue
			}
			version = moved
		}
	}
}

// replace applies c, but only when this node could work with it.
func (a *App) replace(ctx context.Context, c *config.Config) error {
	dir, err := c.Directory()
	if err != nil {
		return err
	}
	if _, err := a.stages.build(dir, c.Providers); err != nil {
		return err
	}
	if _, err := a.metrics.plan(c.Providers.Metrics, needsMetrics(c.Monitors())); err != nil {
		return err
	}
	if _, err := a.forwardTo(c.Providers.Mackerel); err != nil {
		return err
	}
	if a.o.Config != nil && (c.Server.Listen != a.o.Config.Server.Listen || c.Server.Public.Listen != a.o.Config.Server.Public.Listen) {
		a.log.WarnContext(ctx, "listen and public.listen take effect at the next start")
	}
	return a.apply(ctx, c)
}

// sameKey makes sure that all nodes of a store have one key: with two, half of
// the callbacks would be refused, and a number could be called by two nodes at
// once.
func (a *App) sameKey(ctx context.Context, key []byte) error {
	const kind, name = "installation", "key"
	sum := sha256.Sum256(append([]byte("toban installation key "), key...))
	mine, err := json.Marshal(map[string]string{"fingerprint": hex.EncodeToString(sum[:8])})
	if err != nil {
		return err
	}
	return a.db.Tx(ctx, func(tx *store.Tx) error {
		kept, err := tx.Objects(ctx, kind)
		switch {
		case err != nil:
			return err
		case len(kept) == 0:
			return tx.PutObject(ctx, store.Object{Kind: kind, Name: name, Body: mine})
		case string(kept[0].Body) != string(mine):
			return errors.New("this store belongs to an installation with another key: give every node the same TOBAN_KEY, or the key file of the first node")
		}
		return nil
	})
}
