package metrics

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// limitData bounds what this process may map for writing. Blocks and the head's
// chunks are mapped for reading and do not count. What the Go runtime has mapped
// at its start without touching it, some 65 MB of tables, is not held against
// the limit.
func limitData(limit uint64) error {
	mapped, touched, err := dataOf("/proc/self/status")
	if err != nil {
		return err
	}
	limit += mapped - min(touched, mapped)
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit})
}

// dataOf reads how much a process has mapped for writing, and how much of what
// is its own is in memory, in bytes.
func dataOf(status string) (mapped, touched uint64, err error) {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0, 0, err
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		var kib uint64
		if n, _ := fmt.Sscanf(s.Text(), "VmData: %d kB", &kib); n == 1 {
			mapped = kib << 10
		}
		if n, _ := fmt.Sscanf(s.Text(), "RssAnon: %d kB", &kib); n == 1 {
			touched = kib << 10
		}
	}
	return mapped, touched, nil
}
