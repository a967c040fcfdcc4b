//go:build !race

package metrics

// underRace is whether the race detector watches.
const underRace = false
