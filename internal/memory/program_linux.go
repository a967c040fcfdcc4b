package memory

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// releaseProgram takes the program's own pages out of this process: code, tables
// and constants, which are mapped from its file and can't be written. What is
// needed comes back with a fault of a microsecond, as it came the first time: the
// pages stay where the system keeps files. Nothing depends on it, so what can't be
// read or is refused is left as it is.
func releaseProgram() {
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, p := range partsOf(maps, name) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, p.from, p.to-p.from, syscall.MADV_DONTNEED) // an advice
	}
}

// part is where a part of the program is mapped.
type part struct{ from, to uintptr }

// partsOf reads /proc/self/smaps: the parts of a file that are mapped for reading
// alone and are as they are in it. Those of a program that can be loaded anywhere
// have addresses written into them at the start; they would be lost.
func partsOf(maps []byte, name string) (all []part) {
	var p part
	of := false // p is a candidate
	for s := bufio.NewScanner(bytes.NewReader(maps)); s.Scan(); {
		var from, to uintptr
		var mode, offset, device, path string
		var inode uint64
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x %s %s %s %d %s", &from, &to, &mode, &offset, &device, &inode, &path); n >= 6 {
			p, of = part{from, to}, path == name && to > from && (mode == "r--p" || mode == "r-xp")
			continue
		}
		if copied, is := strings.CutPrefix(s.Text(), "Anonymous:"); is && of && strings.TrimSpace(copied) == "0 kB" {
			all, of = append(all, p), false
		}
	}
	return all
}
