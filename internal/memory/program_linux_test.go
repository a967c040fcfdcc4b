package memory

import (
	"os"
	"strings"
	"testing"
)

func TestOnlyPartsOfTheProgramThatCannotBeWrittenAreReleased(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"00400000-026cc000 r-xp 00000000 fe:00 12705822                           /usr/bin/toban":          true,
		"026cc000-04bfa000 r--p 022cc000 fe:00 12705822                           /usr/bin/toban":          true,
		"04bfa000-04d67000 rw-p 047fa000 fe:00 12705822                           /usr/bin/toban":          false,
		"00400000-026cc000 r-xp 00000000 fe:00 12705822                           /usr/bin/toban-exporter": false,
		"7f4c7d588000-7f4c7d590000 rw-s 00008000 fe:00 12697683                   /var/lib/toban/db-shm":   false,
		"7ffd1d5c0000-7ffd1d5e1000 rw-p 00000000 00:00 0                          [stack]":                 false,
		"7f4c7d590000-7f4c7d5a0000 rw-p 00000000 00:00 0 ":                                                 false,
		"nonsense": false,
		"00400000-026cc000 r-xp 00000000 fe:00 12705822                           /usr/bin/toban (deleted)": true,
	} {
		if _, _, got := ofProgram(line, "/usr/bin/toban"); got != want {
			t.Errorf("%q: got %v, want %v", line, got, want)
		}
	}
}

func TestTheProgramRunsOnWithoutItsPages(t *testing.T) {
	t.Parallel()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for line := range strings.Lines(string(maps)) {
		if _, _, ok := ofProgram(line, name); ok {
			parts++
		}
	}
	if parts < 2 {
		t.Fatalf("got %d parts of the program, want its code and its constants", parts)
	}
	releaseProgram()
	if got := strings.Repeat("on", 2); got != "onon" {
		t.Errorf("got %q", got)
	}
}
