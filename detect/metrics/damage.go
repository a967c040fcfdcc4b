package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/tsdb"
)

// damage sets aside what is damaged in a TSDB, in damaged/<time>-<what> beside
// the rest. Prometheus repairs its log by deleting from the damaged place on;
// hard links made before the start keep what it deletes, and cost nothing when
// it deletes nothing.
type damage struct {
	dir   string
	log   *slog.Logger
	count int
	links string // the folder of the links, "" when the system has none
}

// damagedFolder holds what was set aside, and for the time of a start the links.
const damagedFolder = "damaged"

// logFolders are what Prometheus repairs by deleting: the log of the head, that
// of samples out of order, and the head's chunks.
var logFolders = []string{"wal", "wbl", "chunks_head"}

func newDamage(dir string, log *slog.Logger) (*damage, error) {
	d := &damage{dir: dir, log: log}
	if err := os.RemoveAll(d.folder(damagedFolder, "start")); err != nil { // of a start that was killed
		return nil, fmt.Errorf("--data: %w", err)
	}
	return d, nil
}

// forget removes what was set aside before a time: beyond the retention it would
// be gone by now had it not been damaged.
func (d *damage) forget(before time.Time) {
	entries, _ := os.ReadDir(d.folder(damagedFolder)) // most often it is not there
	for _, e := range entries {
		at, err := time.Parse(stamp, e.Name()[:min(len(stamp), len(e.Name()))])
		if err == nil && at.Before(before) {
			if err := os.RemoveAll(d.folder(damagedFolder, e.Name())); err != nil {
				d.log.Warn("an old folder of damaged data stays", "err", err)
			}
		}
	}
}

// stamp begins the name of a folder of damaged data; UTC.
const stamp = "20060102T150405Z"

// place makes a folder for what is set aside now.
func (d *damage) place(what string) (string, error) {
	name := time.Now().UTC().Format(stamp) + "-" + what
	path := d.folder(damagedFolder, name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			break
		}
		path = d.folder(damagedFolder, fmt.Sprintf("%s-%d", name, n))
	}
	return path, os.MkdirAll(filepath.Dir(path), 0o700)
}

// setAside moves a file or folder of the TSDB away.
func (d *damage) setAside(name string, cause error) bool {
	to, err := d.place(strings.ReplaceAll(name, string(filepath.Separator), "-"))
	if err == nil {
		err = os.Rename(d.folder(name), to)
	}
	if err != nil {
		d.log.Error("damaged data can't be set aside", "what", name, "err", err)
		return false
	}
	d.count++
	d.log.Error("damaged data was set aside", "what", name, "to", to, "cause", cause)
	return true
}

// blockNames are the folders of the TSDB that are blocks by their names.
func (d *damage) blockNames() []string {
	entries, _ := os.ReadDir(d.dir) // its folder is open, and locked
	var names []string
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err == nil && e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// blocks sets aside the blocks that can't be opened, each for itself.
func (d *damage) blocks(error) bool {
	cured := false
	for _, name := range d.blockNames() {
		if err := openable(d.folder(name)); err != nil {
			cured = d.setAside(name, err) || cured
		}
	}
	return cured
}

// openable says why a block can't be opened.
func openable(path string) error {
	b, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), path, nil, nil)
	if err != nil {
		return err
	}
	return b.Close()
}

// chunks sets aside the head's chunks when it is them that keep the TSDB from
// opening: what they hold is in the log, too.
func (d *damage) chunks(cause error) bool {
	const name = "chunks_head"
	return strings.Contains(cause.Error(), d.folder(name)) && d.setAside(name, cause)
}

// wal sets aside all of the log: at most the last three hours. The blocks stay.
func (d *damage) wal(cause error) bool {
	cured := false
	for _, name := range logFolders {
		if _, err := os.Stat(d.folder(name)); err == nil {
			cured = d.setAside(name, cause) || cured
		}
	}
	return cured
}

// keepLinks links the files of the log, so that no repair can delete them.
func (d *damage) keepLinks() {
	d.links = d.folder(damagedFolder, "start")
	for _, name := range logFolders {
		err := filepath.WalkDir(d.folder(name), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			to, err := d.linked(path)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
				return err
			}
			return os.Link(path, to)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.log.Debug("no links of the log: a repair would keep no copy", "err", err)
			d.dropLinks()
			return
		}
	}
}

// linked is where the link of a file of the TSDB is.
func (d *damage) linked(path string) (string, error) {
	inside, err := filepath.Rel(d.dir, path)
	return filepath.Join(d.links, inside), err
}

func (d *damage) dropLinks() {
	if err := os.RemoveAll(d.folder(damagedFolder, "start")); err != nil {
		d.log.Warn("links of the log stay", "err", err)
	}
	_ = os.Remove(d.folder(damagedFolder)) // succeeds only when it is empty
	d.links = ""
}

// eachLink calls f with each link and the file that it is of.
func (d *damage) eachLink(f func(link, original string) error) {
	if d.links == "" {
		return
	}
	err := filepath.WalkDir(d.links, func(link string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		inside, err := filepath.Rel(d.links, link)
		if err != nil {
			return err
		}
		return f(link, d.folder(inside))
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.log.Warn("links of the log", "err", err)
	}
}

// restoreLinks undoes a repair that did not lead to an open TSDB.
func (d *damage) restoreLinks() {
	d.eachLink(func(link, original string) error {
		if same(link, original) {
			return nil
		}
		if err := os.Remove(original); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return os.Link(link, original)
	})
	d.dropLinks()
}

// afterOpen keeps what a repair has deleted or written anew, and sets aside
// folders of blocks that Prometheus passes over without a word.
func (d *damage) afterOpen(db *tsdb.DB, metrics prometheus.Gatherer) {
	if repaired(metrics) {
		d.eachLink(func(link, original string) error {
			if same(link, original) {
				return os.Remove(link)
			}
			return nil
		})
		d.dropEmpty(d.links)
		if _, err := os.Stat(d.links); d.links != "" && err == nil {
			d.keep()
		}
	}
	d.dropLinks()
	open := map[string]bool{}
	for _, b := range db.Blocks() {
		open[b.Meta().ULID.String()] = true
	}
	for _, name := range d.blockNames() {
		if open[name] {
			continue
		}
		if err := openable(d.folder(name)); err != nil {
			d.setAside(name, err)
		}
	}
}

// keep makes a folder of its own of what is left of the links.
func (d *damage) keep() {
	to, err := d.place("log")
	if err == nil {
		err = os.Rename(d.links, to)
	}
	if err != nil {
		d.log.Error("damaged data can't be set aside", "what", "log", "err", err)
		return
	}
	d.count++
	d.log.Error("the log was damaged and has been repaired; what was cut off is set aside", "to", to)
}

// dropEmpty removes folders in which no file is left.
func (d *damage) dropEmpty(dir string) {
	entries, _ := os.ReadDir(dir) // there may be none
	for _, e := range entries {
		if e.IsDir() {
			d.dropEmpty(filepath.Join(dir, e.Name()))
		}
	}
	_ = os.Remove(dir) // succeeds only when it is empty
}

// repaired says whether Prometheus has found its log or chunks damaged.
func repaired(metrics prometheus.Gatherer) bool {
	families, _ := metrics.Gather() // what could be gathered is enough
	for _, f := range families {
		switch f.GetName() {
		case "prometheus_tsdb_wal_corruptions_total", "prometheus_tsdb_mmap_chunk_corruptions_total":
			for _, m := range f.GetMetric() {
				if m.GetCounter().GetValue() > 0 {
					return true
				}
			}
		}
	}
	return false
}

// same says whether two paths are one file.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}
