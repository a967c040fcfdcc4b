// Package alert takes what senders say and turns it into alerts and incidents.
// Accept is the boundary at which toban answers 2xx: what it has returned from
// is committed, together with what will act on it (R1). It decides which
// service a signal belongs to and proposes the incident; which of the
// proposals comes true is settled by the store in one batch.
package alert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rivo/uniseg"

	"toban/incident"
	"toban/internal/id"
	"toban/oncall"
	"toban/respond"
	"toban/store"
)

// Acceptor accepts signals.
type Acceptor struct {
	db  *store.DB
	dir *directory
	inc *incident.Lifecycle
	log *slog.Logger

	hearing    hearing
	own        atomic.Pointer[own] // a sender that is part of toban; nil = there is none
	ownHearing hearing             // of that sender
}

// New returns an Acceptor on db; acknowledgements that senders make go to inc.
func New(db *store.DB, inc *incident.Lifecycle, log *slog.Logger) *Acceptor {
	return &Acceptor{db: db, dir: newDirectory(db), inc: inc, log: log}
}

// Directory returns the configuration that signals are routed by, at most a
// second old.
func (a *Acceptor) Directory(ctx context.Context) (*oncall.Directory, error) { return a.dir.get(ctx) }

// Accept commits signals and what follows from them, all of them or none that
// it reports an error for. Safe to call from many requests at once: they share
// commits. Errors are *oncall.Error where the sender can do something about it;
// Unavailable asks for a repetition.
func (a *Acceptor) Accept(ctx context.Context, signals []oncall.Signal) error {
	err := a.accept(ctx, signals)
	if err != nil && lost(err) {
		a.hearing.miss()
	}
	return err
}

func (a *Acceptor) accept(ctx context.Context, signals []oncall.Signal) error {
	dir, err := a.dir.get(ctx)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	signals = slices.Clone(signals)
	var unnamed []int
	now := time.Now()
	for i := range signals {
		s := &signals[i]
		complete(s, now)
		known, err := route(dir, s)
		if err != nil {
			return err
		}
		if !known && s.Action != oncall.Trigger {
			unnamed = append(unnamed, i)
		}
	}
	if err := a.findKnown(ctx, dir, signals, unnamed); err != nil {
		return err
	}
	batch := make([]store.Acceptance, 0, len(signals))
	var acknowledged []oncall.Signal
	for _, s := range signals {
		if s.Action == oncall.Acknowledge {
			acknowledged = append(acknowledged, s)
			continue
		}
		batch = append(batch, propose(dir, dir.Service(s.Service), s))
	}
	if len(batch) > 0 {
		if _, err := a.db.Accept(ctx, batch); err != nil {
			return err
		}
	}
	for _, s := range acknowledged {
		if err := a.acknowledge(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// complete fills what a dialect may leave open.
func complete(s *oncall.Signal, now time.Time) {
	if s.ID == "" {
		s.ID = oncall.SignalID(id.New(id.Signal))
	}
	if s.ReceivedAt.IsZero() {
		s.ReceivedAt = now.Truncate(time.Millisecond)
	}
	if s.StartsAt.IsZero() {
		s.StartsAt = s.ReceivedAt
	}
	if s.Stage == "" {
		s.Stage = oncall.Production
	}
	if s.Action == "" {
		s.Action = oncall.Trigger
	}
	if s.Severity == "" {
		s.Severity = oncall.Critical
	}
	s.Key = bounded(s.Key)
	if s.GroupKey = bounded(s.GroupKey); s.GroupKey == "" {
		s.GroupKey = s.Key
	}
	if s.Stage != oncall.Production {
		s.Key, s.GroupKey = string(s.Stage)+"|"+s.Key, string(s.Stage)+"|"+s.GroupKey
	}
	if s.Title = oncall.Flatten(s.Title); s.Title == "" {
		s.Title = oncall.Flatten(s.Key)
	}
	s.Title = shorten(s.Title, maxTitle)
}

// Limits on what is kept of a signal, in bytes.
const (
	maxKey   = 255
	maxTitle = 1024
)

// bounded keeps a key that fits as it is and replaces a longer one by its hash,
// so that two long keys stay two.
func bounded(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// shorten is cut that leaves what is read as one sign whole, such as a letter
// with its accents, unless one alone is longer than that.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	kept, state := 0, -1
	for rest := s; ; {
		var sign string
		if sign, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state); kept+len(sign) > n {
			break
		}
		kept += len(sign)
	}
	if kept == 0 {
		return cut(s, n)
	}
	return s[:kept]
}

// cut shortens s to at most n bytes without cutting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// route finds the service of a signal: the one its integration names, else the
// first whose labels match, else the catch-all, so that no signal is dropped.
// known is false for the last.
func route(dir *oncall.Directory, s *oncall.Signal) (known bool, err error) {
	if s.Service != "" && dir.Service(s.Service) != nil {
		return true, nil
	}
	svc, _ := dir.Route(s.Labels)
	if svc == nil {
		return false, &oncall.Error{Kind: oncall.Unavailable, Code: "service.no_catch_all", Message: "no service takes this signal and no service is marked catch_all"}
	}
	s.Service = svc.ID
	return !svc.CatchAll, nil
}

// propose says what follows from a signal if it opens an incident.
func propose(dir *oncall.Directory, svc *oncall.Service, s oncall.Signal) store.Acceptance {
	if s.Action != oncall.Trigger {
		return store.Acceptance{Signal: s}
	}
	inc := respond.NewIncident(svc, s)
	response, entries := respond.Begin(dir, svc, inc)
	if s.Unknown != "" {
		entries = append(entries, oncall.Entry{
			Incident: inc.ID, Seq: int64(len(entries) + 1), At: s.ReceivedAt, Kind: oncall.EntrySeverityUnknown,
			Actor: "integration:" + string(s.Integration), Data: oncall.EntryData{Text: cut(s.Unknown, 64), Severity: s.Severity},
		})
	}
	inc.Entries = int64(len(entries))
	return store.Acceptance{Signal: s, Incident: inc, Response: response, Entries: entries}
}
