package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of a folder.
const (
	maxFiles    = 1000
	maxFolder   = 32 << 20 // bytes of all files
	maxProblems = 1000
)

// Load reads every *.yaml and *.yml below dir, in the order of their paths;
// what begins with a dot is left out. Problems are sorted by place and name
// files with dir in front. The Config is nil when there is an error among them.
func Load(dir string) (*Config, []Problem) { return whole(Inspect(dir)) }

// Inspect is Load for whoever wants to look further in a folder with errors: the
// Config is what could be read, which nothing may run by when there is an error
// among the problems. It is nil without a folder.
func Inspect(dir string) (*Config, []Problem) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, []Problem{{File: dir, Severity: Error, Message: "there is no such folder"}}
	}
	c, problems := loadFrom(os.DirFS(dir), dir)
	for i := range problems {
		problems[i].File = filepath.Join(dir, filepath.FromSlash(problems[i].File))
	}
	return c, problems
}

// LoadFS is Load for any file system; files are named as in it.
func LoadFS(fsys fs.FS) (*Config, []Problem) { return whole(loadFrom(fsys, "")) }

func whole(c *Config, problems []Problem) (*Config, []Problem) {
	if Failed(problems) {
		return nil, problems
	}
	return c, problems
}

// loadFrom reads fsys; dir is where it lies, for references to files that are
// relative to the folder.
func loadFrom(fsys fs.FS, dir string) (*Config, []Problem) {
	l := &loader{config: &Config{dir: dir}, fsys: fsys, names: map[string]map[string]*node{}, told: map[string]bool{}}
	files, problems := find(fsys)
	l.problems, l.partial, l.unread = problems, Failed(problems), Failed(problems)
	total := 0
	var all []fileRead
	for _, name := range files {
		raw, err := read(fsys, name)
		if total += len(raw); total > maxFolder {
			err = errors.New("the files are larger than 32 MiB together")
		}
		if err != nil {
			all = append(all, fileRead{name: name, broken: true, problems: []Problem{{File: name, Severity: Error, Message: reason(err)}}})
			continue
		}
		f := fileRead{name: name, raw: raw}
		f.root, f.problems = parse(name, raw)
		all = append(all, f)
	}
	others := foreign(all)
	for _, f := range all {
		if others[f.name] {
			l.foreign = append(l.foreign, f)
			continue
		}
		l.problems = append(l.problems, f.problems...)
		switch {
		case f.broken:
			l.partial, l.unread = true, true
		case f.root != nil && l.is(f.root, mapping):
			l.roots = append(l.roots, f.root)
		case f.root != nil || Failed(f.problems):
			l.partial = true
			l.halves = append(l.halves, f.raw)
		}
	}
	if len(files) == 0 && len(problems) == 0 {
		l.problems = append(l.problems, Problem{File: ".", Severity: Error, Message: "there is no *.yaml in the folder; `toban init` writes one to start from"})
	}
	if len(files) > 0 {
		l.load()
	}
	return l.config, sortProblems(l.problems)
}

// find lists the files of the folder.
func find(fsys fs.FS) (files []string, problems []Problem) {
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			problems = append(problems, Problem{File: name, Severity: Error, Message: reason(err)})
			return nil
		}
		if base := path.Base(name); name != "." && strings.HasPrefix(base, ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if ext := path.Ext(name); d.IsDir() || ext != ".yaml" && ext != ".yml" {
			return nil
		}
		if len(files) == maxFiles {
			problems = append(problems, Problem{File: name, Severity: Error, Message: "the folder has more than 1,000 files"})
			return fs.SkipAll
		}
		files = append(files, name)
		return nil
	})
	if err != nil {
		problems = append(problems, Problem{File: ".", Severity: Error, Message: reason(err)})
	}
	return files, problems
}

// read reads one file, no further than to know that it is too large.
func read(fsys fs.FS, name string) (raw []byte, err error) {
	info, err := fs.Stat(fsys, name) // a ConfigMap's files are links
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("this is no regular file")
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, maxFileSize+1))
}

// reason leaves out the path that a Problem names already.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return fmt.Sprintf("this can't be read: %v", err)
}
