package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"toban/internal/wholefile"
)

// keptList is a list as it is in the folder of an agent that was given one. Of secrets it
// has the references alone, as they are told by the core.
type keptList struct {
	Server   string `json:"server"`
	Location string `json:"location"`
	Version  string `json:"version"`
	Monitors []item `json:"monitors"`
}

const (
	keptName = "list.json"
	// keptTime is how long after the core was heard last a list is asked; what stands
	// in an older one may be anybody's by now.
	keptTime = 7 * 24 * time.Hour
	// keptMark is how often it is noted that the list still holds.
	keptMark = time.Hour
)

// keep writes the list down for a start without the core, and notes now and then that
// it still holds. The agent needs none of it to work.
func (a *Agent) keep(ctx context.Context, now *work, isNew bool) {
	if a.o.Folder == "" {
		return
	}
	path, at := filepath.Join(a.o.Folder, keptName), time.Now()
	var err error
	switch {
	case isNew || a.marked.IsZero():
		err = writeKept(path, keptList{a.o.Server, now.location, now.version, now.items})
	case at.Sub(a.marked) < keptMark:
		return
	default:
		err = os.Chtimes(path, at, at)
	}
	if a.marked = at; err != nil {
		a.marked = time.Time{} // the next time it is written
		if at.Sub(a.unkept) >= tellGap {
			a.unkept = at
			a.log.WarnContext(ctx, "the list of monitors is not kept: after a start without the core there is none", "err", err)
		}
	}
}

func writeKept(path string, list keptList) error {
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return wholefile.Write(path, body)
}

// recall takes the list that was kept, once, where the core can't be reached at the
// start. An agent that the core refuses has none.
func (a *Agent) recall(ctx context.Context, why error) {
	if _, refused := errors.AsType[refusal](why); refused || a.o.Folder == "" || a.recalled || a.now.Load().version != "" {
		return
	}
	a.recalled = true
	list, at, err := readKept(filepath.Join(a.o.Folder, keptName))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return
	case err == nil && list.Server != a.o.Server:
		err = errors.New("it is of another core")
	case err == nil && time.Since(at) > keptTime:
		err = fmt.Errorf("it held last at %s", at.UTC().Format(time.RFC3339))
	}
	if err != nil {
		a.log.WarnContext(ctx, "the list of monitors that was kept is not asked", "err", err)
		return
	}
	a.log.InfoContext(ctx, "the core is not reached, and the list of before the start is asked", "held", at.UTC().Format(time.RFC3339))
	before := a.now.Load()
	a.adopt(ctx, before, a.plan(list.Location, list.Version, list.Monitors, before))
}

func readKept(path string) (list keptList, at time.Time, err error) {
	f, err := os.Open(path) //nolint:gosec // the agent's own folder
	if err != nil {
		return list, at, err
	}
	defer func() { _ = f.Close() }() // it is only read
	if info, err := f.Stat(); err != nil {
		return list, at, err
	} else if at = info.ModTime(); info.Size() > maxAnswer || !info.Mode().IsRegular() {
		return list, at, errors.New("it is no list")
	}
	body, err := io.ReadAll(io.LimitReader(f, maxAnswer))
	if err != nil {
		return list, at, err
	}
	if json.Unmarshal(body, &list) != nil || list.Location == "" || list.Version == "" {
		return list, at, errors.New("it can't be read")
	}
	return list, at, nil
}
