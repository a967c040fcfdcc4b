package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"toban/oncall"
	"toban/store"
)

// worlds gives each step what its response may ask about. One row is read for
// all of them when nothing has changed. A step whose world can't be made is
// broken; an error is the store's.
func (d *Driver) worlds(ctx context.Context, tx *store.Tx, steps []*step) error {
	if len(steps) == 0 {
		return nil
	}
	dir, err := tx.Directory(ctx)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	capped, err := d.spend.cappedUntil(ctx, tx, dir, d.log)
	if err != nil {
		return fmt.Errorf("spend: %w", err)
	}
	for _, s := range steps {
		s.world = oncall.World{Directory: dir, CappedUntil: capped}
		if s.row == nil {
			s.began(dir)
		}
		policy, err := tx.Policy(ctx, s.row.Response.Policy)
		if errors.Is(err, store.ErrUnknownObject) {
			s.broken = fmt.Errorf("policy %q: %w", s.row.Response.Policy, err)
			continue
		} else if err != nil {
			return fmt.Errorf("policy: %w", err)
		}
		s.world.Policy = policy
	}
	return turns(ctx, tx, steps)
}

// began makes the response of an incident that has none.
func (s *step) began(dir *oncall.Directory) {
	svc := dir.Service(s.inc.Service)
	if svc == nil {
		svc = catchAll(dir)
	}
	s.row, _ = Propose(dir, svc, s.inc)
	s.note(oncall.Entry{Kind: oncall.EntryRestarted, Data: oncall.EntryData{Why: "no_response"}})
}

// turns takes the turn of each round robin whose response makes its first step
// (decision 25): one counter row for each level, in one order everywhere.
func turns(ctx context.Context, tx *store.Tx, steps []*step) error {
	waiting := map[string][]*step{}
	for _, s := range steps {
		if s.broken != nil || !s.wantsTurns() {
			continue
		}
		for i, l := range s.world.Policy.Levels {
			if l.Strategy == oncall.RoundRobin {
				name := counter(s.world.Policy.ID, i)
				waiting[name] = append(waiting[name], s)
			}
		}
	}
	names := make([]string, 0, len(waiting))
	for name := range waiting {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		first, err := tx.NextCounter(ctx, name, int64(len(waiting[name])))
		if err != nil {
			return fmt.Errorf("counter %s: %w", name, err)
		}
		for i, s := range waiting[name] {
			s.turn(name, first+int64(i))
		}
	}
	return nil
}

// wantsTurns reports whether the next step will be the one that takes turns.
func (s *step) wantsTurns() bool {
	r := &s.row.Response
	if r.Round > 0 || r.Turns != nil || s.inc.State != oncall.Triggered {
		return false
	}
	return r.Phase != oncall.WaitingForHours || !r.Start.After(s.now)
}

func (s *step) turn(name string, turn int64) {
	if s.world.Turns == nil {
		s.world.Turns = map[int]int64{}
	}
	level, _ := strconv.Atoi(name[strings.LastIndexByte(name, '/')+1:])
	s.world.Turns[level] = turn
}

// counter names the round robin of a policy's level. The policy's name, not its
// snapshot: a changed policy goes on with the next user.
func counter(p oncall.PolicyID, level int) string {
	return fmt.Sprintf("rr/%s/%d", p, level)
}

func catchAll(dir *oncall.Directory) *oncall.Service {
	for _, s := range dir.Services {
		if s.CatchAll {
			return s
		}
	}
	return nil
}
