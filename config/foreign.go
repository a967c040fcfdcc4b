package config

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Some files of a folder are not toban's own: the configuration of a Prometheus
// with its rules and lists of targets. The section metrics names them, and they
// may lie anywhere in the folder; they are not read as toban's.

// fileRead is one file of the folder as it was read.
type fileRead struct {
	name     string
	raw      []byte
	root     *node
	problems []Problem
	broken   bool // nothing of it is known
}

// foreign says which of the files belong to somebody else.
func foreign(files []fileRead) map[string]bool {
	known := map[string]*fileRead{}
	for i := range files {
		known[files[i].name] = &files[i]
	}
	found := map[string]bool{}
	mark := func(dir string, patterns []string) {
		for _, pattern := range patterns {
			if path.IsAbs(pattern) {
				continue // elsewhere
			}
			for name := range known {
				if fits(path.Join(dir, filepath.ToSlash(pattern)), name) {
					found[name] = true
				}
			}
		}
	}
	for _, f := range files {
		mark(".", textsAt(f.root, "metrics", "rules"))
		for _, name := range textsAt(f.root, "metrics", "prometheus") {
			mark(".", []string{name})
			prometheus := known[path.Clean(filepath.ToSlash(name))]
			if prometheus == nil {
				continue
			}
			dir := path.Dir(prometheus.name)
			mark(dir, textsAt(prometheus.root, "rule_files"))
			mark(dir, textsAt(prometheus.root, "scrape_config_files"))
			mark(dir, textsAt(prometheus.root, "scrape_configs", "file_sd_configs", "files"))
			mark(dir, textsAt(prometheus.root, "alerting", "alertmanagers", "file_sd_configs", "files"))
		}
	}
	return found
}

// fits reports whether a file is what a pattern names: itself, or a folder above
// it.
func fits(pattern, name string) bool {
	if ok, err := path.Match(pattern, name); err == nil && ok {
		return true
	}
	return pattern == "." || strings.HasPrefix(name, pattern+"/")
}

// textsAt returns the texts behind a path of keys. Of a list on the way all
// elements count.
func textsAt(n *node, keys ...string) (all []string) {
	if n == nil {
		return nil
	}
	if n.kind == list {
		for _, each := range n.list {
			all = append(all, textsAt(each, keys...)...)
		}
		return all
	}
	if len(keys) == 0 {
		if n.kind == scalar && n.text != "" {
			all = append(all, n.text)
		}
		return all
	}
	if n.kind == mapping {
		for _, p := range n.pairs {
			if p.key.text == keys[0] {
				all = append(all, textsAt(p.value, keys[1:]...)...)
			}
		}
	}
	return all
}

// fingerprint is a hash of the names and contents of files, in their order.
func fingerprint(files []fileRead) string {
	h := sha256.New()
	for _, f := range files {
		h.Write([]byte(f.name + "\x00" + strconv.Itoa(len(f.raw)) + "\x00"))
		h.Write(f.raw)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// isFile reports whether there is such a file in the folder.
func isFile(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, path.Clean(filepath.ToSlash(name)))
	return err == nil && info.Mode().IsRegular()
}
