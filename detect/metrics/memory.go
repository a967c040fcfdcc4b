package metrics

import (
	"fmt"
	"runtime/debug"
)

// softPercent of the memory is where the garbage collector starts to work
// harder. The rest is for what it can't see and for the moment it needs.
const softPercent = 85

// limitMemory keeps this process within so many bytes: softly by the garbage
// collector, and where the system can do it, hard. Beyond the hard limit the Go
// runtime ends the process, which is what it is a process of its own for.
// 0 limits nothing.
func limitMemory(bytes int64) error {
	if bytes == 0 {
		return nil
	}
	debug.SetMemoryLimit(bytes / 100 * softPercent)
	if err := limitData(uint64(bytes)); err != nil {
		return fmt.Errorf("--memory: %w", err)
	}
	return nil
}
