//go:build race

package metrics

// underRace is whether the race detector watches; it makes everything some
// fifteen times slower.
const underRace = true
