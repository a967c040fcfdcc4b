package cli

import "runtime/debug"

// heapGrowth is by how many percent the heap may grow before it is collected.
// What lives in toban is small, some 10 MB, so that Go's own 100 % means a
// collection every few milliseconds under load; this costs at most 50 MB and
// gives 6–13 % more signals a second (docs/performance.md).
const heapGrowth = 400

// roomyHeap collects less often, unless the environment has its own idea (GOGC).
// It is the process's setting, so only commands that serve call it.
func roomyHeap(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
