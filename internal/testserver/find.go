package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// find returns the path of a server program: unpacked by tools/servers.sh, on
// PATH, or where Debian keeps PostgreSQL's.
func find(program string) (string, error) {
	root := filepath.Join(cacheFolder(), "root")
	for _, folder := range []string{"usr/bin", "usr/sbin"} {
		if path := newest(filepath.Join(root, folder, program)); path != "" {
			return path, nil
		}
	}
	if path := newest(filepath.Join(root, "usr/lib/postgresql/*/bin", program)); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath(program); err == nil {
		return filepath.Abs(path)
	}
	for _, folder := range []string{"/usr/sbin", "/usr/lib/postgresql/*/bin"} {
		if path := newest(filepath.Join(folder, program)); path != "" {
			return path, nil
		}
	}
	return "", fmt.Errorf("the program %q is not on this machine: run `make test` or tools/servers.sh, which fetch it "+
		"(Debian package %s), or put it on PATH", program, debianPackage(program))
}

func debianPackage(program string) string {
	switch program {
	case "postgres", "initdb":
		return "postgresql"
	}
	return program
}

// cacheFolder is where tools/servers.sh unpacks, decided as it decides.
func cacheFolder() string {
	if dir := os.Getenv("TOBAN_SERVERS"); dir != "" {
		return dir
	}
	if os.Getuid() == 0 {
		return "/var/cache/toban-servers" // PostgreSQL runs as somebody who may not enter root's home
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "toban-servers")
	}
	return filepath.Join(cache, "toban-servers")
}

// newest is the executable that matches pattern, of several the one in the
// folder of the highest version; "" when there is none.
func newest(pattern string) string {
	paths, _ := filepath.Glob(pattern) // the only error is a bad pattern
	slices.SortFunc(paths, func(a, b string) int { return version(a) - version(b) })
	for _, path := range slices.Backward(paths) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// version is N in …/postgresql/N/bin/postgres, otherwise 0.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// environment is what a server sees: not the test's own environment, so that no
// PG… variable or secret of the developer reaches it. An unpacked program finds
// its libraries beside itself.
func environment(program string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=GMT"} // GMT needs no zone files
	root := filepath.Join(cacheFolder(), "root")
	if !strings.HasPrefix(program, root+"/") {
		return env
	}
	var libraries []string
	for _, pattern := range []string{"lib/*-linux-gnu", "usr/lib/*-linux-gnu"} {
		found, _ := filepath.Glob(filepath.Join(root, pattern))
		libraries = append(libraries, found...)
	}
	if len(libraries) > 0 {
		env = append(env, "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
	}
	return env
}
