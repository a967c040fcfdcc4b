package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// build makes the program once for a test binary. It has to be a variable of
// the package: tests know nothing of each other, and linking takes seconds.
var build = sync.OnceValues(func() (string, error) {
	if made := os.Getenv("TOBAN_BINARY"); made != "" {
		return filepath.Abs(made)
	}
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	dir := strings.TrimSpace(string(root))
	out := filepath.Join(dir, "bin", "toban-e2e")
	lock, err := lockFile(filepath.Join(dir, "bin"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", out, "./cmd/toban")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build toban: %w\n%s", err, text)
	}
	return out, nil
})

// lockFile keeps two test programs from building at once.
func lockFile(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	return f, syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
}

// Binary returns the program, TOBAN_BINARY or one built from this tree.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
