//go:build unix

package metrics

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAPipeIsNoConfigurationAndIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, main := filepath.Join(dir, "pipe.yml"), filepath.Join(dir, "prometheus.yml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(main, []byte("scrape_config_files: [ pipe.yml ]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, found := range map[string][]Problem{
		"the configuration":     Check(pipe, nil),
		"rules":                 Check("", []string{pipe}),
		"scrape configurations": Check(main, nil),
	} {
		if len(found) != 1 || found[0].File != pipe || !strings.Contains(found[0].Message, "no regular file") {
			t.Errorf("%s: got %v, want that it is no regular file", name, found)
		}
	}
}
