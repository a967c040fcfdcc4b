package deploycheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pack makes a package of the program there is and returns its file.
func pack(t *testing.T, program string, environment ...string) string {
	t.Helper()
	cmd := exec.Command("tools/deb.sh", "amd64", program)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), append([]string{"DIST=" + t.TempDir(), "SOURCE_DATE_EPOCH=1767225600"}, environment...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tools/deb.sh: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestTheSameSourceIsTheSamePackage(t *testing.T) {
	t.Parallel()
	var bodies []string
	for range 2 {
		body, err := os.ReadFile(pack(t, "/bin/true", "VERSION=v1.2.3"))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(body))
	}
	if bodies[0] != bodies[1] {
		t.Error("two packages of the same files differ")
	}
}

func TestThePackageHasAVersionThatDebianSorts(t *testing.T) {
	t.Parallel()
	before := ""
	for _, tc := range []struct{ git, want string }{ // from old to new
		{"8f165aa-dirty", "0~20260101.8f165aa+dirty"},
		{"v1.2.3", "1.2.3"},
		{"v1.2.3-4-g8f165aa", "1.2.3+4.g8f165aa"},
		{"v1.2.4", "1.2.4"},
	} {
		file := pack(t, "/bin/true", "VERSION="+tc.git)
		got := strings.TrimSpace(run(t, "dpkg-deb", "-f", file, "Version"))
		if got != tc.want || !strings.Contains(filepath.Base(file), tc.want) {
			t.Errorf("%s: got %s in %s, want %s", tc.git, got, filepath.Base(file), tc.want)
		}
		if before != "" {
			run(t, "dpkg", "--compare-versions", before, "lt", got)
		}
		before = got
	}
}

func TestThePackageIsWhole(t *testing.T) {
	t.Parallel()
	file := pack(t, program(t), "VERSION=v1.2.3")
	dir := t.TempDir()
	run(t, "dpkg-deb", "-R", file, dir)
	for _, line := range strings.Fields(read(t, "deploy/deb/conffiles")) {
		if _, err := os.Stat(filepath.Join(dir, line)); err != nil {
			t.Errorf("a conffile is missing: %v", err)
		}
	}
	for name, mode := range map[string]os.FileMode{
		"usr/bin/toban": 0o755, "etc/toban/env": 0o640, "usr/lib/systemd/system/toban.service": 0o644, "usr/lib/systemd/system/toban-exporter.service": 0o644,
		"usr/lib/systemd/system/toban-agent.service": 0o644, "etc/toban-agent/key": 0o600,
		"DEBIAN/postinst": 0o755, "DEBIAN/prerm": 0o755, "DEBIAN/postrm": 0o755,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s: got the mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		run(t, "sh", "-n", filepath.Join(dir, "DEBIAN", script))
	}
	sums := exec.Command("md5sum", "--check", "--quiet", "DEBIAN/md5sums")
	sums.Dir = dir
	if out, err := sums.CombinedOutput(); err != nil {
		t.Errorf("md5sums: %v\n%s", err, out)
	}
	for _, line := range strings.Split(run(t, "dpkg-deb", "-c", file), "\n") {
		if line != "" && !strings.Contains(line, " root/root ") {
			t.Errorf("not root's: %s", line)
		}
	}
	run(t, filepath.Join(dir, "usr/bin/toban"), "exporter", "--help")
}

// systemd reads the units as it would at a start, and says how far they are
// fenced in: below 2.0 of 10 it calls that OK.
func TestSystemdTakesTheUnits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, "dpkg-deb", "-x", pack(t, "/bin/true", "VERSION=v1.2.3"), dir)
	for _, unit := range []string{"toban", "toban-exporter", "toban-agent"} {
		path := filepath.Join(dir, "usr/lib/systemd/system", unit+".service")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// The program is where the package was unpacked to.
		text = []byte(strings.ReplaceAll(string(text), "/usr/bin/toban", filepath.Join(dir, "usr/bin/toban")))
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("systemd-analyze", "verify", "--man=no", path).CombinedOutput()
		for _, line := range strings.Split(string(out), "\n") { // other units of this machine are not ours
			if strings.Contains(line, unit+".service") && !strings.Contains(line, "world-writable") {
				t.Errorf("%s (%v)", line, err)
			}
		}
		run(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", path)
	}
}
