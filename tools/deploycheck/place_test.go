package deploycheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, seen from here.
const root = "../.."

// program is the built toban.
func program(t *testing.T) string {
	t.Helper()
	path := os.Getenv("TOBAN_BINARY")
	if path == "" {
		path = filepath.Join(root, "bin/toban")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: build toban first (make image-check does)", err)
	}
	return path
}

// tool is a program of Prometheus' packages, as tools/servers.sh fetches them, or
// of the machine.
func tool(t *testing.T, name string) string {
	t.Helper()
	caches := []string{os.Getenv("TOBAN_SERVERS"), "/var/cache/toban-servers"}
	if own, err := os.UserCacheDir(); err == nil {
		caches = append(caches, filepath.Join(own, "toban-servers"))
	}
	for _, cache := range caches {
		path := filepath.Join(cache, "root/usr/bin", name)
		if info, err := os.Stat(path); cache != "" && err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: tools/servers.sh fetches Prometheus' tools; the others are Debian's own", err)
	}
	return path
}

// run returns what a program says, and fails the test when it fails.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

// tobanTakes holds a configuration folder to `toban check`, warnings included.
func tobanTakes(t *testing.T, folder string) {
	t.Helper()
	if said := run(t, program(t), "check", "--config", folder); strings.Count(strings.TrimSpace(said), "\n") > 0 {
		t.Errorf("toban check warns of %s:\n%s", folder, said)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
