package memory

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
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
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for s := bufio.NewScanner(bytes.NewReader(maps)); s.Scan(); {
		from, to, ok := ofProgram(s.Text(), name)
		if ok {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED) // an advice
		}
	}
}

// ofProgram reads a line of /proc/self/maps; ok says that it is a part of a file
// that is mapped for reading alone.
func ofProgram(line, name string) (from, to uintptr, ok bool) {
	var mode, offset, device, path string
	var inode uint64
	if n, _ := fmt.Sscanf(line, "%x-%x %s %s %s %d %s", &from, &to, &mode, &offset, &device, &inode, &path); n != 7 {
		return 0, 0, false
	}
	private := len(mode) == 4 && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p'
	return from, to, private && path == name && to > from
}
