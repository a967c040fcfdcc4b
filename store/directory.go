package store

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"toban/oncall"
)

// directoryCache is the configuration as it was last committed and read.
type directoryCache struct {
	latest   atomic.Pointer[oncall.Directory]
	policies sync.Map // content hash → *oncall.Policy
}

const (
	selectVersion = `SELECT version FROM directory WHERE id = 1`
	lockVersion   = `SELECT version FROM directory WHERE id = 1 ` + markLock
	raiseVersion  = `UPDATE directory SET version = version + 1 WHERE id = 1`
)

// Directory returns the configuration as tx sees it. It reads one row when that
// has not changed since it was last asked; the value is shared and never
// changes.
func (tx *Tx) Directory(ctx context.Context) (*oncall.Directory, error) {
	version, err := tx.version(ctx, selectVersion)
	if err != nil {
		return nil, err
	}
	cached := func() *oncall.Directory {
		if d := tx.db.config.latest.Load(); d != nil && d.Version == version && !tx.reordered {
			return d
		}
		return nil
	}
	if d := cached(); d != nil {
		return d, nil
	}
	if tx.reordered {
		return tx.buildDirectory(ctx, version)
	}
	tx.db.loading.Lock()
	defer tx.db.loading.Unlock()
	if d := cached(); d != nil {
		return d, nil
	}
	// On PostgreSQL a transaction that reads what others commit may see newer
	// objects than the version it read: then the version has moved, too.
	d, err := tx.buildDirectory(ctx, version)
	if err != nil {
		return nil, err
	}
	if after, err := tx.version(ctx, selectVersion); err != nil || after != version {
		return d, err
	}
	if latest := tx.db.config.latest.Load(); latest == nil || latest.Version < version {
		tx.db.config.latest.Store(d)
	}
	return d, nil
}

func (tx *Tx) version(ctx context.Context, statement string) (version int64, err error) {
	found, err := tx.one(ctx, statement, nil, &version)
	if err != nil {
		return 0, fmt.Errorf("directory: %w", err)
	}
	if !found {
		return 0, fmt.Errorf("directory: its row is gone")
	}
	return version, nil
}

func (tx *Tx) buildDirectory(ctx context.Context, version int64) (*oncall.Directory, error) {
	d := &oncall.Directory{
		Version:      version,
		Users:        map[oncall.UserID]*oncall.User{},
		Schedules:    map[oncall.ScheduleID]*oncall.Schedule{},
		Policies:     map[oncall.PolicyID]*oncall.Policy{},
		Integrations: map[oncall.IntegrationID]*oncall.Integration{},
		Pagers:       map[oncall.PagerID]*oncall.Pager{},
		Stages:       map[oncall.Stage]*oncall.StageConfig{},
	}
	err := tx.all(ctx, selectObjects, func(rows row) error {
		o, err := scanObject(rows)
		if err != nil {
			return err
		}
		if err := o.into(d); err != nil {
			return fmt.Errorf("%s %s: %w", o.Kind, o.Name, err)
		}
		return nil
	}, "")
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	if err := d.Compile(); err != nil {
		// It was checked before it was applied, by another binary perhaps: slow is
		// better than nobody paged.
		tx.db.log.Error("the configuration does not compile and is used as it is", "version", version, "err", err)
	}
	return d, nil
}

// into puts the object in its place in d.
func (o *storedObject) into(d *oncall.Directory) error {
	switch o.Kind {
	case ObjectSettings:
		return json.Unmarshal(o.Body, &d.Settings)
	case ObjectUser:
		return keep(o, d.Users, func(u *oncall.User) oncall.UserID { return u.ID })
	case ObjectSchedule:
		return keep(o, d.Schedules, func(s *oncall.Schedule) oncall.ScheduleID { return s.ID })
	case ObjectPolicy:
		return keep(o, d.Policies, func(p *oncall.Policy) oncall.PolicyID { p.Revision = o.hash; return p.ID })
	case ObjectIntegration:
		return keep(o, d.Integrations, func(i *oncall.Integration) oncall.IntegrationID { return i.ID })
	case ObjectPager:
		return keep(o, d.Pagers, func(p *oncall.Pager) oncall.PagerID { return p.ID })
	case ObjectStage:
		return keep(o, d.Stages, func(s *oncall.StageConfig) oncall.Stage { return s.Name })
	case ObjectService:
		s := &oncall.Service{}
		d.Services = append(d.Services, s)
		return json.Unmarshal(o.Body, s)
	case ObjectRoute:
		return appended(o, &d.Routes)
	case ObjectOverride:
		return appended(o, &d.Overrides)
	}
	return nil // of a newer binary: this one goes on without it
}

func keep[K comparable, T any](o *storedObject, to map[K]*T, name func(*T) K) error {
	v := new(T)
	if err := json.Unmarshal(o.Body, v); err != nil {
		return err
	}
	to[name(v)] = v
	return nil
}

func appended[T any](o *storedObject, to *[]T) error {
	var v T
	err := json.Unmarshal(o.Body, &v)
	*to = append(*to, v)
	return err
}

// KeepPolicy stores the content of a policy that no configuration names, such as
// a drill's, gives it its Revision, and leaves one that is stored as it is.
func (tx *Tx) KeepPolicy(ctx context.Context, p *oncall.Policy) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("policy %s: %w", p.ID, err)
	}
	o := Object{Kind: ObjectPolicy, Name: string(p.ID), Body: body}
	p.Revision = o.Hash()
	if _, err := tx.do(ctx, insertRevision, p.Revision, o.Kind, string(body), tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("policy %s: %w", p.ID, err)
	}
	return nil
}

const selectRevision = `SELECT kind, body FROM revisions WHERE hash = $1`

// Revision returns what has that content hash, whether or not it is still in
// use. An unknown hash is ErrUnknownObject.
func (tx *Tx) Revision(ctx context.Context, hash string) (kind string, body []byte, err error) {
	found, err := tx.one(ctx, selectRevision, []any{clean(hash)}, &kind, &body)
	if err != nil {
		return "", nil, fmt.Errorf("revision %s: %w", hash, err)
	}
	if !found {
		return "", nil, ErrUnknownObject
	}
	return kind, body, nil
}

// Policy returns the policy with that content hash (R14). The value is shared
// and never changes. An unknown hash is ErrUnknownObject.
func (tx *Tx) Policy(ctx context.Context, hash string) (*oncall.Policy, error) {
	if p, ok := tx.db.config.policies.Load(hash); ok {
		return p.(*oncall.Policy), nil
	}
	kind, body, err := tx.Revision(ctx, hash)
	if err != nil {
		return nil, err
	}
	if kind != ObjectPolicy {
		return nil, ErrUnknownObject
	}
	p := &oncall.Policy{}
	if err := json.Unmarshal(body, p); err != nil {
		return nil, fmt.Errorf("policy %s: %w", hash, err)
	}
	p.Revision = hash
	if !tx.reordered {
		tx.db.config.policies.Store(hash, p)
	}
	return p, nil
}
