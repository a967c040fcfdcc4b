package memory

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestOnlyPartsOfTheProgramThatAreAsInItsFileAreReleased(t *testing.T) {
	t.Parallel()
	got := partsOf([]byte(`00400000-026cc000 r-xp 00000000 fe:00 12705822                           /usr/bin/toban
Size:              35632 kB
Anonymous:         0 kB
026cc000-04bfa000 r--p 022cc000 fe:00 12705822                           /usr/bin/toban
Anonymous:         0 kB
05000000-05001000 r--p 022cc000 fe:00 12705822                           /usr/bin/toban
Anonymous:         8 kB
04bfa000-04d67000 rw-p 047fa000 fe:00 12705822                           /usr/bin/toban
Anonymous:         0 kB
00400000-026cc000 r-xp 00000000 fe:00 12705822                           /usr/bin/toban-exporter
Anonymous:         0 kB
7f4c7d588000-7f4c7d590000 rw-s 00008000 fe:00 12697683                   /var/lib/toban/db-shm
Anonymous:         0 kB
7f4c7d590000-7f4c7d5a0000 r--p 00000000 00:00 0 
Anonymous:         0 kB
7ffd1d5c0000-7ffd1d5e1000 rw-p 00000000 00:00 0                          [stack]
Anonymous:         0 kB
nonsense
`), "/usr/bin/toban")
	if want := []part{{0x400000, 0x26cc000}, {0x26cc000, 0x4bfa000}}; !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// released is set where this test is the program that releases itself.
const released = "TOBAN_TEST_RELEASE"

func TestTheProgramRunsOnWithoutItsPagesHoweverItWasBuilt(t *testing.T) {
	if os.Getenv(released) != "" {
		maps, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			t.Fatal(err)
		}
		name, err := os.Readlink("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		if len(partsOf(maps, name)) == 0 {
			t.Fatal("no part of the program was found")
		}
		releaseProgram()
		return
	}
	t.Parallel()
	for _, mode := range []string{"exe", "pie"} {
		binary := filepath.Join(t.TempDir(), mode)
		if said, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-buildmode="+mode, "-o", binary, ".").CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", mode, err, said)
		}
		run := exec.CommandContext(t.Context(), binary, "-test.run", "^TestTheProgramRunsOn", "-test.v")
		run.Env = append(os.Environ(), released+"=1")
		said, err := run.CombinedOutput()
		if err != nil || !bytes.Contains(said, []byte("--- PASS")) {
			t.Errorf("%s: %v %.2000s", mode, err, said)
		}
	}
}
