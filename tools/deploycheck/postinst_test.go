package deploycheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dpkg leaves a conffile away that an administrator has deleted. An upgrade that
// failed for that would leave the package half configured.
func TestAnUpgradeTakesADeletedFileForDeleted(t *testing.T) {
	t.Parallel()
	for name, there := range map[string][]string{"all of it": {"env", "shop.yaml"}, "without env": {"shop.yaml"}, "nothing left": nil} {
		dir := t.TempDir()
		etc, bin := filepath.Join(dir, "etc/toban"), filepath.Join(dir, "bin")
		for _, folder := range []string{bin, filepath.Dir(etc)} {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range there {
			if err := os.MkdirAll(etc, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(etc, file), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		// chown without its right to: it looks whether everything is there.
		for program, does := range map[string]string{"getent": "exit 0", "systemctl": "exit 0", "chown": `shift; for f; do [ -e "$f" ] || exit 1; done`} {
			if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+does+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		script := filepath.Join(dir, "postinst")
		text := strings.ReplaceAll(read(t, "deploy/deb/postinst"), "/etc/toban", etc)
		if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", script, "configure", "1.0")
		cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if info, err := os.Stat(filepath.Join(etc, "env")); err == nil && info.Mode().Perm() != 0o640 {
			t.Errorf("%s: got env with the mode %o, want 640", name, info.Mode().Perm())
		}
	}
}
